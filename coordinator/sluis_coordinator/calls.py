"""The edge: gRPC handlers on raw bytes, built from the table of calls, around plain functions.

One wrapper does for every call: 1. find the caller's OIN in the certificate; 2. check its role in the covenant, and
that it has not too many calls open; 3. decode, and encode the answer; 4. turn a SluisError into a status, and log its
code and the OIN; 5. log an unexpected exception by its type and place only, since its text might hold what no log may
have, and answer INTERNAL. What a call does is in the services.
"""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, cast

import grpc
from sluis_protocol import wire
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import SluisError, Unreachable
from sluis_protocol.wire.methods import SERVE, Method, Shape
from sluis_protocol.wire.status import status_of
from sluis_runtime.logs import logger
from sluis_runtime.trace import HEADER, TraceContext, parse, within

from .identity import caller_oin, check_role

# What a service is, by what its call answers; it gets the caller's OIN and the request, or an iterator of requests.
OneAnswer = Callable[[str, Any], Awaitable[object]]
ManyAnswers = Callable[[str, Any], AsyncGenerator[object, None]]
# gRPC's own types: the stubs know only the calls that were generated from a .proto.
_Context = Any
_Handler = Callable[[Any, _Context], Awaitable[bytes | None]]

MOST_CALLS = 64  # of one party at a time, over all its connections
_STREAMS_OUT = (Shape.SERVER_STREAM, Shape.BOTH_STREAM)

log = logger("calls")


class Calls:
    """Wraps services into handlers, and knows which calls run, so that the server can let them finish."""

    def __init__(self, covenant: Covenant) -> None:
        self._covenant = covenant
        self._running: set[asyncio.Task[Any]] = set()
        self._calls: Counter[str] = Counter()
        self._draining = False

    def handlers(self, services: Mapping[Method, OneAnswer | ManyAnswers]) -> list[Any]:
        """gRPC's generic handlers for these methods."""
        by_service: dict[str, dict[str, grpc.RpcMethodHandler[Any, Any]]] = {}
        for method, service in services.items():
            build = getattr(grpc, f"{method.shape.value}_rpc_method_handler")
            by_service.setdefault(method.service, {})[method.name] = build(self._wrapped(method, service))
        return [grpc.method_handlers_generic_handler(name, methods) for name, methods in by_service.items()]

    async def drain(self, seconds: float) -> None:
        """Refuse new calls and let running ones finish for so long. Key holders stay connected: answers are awaited."""
        self._draining = True
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)

    def _wrapped(self, method: Method, service: OneAnswer | ManyAnswers) -> _Handler:
        async def answer(request: bytes | AsyncIterator[bytes], context: _Context) -> bytes | None:
            task = asyncio.current_task()
            oin, counted = "", False
            try:
                if self._draining:
                    raise Unreachable("the coordinator is stopping", do="try again in a moment")
                oin = caller_oin(context.auth_context())
                check_role(self._covenant, oin, method.caller)
                if self._calls[oin] >= MOST_CALLS:
                    raise Unreachable(
                        f"this party has {MOST_CALLS} calls open", do="end some, or wait for their answers", party=oin
                    )
                self._calls[oin] += 1
                counted = True
                if task and method is not SERVE:
                    self._running.add(task)
                if method.shape not in _STREAMS_OUT:
                    return wire.encode(await cast("OneAnswer", service)(oin, _decoded(method, request)))
                async with aclosing(cast("ManyAnswers", service)(oin, _decoded(method, request))) as answers:
                    async for each in answers:
                        await context.write(wire.encode(each))
                return None
            except SluisError as error:
                # `what` is our own text; the rest of an error may quote the caller.
                log.warning("refused", call=method.name, oin=oin, code=error.code, what=error.what)
                status, details, trailing = status_of(error)
            except Exception as error:  # noqa: BLE001 (a bug: the one place that keeps it from ending the server)
                place = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
                log.error("bug", call=method.name, oin=oin, type=type(error).__name__, place=place)
                status, details, trailing = grpc.StatusCode.INTERNAL, "the coordinator failed; its log says where", ()
            finally:
                if task:
                    self._running.discard(task)
                self._calls[oin] -= counted
            return cast("bytes", await context.abort(status, details, trailing))

        async def traced(request: bytes | AsyncIterator[bytes], context: _Context) -> bytes | None:
            with within(_trace(context)):
                return await answer(request, context)

        return traced


def _trace(context: _Context) -> TraceContext | None:
    """What the caller's `traceparent` says, for log lines and key holders; malformed ones are not repeated."""
    values = [str(value) for name, value in context.invocation_metadata() or () if name == HEADER]
    return parse(values[0]) if len(values) == 1 else None


def _decoded(method: Method, request: bytes | AsyncIterator[bytes]) -> object:
    if isinstance(request, bytes):
        return wire.decode(method.request, request)
    return _decoded_each(method, request)


async def _decoded_each(method: Method, requests: AsyncIterator[bytes]) -> AsyncIterator[object]:
    async for request in requests:
        yield wire.decode(method.request, request)
