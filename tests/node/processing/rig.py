"""A node's database with a processing log, and a clock that tests turn."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sluis_node.processing import Activity, Entry, ProcessingLog, ProcessingSettings, Wanted
from sluis_node.processing.reading import read
from sluis_node.store import Store
from sluis_node.vault import Vault
from sqlalchemy import text

KEY = bytes(range(32))
OIN = "00000099000000001001"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Archive:
    """A processing log."""

    def __init__(self, folder: Path, *, with_file: bool = True, activities: str = "", otlp: str = "") -> None:
        self.now = START
        self.file = folder / "processing.jsonl"
        self.vault = Vault.of(KEY, os.urandom)
        self.store = Store.open(folder / "node.sqlite", self.vault)
        settings = ProcessingSettings(file=self.file if with_file else None, activities=activities, otlp=otlp)
        self.log = ProcessingLog(self.store.engine, self.vault, os.urandom, lambda: self.now, OIN, settings)

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    def show(self, match: str = "m1", persons: tuple[str, ...] = ("P1",), actor: str = "anna") -> None:
        """Somebody looks at a match."""
        with self.log.processing(Activity.SHOW, "show match", actor=actor, persons=persons, reference=match):
            self.later(seconds=1)

    def entries(self, **wanted: Any) -> list[Entry]:
        return read(self.store.engine, Wanted(**wanted))

    def sql(self, statement: str) -> None:
        with self.store.transaction() as connection:
            connection.execute(text(statement))
