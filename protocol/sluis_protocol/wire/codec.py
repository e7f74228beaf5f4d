"""`encode` and `decode`, by the type of the plain message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from . import calls, handshakes, log, payloads, totals
from .checks import parse

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Codec(Generic[T]):
    message: type[Message]
    write: Callable[[T], Message]
    read: Callable[[Any], T]


_CODECS: dict[type, _Codec[Any]] = {
    plain: _Codec(message, write, read)
    for plain, message, write, read in (
        *payloads.CODECS,
        *handshakes.CODECS,
        *totals.CODECS,
        *log.CODECS,
        *calls.CODECS,
    )
}


def encode(value: object) -> bytes:
    """The protobuf bytes of a plain message."""
    return _CODECS[type(value)].write(value).SerializeToString(deterministic=True)


def decode(kind: type[T], raw: bytes) -> T:
    """A plain message from its bytes; raise MalformedMessage naming what is wrong with it."""
    codec: _Codec[T] = _CODECS[kind]
    return codec.read(parse(codec.message, raw))
