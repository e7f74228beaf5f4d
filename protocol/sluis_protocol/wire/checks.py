"""Checks that a translation needs: each raises MalformedMessage naming the field."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from .. import encoding
from ..errors import MalformedMessage

M = TypeVar("M", bound=Message)
_OIN_DIGITS = 20
_LATEST_MILLIS = 253_402_300_799_000  # the year 9999, the last that datetime knows


def parse(kind: type[M], raw: bytes) -> M:
    """Parse exactly one message: unknown fields, repeated scalars and trailing bytes are refused.

    After unknown fields are dropped, a message that says nothing twice and nothing else has its input's size.
    """
    message = kind()
    try:
        message.ParseFromString(raw)
    except DecodeError as error:
        raise MalformedMessage(f"this is not a {kind.__name__}") from error
    message.DiscardUnknownFields()
    if message.ByteSize() != len(raw):
        raise MalformedMessage(f"a {kind.__name__} has unknown, repeated or trailing data")
    return message


def sized(data: bytes, size: int, field: str) -> bytes:
    """Bytes of exactly this size."""
    if len(data) != size:
        raise MalformedMessage(f"{field} has {len(data)} bytes instead of {size}", field=field)
    return data


def packed(data: bytes, unit: int, field: str, most: int) -> bytes:
    """One or more units of this size, and at most `most` of them."""
    if not data or len(data) % unit or len(data) > unit * most:
        raise MalformedMessage(f"{field} has {len(data)} bytes: not 1 to {most} times {unit}", field=field)
    return data


def text(value: str, field: str, most: int = 256, least: int = 1) -> str:
    """Text of a length in characters within bounds."""
    if not least <= len(value) <= most:
        raise MalformedMessage(f"{field} has {len(value)} characters: not {least} to {most}", field=field)
    return value


def line(value: str, field: str, most: int = 256, least: int = 1) -> str:
    """One line of text that can be shown on a terminal: no control characters."""
    if not value.isprintable():
        raise MalformedMessage(f"{field} has characters that can't be shown", field=field)
    return text(value, field, most, least)


def shown(value: str, most: int) -> str:
    """Any text as such a line: what can't be shown becomes a question mark, and the rest is cut off."""
    return "".join(one if one.isprintable() else "?" for one in value[:most])


def oin(value: str, field: str) -> str:
    """An OIN: 20 digits."""
    if len(value) != _OIN_DIGITS or not (value.isascii() and value.isdigit()):
        raise MalformedMessage(f"{field} is not an OIN of {_OIN_DIGITS} digits", field=field)
    return value


def number(value: int, field: str, least: int, most: int) -> int:
    """A number within bounds."""
    if not least <= value <= most:
        raise MalformedMessage(f"{field} is out of range ({least} to {most})", field=field)
    return value


def some(values: Sequence[object], field: str, most: int, least: int = 1) -> None:
    """A list of a length within bounds."""
    if not least <= len(values) <= most:
        raise MalformedMessage(f"{field} has {len(values)} entries: not {least} to {most}", field=field)


def moment(millis: int, field: str) -> datetime:
    """Milliseconds since 1970 as a time."""
    return encoding.moment(number(millis, field, 1, _LATEST_MILLIS))
