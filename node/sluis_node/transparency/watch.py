"""The watch over the coordinator's log: look at every contact, and stop where something is wrong (protocol.md, 8).

1. Ask for the newest checkpoint: signed by the coordinator, for this very question, now. 2. It is not smaller than the
last one, and not another one of its size. 3. The coordinator proves that the log only grew since. 4. Our own events are
in it. 5. Remember it, and only then cosign it. What fails raises an alarm with the coordinator's own signed words; an
answer that doesn't come at all raises Unreachable, as everywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TypeVar

from sluis_protocol import wire
from sluis_protocol.checkpoint import Checkpoint, cosign, log_verifier, open_checkpoint, origin
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import LogAlarm, LogError, MalformedMessage, SluisError, StorageError, Unreachable
from sluis_protocol.evidence import Charge, Evidence
from sluis_protocol.leaves import Leaf
from sluis_protocol.log_messages import (
    ABOUT_LOG,
    NONCE_BYTES,
    CheckpointRequest,
    ConsistencyRequest,
    Cosignature,
    InclusionRequest,
    LogCheckpoint,
    LogConsistency,
    LogInclusion,
)
from sluis_protocol.merkle import leaf_hash, verify_consistency, verify_inclusion
from sluis_protocol.messages import CovenantNote, Empty
from sluis_protocol.promises import MERGE_DELAY
from sluis_protocol.signed import Kind, SignedMessage, open_signed
from sluis_protocol.wire import methods
from sluis_protocol.wire.methods import Method
from sluis_runtime.logs import logger

from ..anomalies import REPORT
from ..coordinator import CALL_SECONDS
from ..parts import Parts
from . import keeping, owed
from .keeping import Seen
from .owed import Owed

T = TypeVar("T")
_AT_ONCE = 8
log = logger("log")


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the log came to: how many own events were found now, and how many are not there yet."""

    checkpoint: Checkpoint
    before: Checkpoint | None
    found: int
    pending: int


class Watch:
    """One node's watch. Two programs of one node may look at the same time."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._covenants: dict[bytes, Covenant] = {}

    async def look(self, *, everything: bool = False) -> Look | None:
        """Look at the log; None before there is a covenant. `everything`: look for what was found before, too.

        Raises LogAlarm, also for one that is open from before.
        """
        parts = self._parts
        await asyncio.to_thread(keeping.require_none, parts.store.engine)
        newest = await asyncio.to_thread(parts.known_covenant)
        if newest is None:
            return None
        before, wanted = await asyncio.to_thread(self._before, newest, everything)
        shown, covenant = await self._newest(newest)
        if before is not None:
            if shown.checkpoint.size < before.checkpoint.size:
                what = f"it had {before.checkpoint.size} leaves, and now it has {shown.checkpoint.size}"
                raise await self._alarm(Charge.ROLLBACK, what, (before.answer, shown.answer))
            await self._compare(before, shown)
        wanted += await asyncio.to_thread(self._in_force, covenant)
        places = await self._find(wanted, shown)
        pending = [one for one, place in places if place is None]
        await asyncio.to_thread(self._note, places)
        shown = await self._remember(before, shown)
        if not shown.cosigned:
            await self._cosign(shown)
        found = len(places) - len(pending)
        return Look(shown.checkpoint, before.checkpoint if before else None, found, len(pending))

    async def compare_with(self, note: str) -> Checkpoint:
        """Check a checkpoint that another node was shown against ours; LogAlarm if they are of two histories."""
        parts = self._parts
        seen = await asyncio.to_thread(self._last)
        if seen is None:
            raise LogError("this node has seen no checkpoint yet", do="run `sluis-node log verify` first")
        other = self._open_note(note)
        if other.size > seen.checkpoint.size:
            raise LogError(
                f"that checkpoint has {other.size} leaves, and our last one {seen.checkpoint.size}",
                do="run it again: the coordinator must show us as many by now",
            )
        if other.size == seen.checkpoint.size and other.root != seen.checkpoint.root:
            what = f"another node was shown another log of {other.size} leaves"
            raise await self._alarm(Charge.SPLIT, what, (seen.answer,), (note,))
        if 0 < other.size < seen.checkpoint.size:
            answer, said = await self._consistency(other, seen.checkpoint, (seen.answer,), (note,))
            try:
                verify_consistency(other.size, seen.checkpoint.size, other.root, seen.checkpoint.root, said.proof)
            except LogError:
                what = f"what another node was shown at {other.size} leaves is not the beginning of our log"
                raise await self._alarm(Charge.FORK, what, (seen.answer, answer), (note,)) from None
        log.info("another node's checkpoint is of the same log", size=other.size, oin=parts.oin)
        return other

    def _open_note(self, note: str) -> Checkpoint:
        covenant = self._parts.known_covenant()
        if covenant is None:
            raise LogError("there is no covenant yet")
        return open_checkpoint(note, log_verifier(covenant))

    # The steps.

    def _before(self, covenant: Covenant, everything: bool) -> tuple[Seen | None, list[Owed]]:
        """What we knew before we asked: no answer may be older."""
        with self._parts.store.transaction() as connection:
            wanted = owed.outstanding(connection, everything=everything)
            return keeping.seen(connection, origin(covenant.terms.id)), wanted

    def _in_force(self, covenant: Covenant) -> list[Owed]:
        """The covenant that the coordinator works under, where it is new to us; it may be newer than ours."""
        since = datetime.combine(covenant.terms.valid_from, time(), UTC)
        one = Owed("covenant", covenant.hash, since, count=covenant.terms.version)
        with self._parts.store.transaction() as connection:
            return [one] if owed.note(connection, one) else []

    def _last(self) -> Seen | None:
        covenant = self._parts.known_covenant()
        if covenant is None:
            return None
        with self._parts.store.transaction() as connection:
            return keeping.seen(connection, origin(covenant.terms.id))

    async def _newest(self, ours: Covenant) -> tuple[Seen, Covenant]:
        nonce = self._parts.random(NONCE_BYTES)
        answer = await self._ask(methods.GET_CHECKPOINT, CheckpointRequest(nonce))
        covenant = await self._covenant_of(answer, ours)
        said = self._opened(answer, Kind.LOG_CHECKPOINT, LogCheckpoint, covenant)
        if said.nonce != nonce:
            raise MalformedMessage("the coordinator answers another question about its log", do=REPORT)
        checkpoint = open_checkpoint(said.note, log_verifier(covenant))
        return Seen(checkpoint, answer, covenant.note, self._parts.now()), covenant

    async def _compare(self, old: Seen, new: Seen) -> None:
        """That the older one is the beginning of the newer one."""
        one, two = old.checkpoint, new.checkpoint
        if one.size == two.size:
            if one.root != two.root:
                what = f"it shows two different logs of {one.size} leaves"
                raise await self._alarm(Charge.SPLIT, what, (old.answer, new.answer))
            return
        if one.size == 0:
            return
        answer, said = await self._consistency(one, two, (old.answer, new.answer))
        try:
            verify_consistency(one.size, two.size, one.root, two.root, said.proof)
        except LogError:
            what = f"its {two.size} leaves don't begin with the {one.size} that it showed before"
            raise await self._alarm(Charge.FORK, what, (old.answer, new.answer, answer)) from None

    async def _consistency(
        self, one: Checkpoint, two: Checkpoint, proof: Sequence[SignedMessage], notes: Sequence[str] = ()
    ) -> tuple[SignedMessage, LogConsistency]:
        try:
            answer = await self._ask(methods.GET_CONSISTENCY, ConsistencyRequest(one.size, two.size))
            said = self._opened(answer, Kind.LOG_CONSISTENCY, LogConsistency, await self._covenant_of(answer))
            if (said.old, said.new) != (one.size, two.size):
                raise MalformedMessage("the coordinator proves something else about its log")
        except (Unreachable, StorageError):
            raise
        except SluisError as error:
            what = f"it gives no proof from {one.size} to {two.size} leaves: {error.what}"
            raise await self._alarm(Charge.UNPROVEN, what, proof, notes) from error
        return answer, said

    async def _find(self, wanted: Sequence[Owed], shown: Seen) -> list[tuple[Owed, int | None]]:
        """Where each event stands; None where it may still come, or somebody answers for its loss."""
        found: list[tuple[Owed, int | None]] = []
        for at in range(0, len(wanted), _AT_ONCE):
            some = wanted[at : at + _AT_ONCE]
            places = await asyncio.gather(*(self._find_one(one, shown) for one in some))
            found += zip(some, places, strict=True)
        return found

    async def _find_one(self, one: Owed, shown: Seen) -> int | None:
        size = shown.checkpoint.size
        try:
            answer = await self._ask(methods.GET_INCLUSION, InclusionRequest(one.kind, one.digest, size))
            said = self._opened(answer, Kind.LOG_INCLUSION, LogInclusion, await self._covenant_of(answer))
            if (said.kind, said.digest, said.size) != (one.kind, one.digest, size):
                raise MalformedMessage("the coordinator proves something else about its log")
            if said.leaf:
                leaf = Leaf.parse(said.leaf)
                if not one.fits(leaf):
                    raise MalformedMessage("the leaf says something else of the event")
                hashed = leaf_hash(leaf.public.text.encode())
                verify_inclusion(hashed, said.index, size, said.proof, shown.checkpoint.root)
                return said.index
        except (Unreachable, StorageError):
            raise
        except SluisError as error:
            what = f"no proof that {one} is in it: {error.what}"
            raise await self._alarm(Charge.UNPROVEN, what, (shown.answer,)) from error
        await self._missing(one, shown, answer)
        return None

    async def _missing(self, one: Owed, shown: Seen, answer: SignedMessage) -> None:
        """It isn't there: wait a little, or know that somebody answers for it; else it is an alarm."""
        if shown.answer.envelope.sent_at < one.at + MERGE_DELAY:
            return
        if await asyncio.to_thread(self._answered_for, one):
            return
        what = f"{one} is not in it"
        if one.promise is None:
            raise await self._alarm(Charge.UNPROVEN, what, (shown.answer, answer))
        raise await self._alarm(Charge.MISSING, what, (one.promise, shown.answer, answer))

    def _answered_for(self, one: Owed) -> bool:
        """Whether it is from before somebody had this node start anew; then it counts as lost."""
        with self._parts.store.transaction() as connection:
            anew = keeping.settled_last(connection)
            if anew is None or one.at > anew:
                return False
            owed.lose(connection, one)
            return True

    def _note(self, places: Sequence[tuple[Owed, int | None]]) -> None:
        with self._parts.store.transaction() as connection:
            for one, place in places:
                if place is not None:
                    owed.found(connection, one, place)

    async def _remember(self, before: Seen | None, shown: Seen) -> Seen:
        """Keep the newest checkpoint. Another program of ours may have been faster: then compare with what it saw."""
        while True:
            if before is not None and before.checkpoint == shown.checkpoint and before.cosigned:
                return before
            if await asyncio.to_thread(self._advance, before, shown):
                return shown
            before = await asyncio.to_thread(self._last)
            if before is None:
                continue
            if before.checkpoint.size > shown.checkpoint.size:
                await self._compare(shown, before)
                return before
            await self._compare(before, shown)

    def _advance(self, before: Seen | None, shown: Seen) -> bool:
        with self._parts.store.transaction() as connection:
            return keeping.advance(connection, before, shown)

    async def _cosign(self, shown: Seen) -> None:
        """Put our name under it; it doesn't matter if the coordinator doesn't want it."""
        parts = self._parts
        line = cosign(shown.checkpoint, parts.oin, parts.signer.key, parts.now())
        try:
            await self._ask_for(methods.COSIGN, Cosignature(shown.checkpoint.size, line), Empty)
        except (Unreachable, StorageError):
            raise
        except SluisError as error:
            log.warning("the coordinator takes no cosignature", code=error.code, what=error.what)
            return

        def mark() -> None:
            with parts.store.transaction() as connection:
                keeping.mark_cosigned(connection, shown.checkpoint)

        await asyncio.to_thread(mark)

    # Asking.

    async def _ask(self, method: Method, request: object) -> SignedMessage:
        return await self._ask_for(method, request, SignedMessage)

    async def _ask_for(self, method: Method, request: object, response: type[T]) -> T:
        coordinator = self._parts.coordinator
        return await coordinator.persist(
            lambda: coordinator.wire.call(method, request, response, timeout=CALL_SECONDS), guarded=False
        )

    def _opened(self, answer: SignedMessage, kind: Kind, payload: type[T], covenant: Covenant) -> T:
        envelope = open_signed(answer, covenant, kind, round_id=ABOUT_LOG, now=self._parts.now())
        return wire.decode(payload, envelope.payload)

    async def _covenant_of(self, answer: SignedMessage, ours: Covenant | None = None) -> Covenant:
        """The covenant that an answer was given under: ours, one on file, or a newer one that the authority signed.

        A newer one is only used to read the answer; whether to take it over is not decided here.
        """
        wanted = answer.envelope.covenant_hash
        if ours is not None and ours.hash == wanted:
            self._covenants[wanted] = ours
        if wanted not in self._covenants:
            note = await asyncio.to_thread(self._parts.store.covenant_note, wanted)
            if note is None:
                note = (await self._ask_for(methods.GET_COVENANT, Empty(), CovenantNote)).note
            found = Covenant.verify(note, self._parts.authority)
            newest = await asyncio.to_thread(self._parts.known_covenant)
            if found.hash != wanted or (newest and found.terms.id != newest.terms.id):
                raise MalformedMessage("the coordinator answers under a covenant that it doesn't show", do=REPORT)
            self._covenants[wanted] = found
        return self._covenants[wanted]

    async def _alarm(
        self, charge: Charge, what: str, messages: Sequence[SignedMessage], notes: Sequence[str] = ()
    ) -> LogAlarm:
        """Keep the evidence, tell the administrators, and give the error that everything ends with from now on."""
        covenants: dict[bytes, str] = {}
        for one in messages:
            wanted = one.envelope.covenant_hash
            known = self._covenants.get(wanted)
            note = known.note if known else await asyncio.to_thread(self._parts.store.covenant_note, wanted)
            if note is not None:
                covenants[wanted] = note
        evidence = Evidence(charge, what, self._parts.now(), tuple(covenants.values()), tuple(messages), tuple(notes))
        return await asyncio.to_thread(self._keep_alarm, evidence)

    def _keep_alarm(self, evidence: Evidence) -> LogAlarm:
        parts = self._parts
        covenant = parts.known_covenant()
        coordinator = covenant.terms.coordinator if covenant else None
        with parts.store.transaction() as connection:
            if (already := keeping.open_alarm(connection)) is not None:
                return already  # one is enough to stop for; another look found it, or another event of the same look
            number = keeping.raise_alarm(connection, evidence)
            parts.anomalies.note(
                connection,
                round_id="",
                party=coordinator.oin if coordinator else "",
                code=LogAlarm.code,
                what=f"the coordinator's log: {evidence.what}",
                do=keeping.DO,
                evidence=evidence.serialise().encode(),
                now=evidence.noted_at,
            )
        log.error("alarm", alarm=number, charge=str(evidence.charge), what=evidence.what)
        return keeping.alarm_error(number, evidence.what)
