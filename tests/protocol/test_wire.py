"""The wire: every message comes back as it was, and what is unknown, missing, too large or trailing is refused."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sluis_protocol import errors, periods, wire
from sluis_protocol import messages as plain
from sluis_protocol.encoding import moment
from sluis_protocol.errors import MalformedMessage, SluisError
from sluis_protocol.handshake import Act
from sluis_protocol.rounds import STATES
from sluis_protocol.signed import SignedMessage
from sluis_protocol.wire.codec import _CODECS
from sluis_protocol.wire.methods import METHODS
from sluis_protocol.wire.payloads import MOST_ELEMENTS, MOST_FAMILY, MOST_SLOTS
from sluis_protocol.wire.status import by_code, from_rpc, status_of

from ..log.strategies import MAY_BE_EMPTY
from ..log.strategies import STRATEGIES as LOG_STRATEGIES


def sized(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


def words(least: int, most: int) -> st.SearchStrategy[str]:
    shown = st.characters(codec="utf-8").filter(str.isprintable)
    return st.text(shown, min_size=least, max_size=min(most, 40))


OINS = st.from_regex(r"[0-9]{20}", fullmatch=True)
TIMES = st.integers(1, 253_402_300_799_000).map(moment)
ID64 = st.integers(0, 2**64 - 1)
COUNT = st.integers(0, 2**32 - 1)
PACKED = st.integers(1, 5).flatmap(lambda count: sized(32 * count))
SIGNED = st.builds(SignedMessage, st.binary(min_size=1, max_size=80), sized(64))
REFUSALS = st.builds(plain.Refusal, st.integers(0, 999), words(0, 2000), words(0, 2000))
OUTCOMES = SIGNED | REFUSALS
ROUND = st.builds(plain.RoundStatus, SIGNED, st.sampled_from(sorted(STATES)), COUNT)
PERSON_CLAIMS = st.lists(
    st.builds(plain.PersonClaim, ID64, st.lists(sized(16), min_size=1, max_size=4).map(tuple)),
    min_size=1,
    max_size=4,
    unique_by=lambda claim: claim.person,
).map(tuple)
MANIFESTS = st.tuples(st.integers(1, 2**31), st.integers(1, 2**31)).flatmap(
    lambda pair: st.builds(
        plain.Manifest, words(1, 64), st.integers(1, 255), st.just(min(pair)), st.just(max(pair)), sized(32)
    )
)
SEALED = st.binary(min_size=1, max_size=80)
DRAFTS = st.builds(
    plain.Move,
    sized(16),
    st.sampled_from([Act.PROPOSE, Act.AMEND]),
    sized(32),
    version=st.integers(1, 99),
    digest=sized(32),
    until=TIMES,
    sealed=SEALED,
)
MOVES = (
    st.builds(plain.Move, sized(16), st.sampled_from([Act.ACCEPT, Act.CLOSE, Act.WITHDRAW]), sized(32), sealed=SEALED)
    | st.builds(plain.Move, sized(16), st.just(Act.SIGN), sized(32), digest=sized(32), sealed=SEALED)
    | DRAFTS
)
OPENINGS = st.sets(OINS, min_size=2, max_size=2).flatmap(
    lambda oins: st.builds(plain.Opening, words(1, 64), st.just(tuple(sorted(oins))))
)
OPTIONAL_SIGNED = st.none() | SIGNED
SOME_OINS = st.sets(OINS, min_size=1, max_size=4).map(sorted).map(tuple)
PERIODS = st.builds(
    plain.PeriodStatus, SIGNED, st.sampled_from(sorted(periods.STATES)), OPTIONAL_SIGNED, OPTIONAL_SIGNED, SEALED
)
STRATEGIES: dict[type, st.SearchStrategy[object]] = {
    **LOG_STRATEGIES,
    plain.Announcement: st.lists(TIMES, min_size=3, max_size=3, unique=True).flatmap(
        lambda times: st.builds(plain.Announcement, words(1, 64), sized(32), *map(st.just, sorted(times)))
    ),
    plain.EvaluationRequest: st.builds(
        plain.EvaluationRequest,
        words(1, 64),
        st.sets(st.integers(1, 255), min_size=1, max_size=5).map(lambda found: tuple(sorted(found))),
        PACKED,
    ),
    plain.EvaluationAnswer: st.builds(
        plain.EvaluationAnswer, sized(32), st.integers(1, 255), PACKED, sized(64), sized(64)
    ),
    plain.Manifest: MANIFESTS,
    plain.Publication: st.builds(plain.Publication, sized(16), COUNT, COUNT, words(0, 1000)),
    plain.Claim: st.builds(plain.Claim, sized(16), OINS, ID64, PERSON_CLAIMS),
    plain.Confirmation: st.builds(plain.Confirmation, sized(16), sized(32), sized(32))
    | st.builds(plain.Confirmation, sized(16), st.just(b""), st.just(b"")),
    plain.Unconfirmed: st.builds(plain.Unconfirmed, sized(16)),
    plain.Move: MOVES,
    plain.Letter: st.builds(plain.Letter, sized(16), st.integers(1, 10_000), SEALED),
    plain.Entry: st.builds(plain.Entry, sized(16), st.just(0), st.just(bytes(32)), OPENINGS)
    | st.builds(plain.Entry, sized(16), st.integers(1, 99), sized(32), moves=st.lists(SIGNED, max_size=2).map(tuple)),
    plain.PeriodOpening: st.lists(TIMES, min_size=3, max_size=3, unique=True).flatmap(
        lambda times: st.builds(
            plain.PeriodOpening, words(1, 64), words(1, 16), sized(32), *map(st.just, sorted(times))
        )
    ),
    plain.Enrolment: st.builds(plain.Enrolment, sized(32), sized(32), sized(32)),
    plain.Roster: SOME_OINS.flatmap(
        lambda oins: st.builds(
            plain.Roster, sized(32), st.tuples(*(st.builds(plain.Enrolled, st.just(oin), sized(32)) for oin in oins))
        )
    ),
    plain.Contribution: st.builds(plain.Contribution, sized(32), SEALED, SEALED),
    plain.Contributors: st.builds(plain.Contributors, sized(32), SOME_OINS),
    plain.Unmasking: st.builds(plain.Unmasking, sized(32), SEALED),
    plain.Release: st.builds(plain.Release, SIGNED, st.lists(SIGNED, min_size=1, max_size=3).map(tuple), SEALED),
    plain.PeriodQuery: st.builds(plain.PeriodQuery, words(1, 64)),
    plain.PeriodStatus: PERIODS,
    plain.PeriodList: st.builds(plain.PeriodList, st.lists(PERIODS, max_size=3).map(tuple)),
    plain.EnrolRequest: st.builds(plain.EnrolRequest, SIGNED, SEALED),
    plain.Empty: st.just(plain.Empty()),
    SignedMessage: SIGNED,
    plain.CovenantNote: st.builds(plain.CovenantNote, words(1, 1000)),
    plain.RoundQuery: st.builds(plain.RoundQuery, words(1, 64)),
    plain.RoundList: st.builds(plain.RoundList, st.lists(ROUND, max_size=3).map(tuple)),
    plain.HolderAnswer: st.builds(plain.HolderAnswer, st.integers(0, 255), OUTCOMES),
    plain.HolderTask: st.builds(plain.HolderTask, st.integers(1, 2**63 - 1), SIGNED, st.sampled_from(("", "x" * 55))),
    plain.HolderResult: st.builds(plain.HolderResult, ID64, OUTCOMES),
    plain.SubmissionPart: st.builds(plain.SubmissionPart, SIGNED | st.binary(min_size=1, max_size=99)),
    plain.ReceiveRequest: st.builds(plain.ReceiveRequest, words(0, 64), st.booleans()),
    plain.Delivery: st.builds(plain.Delivery, st.integers(1, 2**63 - 1), words(1, 64), SIGNED),
    plain.Acknowledgement: st.builds(
        plain.Acknowledgement, st.lists(st.integers(1, 2**63 - 1), min_size=1, max_size=5).map(tuple)
    ),
}
KINDS = pytest.mark.parametrize("kind", STRATEGIES, ids=lambda kind: kind.__name__)
FEW = settings(max_examples=25, deadline=None)
NOT_EMPTY = pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in STRATEGIES
        if kind not in (plain.Empty, plain.RoundList, plain.PeriodList, plain.ReceiveRequest, plain.Publication)
        and kind not in MAY_BE_EMPTY
    ],
    ids=lambda kind: kind.__name__,
)


def test_every_message_has_a_strategy_here_and_every_call_a_codec() -> None:
    assert set(STRATEGIES) == set(_CODECS)
    assert {kind for method in METHODS for kind in (method.request, method.response)} <= set(_CODECS)
    assert len({method.path for method in METHODS}) == len(METHODS)


@KINDS
@FEW
@given(data=st.data())
def test_every_message_comes_back_as_it_was(kind: type, data: st.DataObject) -> None:
    value = data.draw(STRATEGIES[kind])
    assert wire.decode(kind, wire.encode(value)) == value


@KINDS
@FEW
@given(data=st.data(), field=st.integers(100, 2**20))
def test_unknown_fields_and_trailing_bytes_are_refused(kind: type, data: st.DataObject, field: int) -> None:
    raw = wire.encode(data.draw(STRATEGIES[kind]))
    unknown = _varint(field << 3) + b"\x01"
    for altered in (raw + unknown, unknown + raw, raw + b"\x00", raw + b"\xff\xff"):
        with pytest.raises(MalformedMessage):
            wire.decode(kind, altered)


@NOT_EMPTY
@FEW
@given(data=st.data())
def test_a_message_twice_or_cut_or_empty_is_refused(kind: type, data: st.DataObject) -> None:
    raw = wire.encode(data.draw(STRATEGIES[kind]))
    with pytest.raises(MalformedMessage):
        wire.decode(kind, b"")
    with pytest.raises(MalformedMessage):
        wire.decode(kind, raw[:-1])
    if kind is not plain.Acknowledgement:  # two lists one after the other are one list
        with pytest.raises(MalformedMessage):
            wire.decode(kind, raw + raw)


@KINDS
@FEW
@given(raw=st.binary(max_size=60))
def test_any_bytes_are_a_message_or_malformed(kind: type, raw: bytes) -> None:
    with suppress(MalformedMessage):
        wire.encode(wire.decode(kind, raw))


E32, E64, TEN = bytes(32), bytes(64), datetime(2026, 1, 1, 10, tzinfo=UTC)
ELEVEN, TWELVE = TEN.replace(hour=11), TEN.replace(hour=12)
OK = SignedMessage(b"body", E64)
PERSON = plain.PersonClaim(1, (bytes(16),))


@pytest.mark.parametrize(
    "value",
    [
        plain.Announcement("p", E32, ELEVEN, TEN, TWELVE),
        plain.Announcement("p", E32, TEN, TEN, TWELVE),
        plain.Announcement("p", E32, TEN, TWELVE, TWELVE),
        plain.Announcement("", E32, TEN, ELEVEN, TWELVE),
        plain.Announcement("p" * 65, E32, TEN, ELEVEN, TWELVE),
        plain.Announcement("p", E32[1:], TEN, ELEVEN, TWELVE),
        plain.Announcement("p", E32, datetime(1970, 1, 1, tzinfo=UTC), ELEVEN, TWELVE),
        plain.EvaluationRequest("p", (), E32),
        plain.EvaluationRequest("p", (0, 1), E32),
        plain.EvaluationRequest("p", (1, 256), E32),
        plain.EvaluationRequest("p", (2, 1), E32),
        plain.EvaluationRequest("p", (1, 1), E32),
        plain.EvaluationRequest("p", (1, 2), b""),
        plain.EvaluationRequest("p", (1, 2), E32[1:]),
        plain.EvaluationRequest("p", (1, 2), bytes(32 * (MOST_ELEMENTS + 1))),
        plain.EvaluationAnswer(E32, 0, E32, E64, E64),
        plain.EvaluationAnswer(E32, 1, E32, E64[1:], E64),
        plain.EvaluationAnswer(E32, 1, E32, E64, E64 + b"x"),
        plain.EvaluationAnswer(b"", 1, E32, E64, E64),
        plain.Manifest("p", 0, 1, 1, E32),
        plain.Manifest("p", 256, 1, 1, E32),
        plain.Manifest("p", 1, 2, 1, E32),
        plain.Manifest("p", 1, 0, 0, E32),
        plain.Manifest("p", 1, 1, 2**31 + 1, E32),
        plain.Manifest("p", 1, 1, 1, E64),
        plain.Publication(bytes(16), 1, 1, "x" * 1001),
        plain.Publication(bytes(15), 1, 1),
        plain.Claim(bytes(15), "0" * 20, 1, (PERSON,)),
        plain.Claim(bytes(16), "0" * 19, 1, (PERSON,)),
        plain.Claim(bytes(16), "٠" * 20, 1, (PERSON,)),
        plain.Claim(bytes(16), "0" * 20, 1, ()),
        plain.Claim(bytes(16), "0" * 20, 1, (PERSON, PERSON)),
        plain.Claim(bytes(16), "0" * 20, 1, (plain.PersonClaim(1, ()),)),
        plain.Claim(bytes(16), "0" * 20, 1, (plain.PersonClaim(1, (bytes(17),)),)),
        plain.Claim(bytes(16), "0" * 20, 1, (plain.PersonClaim(1, (bytes(16),) * (MOST_SLOTS + 1)),)),
        plain.Claim(bytes(16), "0" * 20, 1, tuple(plain.PersonClaim(n, (bytes(16),)) for n in range(MOST_FAMILY + 1))),
        plain.Confirmation(bytes(16), E32, b""),
        plain.Confirmation(bytes(16), b"", E32),
        plain.Confirmation(bytes(16), E32[1:], E32),
        plain.Confirmation(b"", E32, E32),
        SignedMessage(b"", E64),
        SignedMessage(b"body", E64[1:]),
        SignedMessage(b"body", b""),
        plain.RoundQuery(""),
        plain.RoundList((plain.RoundStatus(SignedMessage(b"", b""), "joining", 0),)),
        plain.HolderAnswer(256, OK),
        plain.HolderAnswer(1, plain.Refusal(1000, "", "")),
        plain.HolderTask(0, OK),
        plain.SubmissionPart(b""),
        plain.ReceiveRequest("x" * 65),
        plain.Delivery(0, "r", OK),
        plain.Delivery(1, "", OK),
        plain.Acknowledgement(()),
        plain.Acknowledgement((0,)),
        plain.Acknowledgement((2**63,)),
        plain.Acknowledgement((1,) * 10_001),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_missing_or_out_of_range_is_refused(value: object) -> None:
    with pytest.raises(MalformedMessage):
        wire.decode(type(value), wire.encode(value))


def test_neither_of_two_is_refused() -> None:
    for kind in (plain.HolderAnswer, plain.HolderResult, plain.SubmissionPart):
        with pytest.raises(MalformedMessage):
            wire.decode(kind, b"\x08\x01" if kind is not plain.SubmissionPart else b"")


def test_an_unknown_round_state_is_refused() -> None:
    raw = wire.encode(plain.RoundList((plain.RoundStatus(OK, "joining", 1),)))
    assert b"\x10\x03" in raw
    for state in (b"\x10\x00", b"\x10\x63"):
        with pytest.raises(MalformedMessage):
            wire.decode(plain.RoundList, raw.replace(b"\x10\x03", state))


def _varint(number: int) -> bytes:
    raw = b""
    while number > 0x7F:
        raw += bytes([number & 0x7F | 0x80])
        number >>= 7
    return raw + bytes([number])


# Errors at the edge.


def _kinds(root: type[SluisError]) -> list[type[SluisError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in _kinds(child))]


def rpc(code: grpc.StatusCode, details: str, trailing: tuple[tuple[str, str | bytes], ...]) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailing), details, None)


@pytest.mark.parametrize("kind", _kinds(SluisError), ids=lambda kind: kind.__name__)
def test_an_error_crosses_the_wire_as_itself(kind: type[SluisError]) -> None:
    error = kind("what happened", do="doe één ding", party="0" * 20)
    code, details, trailing = status_of(error)
    assert code is not grpc.StatusCode.OK
    back = from_rpc(rpc(code, details, trailing))
    assert (type(back), back.what, back.do) == (kind, str(error), error.do)


def test_codes_are_never_shared() -> None:
    kinds = _kinds(SluisError)
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_an_unknown_code_stays_readable() -> None:
    error = by_code(998, "something new", "")
    assert type(error) is SluisError
    assert "something new" in error.diagnostics()


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_a_failure_without_a_code_of_ours_is_unreachable(code: grpc.StatusCode) -> None:
    error = from_rpc(rpc(code, "gone", ()))
    assert isinstance(error, errors.Unreachable)
    assert error.do


def test_nonsense_from_the_other_side_does_not_break_us() -> None:
    trailing = (("sluis-code", "302"), ("sluis-do-bin", os.urandom(3) + b"\xff"))
    assert isinstance(from_rpc(rpc(grpc.StatusCode.UNKNOWN, "x", trailing)), errors.BadSignature)
    assert isinstance(from_rpc(rpc(grpc.StatusCode.UNKNOWN, "x", (("sluis-code", "³"),))), errors.Unreachable)


def test_what_others_say_can_be_shown_on_a_terminal() -> None:
    """No colours, no cleared screens, no lines that look like one's own."""
    told = wire.decode(
        plain.HolderAnswer, wire.encode(plain.HolderAnswer(1, plain.Refusal(1, "a\x1b[2Jb\n", "x" * 9_000)))
    )
    assert told.outcome == plain.Refusal(1, "a?[2Jb?", "x" * 2_000)
    raw = wire.encode(plain.HolderAnswer(1, plain.Refusal(1, "text", ""))).replace(b"text", b"\x1b[2J")
    with pytest.raises(errors.MalformedMessage, match="can't be shown"):
        wire.decode(plain.HolderAnswer, raw)
    assert str(by_code(501, "\x1b[2J", "")) == "?[2J"
    assert from_rpc(rpc(grpc.StatusCode.OK, "a\nb", (("sluis-code", "501"),))).what == "a?b"


def test_a_certificate_that_does_not_fit_is_named() -> None:
    error = from_rpc(rpc(grpc.StatusCode.UNAVAILABLE, "… Ssl handshake failed …", ()))
    assert "certificate" in error.what
