"""A key holder with its keys and its database open: what every command starts from."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import CovenantError
from sluis_protocol.sealed import SealingKey
from sluis_runtime.database import open_database, transaction
from sluis_runtime.files import read_text
from sluis_runtime.keyfiles import read_sealing_key, read_signing_key, read_storage_key
from sqlalchemy import Connection, Engine, insert, select, update

from ..vault import Vault
from . import tables
from .config import KeyHolderSettings
from .quota import Quota
from .share import Shares

MIGRATIONS = Path(__file__).parent / "migrations"
MOST_NOTE = 8_388_608


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Who this holder is and what it keeps."""

    oin: str
    signing_key: Ed25519PrivateKey = field(repr=False)
    sealing_key: SealingKey = field(repr=False)
    vault: Vault = field(repr=False)
    engine: Engine = field(repr=False)
    shares: Shares = field(repr=False)
    quota: Quota = field(repr=False)

    def close(self) -> None:
        """Close the database."""
        self.engine.dispose()


def open_holder(settings: KeyHolderSettings) -> KeyHolder:
    """Read the keys and open the database. Raises KeyFileError, StorageError."""
    signing_key = read_signing_key(settings.signing_key)
    sealing_key = read_sealing_key(settings.sealing_key)
    vault = Vault.of(read_storage_key(settings.storage_key), os.urandom)
    engine = open_database(f"sqlite:///{settings.database}", MIGRATIONS)
    return KeyHolder(settings.oin, signing_key, sealing_key, vault, engine, Shares(engine, vault), Quota(engine))


def read_covenant(holder: KeyHolder, settings: KeyHolderSettings) -> Covenant:
    """The covenant in the configured file, verified, and not older than what this holder saw before."""
    note = read_text(settings.covenant, most=MOST_NOTE, what="the covenant")
    covenant = Covenant.verify(note, settings.verifier())
    see_covenant(holder.engine, covenant)
    return covenant


def see_covenant(engine: Engine, covenant: Covenant) -> None:
    """Remember a verified covenant's version; raise CovenantError as `check_covenant` does."""
    terms = covenant.terms
    values = {"version": terms.version, "hash": covenant.hash}
    with transaction(engine) as connection:
        known = _known_version(connection, covenant)
        if known is None:
            connection.execute(insert(tables.covenants).values(id=terms.id, **values))
        elif known < terms.version:
            connection.execute(update(tables.covenants).values(values))


def check_covenant(engine: Engine, covenant: Covenant) -> None:
    """Raise CovenantError for a verified covenant that this holder can't go on with.

    1. Another covenant was seen here, though the same authority may have signed both; 2. a newer version was;
    3. another text of this version was.
    """
    with transaction(engine) as connection:
        _known_version(connection, covenant)


def _known_version(connection: Connection, covenant: Covenant) -> int | None:
    terms = covenant.terms
    found = connection.execute(select(tables.covenants)).one_or_none()
    if found is None:
        return None
    if found.id != terms.id:
        raise CovenantError(
            "this key holder serves another covenant",
            do="make a folder of its own for each covenant (sluis-node keyholder init)",
            ours=found.id,
            theirs=terms.id,
        )
    if found.version > terms.version:
        raise CovenantError(
            f"version {terms.version} of the covenant is older than version {found.version}, seen before",
            do="fetch the covenant in force from the authority",
            covenant=terms.id,
        )
    if found.version == terms.version and found.hash != covenant.hash:
        raise CovenantError(
            f"there are two different versions {terms.version} of the covenant",
            do="ask the authority: it must never sign two covenants with the same version",
            covenant=terms.id,
        )
    return int(found.version)
