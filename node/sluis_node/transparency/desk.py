"""What people see of the coordinator's log, and do about it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sluis_protocol import wire
from sluis_protocol.checkpoint import Checkpoint, cosigners, log_verifier, open_checkpoint, origin
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import CovenantError, LogError, NotFound, SluisError
from sluis_protocol.log_messages import (
    Cosigned,
    LeafList,
    LeavesRequest,
    LogCheckpoint,
    Usage,
    UsageList,
    UsageRequest,
)
from sluis_protocol.merkle import append, fold, leaf_hash
from sluis_protocol.messages import Empty
from sluis_protocol.signed import Kind, open_signed
from sluis_protocol.wire import methods
from sluis_runtime.files import make_folder, write_atomically
from sluis_runtime.logs import logger

from ..anomalies import REPORT
from ..parts import Parts
from . import keeping
from .keeping import Alarm
from .watch import Look, Watch

_AT_ONCE = 1_000
log = logger("log")


@dataclass(frozen=True, slots=True)
class Cosigners:
    """Who vouches for the log: who cosigned the newest checkpoint, and who an older one last (OIN, size)."""

    newest: Checkpoint
    of_newest: Mapping[str, datetime]
    of_older: Mapping[str, int]
    members: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What `log verify` checked. `found` own events by kind; `lost` are those that somebody answers for."""

    look: Look
    found: Mapping[str, int]
    lost: int
    cosigners: Cosigners
    other: Checkpoint | None


@dataclass(frozen=True, slots=True)
class Shown:
    """What this node knows of the log without asking: the last good checkpoint (a signed note), and all alarms."""

    note: str
    at: datetime | None
    cosigned: bool
    found: Mapping[str, int]
    lost: int
    alarms: tuple[Alarm, ...]


class LogDesk:
    """The verbs of `sluis-node log`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def show(self) -> Shown:
        """What is on file."""
        parts = self._parts
        covenant = parts.known_covenant()
        with parts.store.transaction() as connection:
            seen = keeping.seen(connection, origin(covenant.terms.id)) if covenant else None
            found, lost = keeping.counts(connection), keeping.lost(connection)
            alarms = tuple(keeping.alarms(connection))
        if seen is None:
            return Shown("", None, False, found, lost, alarms)
        note = wire.decode(LogCheckpoint, seen.answer.envelope.payload).note
        return Shown(note, seen.at, seen.cosigned, found, lost, alarms)

    async def verify(self, other: str | None = None) -> Checked:
        """Look at the log now, for every own event; with `other`, another node's checkpoint, compare that too."""
        watch = Watch(self._parts)
        looked = await watch.look(everything=True)
        if looked is None:
            raise CovenantError("there is no covenant yet", do="fetch it: sluis-node covenant fetch")
        compared = None if other is None else await watch.compare_with(other)
        cosigned = await self._cosigners()
        shown = await asyncio.to_thread(self.show)
        return Checked(looked, shown.found, shown.lost, cosigned, compared)

    async def _cosigners(self) -> Cosigners:
        parts = self._parts
        said = await parts.coordinator.call(methods.GET_COSIGNED, Empty(), Cosigned)
        covenant = await asyncio.to_thread(self._covenant)
        newest = open_checkpoint(said.note, log_verifier(covenant))
        older: dict[str, int] = {}
        for note in said.others:
            try:
                size = open_checkpoint(note, log_verifier(covenant)).size
                older.update(dict.fromkeys(cosigners(note, covenant), size))
            except SluisError as error:  # under an older key of the coordinator's, say
                log.warning("an older checkpoint doesn't verify", code=error.code, what=error.what)
        return Cosigners(newest, cosigners(said.note, covenant), older, len(covenant.members))

    async def usage(self, round_id: str) -> dict[str, Usage]:
        """What each key holder counted in a round, by its OIN: signed by it, under the round's or our covenant."""
        parts = self._parts
        said = await parts.coordinator.call(methods.GET_USAGE, UsageRequest(round_id), UsageList)
        newest = await asyncio.to_thread(self._covenant)
        found = {}
        for message in said.usages:
            claimed = message.envelope
            note = await asyncio.to_thread(parts.store.covenant_note, claimed.covenant_hash)
            covenant = newest if note is None else Covenant.verify(note, parts.authority)
            envelope = open_signed(message, covenant, Kind.USAGE, round_id=round_id, now=None)
            found[envelope.sender] = wire.decode(Usage, envelope.payload)
        return found

    async def export(self, folder: Path) -> Checkpoint:
        """Write what an outsider needs to verify the log: see docs/audit.md. Checked before it is written.

        `covenant.note`, `checkpoint.note` (with its cosignatures) and `leaves.txt`, which has all leaves in a row.
        """
        looked = await Watch(self._parts).look()
        if looked is None:
            raise CovenantError("there is no covenant yet", do="fetch it: sluis-node covenant fetch")
        call = self._parts.coordinator.call
        note = (await call(methods.GET_COSIGNED, Empty(), Cosigned)).note
        covenant = await asyncio.to_thread(self._covenant)
        newest = open_checkpoint(note, log_verifier(covenant))
        size, peaks, leaves = 0, tuple[bytes, ...](), []
        while size < newest.size:
            some = (await call(methods.GET_LEAVES, LeavesRequest(size, _AT_ONCE), LeafList)).leaves
            some = some[: newest.size - size]
            if not some:
                break
            added = append(size, peaks, [leaf_hash(leaf.encode()) for leaf in some])
            size, peaks = added.size, added.peaks
            leaves.append("".join(some))
        if size != newest.size or fold(peaks) != newest.root:
            raise LogError("the coordinator's leaves don't make the root that it signed", do=REPORT)
        files = {"covenant.note": covenant.note, "checkpoint.note": note, "leaves.txt": "".join(leaves)}

        def write() -> None:
            make_folder(folder)
            for name, text in files.items():
                write_atomically(folder / name, text)

        await asyncio.to_thread(write)
        return newest

    def evidence(self, number: int | None = None) -> str:
        """The evidence of an alarm, the newest one without a number, as a file for third parties."""
        with self._parts.store.transaction() as connection:
            found = keeping.alarms(connection)
        for alarm in found:
            if number in (None, alarm.number):
                return alarm.evidence.serialise()
        raise NotFound("there is no such alarm", do="list them: sluis-node log show")

    def resume(self, number: int, *, by: str, why: str) -> Alarm:
        """Go on after an alarm: somebody answers for that, with a reason. See `keeping.settle` for what is lost."""
        parts = self._parts
        with parts.store.transaction() as connection:
            alarm = keeping.settle(connection, number, by=by, why=why, now=parts.now())
        log.warning("going on after an alarm", alarm=number)
        return alarm

    def _covenant(self) -> Covenant:
        found = self._parts.known_covenant()
        if found is None:
            raise CovenantError("there is no covenant yet", do="fetch it: sluis-node covenant fetch")
        return found


def checkpoint_json(checkpoint: Checkpoint) -> dict[str, object]:
    """For machines."""
    return {"size": checkpoint.size, "root": base64.b64encode(checkpoint.root).decode()}
