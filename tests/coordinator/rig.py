"""A coordinator with real gRPC and mutual TLS on loopback, and the parties that talk to it, for tests.

Caseloads are rows with tags made by hand: what a tag means is not the coordinator's business, so no key is needed.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from cryptography.hazmat.primitives import serialization
from sluis_coordinator import announcing, keeper, store
from sluis_coordinator.config import CoordinatorSettings
from sluis_coordinator.coordinator import Coordinator, open_coordinator
from sluis_coordinator.server import Server
from sluis_protocol import wire
from sluis_protocol.confirm import MAC_BYTES, SEALED_REFERENCE_BYTES
from sluis_protocol.covenant import Covenant
from sluis_protocol.join import TaggedPerson
from sluis_protocol.messages import (
    Acknowledgement,
    Claim,
    Confirmation,
    Delivery,
    Empty,
    Manifest,
    Publication,
    ReceiveRequest,
    SubmissionPart,
)
from sluis_protocol.promises import check_receipt
from sluis_protocol.rules import load_rules
from sluis_protocol.signed import Envelope, Kind, SignedMessage, sign
from sluis_protocol.submission import commit, pack, row_bytes
from sluis_protocol.wire.methods import ACKNOWLEDGE, CONFIRM, RECEIVE, SUBMIT, Method
from sluis_runtime.channel import Channel
from sluis_runtime.config import Tls
from sluis_runtime.database import transaction
from sluis_runtime.keyfiles import write_secret

from ..pki import Pki
from ..world import COORDINATOR, PURPOSE, World, make_world, member_oin

T = TypeVar("T")
RULES = load_rules()
DEADLINE = 20.0


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


POINTS = sorted((kind.points for kind in RULES.kinds.values() for _ in range(kind.slots)), reverse=True)


def person(family: int, handle: int, tags: Sequence[bytes] = (), *, bsn: bool = True) -> TaggedPerson:
    """A row with these tags in the slots of most points (the first decides alone), and random ones in the others."""
    rest = tuple(os.urandom(16) for _ in range(RULES.slots - len(tags)))
    return TaggedPerson(family, handle, bsn, (*tags, *rest), tuple(POINTS))


@dataclass
class Party:
    """Somebody with a certificate, a signing key and a channel."""

    oin: str
    world: World
    tls: Tls
    channel: Channel
    clock: Callable[[], datetime]
    round_id: str = ""
    covenant: Covenant = field(init=False)

    def __post_init__(self) -> None:
        self.covenant = self.world.covenant

    def sign(self, kind: Kind, payload: object, *, round_id: str | None = None, sender: str = "") -> SignedMessage:
        """A message of this party's, for its round."""
        envelope = Envelope(
            kind,
            sender or self.oin,
            self.covenant.hash,
            self.round_id if round_id is None else round_id,
            self.clock(),
            wire.encode(payload),
        )
        return sign(envelope, self.world.signing[self.oin])

    async def call(self, method: Method, request: object, response: type[T]) -> T:
        """One request, one response."""
        return await self.channel.call(method, request, response, timeout=DEADLINE)

    def manifest(self, rows: Sequence[TaggedPerson], **changed: Any) -> Manifest:
        """An honest manifest of these rows, but for what is changed."""
        values = {
            "purpose": PURPOSE,
            "slots": RULES.slots,
            "families": len({row.family for row in rows}),
            "persons": len(rows),
            "commitment": commit(self.round_id, self.oin, RULES.slots, pack(rows)),
        }
        return Manifest(**{**values, **changed})

    async def submit(
        self, rows: Sequence[TaggedPerson], *, manifest: Manifest | None = None, piece: int = 16
    ) -> SignedMessage:
        """Submit rows, `piece` rows a part; the receipt."""
        return await self.upload([self.sign(Kind.MANIFEST, manifest or self.manifest(rows)), *pieces(rows, piece)])

    async def upload(self, contents: Sequence[SignedMessage | bytes]) -> SignedMessage:
        """Send these parts as a submission."""

        async def parts() -> AsyncIterator[SubmissionPart]:
            for content in contents:
                yield SubmissionPart(content)

        return await self.channel.upload(SUBMIT, parts(), SignedMessage, timeout=DEADLINE)

    async def receive(self, count: int, *, acknowledge: bool = True) -> list[Delivery]:
        """The next `count` deliveries of this party's round."""
        request = ReceiveRequest(self.round_id)
        found: list[Delivery] = []
        stream = cast(
            "AsyncGenerator[Delivery, None]", self.channel.stream(RECEIVE, request, Delivery, timeout=DEADLINE)
        )
        async with aclosing(stream):
            async for delivery in stream:
                found.append(delivery)
                if len(found) == count:
                    break
        if acknowledge:
            await self.call(ACKNOWLEDGE, Acknowledgement(tuple(one.delivery_id for one in found)), Empty)
        return found

    async def claims(self) -> list[Claim]:
        """The claims of the round, after its publication."""
        publication = wire.decode(Publication, (await self.receive(1))[0].message.envelope.payload)
        deliveries = await self.receive(publication.claims) if publication.claims else []
        return [wire.decode(Claim, one.message.envelope.payload) for one in deliveries]

    def confirmation(self, claim: Claim, *, refuse: bool = False) -> SignedMessage:
        """An answer to a claim, in the right shape; only a node could tell whether it is a true one."""
        mac, sealed = (b"", b"") if refuse else (os.urandom(MAC_BYTES), os.urandom(SEALED_REFERENCE_BYTES))
        return self.sign(Kind.CONFIRMATION, Confirmation(claim.candidate_id, mac, sealed))

    async def confirm(self, message: SignedMessage) -> None:
        """Send an answer; the receipt promises its leaf."""
        receipt = await self.call(CONFIRM, message, SignedMessage)
        check_receipt(receipt, self.covenant, "confirmation", message.digest, message.envelope.round_id)


def pieces(rows: Sequence[TaggedPerson], piece: int) -> list[bytes]:
    """The packed rows in parts of whole rows."""
    packed, size = pack(rows), piece * row_bytes(RULES.slots)
    return [packed[at : at + size] for at in range(0, len(packed), size)]


class Rig:
    """Folder, keys, certificates and a running server. Open it with `async with`."""

    def __init__(self, folder: Path, world: World | None = None, *, tick_seconds: float = 0.02) -> None:
        self.folder = folder
        self.world = world or make_world()
        self.pki = Pki()
        self.clock = Clock()
        self.tick_seconds = tick_seconds
        self.port = 0
        self.round_id = ""
        self.coordinator: Coordinator
        self._parties = AsyncExitStack()
        self.settings = CoordinatorSettings(
            oin=COORDINATOR,
            listen="127.0.0.1:0",
            authority=str(self.world.authority),
            covenant=folder / "covenant.note",
            signing_key=folder / "signing.pem",
            database=folder / "coordinator.sqlite",
            rounds=folder / "rounds",
            tick_seconds=tick_seconds,
            tls=self.pki.issue(COORDINATOR, folder / "tls"),
        )
        write_key(folder / "signing.pem", self.world, COORDINATOR)
        self.settings.covenant.write_text(self.world.covenant.note)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._parties.aclose()
        await self.stop()

    async def start(self) -> None:
        """Start a server on the folder as it is."""
        self.coordinator = open_coordinator(self.settings, self.clock, os.urandom)
        self.server = Server(self.coordinator, tick_seconds=self.tick_seconds, grace_seconds=5)
        self.port = await self.server.start(self.settings.listen, self.settings.tls)
        self._serving = asyncio.create_task(self.server.wait())

    async def stop(self) -> None:
        """Drain and stop it."""
        self.server.stop()
        await self._serving

    async def party(self, oin: str, *, certificate: str | None = "", pki: Pki | None = None) -> Party:
        """A party with its own channel; its certificate may name another OIN, or (None) none."""
        folder = self.folder / f"tls-{os.urandom(4).hex()}"
        tls = (pki or self.pki).issue(oin if certificate == "" else certificate, folder)
        channel = await self._parties.enter_async_context(self.channel(tls))
        return Party(oin, self.world, tls, channel, self.clock, self.round_id)

    async def reconnect(self, *parties: Party) -> None:
        """Give parties a channel to the server as it listens now."""
        for one in parties:
            one.channel = await self._parties.enter_async_context(self.channel(one.tls))

    async def members(self, *numbers: int) -> list[Party]:
        """These members of the covenant."""
        return [await self.party(member_oin(number)) for number in numbers]

    def files(self) -> list[str]:
        """The names of what lies in the round's folder."""
        folder = self.settings.rounds / self.round_id
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def channel(self, tls: Tls) -> Channel:
        """A channel to the server as it listens now."""
        return Channel(f"127.0.0.1:{self.port}", tls)

    def announce(self, *, opens_in: float = 0, collect: float = 3600) -> str:
        """Announce a round; parties made after this are in it."""
        new = announcing.announce(
            self.coordinator,
            PURPOSE,
            opens_at=self.clock() + timedelta(seconds=opens_in),
            collect=timedelta(seconds=collect),
        )
        self.round_id = new.id
        return new.id

    async def open_round(self) -> str:
        """Announce a round and wait until it collects."""
        round_id = self.announce()
        await self.until("collecting")
        return round_id

    async def close_round(self) -> None:
        """Close the round and wait until it is published or purged."""
        keeper.close(self.coordinator, self.round_id)
        await self.until("published", "purged")
        await eventually(lambda: not (self.settings.rounds / self.round_id).exists())

    def round(self) -> store.Round:
        """The round as it is."""
        with transaction(self.coordinator.engine) as connection:
            return store.find_round(connection, self.round_id)

    async def until(self, *states: str) -> store.Round:
        """Wait until the keeper has brought the round there."""
        await eventually(lambda: self.round().state.name in states)
        return self.round()


class ProcessRig(Rig):
    """The same with the real program in a process of its own; `coordinator` is another look at its database."""

    async def start(self) -> None:
        """Start `sluis-coordinator serve` and wait until it listens."""
        self.config = self.folder / "coordinator.toml"
        self.config.write_text(CONFIG.format(settings=self.settings))
        if self.port == 0:
            self.coordinator = open_coordinator(self.settings, self.clock, os.urandom)
        program = Path(sys.executable).with_name("sluis-coordinator")
        self.log = (self.folder / "log").open("ab")
        self.process = await asyncio.create_subprocess_exec(
            program, "serve", "--config", self.config, stdout=subprocess.PIPE, stderr=self.log
        )
        line = await cast("asyncio.StreamReader", self.process.stdout).readline()
        self.port = int(line.decode().strip().rpartition(":")[2])

    async def stop(self) -> None:
        """SIGTERM, and wait for the end."""
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.wait()
        self.log.close()

    async def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self.process.kill()
        await self.process.wait()
        self.log.close()

    async def restart(self, *parties: Party) -> None:
        """Kill it, start it again, and let the parties connect to it."""
        await self.kill()
        await self.start()
        await self.reconnect(*parties)


CONFIG = """\
oin = "{settings.oin}"
listen = "127.0.0.1:0"
authority = "{settings.authority}"
covenant = "covenant.note"
signing_key = "signing.pem"
database = "coordinator.sqlite"
rounds = "rounds"
tick_seconds = {settings.tick_seconds}
log = "json"

[tls]
certificate = "tls/certificate.pem"
key = "tls/key.pem"
authorities = "tls/authorities.pem"
"""


def write_key(path: Path, world: World, oin: str) -> None:
    """A party's signing key as the programs read it."""
    pem = world.signing[oin].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_secret(path, pem)


async def eventually(condition: Callable[[], bool]) -> None:
    """Look until it is so."""
    async with asyncio.timeout(DEADLINE):
        while True:
            if await asyncio.to_thread(condition):
                return
