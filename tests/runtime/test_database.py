"""Durability: what is committed is there, what is refused leaves nothing, two writers wait for each other."""

import threading
from pathlib import Path

import pytest
from sluis_protocol.errors import StorageError
from sluis_runtime import database
from sluis_runtime.database import open_database, transaction
from sqlalchemy import text

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
