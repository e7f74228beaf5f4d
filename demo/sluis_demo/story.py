"""What was played after the round, told in few plain sentences."""

from __future__ import annotations

from collections.abc import Iterator

from sluis_protocol.rules import Grade

from .play import Played, Plays


def tell(plays: Plays) -> Iterator[str]:
    """Paragraphs, each of a few sentences."""
    if plays.approach:
        yield _approach(plays.approach)
    if plays.refusal:
        yield _refusal(plays.refusal)


def _approach(played: Played) -> str:
    one = played.meeting
    a, b = one.a.title, one.b.title
    return (
        f"{a} and {b} both help one family: {a} calls it {one.family_a}, {b} {one.family_b}. At each, two people said "
        f"yes to a joint approach, and neither side heard of the other's yes before its own was in. Then contact cards "
        f"crossed, sealed; both recorded that the family was told; {a} proposed an approach under its lead, with a "
        f"school and a general practitioner, each on a legal basis; both signed. It is active until {played.until}. "
        f"The coordinator saw steps and times, and no content. {b} checked the contract offline, in "
        f"{len(played.verified)} steps: {'; '.join(played.verified)}."
    )


def _refusal(played: Played) -> str:
    one = played.meeting
    a, b = one.a.title, one.b.title
    identity = "verified that it is the same family and " if one.grade is Grade.NAME else ""
    return (
        f"They share another family, too: {one.family_a} and {one.family_b}. At {b} two people said no, with a reason "
        f"that stays in {b}'s own node; nothing at all was sent. At {a} two people {identity}said yes, and all that "
        f'{a} sees is "{played.phases[one.a.caseload.code]}": the other side is silent so far. Nothing tells it a '
        f"refusal from a colleague on holiday. At the deadline, {played.until}, both read the same: no joint approach."
    )
