"""A database of the release before: everything in it is there afterwards, and mail's ids never return."""

from __future__ import annotations

import shutil
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sluis_coordinator.coordinator import MIGRATIONS
from sluis_coordinator.schema import metadata, outbox
from sluis_runtime.database import open_database, transaction
from sqlalchemy import insert, select, text


def before(tmp_path: Path, *scripts: str) -> Path:
    """The migrations as they were when these were all."""
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    shutil.copy(MIGRATIONS / "env.py", folder)
    for script in scripts:
        shutil.copy(MIGRATIONS / "versions" / script, folder / "versions")
    return folder


def test_mail_that_waits_goes_on_to_wait(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'c.sqlite'}"
    with transaction(open_database(url, before(tmp_path, "0001_rounds.py"))) as connection:
        connection.execute(text("INSERT INTO covenants VALUES (x'00', 'id', 1, 'note', 1)"))
        values = "'r1', 'youth', x'00', 'published', x'', x'', 1, 2, 3, 0, '', 0"
        connection.execute(text(f"INSERT INTO rounds VALUES ({values})"))
        for body in ("01", "02", "03"):
            row = f"(recipient, round_id, body, signature) VALUES ('a', 'r1', x'{body}', x'')"
            connection.execute(text(f"INSERT INTO outbox {row}"))
        connection.execute(text("DELETE FROM outbox WHERE id = 3"))
    with transaction(open_database(url, MIGRATIONS)) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        kept = connection.execute(select(outbox.c.id, outbox.c.round_id, outbox.c.body).order_by(outbox.c.id)).all()
        assert [tuple(row) for row in kept] == [(1, "r1", b"\x01"), (2, "r1", b"\x02")]
        mail = {"recipient": "a", "round_id": "00" * 16, "body": b"", "signature": b""}
        assert connection.execute(insert(outbox).values(mail)).inserted_primary_key == (4,)


def test_ids_go_on_where_all_mail_was_read(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'c.sqlite'}"
    with transaction(open_database(url, before(tmp_path, "0001_rounds.py"))) as connection:
        connection.execute(text("INSERT INTO covenants VALUES (x'00', 'id', 1, 'note', 1)"))
        connection.execute(
            text("INSERT INTO rounds VALUES ('r1', 'youth', x'00', 'published', x'', x'', 1, 2, 3, 0, '', 0)")
        )
        connection.execute(text("INSERT INTO outbox VALUES (41, 'a', 'r1', x'', x'')"))
        connection.execute(text("DELETE FROM outbox"))
    with transaction(open_database(url, MIGRATIONS)) as connection:
        mail = {"recipient": "a", "round_id": "r1", "body": b"", "signature": b""}
        assert connection.execute(insert(outbox).values(mail)).inserted_primary_key == (42,)
