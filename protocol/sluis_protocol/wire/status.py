"""Errors at the edge: a SluisError becomes a gRPC status with its code, and back.

The code travels in trailing metadata (`sluis-code`, and `sluis-do-bin` for what to do), the text in the status
details. What comes back is the same class with the same code, so a caller handles one kind of error everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import grpc

from .. import errors
from ..errors import SluisError
from .calls import MOST_TEXT
from .checks import shown

CODE_KEY = "sluis-code"
DO_KEY = "sluis-do-bin"

_STATUS: dict[type[SluisError], grpc.StatusCode] = {
    errors.InputError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.CovenantError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.WrongCovenant: grpc.StatusCode.FAILED_PRECONDITION,
    errors.NotAMember: grpc.StatusCode.PERMISSION_DENIED,
    errors.WrongSender: grpc.StatusCode.PERMISSION_DENIED,
    errors.LegalGroundMissing: grpc.StatusCode.PERMISSION_DENIED,
    errors.MalformedMessage: grpc.StatusCode.INVALID_ARGUMENT,
    errors.BadSignature: grpc.StatusCode.UNAUTHENTICATED,
    errors.WrongClock: grpc.StatusCode.FAILED_PRECONDITION,
    errors.Replayed: grpc.StatusCode.INVALID_ARGUMENT,
    errors.BadElement: grpc.StatusCode.INVALID_ARGUMENT,
    errors.BadQuorum: grpc.StatusCode.INVALID_ARGUMENT,
    errors.QuotaExceeded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.RoundError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.SubmissionRefused: grpc.StatusCode.INVALID_ARGUMENT,
    errors.HandshakeError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.Overtaken: grpc.StatusCode.ABORTED,
    errors.ApproachError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.TotalsError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.ContributionRefused: grpc.StatusCode.INVALID_ARGUMENT,
    errors.LogError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.LogAlarm: grpc.StatusCode.FAILED_PRECONDITION,
    errors.HolderUnavailable: grpc.StatusCode.UNAVAILABLE,
    errors.Unreachable: grpc.StatusCode.UNAVAILABLE,
    errors.StorageError: grpc.StatusCode.RESOURCE_EXHAUSTED,
}


def _subclasses(root: type[SluisError]) -> dict[int, type[SluisError]]:
    found = {root.code: root}
    for kind in root.__subclasses__():
        found |= _subclasses(kind)
    return found


def status_of(error: SluisError) -> tuple[grpc.StatusCode, str, tuple[tuple[str, str | bytes], ...]]:
    """Status code, details and trailing metadata for an error."""
    kind = next((k for k in type(error).__mro__ if k in _STATUS), None)
    status = _STATUS[kind] if kind else grpc.StatusCode.UNKNOWN
    trailing = ((CODE_KEY, str(error.code)), (DO_KEY, shown(error.do, MOST_TEXT).encode()))
    return status, shown(str(error), MOST_TEXT), trailing


def by_code(code: int, what: str, do: str) -> SluisError:
    """The error that another party reported; an unknown code stays readable as the root class."""
    kind = _subclasses(SluisError).get(code, SluisError)
    return kind(shown(what, MOST_TEXT), do=shown(do, MOST_TEXT))


def from_rpc(error: grpc.aio.AioRpcError) -> SluisError:
    """What a failed call means: the other party's own error, or that it can't be reached."""
    # The stubs call an entry a metadatum; it is a pair.
    trailing = dict(cast("Iterable[tuple[str, str | bytes]]", error.trailing_metadata() or ()))
    code, do = trailing.get(CODE_KEY), trailing.get(DO_KEY, b"")
    if isinstance(code, str) and code.isdecimal():
        return by_code(int(code), error.details() or "", do.decode(errors="replace") if isinstance(do, bytes) else do)
    match error.code():
        case grpc.StatusCode.UNAVAILABLE if "handshake" in (error.details() or "").lower():
            what = "the coordinator's certificate is not accepted"
            todo = "check its name and dates, and that tls.authorities has who issued it"
        case grpc.StatusCode.UNAVAILABLE:
            what, todo = "the coordinator can't be reached", "check the address and the network; it is tried again"
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            what, todo = "the coordinator did not answer in time", "try again; if it stays, ask the operator"
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            what, todo = (
                "a message is larger than the other side accepts",
                "compare the covenant's limits with the config",
            )
        case _:
            what, todo = f"the call failed: {error.code().name}", "see the coordinator's log for this moment"
    return errors.Unreachable(what, do=todo)
