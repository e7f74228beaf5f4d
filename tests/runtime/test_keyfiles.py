import base64
import errno
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from sluis_protocol.errors import KeyFileError, StorageError
from sluis_runtime import keyfiles


def test_a_key_comes_back_as_it_was_written(tmp_path: Path) -> None:
    signing = keyfiles.new_signing_key(tmp_path / "signing.pem")
    sealing = keyfiles.new_sealing_key(tmp_path / "sealing.key")
    storage = keyfiles.new_storage_key(tmp_path / "storage.key")
    assert keyfiles.read_signing_key(tmp_path / "signing.pem").private_bytes_raw() == signing.private_bytes_raw()
    assert keyfiles.read_sealing_key(tmp_path / "sealing.key") == sealing
    assert keyfiles.read_storage_key(tmp_path / "storage.key") == storage


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "storage.key"
    key = keyfiles.new_storage_key(path)
    with pytest.raises(KeyFileError, match="already"):
        keyfiles.new_storage_key(path)
    assert keyfiles.read_storage_key(path) == key


def test_a_key_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    keyfiles.new_signing_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="others can read") as refused:
        keyfiles.read_signing_key(path)
    assert "chmod 600" in refused.value.do


def test_a_key_is_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", killed)
        with pytest.raises(StorageError, match="No space"):
            keyfiles.new_signing_key(tmp_path / "signing.pem")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StorageError, match="can't be written"):
        keyfiles.new_signing_key(tmp_path / "none" / "signing.pem")


def test_what_is_no_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "some.key"
    with pytest.raises(KeyFileError, match="can't be read"):
        keyfiles.read_storage_key(path)
    keyfiles.write_secret(path, b"not base64!")
    for read in (keyfiles.read_storage_key, keyfiles.read_sealing_key, keyfiles.read_signing_key):
        with pytest.raises(KeyFileError) as refused:
            read(path)
        assert refused.value.where["file"] == str(path)
    path.unlink()
    keyfiles.write_secret(path, base64.b64encode(bytes(16)))
    with pytest.raises(KeyFileError, match="32 bytes"):
        keyfiles.read_storage_key(path)


def test_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ec.pem"
    keyfiles.write_secret(
        path,
        generate_private_key(SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
    with pytest.raises(KeyFileError, match="Ed25519"):
        keyfiles.read_signing_key(path)


def test_no_secret_shows_in_a_repr() -> None:
    from sluis_protocol.sealed import SealingKey

    key = SealingKey.generate()
    assert key.secret.hex() not in repr(key)
    assert repr(key.secret) not in repr(key)
