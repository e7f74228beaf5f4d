"""What a node can say of itself and of its covenant, for people. Nothing secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sluis_protocol.covenant import Covenant


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
    purposes: tuple[tuple[str, str], ...]
    members: tuple[tuple[str, str], ...]


def about(oin: str, coordinator: str, covenant: Covenant | None) -> About:
    """What there is to say."""
    if covenant is None:
        return About(oin, "", "", coordinator, "", 0, "", None, (), ())
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
        purposes=tuple((purpose.id, purpose.title) for purpose in terms.purposes),
        members=tuple((member.oin, member.name) for member in terms.members),
    )
