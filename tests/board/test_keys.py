"""The board's key: encrypted at rest, and what it hands out is a good one."""

from __future__ import annotations

from pathlib import Path

import pytest
from sluis_protocol.errors import InputError, KeyFileError
from sluis_protocol.totals_terms import BoardCard
from sluis_runtime import boardkeys as keys

from ..board_key import SECRET

PASSPHRASE = "twelve words or so"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "generate", lambda bits: SECRET)
    monkeypatch.setattr(keys, "_COST", 1 << 14)


def test_a_key_is_found_again_with_its_passphrase_only(tmp_path: Path) -> None:
    card = keys.new_keys(tmp_path / "board", "Board", PASSPHRASE)
    assert BoardCard.model_validate_json((tmp_path / "board" / keys.CARD_FILE).read_text()) == card
    assert keys.read_secret_key(tmp_path / "board", PASSPHRASE) == SECRET
    with pytest.raises(KeyFileError, match="passphrase"):
        keys.read_secret_key(tmp_path / "board", PASSPHRASE + "!")
    text = (tmp_path / "board" / keys.SECRET_FILE).read_text()
    assert str(SECRET.p)[:20] not in text
    with pytest.raises(KeyFileError, match="already"):
        keys.new_keys(tmp_path / "board", "Board", PASSPHRASE)


def test_a_short_passphrase_and_a_file_that_others_can_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="characters"):
        keys.new_keys(tmp_path / "board", "Board", "short")
    keys.new_keys(tmp_path / "board", "Board", PASSPHRASE)
    (tmp_path / "board" / keys.SECRET_FILE).chmod(0o644)
    with pytest.raises(KeyFileError, match="others"):
        keys.read_secret_key(tmp_path / "board", PASSPHRASE)


def test_an_altered_file_is_refused(tmp_path: Path) -> None:
    keys.new_keys(tmp_path, "Board", PASSPHRASE)
    path = tmp_path / keys.SECRET_FILE
    text = path.read_text()
    path.write_text(text.replace('"cost": 16384', '"cost": 1'))
    with pytest.raises(KeyFileError, match="no board key"):
        keys.read_secret_key(tmp_path, PASSPHRASE)
