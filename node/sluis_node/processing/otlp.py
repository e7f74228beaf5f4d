"""The processing log to a collector: OTLP over HTTP, through the OpenTelemetry SDK (the extra `otlp`).

Each line of the log is a span, exported at once and as a whole; nothing is sampled or buffered. What the collector
doesn't take, didn't happen: the caller's transaction is rolled back.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sluis_protocol.errors import ConfigError, StorageError

_SECONDS = 5.0
_NANOSECONDS = 1_000_000  # in a millisecond


class Collector:
    """A collector at an address; `authorities` vouch for it where the system's don't."""

    def __init__(self, address: str, authorities: Path | None) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        except ImportError as error:
            raise ConfigError(
                "the processing log can't be exported: OpenTelemetry isn't installed",
                do="install sluis[otlp], or take otlp out of [processing]",
            ) from error
        self._address = address
        certificates = str(authorities) if authorities else None
        self._exporter = OTLPSpanExporter(endpoint=address, certificate_file=certificates, timeout=_SECONDS)

    def send(self, lines: Sequence[dict[str, Any]]) -> None:
        """Export lines of the log; StorageError if the collector doesn't confirm it."""
        from opentelemetry.sdk.trace.export import SpanExportResult

        if self._exporter.export([_span(line) for line in lines]) is not SpanExportResult.SUCCESS:
            raise StorageError(
                "the processing log can't be written: the collector doesn't take it",
                do="look at the collector, and at otlp in [processing]; nothing personal is processed until then",
                collector=self._address,
            )


def _span(line: dict[str, Any]) -> Any:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
    from opentelemetry.trace.status import Status, StatusCode

    def context(span_id: str) -> SpanContext:
        return SpanContext(
            int(line["trace_id"], 16), int(span_id, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)
        )

    parent = line.get("parent_span_id")
    resource = dict(line["resource"]["attributes"])
    return ReadableSpan(
        name=line["name"],
        context=context(line["span_id"]),
        parent=context(parent) if parent else None,
        resource=Resource({"service.name": resource["name"], "service.version": resource["version"], **resource}),
        attributes=line["attributes"],
        kind=SpanKind.INTERNAL,
        status=Status(StatusCode(line["status_code"])),
        start_time=line["start_time"] * _NANOSECONDS,
        end_time=line["end_time"] * _NANOSECONDS,
        instrumentation_scope=InstrumentationScope("sluis.processing"),
    )
