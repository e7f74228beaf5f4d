"""Durability: what is committed is there, what is refused leaves nothing, two writers wait for each other."""

import threading
from pathlib import Path

import pytest
from sluis_protocol.errors import StorageError
from sluis_runtime import database
from sluis_runtime.database import open_database, transaction
from sqlalchemy import create_engine, text
from sqlalchemy.pool import QueuePool

ENV = """
from alembic import context
context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
"""
FIRST = """
from alembic import op
import sqlalchemy as sa
revision = "1"
down_revision = None
def upgrade():
    op.create_table("counts", sa.Column("name", sa.String, primary_key=True), sa.Column("value", sa.Integer))
"""
SECOND = """
from alembic import op
import sqlalchemy as sa
revision = "2"
down_revision = "1"
def upgrade():
    op.add_column("counts", sa.Column("since", sa.Integer))
"""


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENV)
    (folder / "versions" / "first.py").write_text(FIRST)
    return folder


def test_opening_twice_keeps_what_is_there(tmp_path: Path, migrations: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    with transaction(open_database(url, migrations)) as connection:
        connection.execute(text("INSERT INTO counts VALUES ('a', 1)"))
    with transaction(open_database(url, migrations)) as connection:
        assert connection.execute(text("SELECT value FROM counts")).scalars().all() == [1]


def test_a_new_migration_is_done_and_one_that_was_done_is_not_looked_for(
    tmp_path: Path, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    open_database(url, migrations).dispose()
    (migrations / "versions" / "second.py").write_text(SECOND)
    open_database(url, migrations).dispose()
    monkeypatch.setattr(database, "_upgrade", lambda *_: pytest.fail("migrated again"))
    with transaction(open_database(url, migrations)) as connection:
        assert connection.execute(text("SELECT since FROM counts")).scalars().all() == []


def test_a_failed_transaction_leaves_nothing(tmp_path: Path, migrations: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'a.db'}", migrations)

    def fail_half_way() -> None:
        with transaction(engine) as connection:
            connection.execute(text("INSERT INTO counts VALUES ('a', 1)"))
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        fail_half_way()
    with transaction(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM counts")).scalar() == 0


def test_writers_wait_for_each_other(tmp_path: Path, migrations: Path) -> None:
    """Read, then write, in several threads at once: no update is lost and none fails."""
    engine = open_database(f"sqlite:///{tmp_path / 'a.db'}", migrations)
    with transaction(engine) as connection:
        connection.execute(text("INSERT INTO counts VALUES ('a', 0)"))

    def count() -> None:
        for _ in range(25):
            with transaction(engine) as connection:
                value = connection.execute(text("SELECT value FROM counts")).scalar_one()
                connection.execute(text("UPDATE counts SET value = :value"), {"value": value + 1})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with transaction(engine) as connection:
        assert connection.execute(text("SELECT value FROM counts")).scalar_one() == 100


def test_a_full_database_says_so_and_keeps_what_it_had(tmp_path: Path, migrations: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'a.db'}", migrations)
    with transaction(engine) as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()

    def fill() -> None:
        with transaction(engine) as connection:
            connection.execute(text(f"PRAGMA max_page_count = {pages}"))
            for number in range(10_000):
                connection.execute(text("INSERT INTO counts VALUES (:name, 1)"), {"name": f"{number:0500}"})

    with pytest.raises(StorageError, match="full") as refused:
        fill()
    assert "free disk space" in refused.value.do
    with transaction(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM counts")).scalar() == 0


def test_a_file_that_is_no_database_is_refused(tmp_path: Path, migrations: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"this is a text, and a long one at that " * 100)
    with pytest.raises(StorageError, match="not a database"):
        open_database(f"sqlite:///{tmp_path / 'a.db'}", migrations)


def test_nobody_else_can_read_it(tmp_path: Path, migrations: Path) -> None:
    with transaction(open_database(f"sqlite:///{tmp_path / 'a.db'}", migrations)) as connection:
        connection.execute(text("INSERT INTO counts VALUES ('a', 1)"))
        made = [path for path in tmp_path.iterdir() if path.is_file()]
    assert {path.name for path in made} == {"a.db", "a.db-wal", "a.db-shm"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in made)


def test_each_refusal_says_what_helps(tmp_path: Path, migrations: Path) -> None:
    (tmp_path / "text").write_text("no database" * 100)
    url = f"sqlite:///{tmp_path / 'a.db'}"
    engine = open_database(url, migrations)
    for place, helps in (("text", "another kind of file"), ("none/a.db", "check the path")):
        with pytest.raises(StorageError) as refused:
            open_database(f"sqlite:///{tmp_path / place}", migrations)
        assert helps in refused.value.do
    with transaction(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '99'"))
    with pytest.raises(StorageError, match="doesn't know") as refused:
        open_database(url, migrations)
    assert "newer release" in refused.value.do


def test_a_busy_database_is_no_bug(tmp_path: Path, migrations: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that another process holds, nor one that this process uses to the full."""
    engine = open_database(f"sqlite:///{tmp_path / 'a.db'}", migrations)
    other = create_engine(engine.url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0)
    with other.connect(), pytest.raises(StorageError, match="too busy"), transaction(other):
        pass
    monkeypatch.setattr(database, "_BUSY_MILLISECONDS", 1)
    second = open_database(f"sqlite:///{tmp_path / 'b.db'}", migrations)
    third = open_database(f"sqlite:///{tmp_path / 'b.db'}", migrations)
    with transaction(second), pytest.raises(StorageError) as refused, transaction(third):
        pass
    assert "another process" in refused.value.do
