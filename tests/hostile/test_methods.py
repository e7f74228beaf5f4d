"""Every call of the wire, with bytes that nobody sends by mistake: each is answered, and the coordinator stays up."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sluis_coordinator import submissions
from sluis_protocol import log_messages as about_log
from sluis_protocol import messages as plain
from sluis_protocol import wire
from sluis_protocol.signed import Kind, SignedMessage
from sluis_protocol.wire.methods import GET_COVENANT, METHODS, Method
from structlog.testing import capture_logs

from ..protocol.test_wire import STRATEGIES
from ..world import make_world
from .served import Served

# What is inside of a call's signed message, by the call: so that fuzzing gets past the signature.
SIGNED: dict[str, tuple[tuple[Kind, type], ...]] = {
    "Evaluate": ((Kind.EVALUATION_REQUEST, plain.EvaluationRequest),),
    "Submit": ((Kind.MANIFEST, plain.Manifest),),
    "Confirm": ((Kind.CONFIRMATION, plain.Confirmation),),
    "Move": ((Kind.MOVE, plain.Move),),
    "Write": ((Kind.LETTER, plain.Letter),),
    "Enrol": ((Kind.ENROLMENT, plain.Enrolment),),
    "Contribute": ((Kind.CONTRIBUTION, plain.Contribution),),
    "Unmask": ((Kind.UNMASKING, plain.Unmasking),),
    "ReportUsage": ((Kind.USAGE, about_log.Usage),),
}
UNSIGNED = {
    *("GetCovenant", "ListRounds", "Serve", "Receive", "Acknowledge", "ListPeriods"),
    *("GetCheckpoint", "GetConsistency", "GetInclusion", "GetLeaves", "Cosign", "GetCosigned", "GetUsage"),
}
# What an honest answer, a refusal, or a call that waits for what never comes, ends with.
FINE = set(grpc.StatusCode) - {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNIMPLEMENTED}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("served"), make_world()) as served:
        yield served


def test_every_call_is_here() -> None:
    assert {method.name for method in METHODS} == SIGNED.keys() | UNSIGNED, "say what is in the new call, and fuzz it"


def payloads(method: Method) -> st.SearchStrategy[tuple[Kind, bytes]]:
    """Well-formed, altered and arbitrary payloads, of the right kind or another."""
    right = st.one_of(
        *(st.tuples(st.just(kind), STRATEGIES[of].map(wire.encode)) for kind, of in SIGNED.get(method.name, ()))
    )
    return right | right.map(_cut) | st.tuples(st.sampled_from(Kind), st.binary(max_size=60))


def _cut(made: tuple[Kind, bytes]) -> tuple[Kind, bytes]:
    return made[0], made[1][: len(made[1]) // 2] + b"\xff" + made[1][len(made[1]) // 2 :]


def wrapped(method: Method, message: SignedMessage) -> bytes:
    """A signed message as the request of this call."""
    if method.request is plain.SubmissionPart:
        return wire.encode(plain.SubmissionPart(message))
    if method.request is plain.EnrolRequest:
        return wire.encode(plain.EnrolRequest(message, b"proof"))
    return wire.encode(message)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_call_with_anything_in_it(served: Served, method: Method, data: st.DataObject) -> None:
    if method.name in SIGNED and data.draw(st.booleans()):
        raw = wrapped(method, served.signed(*data.draw(payloads(method))))
    else:
        raw = data.draw(st.binary(max_size=100) | STRATEGIES[method.request].map(wire.encode))
    with capture_logs() as lines:
        # What waits for others (mail, key holders) is given up soon.
        assert served.send(method, raw, seconds=0.2) in FINE
    assert not [line for line in lines if line["event"] == "bug"], lines
    assert served.send(GET_COVENANT, wire.encode(plain.Empty())) is grpc.StatusCode.OK


def test_rows_that_never_end_are_refused_where_the_manifest_ends(served: Served) -> None:
    """An endless stream costs what was announced, and no more."""
    assert submissions.IDLE_SECONDS <= 60

    def parts() -> Iterator[bytes]:
        manifest = plain.Manifest("jeugd", 18, 1, 4, bytes(32))
        yield wire.encode(plain.SubmissionPart(served.signed(Kind.MANIFEST, wire.encode(manifest))))
        while True:
            yield wire.encode(plain.SubmissionPart(bytes((17 + 18 * 17) * 512)))

    with pytest.raises(grpc.RpcError) as caught:
        served.channel.stream_unary("/sluis.v1.SubmissionService/Submit")(parts(), timeout=20)
    assert caught.value.code() is not grpc.StatusCode.DEADLINE_EXCEEDED
    assert not served.rig.files()
