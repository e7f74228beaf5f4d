"""A handshake's state to and from the two columns that a database keeps it in: its name, and its fields as JSON."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime
from typing import Any, get_type_hints

from .encoding import millis, moment
from .handshake import STATES, Side, State

_KINDS = {kind.name: kind for kind in STATES}


def write_state(state: State) -> dict[str, str]:
    """The columns `state` and `details`."""
    details = {field.name: _write(getattr(state, field.name)) for field in fields(state)}
    return {"state": state.name, "details": json.dumps(details, sort_keys=True)}


def read_state(name: str, details: str) -> State:
    """What `write_state` wrote."""
    kind = _KINDS[name]
    hints = get_type_hints(kind)
    return kind(**{field: _read(hints[field], value) for field, value in json.loads(details).items()})


def _write(value: object) -> object:
    if isinstance(value, datetime):
        return millis(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, frozenset):
        return sorted(value)
    return value


def _read(kind: Any, value: Any) -> Any:
    if kind is datetime:
        return moment(value)
    if kind is bytes:
        return bytes.fromhex(value)
    if kind == frozenset[Side]:
        return frozenset(map(Side, value))
    if kind in (Side, Side | None):
        return None if value is None else Side(value)
    return value
