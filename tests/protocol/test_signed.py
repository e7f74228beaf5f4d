"""Signed messages: what was signed opens, and nothing else does."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sluis_protocol.errors import (
    BadSignature,
    MalformedMessage,
    NotAMember,
    Replayed,
    SluisError,
    WrongClock,
    WrongCovenant,
    WrongSender,
)
from sluis_protocol.signed import Envelope, Kind, SignedMessage, open_signed, sign, signing_key

from tests.world import COORDINATOR, holder_oin, make_world, member_oin

WORLD = make_world()
OTHER = make_world()
NOW = datetime(2026, 5, 1, 12, 0, 0, 123_000, tzinfo=UTC)
ROUND = "r20260501t120000z-0123456789abcdef"
HEADERS = st.builds(
    Envelope,
    kind=st.sampled_from(Kind),
    sender=st.from_regex(r"[0-9]{20}", fullmatch=True),
    covenant_hash=st.binary(min_size=32, max_size=32),
    round_id=st.from_regex(r"[a-z0-9-]{1,64}", fullmatch=True),
    sent_at=st.datetimes(datetime(1970, 1, 2), datetime(2999, 1, 1)).map(
        lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC)
    ),
    payload=st.binary(max_size=200),
)


def manifest(sender: str = member_oin(1), **changes: object) -> SignedMessage:
    fields: dict[str, object] = {
        "kind": Kind.MANIFEST,
        "sender": sender,
        "covenant_hash": WORLD.covenant.hash,
        "round_id": ROUND,
        "sent_at": NOW,
        "payload": b"payload",
    }
    return sign(Envelope(**(fields | changes)), WORLD.signing[sender])  # type: ignore[arg-type] # by keyword


def open_it(message: SignedMessage, *, now: datetime | None = NOW, caller: str | None = None) -> Envelope:
    return open_signed(message, WORLD.covenant, Kind.MANIFEST, round_id=ROUND, now=now, caller=caller)


@given(HEADERS)
def test_an_envelope_comes_back_as_it_was(envelope: Envelope) -> None:
    assert Envelope.parse(envelope.serialise()) == envelope


@pytest.mark.parametrize(
    "changes",
    [{"sender": "0" * 19}, {"sender": "x" * 20}, {"round_id": "\x1b[2J"}, {"round_id": "r" * 65}, {"round_id": ""}],
)
def test_a_header_names_nothing_but_an_oin_and_an_id(changes: dict[str, str]) -> None:
    """It is quoted in errors and logs before anything is verified."""
    envelope = replace(manifest().envelope, **changes)  # type: ignore[arg-type] # by keyword
    with pytest.raises(MalformedMessage, match="unreadable header"):
        Envelope.parse(envelope.serialise())


@given(st.binary(max_size=120))
def test_any_bytes_are_an_envelope_or_malformed(body: bytes) -> None:
    with suppress(MalformedMessage):
        assert Envelope.parse(body).serialise() == body


def test_what_was_signed_opens() -> None:
    envelope = open_it(manifest(), caller=member_oin(1))
    assert (envelope.sender, envelope.payload, envelope.sent_at) == (member_oin(1), b"payload", NOW)


def test_every_altered_byte_is_refused() -> None:
    message = manifest()
    for at in range(len(message.body)):
        altered = bytearray(message.body)
        altered[at] ^= 1
        with pytest.raises(SluisError):
            open_it(SignedMessage(bytes(altered), message.signature))
    for at in range(len(message.signature)):
        altered = bytearray(message.signature)
        altered[at] ^= 1
        with pytest.raises(BadSignature):
            open_it(SignedMessage(message.body, bytes(altered)))


def test_every_truncation_is_refused() -> None:
    message = manifest()
    for size in range(len(message.body)):
        with pytest.raises(SluisError):
            open_it(SignedMessage(message.body[:size], message.signature))


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (manifest(kind=Kind.CONFIRMATION), MalformedMessage),
        (manifest(covenant_hash=OTHER.covenant.hash), WrongCovenant),
        (manifest(round_id="r20260502t120000z-0123456789abcdef"), Replayed),
        (manifest(round_id="another"), Replayed),
        (manifest(sender=holder_oin(1)), NotAMember),
        (manifest(sender=COORDINATOR), NotAMember),
        (manifest(sent_at=NOW - timedelta(seconds=301)), WrongClock),
        (manifest(sent_at=NOW + timedelta(seconds=301)), WrongClock),
    ],
)
def test_what_is_not_meant_for_us_is_refused(message: SignedMessage, error: type[SluisError]) -> None:
    with pytest.raises(error):
        open_it(message)


def test_who_calls_must_be_who_signed() -> None:
    with pytest.raises(WrongSender):
        open_it(manifest(), caller=member_oin(2))


def test_one_member_cannot_sign_for_another() -> None:
    envelope = manifest().envelope
    with pytest.raises(BadSignature):
        open_it(sign(envelope, WORLD.signing[member_oin(2)]))


def test_mail_that_waited_has_no_clock_to_check() -> None:
    assert open_it(manifest(sent_at=NOW - timedelta(days=9)), now=None).payload == b"payload"


def test_a_signature_is_bound_to_its_domain() -> None:
    message = manifest()
    bare = WORLD.signing[member_oin(1)].sign(message.body)
    with pytest.raises(BadSignature):
        open_it(SignedMessage(message.body, bare))


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_has_one_role_that_may_send_it(kind: Kind) -> None:
    senders = [oin for oin in (member_oin(1), holder_oin(1), COORDINATOR) if _may_send(oin, kind)]
    assert len(senders) == 1


def _may_send(oin: str, kind: Kind) -> bool:
    try:
        signing_key(WORLD.covenant, oin, kind)
    except NotAMember:
        return False
    return True


def test_the_repr_shows_no_content() -> None:
    message = manifest(payload=b"the secret payload")
    assert "secret" not in repr(message) + repr(message.envelope)
