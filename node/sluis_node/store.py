"""What a node remembers of covenants and rounds; personal fields are sealed (`vault`).

Each method is one transaction, and every change of state is a compare-and-set: False means that somebody else was
first. Nothing here talks to anybody or looks at a clock. Claims and matches: `ledger`;
what went wrong: `anomalies`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from sluis_protocol.covenant import Covenant
from sluis_protocol.encoding import millis, moment
from sluis_protocol.errors import CovenantError, KeyFileError, Replayed, StorageError
from sluis_protocol.signed import SignedMessage
from sluis_protocol.submission import HANDLE_BYTES
from sluis_runtime.database import open_database, transaction
from sqlalchemy import Connection, Engine, RowMapping, delete, func, insert, select, update

from .anomalies import forget_evidence
from .round.own_family import FamilyOnFile, read_family, write_family
from .round.own_round import NewRound, OwnRound, RoundState, Submitted
from .tables import claims, covenants, key_check, own_families, rounds
from .transparency import owed
from .vault import Vault

MIGRATIONS = Path(__file__).parent / "migrations"
_KEY_CHECK = b"sluis"


class Store:
    """The node's database."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self.engine = engine
        self.vault = vault

    @classmethod
    def open(cls, database: Path, vault: Vault) -> Self:
        """Open the SQLite file, making or migrating it where needed; KeyFileError if it has another storage key."""
        store = cls(open_database(f"sqlite:///{database}", MIGRATIONS), vault)
        try:
            store._check_key()
        except (StorageError, KeyFileError):
            store.close()
            raise
        return store

    def _check_key(self) -> None:
        """With another key old fields would be lost, and new ones mixed with them."""
        with self.transaction() as connection:
            sealed = connection.scalar(select(key_check.c.sealed))
            if sealed is None:
                sealed = self.vault.seal(_KEY_CHECK, table="key_check", column="sealed", row="")
                connection.execute(insert(key_check).values(id=1, sealed=sealed))
                return
        try:
            self.vault.open(sealed, table="key_check", column="sealed", row="")
        except StorageError as error:
            raise KeyFileError(
                "the database is encrypted under another storage key",
                do="put back the storage key that belongs to it (storage_key in the configuration)",
                database=self.engine.url.database,
            ) from error

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing."""
        with transaction(self.engine) as connection:
            yield connection

    # Covenants.

    def accept_covenant(self, covenant: Covenant) -> None:
        """Remember a verified covenant; refuse one older than the newest seen, or another under the same number."""
        terms = covenant.terms
        with self.transaction() as connection:
            newest = connection.scalar(select(func.max(covenants.c.version)).where(covenants.c.id == terms.id)) or 0
            other = connection.scalar(select(covenants.c.id).where(covenants.c.id != terms.id))
            if other is not None:
                raise CovenantError(
                    f"this node works under the covenant {other}, not {terms.id}",
                    do="use a folder and a database of its own for each covenant",
                )
            if terms.version < newest:
                raise CovenantError(
                    f"version {terms.version} of the covenant is older than version {newest}, which was seen before",
                    do="fetch the one in force (sluis-node covenant fetch)",
                )
            known = connection.scalar(
                select(covenants.c.hash).where(covenants.c.id == terms.id, covenants.c.version == terms.version)
            )
            if known is not None and known != covenant.hash:
                raise CovenantError(
                    f"there are two different covenants with version {terms.version}",
                    do="ask the covenant authority which one holds, and report this: it must not happen",
                )
            if known is None:
                connection.execute(
                    insert(covenants).values(hash=covenant.hash, id=terms.id, version=terms.version, note=covenant.note)
                )

    def covenant_note(self, covenant_hash: bytes) -> str | None:
        """The note of a covenant that was accepted once."""
        with self.transaction() as connection:
            return self.read_covenant_note(connection, covenant_hash)

    def read_covenant_note(self, connection: Connection, covenant_hash: bytes) -> str | None:
        """The same, within a transaction."""
        return connection.scalar(select(covenants.c.note).where(covenants.c.hash == covenant_hash))

    def newest_covenant_note(self) -> str | None:
        """The note of the newest covenant that was accepted."""
        with self.transaction() as connection:
            return self.read_newest_covenant_note(connection)

    def read_newest_covenant_note(self, connection: Connection) -> str | None:
        """The same, within a transaction."""
        return connection.scalar(select(covenants.c.note).order_by(covenants.c.version.desc()).limit(1))

    # Rounds.

    def join_round(self, new: NewRound, seed: bytes) -> tuple[OwnRound, bytes | None]:
        """The round on file, and the seed of its blinds while there is one; made with `seed` if it is new.

        Refuses a round id that is on file with another announcement: ids never return (protocol.md, 1).
        """
        with self.transaction() as connection:
            found = self.read_round(connection, new.round_id)
            if found is None:
                connection.execute(
                    insert(rounds).values(
                        round_id=new.round_id,
                        covenant_hash=new.announcement.envelope.covenant_hash,
                        purpose=new.purpose,
                        announcement=new.announcement.envelope.payload,
                        closes_at=millis(new.closes_at),
                        confirm_until=millis(new.confirm_until),
                        state=RoundState.JOINED,
                        seed=self.vault.seal(seed, table="rounds", column="seed", row=new.round_id),
                    )
                )
                owed.note_promise(connection, new.announcement)
            found = found or self._required(connection, new.round_id)
            said = new.announcement.envelope
            same = (found.announcement, found.covenant_hash) == (said.payload, said.covenant_hash)
            if not same or found.state is RoundState.FINISHED:
                raise Replayed(
                    "the coordinator announces a round that is over" if same else "a round is announced a second time",
                    do="report it to the operator of the coordinator: round ids never return",
                    round=new.round_id,
                )
            sealed = connection.scalar(select(rounds.c.seed).where(rounds.c.round_id == new.round_id))
            kept = self.vault.open(sealed, table="rounds", column="seed", row=new.round_id) if sealed else None
            return found, kept

    def prepare_submission(
        self, round_id: str, submitted: Submitted, packed: bytes, families: dict[int, FamilyOnFile]
    ) -> bool:
        """Keep a submission and what will be needed to confirm; False if there is one already."""
        sealed = [
            {
                "round_id": round_id,
                "handle": _handle(handle),
                "content": self.seal_family(round_id, _handle(handle), file),
            }
            for handle, file in families.items()
        ]
        rows = self.vault.seal(packed, table="rounds", column="rows", row=round_id)
        with self.transaction() as connection:
            if not self.move(
                connection,
                round_id,
                (RoundState.JOINED,),
                RoundState.READY,
                rows=rows,
                seed=None,
                families=submitted.families,
                persons=submitted.persons,
                slots=submitted.slots,
                commitment=submitted.commitment,
            ):
                return False
            if sealed:
                connection.execute(insert(own_families), sealed)
            return True

    def packed_rows(self, round_id: str) -> bytes | None:
        """The packed rows of a submission, until the round is published."""
        with self.transaction() as connection:
            sealed = connection.scalar(select(rounds.c.rows).where(rounds.c.round_id == round_id))
        return self.vault.open(sealed, table="rounds", column="rows", row=round_id) if sealed else None

    def move(
        self, connection: Connection, round_id: str, start: Iterable[RoundState], end: RoundState, **values: Any
    ) -> bool:
        """Compare-and-set: False if the round was in none of the states `start`."""
        changed = connection.execute(
            update(rounds)
            .where(rounds.c.round_id == round_id, rounds.c.state.in_(list(start)))
            .values(state=end, **values)
        )
        return changed.rowcount == 1

    def note_evaluation(self, receipt: SignedMessage, oin: str, elements: int) -> None:
        """The coordinator has signed that it noted this node's request for so many evaluations."""
        with self.transaction() as connection:
            owed.note_promise(connection, receipt, party=oin, count=elements)

    def mark_submitted(self, round_id: str, receipt: SignedMessage, oin: str) -> bool:
        """The coordinator has signed for this node's submission, and so promised to have it in its log."""
        with self.transaction() as connection:
            own = self._required(connection, round_id)
            owed.note_promise(connection, receipt, party=oin, count=own.persons)
            return self.move(connection, round_id, (RoundState.READY,), RoundState.SUBMITTED)

    def round(self, round_id: str) -> OwnRound | None:
        """One round, or None if this node doesn't know it."""
        with self.transaction() as connection:
            return self.read_round(connection, round_id)

    def all_rounds(self) -> list[OwnRound]:
        """All rounds, the newest first."""
        with self.transaction() as connection:
            found = connection.execute(select(rounds).order_by(rounds.c.closes_at.desc(), rounds.c.round_id)).mappings()
            return [_own_round(row) for row in found]

    def read_round(self, connection: Connection, round_id: str) -> OwnRound | None:
        """One round, within a transaction."""
        found = connection.execute(select(rounds).where(rounds.c.round_id == round_id)).mappings().first()
        return _own_round(found) if found else None

    def _required(self, connection: Connection, round_id: str) -> OwnRound:
        return _own_round(connection.execute(select(rounds).where(rounds.c.round_id == round_id)).mappings().one())

    def family(self, connection: Connection, round_id: str, handle: int) -> FamilyOnFile | None:
        """The own family that has this handle in a round, or None (a dummy, or made up)."""
        sealed = connection.scalar(
            select(own_families.c.content).where(
                own_families.c.round_id == round_id, own_families.c.handle == _handle(handle)
            )
        )
        if sealed is None:
            return None
        return self.open_family(round_id, _handle(handle), sealed)

    def open_family(self, round_id: str, handle: bytes, sealed: bytes) -> FamilyOnFile:
        """An own family out of its row."""
        row = round_id.encode() + handle
        return read_family(self.vault.open(sealed, table="own_families", column="content", row=row))

    def seal_family(self, round_id: str, handle: bytes, file: FamilyOnFile) -> bytes:
        """An own family for its row."""
        row = round_id.encode() + handle
        return self.vault.seal(write_family(file), table="own_families", column="content", row=row)

    def forget_openings(self, connection: Connection, round_id: str) -> None:
        """Delete what was kept to understand claims."""
        connection.execute(delete(own_families).where(own_families.c.round_id == round_id))

    def finish(self, connection: Connection, round_id: str, *, abandoned: str = "") -> None:
        """Delete everything of a round but its id, its counts and what is proven."""
        self.forget_openings(connection, round_id)
        connection.execute(delete(claims).where(claims.c.round_id == round_id))
        forget_evidence(connection, round_id)
        connection.execute(
            update(rounds)
            .where(rounds.c.round_id == round_id)
            .values(state=RoundState.FINISHED, seed=None, rows=None, abandoned=abandoned)
        )

    def give_up(self, round_id: str) -> None:
        """Finish a round that we prepared for, but handed nothing in."""
        with self.transaction() as connection:
            own = self.read_round(connection, round_id)
            if own is not None and own.state is RoundState.READY:
                self.finish(connection, round_id, abandoned="what this node had ready never arrived")
        self.scrub()

    def tidy(self, now: datetime) -> list[str]:
        """Finish all rounds whose confirmation window is over: their ids. The deleted pages are overwritten."""
        with self.transaction() as connection:
            due = connection.scalars(
                select(rounds.c.round_id).where(
                    rounds.c.confirm_until <= millis(now), rounds.c.state != RoundState.FINISHED
                )
            ).all()
            for round_id in due:
                self.finish(connection, round_id)
        if due:
            self.scrub()
        return list(due)

    def scrub(self) -> None:
        """Empty the write-ahead log, where deleted rows would linger."""
        with self.engine.connect() as connection:
            driver = connection.connection.driver_connection
            if driver is not None:
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _handle(handle: int) -> bytes:
    return handle.to_bytes(HANDLE_BYTES, "big")


def _own_round(row: RowMapping) -> OwnRound:
    return OwnRound(
        row["round_id"],
        row["covenant_hash"],
        row["purpose"],
        row["announcement"],
        moment(row["closes_at"]),
        moment(row["confirm_until"]),
        RoundState(row["state"]),
        row["families"],
        row["persons"],
        row["slots"],
        row["commitment"],
        row["participants"],
        row["claims"],
        row["abandoned"],
    )
