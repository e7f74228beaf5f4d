"""A real coordinator on a thread of its own, so that tests can send it bytes as they please."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import grpc
from sluis_protocol.signed import Envelope, Kind, SignedMessage, sign
from sluis_protocol.wire.methods import Method, Shape

from ..coordinator.rig import Party, Rig
from ..world import World, member_oin

T = TypeVar("T")


class Served:
    """Serves until it is left; `send` makes one call of any shape."""

    def __init__(self, folder: Path, world: World) -> None:
        self.world = world
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.run(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.channel.close()
        self.run(self.rig.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)

    async def _start(self) -> None:
        self.rig = Rig(self._folder, self.world)
        await self.rig.__aenter__()
        await self.rig.open_round()
        self.party: Party = (await self.rig.members(1))[0]
        authorities, key, certificate = self.party.tls.read()
        # The stubs ask for serialisers, which may be absent.
        self.channel: Any = grpc.secure_channel(
            f"127.0.0.1:{self.rig.port}", grpc.ssl_channel_credentials(authorities, key, certificate)
        )

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Have the server's loop do something, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def signed(self, kind: Kind, payload: bytes) -> SignedMessage:
        """A message of the first member, rightly signed, of the round that collects."""
        envelope = Envelope(kind, member_oin(1), self.world.covenant.hash, self.rig.round_id, self.rig.clock(), payload)
        return sign(envelope, self.world.signing[member_oin(1)])

    def send(self, method: Method, raw: bytes, *, seconds: float = 5.0) -> grpc.StatusCode:
        """How a call with these bytes ends; a stream is sent twice the same, and read until something comes."""
        options: Any = {"timeout": seconds}
        try:
            match method.shape:
                case Shape.UNARY:
                    self.channel.unary_unary(method.path)(raw, **options)
                case Shape.SERVER_STREAM:
                    call = self.channel.unary_stream(method.path)(raw, **options)
                    next(iter(call), None)
                    call.cancel()
                case Shape.CLIENT_STREAM:
                    self.channel.stream_unary(method.path)(iter((raw, raw)), **options)
                case Shape.BOTH_STREAM:
                    call = self.channel.stream_stream(method.path)(iter((raw, raw)), **options)
                    next(iter(call), None)
                    call.cancel()
        except grpc.RpcError as error:
            return cast("Any", error).code()  # type: ignore[no-any-return] # every error of a call has one
        return grpc.StatusCode.OK
