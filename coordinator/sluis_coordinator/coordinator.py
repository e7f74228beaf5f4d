"""Who the coordinator is: its covenant, key, database, folder, clock and randomness, checked when it starts.

The services get one `Coordinator` and nothing else. What it does is in the other modules.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sluis_protocol import wire
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import ConfigError, CovenantError
from sluis_protocol.log_messages import Receipt
from sluis_protocol.note import Verifier
from sluis_protocol.rules import RuleSet, load_rules
from sluis_protocol.signed import Envelope, Kind, SignedMessage, sign, signing_key
from sluis_runtime.database import open_database, transaction
from sluis_runtime.files import make_folder, read_text
from sluis_runtime.keyfiles import read_signing_key
from sqlalchemy import Engine, insert, select

from . import events
from .config import CoordinatorSettings
from .schema import covenants

MIGRATIONS = Path(__file__).parent / "migrations"
_MOST_NOTE = 8_388_608


@dataclass(frozen=True, slots=True)
class Coordinator:
    """Everything that the services share; `clock` tells aware UTC times, `random` has os.urandom's shape."""

    covenant: Covenant
    authority: Verifier
    rules: RuleSet
    engine: Engine
    folder: Path
    clock: Callable[[], datetime]
    random: Callable[[int], bytes]
    key: Ed25519PrivateKey = field(repr=False)
    join_memory: str = "1GB"

    @property
    def oin(self) -> str:
        """The OIN that the covenant names as the coordinator's."""
        if self.covenant.terms.coordinator is None:
            raise CovenantError("the covenant names no coordinator")
        return self.covenant.terms.coordinator.oin

    def sign(
        self, kind: Kind, payload: object, round_id: str, covenant_hash: bytes, *, at: datetime | None = None
    ) -> SignedMessage:
        """A message of the coordinator's own, dated now, or at the time that it decided on something."""
        envelope = Envelope(kind, self.oin, covenant_hash, round_id, at or self.clock(), wire.encode(payload))
        return sign(envelope, self.key)

    def receipt(self, kind: str, about: SignedMessage, *, digest: bytes | None = None) -> SignedMessage:
        """The promise that the log has a leaf of that kind for what a node sent (`sluis_protocol.promises`).

        Its digest is the message's, or `digest`. Only for what stands in the log already.
        """
        envelope = about.envelope
        content = Receipt(kind, about.digest if digest is None else digest)
        return self.sign(Kind.RECEIPT, content, envelope.round_id, envelope.covenant_hash)

    def covenant_of(self, covenant_hash: bytes) -> Covenant:
        """The covenant that a round goes on under; it was verified before it was kept, and is verified again."""
        if covenant_hash == self.covenant.hash:
            return self.covenant
        with transaction(self.engine) as connection:
            note = connection.execute(select(covenants.c.note).where(covenants.c.hash == covenant_hash)).scalar_one()
        return _verified(note, self.authority)

    def checkpoint(self) -> bool:
        """Bring SQLite's write-ahead log into the database and empty it, so that deleted bytes are in neither.

        False if a reader or writer was in the way: try again later.
        """
        if self.engine.dialect.name != "sqlite":
            return True
        connection = self.engine.raw_connection()
        try:
            row = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return bool(row and row[0] == 0)
        except sqlite3.OperationalError:
            return False
        finally:
            connection.close()


@lru_cache(maxsize=8)
def _verified(note: str, authority: Verifier) -> Covenant:
    return Covenant.verify(note, authority)


def open_coordinator(
    settings: CoordinatorSettings,
    clock: Callable[[], datetime],
    random: Callable[[int], bytes],
    *,
    adopt: bool = True,
) -> Coordinator:
    """Check the configuration against the covenant, open the database and note the covenant's version there.

    Only a server adopts a new version; with `adopt` False, one that no server has adopted is refused, because the
    server that runs would go on under the old one.

    1. the note is signed by the pinned authority;
    2. the covenant names this OIN and this signing key as the coordinator's;
    3. it names the rule set that this program has;
    4. it is not older than a version seen before, nor another text under the same version.
    """
    authority = settings.verifier()
    note = read_text(settings.covenant, most=_MOST_NOTE, what="the covenant")
    covenant = Covenant.verify(note, authority)
    key = read_signing_key(settings.signing_key)
    party = covenant.terms.coordinator
    if party is None or party.oin != settings.oin:
        raise ConfigError(
            "the covenant names another coordinator",
            do="use the OIN of the covenant, or ask the authority for a new version",
            setting="oin",
            party=settings.oin,
        )
    if signing_key(covenant, settings.oin, Kind.ANNOUNCEMENT) != key.public_key().public_bytes_raw():
        raise ConfigError(
            "the signing key is not the one that the covenant names",
            do="use the key whose card went to the authority",
            setting="signing_key",
            file=settings.signing_key,
        )
    rules = load_rules()
    if covenant.terms.rule_set.sha256 != rules.sha256:
        raise ConfigError(
            "the covenant names another rule set than this program has",
            do="install the release that the covenant was made for",
            theirs=covenant.terms.rule_set.name,
            ours=rules.identity,
        )
    make_folder(settings.database.parent)
    make_folder(settings.rounds)
    engine = open_database(f"sqlite:///{settings.database}", MIGRATIONS)
    _adopt(engine, covenant, clock(), adopt=adopt)
    return Coordinator(
        covenant=covenant,
        authority=authority,
        rules=rules,
        engine=engine,
        folder=settings.rounds,
        clock=clock,
        random=random,
        key=key,
        join_memory=settings.join_memory,
    )


def _adopt(engine: Engine, covenant: Covenant, now: datetime, *, adopt: bool) -> None:
    """Keep a covenant that is new here; raise CovenantError if a newer one, or another of its version, was seen."""
    terms = covenant.terms
    with transaction(engine) as connection:
        newest_first = select(covenants).order_by(covenants.c.version.desc())
        seen = connection.execute(newest_first).all()
        if seen and seen[0].hash == covenant.hash:
            return
        for row in seen:
            if row.id != terms.id:
                raise CovenantError(
                    "this database belongs to another covenant", do="use a new database", ours=row.id, file=terms.id
                )
            if row.version >= terms.version:
                raise CovenantError(
                    "a newer covenant was seen here before"
                    if row.version > terms.version
                    else "another covenant of the same version was seen here before",
                    do="use the newest version that the authority signed",
                    seen=row.version,
                    file=terms.version,
                )
        if not adopt:
            raise CovenantError(
                "the server has not taken over this version of the covenant yet",
                do="restart the server first; rounds that still collect under the old version are abandoned then",
                file=terms.version,
            )
        connection.execute(
            insert(covenants).values(
                hash=covenant.hash, id=terms.id, version=terms.version, note=covenant.note, seen_at=now
            )
        )
        events.record(connection, events.Happened.COVENANT, now, covenant.hash, count=terms.version)
