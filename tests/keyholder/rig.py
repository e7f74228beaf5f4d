"""A key holder with a database of its own, a round, and somebody who asks; also a coordinator that only relays."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
from cryptography.hazmat.primitives import serialization
from sluis_node.keyholder.answer import Answerer
from sluis_node.keyholder.config import KeyHolderSettings, init_folder
from sluis_node.keyholder.rounds import RoundBook
from sluis_node.keyholder.serve import Server
from sluis_node.keyholder.store import KeyHolder, open_holder
from sluis_protocol import threshold, wire
from sluis_protocol.covenant import Covenant
from sluis_protocol.messages import (
    Announcement,
    CovenantNote,
    Empty,
    EvaluationAnswer,
    EvaluationRequest,
    HolderResult,
    HolderTask,
    Refusal,
    RoundList,
    RoundQuery,
    RoundStatus,
)
from sluis_protocol.rounds import new_round_id
from sluis_protocol.signed import Envelope, Kind, SignedMessage, open_signed, sign
from sluis_protocol.threshold import ShareEvaluation
from sluis_protocol.wire.methods import GET_COVENANT, LIST_ROUNDS, SERVE, Method, Shape
from sluis_runtime.keyfiles import write_secret

from tests.pki import Pki
from tests.world import COORDINATOR, PURPOSE, World, holder_oin, member_oin

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECONDS = 20


def elements(count: int) -> bytes:
    """Packed blinded elements."""
    return threshold.blind([os.urandom(8) for _ in range(count)], os.urandom).elements


@dataclass
class Round:
    """A round as the coordinator announces it."""

    world: World
    opens_at: datetime = NOW - timedelta(minutes=10)
    minutes: int = 60
    purpose: str = PURPOSE
    round_id: str = ""
    covenant: Covenant | None = None
    rule_set: str = ""
    signer: str = COORDINATOR

    def __post_init__(self) -> None:
        self.round_id = self.round_id or new_round_id(self.opens_at, os.urandom)
        self.covenant = self.covenant or self.world.covenant

    def status(self) -> RoundStatus:
        """What ListRounds tells of it."""
        assert self.covenant is not None
        closes_at = self.opens_at + timedelta(minutes=self.minutes)
        rule_set = bytes.fromhex(self.rule_set or self.world.covenant.terms.rule_set.sha256)
        payload = wire.encode(
            Announcement(self.purpose, rule_set, self.opens_at, closes_at, closes_at + timedelta(days=1))
        )
        envelope = Envelope(Kind.ANNOUNCEMENT, self.signer, self.covenant.hash, self.round_id, self.opens_at, payload)
        return RoundStatus(sign(envelope, self.world.signing[self.signer]), "collecting", 0)


@dataclass
class Asker:
    """A member that asks for evaluations."""

    world: World
    round_id: str
    number: int = 1
    covenant: Covenant | None = None

    def ask(
        self,
        packed: bytes,
        quorum: Sequence[int] = (1, 2),
        *,
        purpose: str = PURPOSE,
        kind: Kind = Kind.EVALUATION_REQUEST,
        sent_at: datetime = NOW,
        sender: str = "",
    ) -> SignedMessage:
        """A signed request."""
        payload = wire.encode(EvaluationRequest(purpose, tuple(quorum), packed))
        oin = member_oin(self.number)
        covenant = self.covenant or self.world.covenant
        envelope = Envelope(kind, sender or oin, covenant.hash, self.round_id, sent_at, payload)
        return sign(envelope, self.world.signing[oin])

    def read(self, request: SignedMessage, answer: SignedMessage) -> ShareEvaluation:
        """A verified answer to this request."""
        covenant = self.covenant or self.world.covenant
        envelope = open_signed(answer, covenant, Kind.EVALUATION_ANSWER, round_id=self.round_id, now=None)
        found = wire.decode(EvaluationAnswer, envelope.payload)
        assert found.request_sha256 == hashlib.sha256(request.body).digest()
        assert covenant.holder_by_oin(envelope.sender).index == found.index
        return ShareEvaluation(found.index, found.elements, found.proof, found.composites)


def make_folder(folder: Path, world: World, index: int = 1, *, coordinator: str = "localhost:1") -> KeyHolderSettings:
    """The folder of a holder that has its share, and the keys that the covenant names."""
    folder.mkdir()
    oin = holder_oin(index)
    signing, sealing = folder / "signing.pem", folder / "sealing.key"
    write_secret(signing, _pem(world, oin))
    write_secret(sealing, _base64(world.sealing[oin].secret))
    init_folder(folder, oin=oin, name=f"Holder {index}", coordinator=coordinator, authority=str(world.authority))
    settings = KeyHolderSettings.load(folder / "keyholder.toml")
    settings.covenant.write_text(world.covenant.note)
    holder = open_holder(settings)
    assert world.covenant.terms.ceremony is not None
    holder.shares.store(bytes.fromhex(world.covenant.terms.ceremony), world.shares[index - 1])
    holder.close()
    return settings


def _pem(world: World, oin: str) -> bytes:
    key = world.signing[oin]
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _base64(raw: bytes) -> bytes:
    return base64.b64encode(raw)


@asynccontextmanager
async def serving(
    settings: KeyHolderSettings, clock: Callable[[], datetime] = lambda: NOW
) -> AsyncIterator[asyncio.Event]:
    """A holder that serves inside; it is stopped, and must end, at the end."""
    holder, stop = open_holder(settings), asyncio.Event()
    running = asyncio.create_task(Server(settings, holder, clock, os.urandom, stop).run())
    try:
        yield stop
        stop.set()
        await asyncio.wait_for(running, SECONDS)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        holder.close()


@dataclass
class Bench:
    """An answerer without any network, and what it is told of rounds."""

    world: World
    holder: KeyHolder
    index: int = 1
    now: datetime = NOW
    rounds: list[RoundStatus] = field(default_factory=list)
    asked_for: list[str] = field(default_factory=list)

    def answerer(self, covenant: Covenant | None = None) -> Answerer:
        """A fresh one: nothing is remembered but what the database has."""
        covenant = covenant or self.world.covenant
        holder = self.holder
        share = holder.shares.of_covenant(covenant, holder.oin)
        book = RoundBook(covenant, holder.quota, self._list)
        return Answerer(
            covenant, holder.oin, share, holder.signing_key, holder.quota, book, lambda: self.now, os.urandom
        )

    async def _list(self, purpose: str) -> Sequence[RoundStatus]:
        self.asked_for.append(purpose)
        return self.rounds


class RelayOnly:
    """A coordinator for one holder: tells the covenant and the rounds, and relays tasks. Mutual TLS on loopback."""

    def __init__(self, world: World, folder: Path, rounds: Sequence[RoundStatus], *, port: int = 0) -> None:
        self.world = world
        self.note = world.covenant.note
        self.rounds = tuple(rounds)
        self.port = port
        self.pki = Pki()
        self.tls = self.pki.issue(COORDINATOR, folder / "coordinator-tls")
        self.ready: asyncio.Queue[HolderResult] = asyncio.Queue()
        self.results: asyncio.Queue[HolderResult] = asyncio.Queue()
        self.tasks: asyncio.Queue[HolderTask | None] = asyncio.Queue()
        self.ended = asyncio.Event()
        self._server: Any = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; on the same port as before, if there was one."""
        self._server = grpc.aio.server()
        calls = {
            GET_COVENANT: grpc.unary_unary_rpc_method_handler(self._covenant),
            LIST_ROUNDS: grpc.unary_unary_rpc_method_handler(self._rounds),
            SERVE: grpc.stream_stream_rpc_method_handler(self._serve),
        }
        for method, handler in calls.items():
            assert isinstance(method, Method)
            assert (method.shape is Shape.BOTH_STREAM) == (method is SERVE)
            self._server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(method.service, {method.name: handler}),)
            )
        authorities, key, certificate = self.tls.read()
        credentials = grpc.ssl_server_credentials(
            [(key, certificate)], root_certificates=authorities, require_client_auth=True
        )
        self.port = self._server.add_secure_port(f"localhost:{self.port}", credentials)
        await self._server.start()

    async def stop(self) -> None:
        """Go away at once."""
        await self._server.stop(None)

    async def answer_of(self, task_id: int, request: SignedMessage) -> SignedMessage | Refusal:
        """Pass a request on and wait for its outcome."""
        self.tasks.put_nowait(HolderTask(task_id, request))
        result = await asyncio.wait_for(self.results.get(), SECONDS)
        assert result.task_id == task_id
        return result.outcome

    async def _covenant(self, request: bytes, context: object) -> bytes:
        wire.decode(Empty, request)
        return wire.encode(CovenantNote(self.note))

    async def _rounds(self, request: bytes, context: object) -> bytes:
        wire.decode(RoundQuery, request)
        return wire.encode(RoundList(self.rounds))

    async def _serve(self, requests: AsyncIterator[bytes], context: object) -> AsyncIterator[bytes]:
        reading = asyncio.create_task(self._read(requests))
        try:
            while (task := await self.tasks.get()) is not None:
                yield wire.encode(task)
        finally:
            reading.cancel()

    async def _read(self, requests: AsyncIterator[bytes]) -> None:
        first = True
        async for raw in requests:
            result = wire.decode(HolderResult, raw)
            (self.ready if first else self.results).put_nowait(result)
            first = False
        self.ended.set()
        self.tasks.put_nowait(None)
