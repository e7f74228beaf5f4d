"""What the operator's commands have in common: their options, and the coordinator of a configuration."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sluis_protocol.errors import ConfigError

from .config import CoordinatorSettings
from .coordinator import Coordinator, open_coordinator

CONFIG = Path("coordinator.toml")
ConfigOption = Annotated[Path, typer.Option("--config", help="The configuration file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For machines.")]


def opened(path: Path) -> Coordinator:
    """The coordinator of a configuration, beside the server that may be running; ConfigError before there is one."""
    settings = CoordinatorSettings.load(path)
    if not settings.database.exists():
        raise ConfigError("there is no database yet", do="start the server first", file=settings.database)
    return open_coordinator(settings, now, os.urandom, adopt=False)


def now() -> datetime:
    """The clock, in UTC."""
    return datetime.now(UTC)
