"""Every call of the wire, with the types it takes and gives, in one table.

Services and clients are built from this table, so that no other code needs the generated stubs and a request that can't
be decoded is answered with a clear error instead of a framework's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .. import log_messages as about_log
from .. import messages as plain
from ..signed import SignedMessage


class Shape(Enum):
    """Which side of a call is a stream."""

    UNARY = "unary_unary"
    SERVER_STREAM = "unary_stream"
    CLIENT_STREAM = "stream_unary"
    BOTH_STREAM = "stream_stream"


class Caller(Enum):
    """In which role of the covenant the caller's certificate must be."""

    ANY = "any party of the covenant"
    MEMBER = "a member"
    HOLDER = "a key holder"


@dataclass(frozen=True, slots=True)
class Method:
    """One gRPC method: `/package.Service/Name`, the shape, the caller's role, the request's and the response's type."""

    service: str
    name: str
    shape: Shape
    caller: Caller
    request: type
    response: type

    @property
    def path(self) -> str:
        """The full method name on the wire."""
        return f"/{self.service}/{self.name}"


GET_COVENANT = Method(
    "sluis.v1.CovenantService", "GetCovenant", Shape.UNARY, Caller.ANY, plain.Empty, plain.CovenantNote
)
LIST_ROUNDS = Method("sluis.v1.RoundService", "ListRounds", Shape.UNARY, Caller.ANY, plain.RoundQuery, plain.RoundList)
EVALUATE = Method(
    "sluis.v1.EvaluationService", "Evaluate", Shape.SERVER_STREAM, Caller.MEMBER, SignedMessage, plain.HolderAnswer
)
SERVE = Method(
    "sluis.v1.EvaluationService", "Serve", Shape.BOTH_STREAM, Caller.HOLDER, plain.HolderResult, plain.HolderTask
)
SUBMIT = Method(
    "sluis.v1.SubmissionService", "Submit", Shape.CLIENT_STREAM, Caller.MEMBER, plain.SubmissionPart, SignedMessage
)
RECEIVE = Method(
    "sluis.v1.MatchService", "Receive", Shape.SERVER_STREAM, Caller.MEMBER, plain.ReceiveRequest, plain.Delivery
)
ACKNOWLEDGE = Method(
    "sluis.v1.MatchService", "Acknowledge", Shape.UNARY, Caller.MEMBER, plain.Acknowledgement, plain.Empty
)
CONFIRM = Method("sluis.v1.MatchService", "Confirm", Shape.UNARY, Caller.MEMBER, SignedMessage, SignedMessage)
MOVE = Method("sluis.v1.HandshakeService", "Move", Shape.UNARY, Caller.MEMBER, SignedMessage, plain.Empty)
WRITE = Method("sluis.v1.HandshakeService", "Write", Shape.UNARY, Caller.MEMBER, SignedMessage, SignedMessage)
LIST_PERIODS = Method(
    "sluis.v1.TotalsService", "ListPeriods", Shape.UNARY, Caller.ANY, plain.PeriodQuery, plain.PeriodList
)
ENROL = Method("sluis.v1.TotalsService", "Enrol", Shape.UNARY, Caller.MEMBER, plain.EnrolRequest, SignedMessage)
CONTRIBUTE = Method("sluis.v1.TotalsService", "Contribute", Shape.UNARY, Caller.MEMBER, SignedMessage, SignedMessage)
UNMASK = Method("sluis.v1.TotalsService", "Unmask", Shape.UNARY, Caller.MEMBER, SignedMessage, SignedMessage)

_LOG = "sluis.v1.LogService"
GET_CHECKPOINT = Method(_LOG, "GetCheckpoint", Shape.UNARY, Caller.ANY, about_log.CheckpointRequest, SignedMessage)
GET_CONSISTENCY = Method(_LOG, "GetConsistency", Shape.UNARY, Caller.ANY, about_log.ConsistencyRequest, SignedMessage)
GET_INCLUSION = Method(_LOG, "GetInclusion", Shape.UNARY, Caller.ANY, about_log.InclusionRequest, SignedMessage)
GET_LEAVES = Method(_LOG, "GetLeaves", Shape.UNARY, Caller.ANY, about_log.LeavesRequest, about_log.LeafList)
COSIGN = Method(_LOG, "Cosign", Shape.UNARY, Caller.MEMBER, about_log.Cosignature, plain.Empty)
GET_COSIGNED = Method(_LOG, "GetCosigned", Shape.UNARY, Caller.ANY, plain.Empty, about_log.Cosigned)
REPORT_USAGE = Method(_LOG, "ReportUsage", Shape.UNARY, Caller.HOLDER, SignedMessage, plain.Empty)
GET_USAGE = Method(_LOG, "GetUsage", Shape.UNARY, Caller.ANY, about_log.UsageRequest, about_log.UsageList)

METHODS = (
    GET_COVENANT, LIST_ROUNDS, EVALUATE, SERVE, SUBMIT, RECEIVE, ACKNOWLEDGE, CONFIRM, MOVE, WRITE,
    LIST_PERIODS, ENROL, CONTRIBUTE, UNMASK,
    GET_CHECKPOINT, GET_CONSISTENCY, GET_INCLUSION, GET_LEAVES, COSIGN, GET_COSIGNED, REPORT_USAGE, GET_USAGE,
)  # fmt: skip
