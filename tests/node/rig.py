"""Nodes and key holders around the coordinator of `tests.coordinator.rig`: real gRPC, mutual TLS, one process."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from sluis_node import Node, Report
from sluis_protocol import threshold, wire
from sluis_protocol.errors import HolderUnavailable
from sluis_protocol.log_messages import Receipt
from sluis_protocol.messages import Announcement, EvaluationAnswer, EvaluationRequest, HolderResult, HolderTask, Refusal
from sluis_protocol.record import Family
from sluis_protocol.rules import load_rules
from sluis_protocol.run import Match, run_round
from sluis_protocol.signed import Envelope, Kind, SignedMessage, sign
from sluis_protocol.wire.methods import SERVE
from sluis_runtime.keyfiles import new_storage_key, write_secret

from ..coordinator.rig import Rig
from ..world import COORDINATOR, PURPOSE, World, holder_oin, member_oin

# What a holder makes of its honest answer; None: it says nothing.
Twist = Callable[[EvaluationAnswer, EvaluationRequest], EvaluationAnswer | None]


def honest(answer: EvaluationAnswer, _request: EvaluationRequest) -> EvaluationAnswer:
    """As it should be."""
    return answer


def evaluate(
    world: World, index: int, message: SignedMessage, *, twist: Twist = honest, now: datetime | None = None
) -> SignedMessage | None:
    """A key holder's signed answer, without the checks that a real one makes."""
    envelope = message.envelope
    request = wire.decode(EvaluationRequest, envelope.payload)
    share = world.shares[index - 1]
    made = threshold.evaluate(share, request.quorum, request.elements, os.urandom)
    answer = twist(
        EvaluationAnswer(hashlib.sha256(message.body).digest(), index, made.elements, made.proof, made.composites),
        request,
    )
    if answer is None:
        return None
    return sign_as(world, holder_oin(index), Kind.EVALUATION_ANSWER, wire.encode(answer), envelope.round_id, now=now)


def sign_as(
    world: World, oin: str, kind: Kind, payload: bytes, round_id: str, *, now: datetime | None = None
) -> SignedMessage:
    """A message of any party."""
    envelope = Envelope(kind, oin, world.covenant.hash, round_id, now or datetime.now(UTC), payload)
    return sign(envelope, world.signing[oin])


def announced(world: World, round_id: str) -> SignedMessage:
    """The coordinator announces a round; what matters is who signed it."""
    said = Announcement("jeugd", bytes(32), *[datetime(2026, 1, 1, tzinfo=UTC)] * 3)
    return sign_as(world, COORDINATOR, Kind.ANNOUNCEMENT, wire.encode(said), round_id)


def receipt_for(world: World, kind: str, digest: bytes, round_id: str) -> SignedMessage:
    """The coordinator promises a leaf."""
    return sign_as(world, COORDINATOR, Kind.RECEIPT, wire.encode(Receipt(kind, digest)), round_id)


def write_node_folder(world: World, oin: str, folder: Path, *, coordinator: str) -> Path:
    """A node's folder without its certificate: keys, covenant and node.toml, whose path is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    pem = world.signing[oin].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_secret(folder / "signing.pem", pem)
    write_secret(folder / "sealing.key", base64.b64encode(world.sealing[oin].secret))
    new_storage_key(folder / "storage.key")
    (folder / "covenant.note").write_text(world.covenant.note)
    return write_config(folder, oin, coordinator, str(world.authority))


def write_config(folder: Path, oin: str, coordinator: str, authority: str) -> Path:
    """Write node.toml."""
    config = folder / "node.toml"
    config.write_text(
        f'oin = "{oin}"\ncoordinator = "{coordinator}"\ncovenant = "covenant.note"\nauthority = "{authority}"\n'
        'signing_key = "signing.pem"\nsealing_key = "sealing.key"\nstorage_key = "storage.key"\n'
        'database = "node.sqlite"\n[tls]\ncertificate = "tls/certificate.pem"\nkey = "tls/key.pem"\n'
        'authorities = "tls/authorities.pem"\n'
    )
    return config


@dataclass
class Municipality:
    """A municipality: its number, its caseload and its configuration."""

    oin: str
    config: Path
    families: Sequence[Family]


class Country(Rig):
    """A coordinator, key holders in the same process, and a folder for each municipality."""

    def __init__(self, folder: Path, caseloads: Sequence[Sequence[Family]], world: World, **options: Any) -> None:
        (folder / "coordinator").mkdir()
        super().__init__(folder / "coordinator", world, **options)
        self.root = folder
        self.caseloads = caseloads
        self.twists: dict[int, Twist] = {}
        self.municipalities: list[Municipality] = []
        self._holders: list[asyncio.Task[None]] = []
        self._channels = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        for number, families in enumerate(self.caseloads, start=1):
            folder = self.root / f"node-{number}"
            config = write_node_folder(self.world, member_oin(number), folder, coordinator=f"127.0.0.1:{self.port}")
            self.pki.issue(member_oin(number), folder / "tls")
            self.municipalities.append(Municipality(member_oin(number), config, families))
        for index in range(1, len(self.world.shares) + 1):
            await self.connect_holder(index)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._holders:
            task.cancel()
        await asyncio.gather(*self._holders, return_exceptions=True)
        await self._channels.aclose()
        await super().__aexit__(kind, error, trace)

    async def connect_holder(self, index: int) -> None:
        """Have a holder serve, and wait until the relay knows it."""
        tls = self.pki.issue(holder_oin(index), self.root / f"holder-{index}")
        channel = await self._channels.enter_async_context(self.channel(tls))
        results: asyncio.Queue[HolderResult] = asyncio.Queue()
        await results.put(HolderResult(0, Refusal(0, "ready", "")))

        async def outgoing() -> AsyncIterator[HolderResult]:
            while True:
                yield await results.get()

        async def serve() -> None:
            async for task in channel.converse(SERVE, outgoing(), HolderTask):
                twist = self.twists.get(index, honest)
                answer = await asyncio.to_thread(
                    evaluate, self.world, index, task.request, twist=twist, now=self.clock()
                )
                if answer is None:
                    error = HolderUnavailable(f"key holder {index} is tired")
                    await results.put(HolderResult(task.task_id, Refusal(error.code, error.what, "")))
                else:
                    await results.put(HolderResult(task.task_id, answer))

        self._holders.append(asyncio.create_task(serve()))
        await until(lambda: index in self.server.relay.connected)

    def node(self, number: int, **options: Any) -> Node:
        """The node of municipality `number`, from 1."""
        return Node.open(self.municipalities[number - 1].config, **{"clock": self.clock, **options})

    async def take_part(self, number: int, *, node: dict[str, Any] | None = None, **options: Any) -> Report:
        """Open a node (with the options in `node`), take part, close it."""
        async with self.node(number, **(node or {})) as opened:
            return await opened.participate(self.municipalities[number - 1].families, **{"wait": 20.0, **options})

    async def submitted(self, count: int) -> None:
        """Wait until so many have handed in."""
        from sluis_coordinator import store
        from sluis_runtime.database import transaction

        def found() -> int:
            with transaction(self.coordinator.engine) as connection:
                return len(store.find_submissions(connection, self.round_id))

        await until(lambda: found() >= count)

    async def whole_round(self) -> list[Report]:
        """Everybody takes part in a new round; it is closed once all have handed in."""
        await self.open_round()
        numbers = range(1, len(self.municipalities) + 1)
        taking_part = [asyncio.create_task(self.take_part(number)) for number in numbers]
        handing_in = asyncio.create_task(self.submitted(len(self.municipalities)))
        await asyncio.wait([handing_in, *taking_part], return_when=asyncio.FIRST_COMPLETED)
        await self.close_round()
        await handing_in
        return list(await asyncio.gather(*taking_part))

    def expected(self) -> list[Match]:
        """What `run_round` finds for the same caseloads."""
        return run_round(
            self.world.covenant,
            load_rules(),
            {municipality.oin: municipality.families for municipality in self.municipalities},
            self.world.shares[: self.world.covenant.terms.threshold],
            purpose=PURPOSE,
            round_id="r20260101t000000z-0000000000000000",
            random=os.urandom,
        )


async def until(holds: Callable[[], bool]) -> None:
    """Let others work until something holds; it is asked in a thread."""
    async with asyncio.timeout(20):
        while not await asyncio.to_thread(holds):  # noqa: ASYNC110 (what changes is in another thread, or a file)
            await asyncio.sleep(0)


def pairs(expected: Sequence[Match], oin: str) -> set[tuple[str, str, str]]:
    """What one municipality should see: own family, counterpart, grade."""
    return {
        (own, other, str(match.grade))
        for match in expected
        for own, us, other in (
            (match.family_a, match.oin_a, match.oin_b),
            (match.family_b, match.oin_b, match.oin_a),
        )
        if us == oin
    }


def seen(report: Report) -> set[tuple[str, str, str]]:
    """What it saw."""
    return {(match.family, match.counterpart.oin, str(match.grade)) for match in report.matches}


def altered(answer: EvaluationAnswer, **changes: Any) -> EvaluationAnswer:
    """An answer with other fields."""
    return replace(answer, **changes)
