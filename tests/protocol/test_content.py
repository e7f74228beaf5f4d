"""What crosses sealed: only the counterpart reads it, in its own place, and its length says little."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError
from sluis_protocol.approach import Criteria, Partner
from sluis_protocol.content import (
    BUCKETS,
    FITTING,
    LETTER,
    Acceptance,
    Closing,
    ContactCard,
    Content,
    Draft,
    Outcome,
    Right,
    RightsNotice,
    Signed,
    Withdrawal,
    WithdrawalReason,
    open_content,
    seal_content,
)
from sluis_protocol.errors import BadSeal, MalformedMessage, NotAMember
from sluis_protocol.handshake import Act
from sluis_protocol.sealed import seal
from sluis_protocol.wire.handshakes import MOST_SEALED

from ..world import World, make_world, text
from .talks import A, B, C, an_approach

ID = bytes(range(16))


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


def contents(world: World) -> list[tuple[str, Content]]:
    draft = Draft(approach=an_approach(world.covenant))
    return [
        (Act.ACCEPT, Acceptance(identity_verified=True)),
        (Act.PROPOSE, draft),
        (Act.AMEND, draft),
        (Act.SIGN, Signed(signature=text(bytes(64)))),
        (Act.CLOSE, Closing(outcome=Outcome.GOALS_REACHED)),
        (Act.WITHDRAW, Withdrawal(reason=WithdrawalReason.NO_GROUND)),
        (LETTER, ContactCard(role="Procesregie", mailbox="regie@gemeente.example", telephone="+31 20 000 0000")),
        (LETTER, RightsNotice(right=Right.ERASURE)),
    ]


def sealed(world: World, content: Content, use: str, sender: str = A, recipient: str = B) -> bytes:
    return seal_content(content, world.covenant, handshake_id=ID, sender=sender, recipient=recipient, use=use)


def opened(world: World, mail: bytes, use: str, **changed: Any) -> Content:
    values = {"key": world.sealing[B], "handshake_id": ID, "sender": A, "recipient": B, "use": use, **changed}
    return open_content(mail, **values)


def test_everything_comes_back_as_it_was(world: World) -> None:
    assert {use for use, _ in contents(world)} == set(FITTING)
    for use, content in contents(world):
        assert opened(world, sealed(world, content, use), use) == content


def test_only_the_counterpart_in_this_handshake_for_this_act(world: World) -> None:
    mail = sealed(world, Acceptance(identity_verified=True), Act.ACCEPT)
    wrong: list[dict[str, Any]] = [
        {"key": world.sealing[A]},
        {"key": world.sealing[C]},
        {"handshake_id": bytes(16)},
        {"sender": C},
        {"recipient": A},
        {"use": Act.WITHDRAW},
    ]
    for changed in wrong:
        with pytest.raises(BadSeal):
            opened(world, mail, **{"use": Act.ACCEPT, **changed})
    for at in (0, len(mail) // 2, len(mail) - 1):
        altered = bytearray(mail)
        altered[at] ^= 1
        with pytest.raises(BadSeal):
            opened(world, bytes(altered), Act.ACCEPT)
    with pytest.raises(NotAMember):
        sealed(world, Acceptance(identity_verified=True), Act.ACCEPT, recipient="00000099000000009999")


def test_what_does_not_travel_with_what(world: World) -> None:
    by_use = contents(world)
    for use in FITTING:
        for _, content in by_use:
            if isinstance(content, FITTING[use]):
                continue
            with pytest.raises(MalformedMessage, match="doesn't travel"):
                sealed(world, content, use)
            context = ("handshake", ID, A, B, use)
            raw = content.model_dump_json().encode()
            padded = len(raw).to_bytes(4, "big") + raw
            dishonest = seal(padded + bytes(4_096 - len(padded)), world.sealing[B].public(), *context)
            with pytest.raises(MalformedMessage, match="doesn't travel"):
                opened(world, dishonest, use)


def test_lengths_say_little(world: World) -> None:
    """The coordinator sees sizes: one for all that is short, whatever it says."""
    lengths = {use: len(sealed(world, content, use)) for use, content in contents(world)}
    assert len({lengths[use] for use in (Act.ACCEPT, Act.SIGN, Act.CLOSE, Act.WITHDRAW, LETTER)}) == 1
    yes, no = (sealed(world, Acceptance(identity_verified=each), Act.ACCEPT) for each in (True, False))
    assert len(yes) == len(no)


def test_a_large_draft_fits_and_a_larger_one_is_refused(world: World) -> None:
    partner = Partner.model_validate_json(
        json.dumps({"role": "school", "basis": "x" * 200, "since": "2026-06-01", "organisation": "y" * 200})
    )
    criteria = Criteria(several_areas=True, crime_or_nuisance=True, several_chains=True, why="z" * 1000)
    large = an_approach(world.covenant, partners=(partner,) * 40, criteria=criteria)
    mail = sealed(world, Draft(approach=large), Act.PROPOSE)
    assert len(mail) <= MOST_SEALED
    assert opened(world, mail, Act.PROPOSE) == Draft(approach=large)
    wide = partner.model_copy(update={"organisation": "€" * 200, "basis": "€" * 200})
    with pytest.raises(MalformedMessage, match="at most"):
        sealed(world, Draft(approach=an_approach(world.covenant, partners=(wide,) * 40)), Act.PROPOSE)


def test_content_that_is_not_well_formed(world: World) -> None:
    right = Acceptance(identity_verified=True).model_dump_json().encode()
    for raw in (
        b"",
        right[:-1],
        right + b" {}",
        right.replace(b"true", b'"true"'),
        right.replace(b"acceptance", b"refusal"),
        right.replace(b"}", b',"name":"x"}'),
    ):
        with pytest.raises(MalformedMessage):
            opened(world, sealed_raw(world, len(raw).to_bytes(4, "big") + raw, BUCKETS[0]), Act.ACCEPT)
    length = len(right).to_bytes(4, "big")
    for padded, size in (
        (length + right, 1_000),
        (length + right + b"\x00\x01", BUCKETS[0]),
        ((2_000).to_bytes(4, "big") + right, BUCKETS[0]),
        (b"", 0),
    ):
        with pytest.raises(MalformedMessage, match="not padded"):
            opened(world, sealed_raw(world, padded, size), Act.ACCEPT)


def sealed_raw(world: World, padded: bytes, size: int) -> bytes:
    return seal(padded + bytes(size - len(padded)), world.sealing[B].public(), "handshake", ID, A, B, Act.ACCEPT)


def test_a_card_names_a_role_and_a_person_only_by_choice() -> None:
    card = ContactCard(role="Procesregie", mailbox="regie@gemeente.example", telephone="020 000 0000")
    assert card.person is None
    for wrong in (
        {"mailbox": "nobody"},
        {"mailbox": "a@b.example\nBcc: x@y.example"},
        {"telephone": "call me"},
        {"telephone": "1"},
        {"role": ""},
        {"role": "x\x1b[2J"},
    ):
        with pytest.raises(ValidationError, match=next(iter(wrong))):
            ContactCard.model_validate({**card.model_dump(), **wrong})
