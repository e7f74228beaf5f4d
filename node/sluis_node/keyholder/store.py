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
from sqlalchemy import Engine, insert, select, update

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
    """Remember a verified covenant's version; raise CovenantError if a newer one, or another of it, was seen before."""
    terms = covenant.terms
    with transaction(engine) as connection:
        found = connection.execute(select(tables.covenants).where(tables.covenants.c.id == terms.id)).one_or_none()
        values = {"version": terms.version, "hash": covenant.hash}
        if found is None:
            connection.execute(insert(tables.covenants).values(id=terms.id, **values))
        elif found.version > terms.version:
            raise CovenantError(
                f"version {terms.version} of the covenant is older than version {found.version}, seen before",
                do="fetch the covenant in force from the authority",
                covenant=terms.id,
            )
        elif found.version < terms.version:
            connection.execute(update(tables.covenants).where(tables.covenants.c.id == terms.id).values(values))
        elif found.hash != covenant.hash:
            raise CovenantError(
                f"there are two different versions {terms.version} of the covenant",
                do="ask the authority: it must never sign two covenants with the same version",
                covenant=terms.id,
            )
