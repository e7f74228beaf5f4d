"""What node.toml says of contacts: `[contact]`, the card that the other side gets once both want a joint approach."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from sluis_protocol.content import ContactCard
from sluis_protocol.covenant import Name
from sluis_runtime.config import Section


class ContactSettings(Section):
    """`[contact]`: a role with a shared mailbox and number, and no person."""

    role: Name
    mailbox: Annotated[str, Field(max_length=200, pattern=r"^[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+$")]
    telephone: Annotated[str, Field(pattern=r"^\+?[0-9][0-9 ()-]{4,28}[0-9]$")]

    def card(self) -> ContactCard:
        """The card."""
        return ContactCard(role=self.role, mailbox=self.mailbox, telephone=self.telephone)
