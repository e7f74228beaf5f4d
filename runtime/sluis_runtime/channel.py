"""Calls to the coordinator: one gRPC channel with mutual TLS, plain messages in and out, one kind of error.

Nodes and key holders only dial out, so this is all the network they have. A call names its deadline; a stream lives as
long as its reader. Nothing is retried here: the caller knows what is safe to say twice. A call says by `traceparent`
which processing it is part of.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
from sluis_protocol import wire
from sluis_protocol.wire.methods import Method
from sluis_protocol.wire.status import from_rpc

from .config import Tls
from .trace import metadata

T = TypeVar("T")
# Keep-alive finds a dead peer behind a firewall that drops silently.
_KEEPALIVE = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)


class Channel:
    """The way to the coordinator. Open it with `async with`."""

    def __init__(self, address: str, tls: Tls, *, message_bytes: int = 4_194_304) -> None:
        authorities, key, certificate = tls.read()
        sizes = (("grpc.max_receive_message_length", message_bytes), ("grpc.max_send_message_length", message_bytes))
        # The stubs ask for serialisers, which may be absent: `wire` does their work, with errors of our own.
        self._channel: Any = grpc.aio.secure_channel(
            address, grpc.ssl_channel_credentials(authorities, key, certificate), options=(*_KEEPALIVE, *sizes)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._channel.close()

    async def call(self, method: Method, request: object, response: type[T], *, timeout: float) -> T:
        """One request, one response; raise the other party's SluisError, or Unreachable."""
        call = self._channel.unary_unary(method.path)
        try:
            raw: bytes = await call(wire.encode(request), timeout=timeout, metadata=metadata())
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error) from error
        return wire.decode(response, raw)

    async def stream(
        self, method: Method, request: object, response: type[T], *, timeout: float | None
    ) -> AsyncGenerator[T, None]:
        """One request, many responses; closing the iterator cancels the call."""
        call = self._channel.unary_stream(method.path)
        running = call(wire.encode(request), timeout=timeout, metadata=metadata())
        try:
            async for raw in running:
                yield wire.decode(response, raw)
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error) from error
        finally:
            running.cancel()

    async def upload(self, method: Method, parts: AsyncIterator[object], response: type[T], *, timeout: float) -> T:
        """Many requests, one response; gRPC's flow control makes `parts` wait for a slow reader."""
        call = self._channel.stream_unary(method.path)
        try:
            raw: bytes = await call(_encoded(parts), timeout=timeout, metadata=metadata())
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error) from error
        return wire.decode(response, raw)

    async def converse(
        self, method: Method, requests: AsyncIterator[object], response: type[T]
    ) -> AsyncGenerator[T, None]:
        """Both sides stream, for as long as both want to."""
        call = self._channel.stream_stream(method.path)
        running = call(_encoded(requests))
        try:
            async for raw in running:
                yield wire.decode(response, raw)
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error) from error
        finally:
            running.cancel()


async def _encoded(messages: AsyncIterator[object]) -> AsyncIterator[bytes]:
    async for message in messages:
        yield wire.encode(message)
