"""Technical logs: structured, on standard error, and never with personal data (rule 17).

What identifies a person is kept out by never handing it to a logger; what the programs log is OINs, round ids,
counts, states and error codes, and the trace id of the action that a line is about.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from . import trace


def configure(form: str = "text", *, level: str = "INFO") -> None:
    """Set up structlog once per program: `text` for people, `json` for machines."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            with_trace,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def with_trace(_logger: object, _level: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A processor of structlog: lines of one request have one `trace_id`, at whichever party."""
    if found := trace.current():
        line["trace_id"] = found.trace_id.hex()
    return line


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger that says which part of the program speaks; it may be made before `configure` is called."""
    lazy: structlog.typing.FilteringBoundLogger = structlog.get_logger(part=name)
    return lazy
