"""Translation of what a call's request or response holds (the second half of `messages.py`)."""

from __future__ import annotations

from .. import messages as plain
from .._wire.sluis.v1 import common_pb2, covenant_pb2, evaluation_pb2, matches_pb2, rounds_pb2, submission_pb2
from ..errors import MalformedMessage
from ..note import SIGNATURE_BYTES
from ..signed import SignedMessage
from .checks import line, number, shown, sized, some, text

_MOST_ID = 2**63 - 1  # what a database can hold
MOST_NOTE = 8_388_608
MOST_ROUNDS = 1_000
MOST_DELIVERIES = 10_000
MOST_TEXT = 2_000  # of what an error says
TRACEPARENT_CHARACTERS = 55  # version 00 has exactly so many
_STATE_PREFIX = "ROUND_STATE_"


def write_signed(value: SignedMessage) -> common_pb2.SignedMessage:
    """A signed message as protobuf."""
    return common_pb2.SignedMessage(body=value.body, signature=value.signature)


def read_signed(m: common_pb2.SignedMessage) -> SignedMessage:
    """A signed message; its body must not be empty."""
    if not m.body:
        raise MalformedMessage("a signed message has no body", field="body")
    return SignedMessage(m.body, sized(m.signature, SIGNATURE_BYTES, "signature"))


def _write_empty(_value: plain.Empty) -> common_pb2.Empty:
    return common_pb2.Empty()


def _read_empty(_m: common_pb2.Empty) -> plain.Empty:
    return plain.Empty()


def _write_note(value: plain.CovenantNote) -> covenant_pb2.CovenantNote:
    return covenant_pb2.CovenantNote(note=value.note)


def _read_note(m: covenant_pb2.CovenantNote) -> plain.CovenantNote:
    return plain.CovenantNote(text(m.note, "note", MOST_NOTE))


def _write_query(value: plain.RoundQuery) -> rounds_pb2.RoundQuery:
    return rounds_pb2.RoundQuery(purpose=value.purpose)


def _read_query(m: rounds_pb2.RoundQuery) -> plain.RoundQuery:
    return plain.RoundQuery(line(m.purpose, "purpose", 64))


def _write_round(value: plain.RoundStatus) -> rounds_pb2.RoundStatus:
    return rounds_pb2.RoundStatus(
        announcement=write_signed(value.announcement),
        state=_STATE_PREFIX + value.state.upper(),
        submissions=value.submissions,
    )


def _read_round(m: rounds_pb2.RoundStatus) -> plain.RoundStatus:
    known = rounds_pb2.RoundState.values()
    state = rounds_pb2.RoundState.Name(number(m.state, "state", 1, max(known))).removeprefix(_STATE_PREFIX).lower()
    return plain.RoundStatus(read_signed(m.announcement), state, m.submissions)


def _write_rounds(value: plain.RoundList) -> rounds_pb2.RoundList:
    return rounds_pb2.RoundList(rounds=[_write_round(found) for found in value.rounds])


def _read_rounds(m: rounds_pb2.RoundList) -> plain.RoundList:
    some(m.rounds, "rounds", MOST_ROUNDS, 0)
    return plain.RoundList(tuple(map(_read_round, m.rounds)))


def _write_refusal(value: plain.Refusal) -> common_pb2.Refusal:
    return common_pb2.Refusal(code=value.code, what=shown(value.what, MOST_TEXT), do=shown(value.do, MOST_TEXT))


def _read_refusal(m: common_pb2.Refusal) -> plain.Refusal:
    what, do = line(m.what, "what", MOST_TEXT, 0), line(m.do, "do", MOST_TEXT, 0)
    return plain.Refusal(number(m.code, "code", 0, 999), what, do)


def _read_outcome(m: evaluation_pb2.HolderAnswer | evaluation_pb2.HolderResult) -> SignedMessage | plain.Refusal:
    match m.WhichOneof("outcome"):
        case "answer":
            return read_signed(m.answer)
        case "refusal":
            return _read_refusal(m.refusal)
    raise MalformedMessage("neither an answer nor a refusal", field="outcome")


def _write_holder_answer(value: plain.HolderAnswer) -> evaluation_pb2.HolderAnswer:
    if isinstance(value.outcome, SignedMessage):
        return evaluation_pb2.HolderAnswer(index=value.index, answer=write_signed(value.outcome))
    return evaluation_pb2.HolderAnswer(index=value.index, refusal=_write_refusal(value.outcome))


def _read_holder_answer(m: evaluation_pb2.HolderAnswer) -> plain.HolderAnswer:
    return plain.HolderAnswer(number(m.index, "index", 0, 255), _read_outcome(m))


def _write_task(value: plain.HolderTask) -> evaluation_pb2.HolderTask:
    return evaluation_pb2.HolderTask(
        task_id=value.task_id, request=write_signed(value.request), traceparent=value.traceparent
    )


def _read_task(m: evaluation_pb2.HolderTask) -> plain.HolderTask:
    # A request is not refused for its trace: one that can't be right is dropped (Trace Context, 2.2.1).
    trace = m.traceparent if len(m.traceparent) == TRACEPARENT_CHARACTERS else ""
    return plain.HolderTask(number(m.task_id, "task_id", 1, _MOST_ID), read_signed(m.request), trace)


def _write_result(value: plain.HolderResult) -> evaluation_pb2.HolderResult:
    if isinstance(value.outcome, SignedMessage):
        return evaluation_pb2.HolderResult(task_id=value.task_id, answer=write_signed(value.outcome))
    return evaluation_pb2.HolderResult(task_id=value.task_id, refusal=_write_refusal(value.outcome))


def _read_result(m: evaluation_pb2.HolderResult) -> plain.HolderResult:
    return plain.HolderResult(m.task_id, _read_outcome(m))


def _write_part(value: plain.SubmissionPart) -> submission_pb2.SubmissionPart:
    if isinstance(value.content, SignedMessage):
        return submission_pb2.SubmissionPart(manifest=write_signed(value.content))
    return submission_pb2.SubmissionPart(rows=value.content)


def _read_part(m: submission_pb2.SubmissionPart) -> plain.SubmissionPart:
    match m.WhichOneof("part"):
        case "manifest":
            return plain.SubmissionPart(read_signed(m.manifest))
        case "rows" if m.rows:
            return plain.SubmissionPart(m.rows)
    raise MalformedMessage("neither a manifest nor rows", field="part")


def _write_receive(value: plain.ReceiveRequest) -> matches_pb2.ReceiveRequest:
    return matches_pb2.ReceiveRequest(round_id=value.round_id, until_empty=value.until_empty)


def _read_receive(m: matches_pb2.ReceiveRequest) -> plain.ReceiveRequest:
    return plain.ReceiveRequest(line(m.round_id, "round_id", 64, 0), m.until_empty)


def _write_delivery(value: plain.Delivery) -> matches_pb2.Delivery:
    return matches_pb2.Delivery(
        delivery_id=value.delivery_id, round_id=value.round_id, message=write_signed(value.message)
    )


def _read_delivery(m: matches_pb2.Delivery) -> plain.Delivery:
    return plain.Delivery(
        number(m.delivery_id, "delivery_id", 1, _MOST_ID), line(m.round_id, "round_id", 64), read_signed(m.message)
    )


def _write_acknowledgement(value: plain.Acknowledgement) -> matches_pb2.Acknowledgement:
    return matches_pb2.Acknowledgement(delivery_ids=value.delivery_ids)


def _read_acknowledgement(m: matches_pb2.Acknowledgement) -> plain.Acknowledgement:
    some(m.delivery_ids, "delivery_ids", MOST_DELIVERIES)
    return plain.Acknowledgement(tuple(number(each, "delivery_ids", 1, _MOST_ID) for each in m.delivery_ids))


CODECS = (
    (plain.Empty, common_pb2.Empty, _write_empty, _read_empty),
    (SignedMessage, common_pb2.SignedMessage, write_signed, read_signed),
    (plain.CovenantNote, covenant_pb2.CovenantNote, _write_note, _read_note),
    (plain.RoundQuery, rounds_pb2.RoundQuery, _write_query, _read_query),
    (plain.RoundList, rounds_pb2.RoundList, _write_rounds, _read_rounds),
    (plain.HolderAnswer, evaluation_pb2.HolderAnswer, _write_holder_answer, _read_holder_answer),
    (plain.HolderTask, evaluation_pb2.HolderTask, _write_task, _read_task),
    (plain.HolderResult, evaluation_pb2.HolderResult, _write_result, _read_result),
    (plain.SubmissionPart, submission_pb2.SubmissionPart, _write_part, _read_part),
    (plain.ReceiveRequest, matches_pb2.ReceiveRequest, _write_receive, _read_receive),
    (plain.Delivery, matches_pb2.Delivery, _write_delivery, _read_delivery),
    (plain.Acknowledgement, matches_pb2.Acknowledgement, _write_acknowledgement, _read_acknowledgement),
)
