"""What a node can say of itself and of its covenant, for people. Nothing secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sluis_protocol.covenant import Covenant, Purpose
from sluis_protocol.errors import NotFound


@dataclass(frozen=True, slots=True)
class About:
    """A node and the covenant in its folder; "" and None where there is no covenant to trust yet."""

    oin: str
    name: str
    municipality: str
    coordinator: str
    covenant: str
    version: int
    mode: str
    valid_until: date | None
    purposes: tuple[Purpose, ...]
    members: tuple[tuple[str, str], ...]
    """OIN and name."""
    longest_days: int
    """How long a joint approach may last."""

    def name_of(self, oin: str) -> str:
        """What a member is called; its OIN where the covenant doesn't say."""
        return dict(self.members).get(oin, oin)

    def purpose(self, purpose_id: str) -> Purpose:
        """A purpose of the covenant, whatever its dates; NotFound if there is none of that id."""
        for purpose in self.purposes:
            if purpose.id == purpose_id:
                return purpose
        raise NotFound("the covenant has no such purpose any more", do="ask the partners who keep the covenant")


def about(oin: str, coordinator: str, covenant: Covenant | None) -> About:
    """What there is to say."""
    if covenant is None:
        return About(oin, "", "", coordinator, "", 0, "", None, (), (), 0)
    terms = covenant.terms
    own = next((member for member in terms.members if member.oin == oin), None)
    return About(
        oin=oin,
        name=own.name if own else "",
        municipality=own.municipality if own else "",
        coordinator=coordinator,
        covenant=terms.id,
        version=terms.version,
        mode=terms.mode,
        valid_until=terms.valid_until,
        purposes=terms.purposes,
        members=tuple((member.oin, member.name) for member in terms.members),
        longest_days=terms.handshake.longest_days,
    )
