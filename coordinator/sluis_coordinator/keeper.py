"""The keeper moves rounds and handshakes through their states when they are due, and deletes what must go.

Its memory is the database: each step is a compare-and-set or a deletion that can be done again, so a coordinator that
is killed at any moment goes on where it was. Nothing here is personal but the files that it deletes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from sluis_protocol.errors import InputError, LegalGroundMissing, RoundError, SluisError, StorageError, TotalsError
from sluis_protocol.rounds import Announced, Collecting, Event, Joining, Published, Purged, is_round_id
from sluis_protocol.wire.payloads import MOST_REASON
from sluis_runtime.database import transaction
from sluis_runtime.logs import logger

from . import announcing, handshake_store, handshakes, matches, outbox, store, totals
from . import log as log_keeping
from .bell import Bell
from .coordinator import Coordinator
from .join import join_files
from .tagfile import delete_folder, file_name, keep_only

_SPILL = "spill"
log = logger("keeper")


class Keeper:
    """One per coordinator; `run` until the server stops."""

    def __init__(
        self, coordinator: Coordinator, bell: Bell, *, announce: Sequence[str] = (), totals: Sequence[str] = ()
    ) -> None:
        self._coordinator = coordinator
        self._bell = bell
        self._announce = announce
        self._totals = totals
        self._newest_mail = 0
        self._checkpoint = True  # bytes that a purge deleted may still be in the database's log

    def tidy(self) -> None:
        """At start-up: end what a new covenant version overtook, and delete what a crash left behind."""
        coordinator = self._coordinator
        with transaction(coordinator.engine) as connection:
            rounds = {found.id: found for found in store.unclean_rounds(connection)}
            submitted = {round_id: store.find_submissions(connection, round_id) for round_id in rounds}
        for found in list(rounds.values()):
            if found.covenant_hash != coordinator.covenant.hash and not isinstance(found.state, Published | Purged):
                matches.abandon(coordinator, found, "a new covenant version took effect")
                log.warning("round abandoned", round=found.id, why="covenant")
                del rounds[found.id]
        for folder in coordinator.folder.iterdir():
            if not is_round_id(folder.name):
                log.warning("not a round's folder, left alone", name=folder.name)
                continue
            kept = rounds.get(folder.name)
            if kept and isinstance(kept.state, Collecting | Joining):
                keep_only(folder, {file_name(one.oin, one.commitment) for one in submitted[kept.id]})
            else:
                delete_folder(folder)

    async def run(self, tick_seconds: float) -> None:
        """Tick until the bell is closed; what is refused now (a full disk, say) is tried again at the next tick."""
        while not self._bell.silent_for_good:
            await asyncio.to_thread(self.tick)
            # Mail can also come from the command line, which is another process: so look, and wake the streams.
            self._bell.ring(await asyncio.to_thread(self._recipients))
            with suppress(TimeoutError):
                async with asyncio.timeout(tick_seconds):
                    await self._bell.wait_closed()

    def tick(self) -> None:
        """Do everything that is due."""
        try:
            self._announce_due()
            with transaction(self._coordinator.engine) as connection:
                rounds = store.unclean_rounds(connection)
        except StorageError as error:
            log.error("nothing can be done", code=error.code, what=str(error))
            return
        for found in rounds:
            try:
                while self._step(found):
                    with transaction(self._coordinator.engine) as connection:
                        found = store.find_round(connection, found.id)
            except SluisError as error:
                log.error("the round can't go on now", round=found.id, code=error.code, what=str(error))
        self._tick_handshakes()
        self._tick_totals()
        self._tick_log()

    def _tick_log(self) -> None:
        """Sign a checkpoint of what happened since the last tick."""
        try:
            log_keeping.sign_newest(self._coordinator)
        except StorageError as error:
            log.error("no checkpoint can be signed", code=error.code, what=str(error))

    def _tick_totals(self) -> None:
        """Open periods of the totals, take them on, and forget single contributions once there is a sum, or none."""
        try:
            self._open_periods()
            totals.forget(self._coordinator)
            due = totals.unfinished(self._coordinator)
        except StorageError as error:
            log.error("totals can't go on now", code=error.code, what=str(error))
            return
        for found in due:
            try:
                if totals.go_on(self._coordinator, found):
                    self._checkpoint = True
            except SluisError as error:
                log.error("the period can't go on now", period=found.id, code=error.code, what=str(error))

    def _open_periods(self) -> None:
        for purpose in self._totals:
            try:
                opened = totals.open_due(self._coordinator, purpose)
            except (LegalGroundMissing, TotalsError) as error:
                log.debug("no period", purpose=purpose, what=str(error))
            else:
                if opened is not None:
                    log.info("period", period=opened.id, state="enrolling")

    def _tick_handshakes(self) -> None:
        """Lapse what nobody acted on in time, and purge what ended long enough ago."""
        coordinator = self._coordinator
        try:
            with transaction(coordinator.engine) as connection:
                for handshake_id in handshake_store.over(connection, coordinator.clock()):
                    handshake_store.purge(connection, handshake_id, coordinator.clock())
                    self._checkpoint = True
                    log.info("handshake", handshake=handshake_id.hex(), state="purged")
                due = handshake_store.due(connection, coordinator.clock())
            if self._checkpoint:
                self._checkpoint = not coordinator.checkpoint()
        except StorageError as error:
            log.error("handshakes can't go on now", code=error.code, what=str(error))
            return
        for handshake in due:
            try:
                handshakes.lapse(coordinator, handshake)
            except SluisError as error:
                log.error("the handshake can't go on now", handshake=handshake.name, code=error.code, what=str(error))

    def _step(self, found: store.Round) -> bool:
        """Do what is due for one round; whether its state changed."""
        now = self._coordinator.clock()
        match found.state:
            case Announced() if found.opens_at <= now:
                self._move(found, Event.OPEN)
            case Collecting() if found.closes_at <= now:
                self._move(found, Event.CLOSE)
            case Joining():
                self._join(found)
            case Published():
                delete_folder(self._coordinator.folder / found.id)
                if found.confirm_until > now:
                    return False
                self._purge(found)
            case Purged() if not found.clean:
                delete_folder(self._coordinator.folder / found.id)
                self._clean(found)
                return False
            case _:
                return False
        return True

    def _move(self, found: store.Round, event: Event) -> None:
        with transaction(self._coordinator.engine) as connection:
            state = store.move_round(connection, found, event, self._coordinator.clock())
        log.info("round", round=found.id, state=state.name)

    def _join(self, found: store.Round) -> None:
        coordinator = self._coordinator
        with transaction(coordinator.engine) as connection:
            submitted = store.find_submissions(connection, found.id)
        folder = coordinator.folder / found.id
        files = {one.oin: folder / file_name(one.oin, one.commitment) for one in submitted}
        least = coordinator.covenant_of(found.covenant_hash).terms.schedule.minimum_participants
        if len(files) < least:
            why = f"{len(files)} took part, and the covenant asks for {least}"
        elif lost := [oin for oin, path in files.items() if not path.exists()]:
            why = "the coordinator lost submissions"
            log.error("submissions are gone", round=found.id, oins=lost)
        else:
            joined = join_files(
                files, coordinator.rules.thresholds, memory=coordinator.join_memory, spill=folder / _SPILL
            )
            matches.publish(coordinator, found, list(files), joined)
            log.info("round", round=found.id, state="published", participants=len(files), candidates=len(joined))
            return
        matches.abandon(coordinator, found, why)
        log.warning("round abandoned", round=found.id, why=why)

    def _purge(self, found: store.Round) -> None:
        """Delete claims, candidates and confirmations; the announcement, commitments and counts stay."""
        with transaction(self._coordinator.engine) as connection:
            store.move_round(connection, found, Event.PURGE, self._coordinator.clock())
            outbox.forget(connection, found.id)
            matches.forget(connection, found.id)
        log.info("round", round=found.id, state="purged")

    def _clean(self, found: store.Round) -> None:
        """Finish a purge: mail of an abandoned round waits for its window; at last nothing deleted is in any file."""
        coordinator = self._coordinator
        with transaction(coordinator.engine) as connection:
            if found.abandoned and found.confirm_until > coordinator.clock() and outbox.remaining(connection, found.id):
                return
            outbox.forget(connection, found.id)
        if coordinator.checkpoint():
            with transaction(coordinator.engine) as connection:
                store.mark_clean(connection, found.id)

    def _announce_due(self) -> None:
        for purpose in self._announce:
            opens_at = announcing.next_opening(self._coordinator, purpose)
            if opens_at is None:
                continue
            try:
                new = announcing.announce(self._coordinator, purpose, opens_at=opens_at)
            except (LegalGroundMissing, RoundError) as error:
                # Past its legal basis, matching stops by itself (rule 20); or the operator held rounds enough.
                log.debug("no round", purpose=purpose, what=str(error))
            else:
                log.info("round", round=new.id, state="announced")

    def _recipients(self) -> set[str]:
        """Who has mail since this was asked last."""
        try:
            with transaction(self._coordinator.engine) as connection:
                self._newest_mail, recipients = outbox.newer_than(connection, self._newest_mail)
        except StorageError:
            return set()
        return recipients


def close(coordinator: Coordinator, round_id: str) -> store.Round:
    """Stop collecting now; the keeper joins at its next tick."""
    with transaction(coordinator.engine) as connection:
        found = store.find_round(connection, round_id)
        store.move_round(connection, found, Event.CLOSE, coordinator.clock())
        return store.find_round(connection, round_id)


def abandon(coordinator: Coordinator, round_id: str, why: str) -> store.Round:
    """End a round without a result; the keeper deletes its files at its next tick."""
    if len(why) > MOST_REASON or not why.isprintable():
        raise InputError(f"the reason is not one line of at most {MOST_REASON} characters", do="say it shorter")
    with transaction(coordinator.engine) as connection:
        found = store.find_round(connection, round_id)
    if isinstance(found.state, Published | Purged):
        raise RoundError(f"the round is {found.state.name}: there is nothing to abandon", round=round_id)
    matches.abandon(coordinator, found, why)
    with transaction(coordinator.engine) as connection:
        return store.find_round(connection, round_id)
