"""The server: gRPC over mutual TLS, the services behind it, and its orderly end.

Stopping: health says NOT_SERVING and new calls are refused; running calls finish within the grace period, mail streams
end at once (nothing is lost, they come back); then connections close. What is killed instead goes on where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from sluis_protocol.errors import ConfigError
from sluis_protocol.messages import (
    Acknowledgement,
    CovenantNote,
    Delivery,
    Empty,
    EnrolRequest,
    PeriodList,
    PeriodQuery,
    ReceiveRequest,
    RoundList,
    RoundQuery,
    RoundStatus,
)
from sluis_protocol.signed import SignedMessage
from sluis_protocol.wire import methods
from sluis_protocol.wire.calls import MOST_ROUNDS
from sluis_protocol.wire.methods import Method
from sluis_runtime.config import Tls
from sluis_runtime.database import transaction
from sluis_runtime.logs import logger

from . import handshakes, matches, store, totals
from .bell import Bell
from .calls import Calls, ManyAnswers, OneAnswer
from .coordinator import Coordinator
from .identity import certificate_oin, validity
from .keeper import Keeper
from .log import check_briefly
from .log_service import LogService
from .outbox import Outbox
from .relay import Relay
from .submissions import Submissions

_STREAMS_PER_CONNECTION = 64
_LAST_SECONDS = 0.5
_KEEPALIVE = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Nodes and holders ping every 20 s; more often than this counts as abuse.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)

log = logger("server")


class Server:
    """A coordinator that listens. `start`, then `wait`; `stop` from a signal handler or a test."""

    def __init__(
        self,
        coordinator: Coordinator,
        *,
        announce: tuple[str, ...] = (),
        totals: tuple[str, ...] = (),
        tick_seconds: float = 1.0,
        grace_seconds: float = 10.0,
    ) -> None:
        self._coordinator = coordinator
        self._tick_seconds = tick_seconds
        self._grace_seconds = grace_seconds
        self._bell = Bell()
        self._stopping = asyncio.Event()
        self.relay = Relay(coordinator)
        self.keeper = Keeper(coordinator, self._bell, announce=announce, totals=totals)
        self._outbox = Outbox(coordinator.engine, self._bell)
        self._submissions = Submissions(coordinator)
        self._log = LogService(coordinator)
        self._calls = Calls(coordinator.covenant)
        aio_health: Any = health  # the stubs know only its other half
        self._health = aio_health.aio.HealthServicer()
        size = coordinator.covenant.terms.limits.message_bytes
        self._grpc = grpc.aio.server(
            options=[
                *_KEEPALIVE,
                ("grpc.max_receive_message_length", size),
                ("grpc.max_send_message_length", size),
                ("grpc.max_concurrent_streams", _STREAMS_PER_CONNECTION),
                ("grpc.so_reuseport", 0),
            ]
        )
        self._grpc.add_generic_rpc_handlers(self._calls.handlers(self._services()))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)

    async def start(self, listen: str, tls: Tls) -> int:
        """Tidy up after the last run, then listen; the port. Raise ConfigError if that isn't possible."""
        authorities, key, certificate = tls.read()
        try:
            oin = certificate_oin(certificate)
            valid = validity(certificate)
        except ValueError as error:
            raise ConfigError("this is not a certificate in PEM", file=tls.certificate) from error
        if not valid[0] <= self._coordinator.clock() <= valid[1]:
            raise ConfigError(
                f"the certificate is valid from {valid[0]:%Y-%m-%d} to {valid[1]:%Y-%m-%d %H:%M} UTC",
                do="put the renewed one in its place",
                file=tls.certificate,
            )
        if oin != self._coordinator.oin:
            raise ConfigError(
                "the certificate has another OIN than the coordinator",
                do="use the certificate of this organisation",
                file=tls.certificate,
                party=oin,
            )
        await asyncio.to_thread(check_briefly, self._coordinator)
        await asyncio.to_thread(self.keeper.tidy)
        credentials = grpc.ssl_server_credentials([(key, certificate)], authorities, require_client_auth=True)
        try:
            port = self._grpc.add_secure_port(listen, credentials)
        except RuntimeError as error:
            raise ConfigError(
                f"can't listen on {listen}",
                do="choose a free address and port; if it is free, check that tls.key belongs to tls.certificate",
                setting="listen",
            ) from error
        await self._grpc.start()
        return port

    def stop(self) -> None:
        """Begin the orderly end."""
        self._stopping.set()

    async def wait(self) -> None:
        """Serve and keep rounds moving until `stop`, then drain."""
        keeping = asyncio.create_task(self.keeper.run(self._tick_seconds))
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait([keeping, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            log.info("stopping")
            await self._health.enter_graceful_shutdown()
            self._bell.close()
            await self._calls.drain(self._grace_seconds)
            await self._grpc.stop(_LAST_SECONDS)
            stopping.cancel()
            await keeping
            self._coordinator.engine.dispose()
            log.info("stopped")

    def _services(self) -> Mapping[Method, OneAnswer | ManyAnswers]:
        return {
            methods.GET_COVENANT: self._get_covenant,
            methods.LIST_ROUNDS: self._list_rounds,
            methods.EVALUATE: self.relay.evaluate,
            methods.SERVE: self.relay.serve,
            methods.SUBMIT: self._submissions.submit,
            methods.RECEIVE: self._receive,
            methods.ACKNOWLEDGE: self._acknowledge,
            methods.CONFIRM: self._confirm,
            methods.MOVE: self._move,
            methods.WRITE: self._write,
            methods.LIST_PERIODS: self._list_periods,
            methods.ENROL: self._enrol,
            methods.CONTRIBUTE: self._contribute,
            methods.UNMASK: self._unmask,
            **self._log.calls(),
        }

    async def _get_covenant(self, _oin: str, _request: Empty) -> CovenantNote:
        return CovenantNote(self._coordinator.covenant.note)

    async def _list_rounds(self, _oin: str, request: RoundQuery) -> RoundList:
        def look() -> RoundList:
            with transaction(self._coordinator.engine) as connection:
                found = store.find_rounds(connection, purpose=request.purpose, most=MOST_ROUNDS)
                counts = store.count_submissions(connection, [one.id for one in found])
            return RoundList(tuple(RoundStatus(one.announcement, one.state.name, counts[one.id]) for one in found))

        return await asyncio.to_thread(look)

    def _receive(self, oin: str, request: ReceiveRequest) -> AsyncGenerator[Delivery, None]:
        return self._outbox.receive(oin, request.round_id, until_empty=request.until_empty)

    async def _acknowledge(self, oin: str, request: Acknowledgement) -> Empty:
        await self._outbox.acknowledge(oin, request.delivery_ids)
        return Empty()

    async def _confirm(self, oin: str, message: SignedMessage) -> SignedMessage:
        receipt, told = await asyncio.to_thread(matches.confirm, self._coordinator, oin, message)
        self._bell.ring(told)
        return receipt

    async def _move(self, oin: str, message: SignedMessage) -> Empty:
        self._bell.ring(await asyncio.to_thread(handshakes.move, self._coordinator, oin, message))
        return Empty()

    async def _write(self, oin: str, message: SignedMessage) -> SignedMessage:
        receipt, told = await asyncio.to_thread(handshakes.write, self._coordinator, oin, message)
        self._bell.ring(told)
        return receipt

    async def _list_periods(self, oin: str, request: PeriodQuery) -> PeriodList:
        return await asyncio.to_thread(totals.look, self._coordinator, oin, request.purpose)

    async def _enrol(self, oin: str, request: EnrolRequest) -> SignedMessage:
        return await asyncio.to_thread(totals.enrol, self._coordinator, oin, request.enrolment, request.proof)

    async def _contribute(self, oin: str, message: SignedMessage) -> SignedMessage:
        return await asyncio.to_thread(totals.contribute, self._coordinator, oin, message)

    async def _unmask(self, oin: str, message: SignedMessage) -> SignedMessage:
        return await asyncio.to_thread(totals.unmask, self._coordinator, oin, message)


async def ask_health(address: str, tls: Tls, *, timeout: float = 5.0) -> bool:
    """Whether the server at that address says that it serves. Raises grpc.aio.AioRpcError if it says nothing."""
    authorities, key, certificate = tls.read()
    channel: Any = grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(authorities, key, certificate))
    async with channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=timeout)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
