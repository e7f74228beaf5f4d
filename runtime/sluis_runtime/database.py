"""Databases: one engine per program, migrated on opening, with SQLite's durability set right.

A write that the disk refuses becomes a StorageError that says what to do; the transaction around it is undone.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sluis_protocol.errors import StorageError
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

_BUSY_MILLISECONDS = 30_000
_CACHE_KIB = 16_384  # of a connection, as it is needed: the upper levels of a log of ten million leaves stay
# Alembic keeps the migration that runs in a global: one at a time in a process.
_MIGRATING = threading.Lock()
_REVISION = re.compile(r'^revision = "(.+)"$', re.M)
_FOLLOWS = re.compile(r'^down_revision = "(.+)"$', re.M)


def open_database(url: str, migrations: Path) -> Engine:
    """Connect and bring the schema up to date.

    SQLite runs with a write-ahead log and full synchronisation: what was committed is there after a power cut.
    """
    # An error that quotes a row would bring it into a log (rule 17).
    engine = create_engine(url, poolclass=QueuePool, pool_size=8, max_overflow=8, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        _make_private(Path(engine.url.database or ""))
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    try:
        with _MIGRATING, engine.begin() as connection:
            if not _is_current(connection, migrations):
                _upgrade(connection, migrations)
    except DatabaseError as error:
        raise _storage_error(error, engine) from error
    return engine


def _is_current(connection: Connection, migrations: Path) -> bool:
    """Whether the newest migration was done already, as far as that can be seen without Alembic."""
    scripts = [path.read_text("utf-8") for path in (migrations / "versions").glob("*.py")]
    made = {found[1] for script in scripts if (found := _REVISION.search(script))}
    followed = {found[1] for script in scripts if (found := _FOLLOWS.search(script))}
    newest = made - followed
    if len(newest) != 1 or not inspect(connection).has_table("alembic_version"):
        return False
    return set(connection.execute(text("SELECT version_num FROM alembic_version")).scalars()) == newest


def _upgrade(connection: Connection, migrations: Path) -> None:
    # Imported here: it takes half a second, which a command whose database is current needn't wait.
    import alembic.command
    import alembic.config
    import alembic.util

    settings = alembic.config.Config(attributes={"connection": connection})
    settings.set_main_option("script_location", str(migrations).replace("%", "%%"))
    try:
        alembic.command.upgrade(settings, "head")
    except alembic.util.CommandError as error:
        raise StorageError(
            "this program doesn't know the database's schema",
            do="a newer release wrote it: install that one, or restore the backup from before",
            database=connection.engine.url.database,
        ) from error


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """All or nothing. SQLite takes its write lock at the start, so two writers wait instead of failing halfway."""
    try:
        with engine.begin() as connection:
            yield connection
    except (IntegrityError, ProgrammingError, DataError):
        raise  # the caller's to handle: a conflict, or a bug
    except DatabaseError as error:
        raise _storage_error(error, engine) from error
    except PoolTimeout as error:
        raise StorageError("the database is too busy", do="try again in a moment", **_which(engine)) from error


# What helps, by SQLite's name for what went wrong.
_HELP = {
    "SQLITE_FULL": "free disk space, then start again; nothing was half written",
    "SQLITE_BUSY": "another process holds it for too long: end that one, or try again",
    "SQLITE_CANTOPEN": "check the path in the configuration and the folder's permissions",
    "SQLITE_READONLY": "give this program's user the right to write the file and its folder",
    "SQLITE_NOTADB": "check the path in the configuration: this is another kind of file",
    "SQLITE_CORRUPT": "restore the database from a backup",
}
_HELP_ANYWAY = "free disk space or repair the database, then start again; nothing was half written"


def _storage_error(error: DatabaseError, engine: Engine) -> StorageError:
    name = str(getattr(error.orig, "sqlite_errorname", ""))
    do = next((help_ for known, help_ in _HELP.items() if name.startswith(known)), _HELP_ANYWAY)
    return StorageError(f"the database refused: {error.orig}", do=do, **_which(engine))


def _which(engine: Engine) -> dict[str, object]:
    return {"database": engine.url.database}


def _make_private(path: Path) -> None:
    """A database that is made now is its owner's alone; SQLite gives the files beside it the same rights."""
    # What can't be made here, SQLite can't open either, and says why.
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # Python's driver would begin transactions by itself, and later than we need: we say BEGIN IMMEDIATE.
    connection.isolation_level = None
    settings = (f"busy_timeout={_BUSY_MILLISECONDS}", f"cache_size=-{_CACHE_KIB}")
    for pragma in (*settings, "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
