"""Files that are complete or absent: written beside their place, synced, and moved there in one step. And locks."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sluis_protocol.errors import ConfigError, InputError, StorageError

_DO = "check the folder, its permissions and the free space; the file is as it was before"


def write_atomically(path: Path, content: bytes | str, *, mode: int = 0o644) -> None:
    """Put `content` at `path`: a reader sees the whole of the old or of the new file. Raises StorageError."""
    raw = content.encode() if isinstance(content, str) else content
    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        sync_folder(path.parent)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise StorageError(f"the file can't be written: {error.strerror}", do=_DO, file=path) from error


def sync_folder(folder: Path) -> None:
    """Make what was moved, made or deleted in a folder last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_bytes(path: Path, *, most: int, what: str = "the file") -> bytes:
    """The content of a file of at most `most` bytes; raise InputError naming it otherwise."""
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{what} can't be read: {error.strerror}", do="check the path", file=path) from error
    if len(content) > most:
        raise InputError(f"{what} is larger than {most} bytes", do="this is another kind of file", file=path)
    return content


def read_text(path: Path, *, most: int, what: str = "the file") -> str:
    """As `read_bytes`, for UTF-8 text."""
    try:
        return read_bytes(path, most=most, what=what).decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{what} is not UTF-8 text", do="this is another kind of file", file=path) from error


def make_folder(path: Path, *, mode: int = 0o700) -> None:
    """Make a folder, by default one that only its owner can look into, unless it is there. Raises StorageError."""
    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"the folder can't be made: {error.strerror}", do="check the path and its permissions", file=path
        ) from error


@contextmanager
def sole_user(path: Path) -> Iterator[None]:
    """Hold a lock beside `path` as long as this lasts; raise ConfigError if another process has it.

    The lock ends with the process, however that ends; its empty file stays.
    """
    make_folder(path.parent)
    try:
        descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageError(f"the file can't be locked: {error.strerror}", do=_DO, file=path) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                "another process serves with this already", do="stop that one first, or use another folder", file=path
            ) from None
        yield
    finally:
        os.close(descriptor)
