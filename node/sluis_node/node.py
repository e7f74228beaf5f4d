"""A municipality's node, for any asyncio program: `from sluis_node import Node` (docs/embedding.md).

    async with Node.open("node.toml") as node:
        report = await node.participate("caseload.csv")

One node per configuration; its database may be used by one program at a time or by several. Nothing here prints, reads
the command line or configures logging.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sluis_protocol.covenant import Covenant, Purpose
from sluis_protocol.errors import ConfigError
from sluis_protocol.group import Random
from sluis_runtime.channel import Channel
from sluis_runtime.keyfiles import read_sealing_key, read_signing_key, read_storage_key

from .about import About, about
from .anomalies import Anomalies, Anomaly
from .caseload.intake import Source, refuse_unless_told, take_in
from .caseload.reading import Caseload
from .config import NodeSettings
from .coordinator import PATIENCE_SECONDS, Coordinator, Sleep, Wire
from .handshake.desk import Desk
from .handshake.expiry import expire
from .handshake.reminders import remind
from .notify.outbox import Outbox
from .parts import Parts
from .processing.log import ProcessingLog
from .progress import Progress, silent
from .pulse import pulse
from .round.announced import AnnouncedRound, list_rounds
from .round.ledger import ClaimState, Ledger
from .round.matches import FamilyMatch, present
from .round.own_round import OwnRound, RoundState
from .round.participation import Participation, Report
from .round.receive import Receiver, nothing_outstanding
from .services import Services
from .signer import Clock, Signer
from .store import Store
from .transparency.keeping import require_none
from .vault import Vault

WAIT_SECONDS = 600.0
_MESSAGE_BYTES = 16_777_216  # the most that a covenant can allow


@dataclass(frozen=True, slots=True)
class Received:
    """What fetching the mail came to."""

    complete: bool
    """Nothing is outstanding: all rounds that we handed in for are published, and all claims are settled."""
    outstanding: int
    new_matches: tuple[FamilyMatch, ...]
    new_anomalies: int


@dataclass(frozen=True, slots=True)
class RoundInfo:
    """A round as the coordinator and as this node see it; "" where the one or the other doesn't know it."""

    round_id: str
    purpose: str
    state: str
    ours: str
    closes_at: datetime
    confirm_until: datetime
    participants: int
    claims: int
    abandoned: str


def utc_now() -> datetime:
    """The time, timezone-aware UTC."""
    return datetime.now(UTC)


class Node(Services):
    """A node. Open it with `async with Node.open(config_path) as node`."""

    def __init__(
        self,
        settings: NodeSettings,
        *,
        clock: Clock = utc_now,
        random: Random = os.urandom,
        sleep: Sleep = asyncio.sleep,
        wire: Wire | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """`clock`, `random`, `sleep` and `wire` stand for the system's; `patience`: seconds of trying to connect."""
        self._settings = settings
        self._clock = clock
        self._random = random
        self._sleep = sleep
        self._wire = wire
        self._patience = patience
        self._exit = AsyncExitStack()
        self._parts: Parts | None = None

    @classmethod
    def open(
        cls,
        config: Path | str,
        *,
        clock: Clock = utc_now,
        random: Random = os.urandom,
        sleep: Sleep = asyncio.sleep,
        wire: Wire | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> Self:
        """A node by its configuration file; raise ConfigError naming each setting that is wrong."""
        settings = NodeSettings.load(Path(config))
        return cls(settings, clock=clock, random=random, sleep=sleep, wire=wire, patience=patience)

    async def __aenter__(self) -> Self:
        """Read the keys, open the database, and delete what is past its time. Nothing is sent yet."""
        settings = self._settings
        authority = settings.verifier()
        key = read_signing_key(settings.signing_key)
        vault = Vault.of(read_storage_key(settings.storage_key), self._random)
        store = await asyncio.to_thread(Store.open, settings.database, vault)
        self._exit.callback(store.close)
        # Dialling begins with the first call.
        wire = self._wire
        if wire is None:
            channel = Channel(settings.coordinator, settings.tls, message_bytes=_MESSAGE_BYTES)
            wire = await self._exit.enter_async_context(channel)
        notices = Outbox(store.engine, vault, settings.notify, self._random)
        self._parts = Parts(
            settings,
            authority,
            store,
            Ledger(store.engine, vault, self._random),
            Anomalies(store.engine, vault, notices),
            Signer(settings.oin, key, self._clock),
            read_sealing_key(settings.sealing_key),
            Coordinator(
                wire,
                settings.coordinator,
                self._random,
                self._sleep,
                self._patience,
                lambda: require_none(store.engine),
            ),
            notices,
            ProcessingLog(store.engine, vault, self._random, self._clock, settings.oin, settings.processing),
            self._clock,
            self._random,
        )
        await asyncio.to_thread(self._tidy)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up and close the database."""
        self._parts = None
        await self._exit.aclose()

    def _opened(self) -> Parts:
        if self._parts is None:
            raise ConfigError("the node isn't open", do="use it inside `async with Node.open(...) as node`")
        return self._parts

    # What a node does.

    async def fetch_covenant(self) -> Covenant:
        """Get the covenant in force from the coordinator, verify it, and put it in its place."""
        parts = self._opened()
        covenant = await parts.fetch_covenant()
        if self._parts and parts.oin in covenant.members:
            await self.look_at_log()
        return covenant

    def check(self, caseload: Source, *, purpose: str | None = None) -> Caseload:
        """What of a caseload (a CSV file, or families) may take part, and why the rest may not. Sends nothing."""
        parts = self._opened()
        covenant = parts.covenant()
        taken = take_in(caseload, covenant, parts.purpose(covenant, purpose), self._clock().date())
        return self._without_those_left_out(taken)

    async def participate(
        self,
        caseload: Source,
        *,
        purpose: str | None = None,
        skip_refused: bool = False,
        wait: float = WAIT_SECONDS,
        progress: Progress = silent,
    ) -> Report:
        """Take part in the next round of a purpose, or go on with the one that was begun, to its end.

        Waits up to `wait` seconds for a round, for its publication after it closes, and for the counterparts.
        Refused lines end it before anything is sent, unless `skip_refused`. Raises a SluisError that says what to do;
        calling it again is always safe.
        """
        parts = self._opened()
        covenant = await asyncio.to_thread(parts.covenant)
        agreed = parts.purpose(covenant, purpose)
        taken = await asyncio.to_thread(take_in, caseload, covenant, agreed, self._clock().date())
        taken = await asyncio.to_thread(self._without_those_left_out, taken)
        refuse_unless_told(taken, skip_refused=skip_refused)
        await asyncio.to_thread(self._tidy)
        await self.look_at_log()
        async with self._taking_part(agreed.id, taken):
            report = await Participation(parts, covenant, agreed.id, progress).run(taken, wait=wait)
        await self.look_at_log()
        await asyncio.to_thread(self._shown, report.matches)
        await self.send_notices()
        return report

    async def receive(self, *, wait: float = 10.0) -> Received:
        """Fetch the mail of all rounds and answer it, until nothing is outstanding, at most `wait` seconds."""
        parts = self._opened()
        await asyncio.to_thread(self._tidy)
        await self.look_at_log()
        before = {found.match for found in await asyncio.to_thread(parts.ledger.matches)}
        noted = len(await asyncio.to_thread(parts.anomalies.all))
        awaited = [
            own.round_id
            for own in await asyncio.to_thread(parts.store.all_rounds)
            if own.state in (RoundState.SUBMITTED, RoundState.PUBLISHED)
        ]
        settled = nothing_outstanding(parts, awaited)
        complete = await Receiver(parts).run(settled, wait=wait)
        await self.take_part_in_totals()
        await self.look_at_log()
        await asyncio.to_thread(expire, parts)
        await asyncio.to_thread(remind, parts)
        await self.send_notices()
        counts = await asyncio.to_thread(parts.ledger.counts)
        found = present(await asyncio.to_thread(parts.ledger.matches), parts.names())
        new = [match for match in found if match.match not in before]
        self._shown(new)
        return Received(
            complete,
            counts.get(ClaimState.ANSWERED, 0) + counts.get(ClaimState.SENT, 0),
            tuple(new),
            len(await asyncio.to_thread(parts.anomalies.all)) - noted,
        )

    def matches(self) -> list[FamilyMatch]:
        """All proven matches, the newest first."""
        parts = self._opened()
        found = present(parts.ledger.matches(), parts.names())
        self._shown(found)
        return found

    def about(self) -> About:
        """Who this node is, and under which covenant."""
        parts = self._opened()
        return about(parts.oin, parts.settings.coordinator, parts.names())

    def purpose(self, purpose: str | None = None) -> Purpose:
        """A purpose of the covenant that is in force today; without an id, the only one."""
        parts = self._opened()
        return parts.purpose(parts.covenant(), purpose)

    def pulse(self) -> str:
        """A short text that is another one once anything changed that people see."""
        return pulse(self._opened().store.engine)

    @property
    def desk(self) -> Desk:
        """What people do with matches, and what they see of them; `receive` sends what they decided."""
        return Desk(self._opened())

    def anomalies(self) -> list[Anomaly]:
        """All that an honest party would not have done, the oldest first, each with what to do about it."""
        parts = self._opened()
        names: dict[str, str] = {}
        if covenant := parts.names():
            terms = covenant.terms
            parties = (*terms.members, *terms.holders, *([terms.coordinator] if terms.coordinator else []))
            names = {party.oin: party.name for party in parties}
        return [replace(one, party_name=names.get(one.party, "")) for one in parts.anomalies.all()]

    async def rounds(self, *, purpose: str | None = None) -> list[RoundInfo]:
        """The rounds of a purpose: what the coordinator announces, and what this node took part in."""
        parts = self._opened()
        covenant = await asyncio.to_thread(parts.covenant)
        agreed = parts.purpose(covenant, purpose)
        await self.look_at_log()
        own = {one.round_id: one for one in await asyncio.to_thread(parts.store.all_rounds) if one.purpose == agreed.id}
        listed = {found.round_id: found for found in await list_rounds(parts, covenant, agreed.id)}
        shown = [_round_info(agreed.id, listed.get(one), own.get(one)) for one in {**own, **listed}]
        return sorted(shown, key=lambda info: info.closes_at, reverse=True)


def _round_info(purpose: str, found: AnnouncedRound | None, own: OwnRound | None) -> RoundInfo:
    """A round that is listed, on file, or both."""
    known = own or (found.new if found else None)
    if known is None:
        raise ValueError("neither listed nor on file")
    return RoundInfo(
        round_id=known.round_id,
        purpose=purpose,
        state=found.state if found else "",
        ours=str(own.state) if own else "",
        closes_at=known.closes_at,
        confirm_until=known.confirm_until,
        participants=own.participants if own else found.submissions if found else 0,
        claims=own.claims if own else 0,
        abandoned=own.abandoned if own else "",
    )
