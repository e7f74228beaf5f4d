"""Trace context through gRPC metadata, and the log to a collector by OTLP."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from sluis_node.processing import Activity
from sluis_node.processing.settings import ProcessingSettings
from sluis_protocol.errors import NotAMember, StorageError
from sluis_protocol.messages import CovenantNote, Empty
from sluis_protocol.wire.methods import GET_COVENANT
from sluis_runtime import logs
from sluis_runtime.channel import Channel
from sluis_runtime.trace import TraceContext, current, metadata, parse, within
from structlog.testing import capture_logs

from tests.coordinator.rig import Rig
from tests.world import make_world

from ..people import three_caseloads
from ..rig import Country
from .rig import Archive


def test_a_header_is_that_of_the_standard() -> None:
    """The example of W3C Trace Context, 2.2.4."""
    header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    found = parse(header)
    assert found
    assert found.header() == header
    assert parse(header.replace("00-", "cc-", 1) + "-what-comes-later") == found
    zeros, endless = "00-" + "0" * 32 + header[35:], header.replace("00-", "cc-", 1) + "-" + "x" * 300
    for wrong in (header.upper(), header + "-x", "ff" + header[2:], zeros, endless, header[:-1], header + "\n", ""):
        assert parse(wrong) is None


@given(st.text(max_size=80))
def test_anything_is_a_header_or_none(value: str) -> None:
    found = parse(value)
    assert found is None or found.header()[3:52] == value[3:52]


async def test_calls_carry_the_trace_of_what_they_are_part_of(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        stranger = await rig.party("00000099000000009999")
        with capture_logs([logs.with_trace]) as lines:
            for context in (None, TraceContext(b"\x01" * 16, b"\x02" * 8)):
                with pytest.raises(NotAMember):
                    await _call(stranger.channel, context)
    assert [line.get("trace_id") for line in lines if line["event"] == "refused"] == [None, "01" * 16]


async def _call(channel: Channel, context: TraceContext | None) -> None:
    if context is None:
        assert metadata() == ()
        await channel.call(GET_COVENANT, Empty(), CovenantNote, timeout=10)
        return
    with within(context):
        await channel.call(GET_COVENANT, Empty(), CovenantNote, timeout=10)
    assert current() is None


async def test_a_round_is_one_trace_at_the_node_and_on_the_wire(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[bytes] = set()

    def spied() -> tuple[tuple[str, str], ...]:
        if found := current():
            seen.add(found.trace_id)
        return metadata()

    monkeypatch.setattr("sluis_runtime.channel.metadata", spied)
    async with Country(tmp_path, three_caseloads()[:2], make_world(("GM0001", "GM0002"))) as country:
        await country.whole_round()
        async with country.node(1) as node:
            taken = [entry for entry in node.processing_log() if entry.activity is Activity.TAKE_PART]
    assert taken
    assert {entry.trace_id for entry in taken} <= {trace.hex() for trace in seen}


# A collector.


@dataclass
class Collector:
    address: str = ""
    status: int = 200
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = ExportTraceServiceRequest()
            request.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
            collector.requests.append(request)
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.address = f"http://127.0.0.1:{server.server_port}/v1/traces"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()


def test_the_log_goes_to_a_collector_whole_and_before_anything_happens(tmp_path: Path) -> None:
    with collecting() as collector:
        archive = Archive(tmp_path, otlp=collector.address)
        archive.show(persons=("P1", "P2"))
        spans = [
            (scope, span)
            for request in collector.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        assert len(collector.requests) == 2  # its beginning, and its end
        assert len(spans) == 4
        assert {span.name for _, span in spans} == {"show match"}
        attributes = [{one.key: one.value.string_value for one in span.attributes} for _, span in spans]
        subjects = {one["dpl.core.data_subject_id"] for one in attributes}
        assert subjects == {archive.log.subject(person).hex() for person in ("P1", "P2")}
        assert {one["dpl.core.data_subject_id_type"] for one in attributes} == {"sluis-person-hmac"}
        assert all(one["dpl.core.processing_activity_id"].endswith("sluis-show") for one in attributes)
        assert len({span.trace_id for _, span in spans}) == 1
        resource = {
            one.key: one.value.string_value for one in collector.requests[0].resource_spans[0].resource.attributes
        }
        assert (resource["actor"], resource["service.name"]) == ("anna", "sluis-node")
        collector.status = 400
        with pytest.raises(StorageError, match="collector doesn't take it"):
            archive.show()
        assert len(archive.entries()) == 1
        collector.status = 200
        archive.show()  # what was refused left nothing behind
        assert archive.log.verify() == 4


def test_a_collector_elsewhere_has_tls() -> None:
    ProcessingSettings(otlp="https://collector.example.nl/v1/traces")
    with pytest.raises(ValueError, match="otlp"):
        ProcessingSettings(otlp="http://collector.example.nl/v1/traces")
