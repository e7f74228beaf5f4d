"""Secret keys in files: written once, for the owner's eyes only, and refused where others could read them."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import tempfile
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sluis_protocol.errors import KeyFileError, StorageError
from sluis_protocol.sealed import SealingKey

from .files import sync_folder

STORAGE_KEY_BYTES = 32


def write_secret(path: Path, content: bytes) -> None:
    """Create a file that only its owner can read, whole or not at all; an existing file is never overwritten."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as file:  # 0600
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.link(file.name, path)
        sync_folder(path.parent)
    except FileExistsError:
        raise KeyFileError(
            "there is a key file already", do="keep it, or move it away to make a new one", file=path
        ) from None
    except OSError as error:
        raise StorageError(
            f"the key file can't be written: {error.strerror}",
            do="check the folder, its permissions and the free space",
            file=path,
        ) from error


def read_secret(path: Path) -> bytes:
    """The content of a secret file; refused if anybody but its owner could read it."""
    try:
        if path.stat().st_mode & 0o077:
            raise KeyFileError("others can read this key file", do=f"chmod 600 {path}", file=path)
        return path.read_bytes()
    except OSError as error:
        raise KeyFileError(
            f"the key file can't be read: {error.strerror}", do="check the path in the configuration", file=path
        ) from error


def new_signing_key(path: Path) -> Ed25519PrivateKey:
    """Make an Ed25519 key and write it as PEM (PKCS #8)."""
    key = Ed25519PrivateKey.generate()
    write_secret(
        path,
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    return key


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """An Ed25519 key from a PEM file."""
    try:
        key = serialization.load_pem_private_key(read_secret(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError("this is not an unencrypted private key in PEM", file=path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError("this is not an Ed25519 key", do="signing keys are Ed25519", file=path)
    return key


def new_sealing_key(path: Path) -> SealingKey:
    """Make a sealing key (ML-KEM-768 + X25519) and write it as base64."""
    key = SealingKey.generate()
    write_secret(path, base64.b64encode(key.secret) + b"\n")
    return key


def read_sealing_key(path: Path) -> SealingKey:
    """A sealing key from its file."""
    return SealingKey(_decode(path))


def new_storage_key(path: Path) -> bytes:
    """Make the key (32 bytes) under which personal fields are encrypted at rest, and write it as base64."""
    key = secrets.token_bytes(STORAGE_KEY_BYTES)
    write_secret(path, base64.b64encode(key) + b"\n")
    return key


def read_storage_key(path: Path) -> bytes:
    """A storage key from its file."""
    key = _decode(path)
    if len(key) != STORAGE_KEY_BYTES:
        raise KeyFileError(f"a storage key has {STORAGE_KEY_BYTES} bytes, this has {len(key)}", file=path)
    return key


def _decode(path: Path) -> bytes:
    try:
        return base64.b64decode(read_secret(path).strip(), validate=True)
    except binascii.Error as error:
        raise KeyFileError("this key file is not base64", file=path) from error
