"""What a key holder keeps: its share encrypted, its counts durable, the covenant's version."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sluis_node.keyholder.config import KeyHolderSettings, init_folder
from sluis_node.keyholder.store import KeyHolder, open_holder, read_covenant
from sluis_protocol.card import Card, Role
from sluis_protocol.covenant import Covenant, Schedule
from sluis_protocol.errors import (
    BadSignature,
    ConfigError,
    CovenantError,
    KeyFileError,
    NotAMember,
    QuotaExceeded,
    SluisError,
    StorageError,
)
from sluis_protocol.threshold import KeyShare

from tests.world import AUTHORITY, holder_oin, make_world, member_oin

from .rig import NOW, elements, make_folder

WORLD = make_world()
CEREMONY = bytes(32)


@pytest.fixture
def settings(tmp_path: Path) -> KeyHolderSettings:
    return make_folder(tmp_path / "holder", WORLD)


@pytest.fixture
def holder(settings: KeyHolderSettings) -> Iterator[KeyHolder]:
    opened = open_holder(settings)
    yield opened
    opened.close()


def revised(version: int, **changes: object) -> Covenant:
    terms = WORLD.covenant.terms.model_copy(update={"version": version, **changes})
    return Covenant.sign(terms, AUTHORITY, WORLD.authority_key)


# The share.


def test_the_share_is_nowhere_in_the_clear(settings: KeyHolderSettings, holder: KeyHolder) -> None:
    assert holder.shares.of_covenant(WORLD.covenant, holder.oin) == WORLD.shares[0]
    for path in settings.database.parent.rglob("*"):
        assert not path.is_file() or WORLD.shares[0].secret not in path.read_bytes()
    assert repr(WORLD.shares[0].secret) not in repr(holder.shares.of_covenant(WORLD.covenant, holder.oin))


def test_another_storage_key_cannot_read_it(settings: KeyHolderSettings, tmp_path: Path) -> None:
    settings.storage_key.unlink()
    init_folder(
        settings.database.parent, oin=holder_oin(1), name="H", coordinator="localhost:1", authority=settings.authority
    )
    holder = open_holder(settings)
    with pytest.raises(StorageError, match="can't be opened"):
        holder.shares.of_covenant(WORLD.covenant, holder.oin)
    holder.close()


def test_a_share_is_never_replaced(holder: KeyHolder) -> None:
    holder.shares.store(CEREMONY, WORLD.shares[0])
    with pytest.raises(StorageError, match="another share"):
        holder.shares.store(CEREMONY, KeyShare(1, bytes([1]) + bytes(31)))


def test_a_share_of_another_key_is_not_used(holder: KeyHolder) -> None:
    other = make_world()
    with pytest.raises(KeyFileError, match="doesn't belong"):
        holder.shares.of_covenant(other.covenant, holder.oin)
    third = revised(2, ceremony="ab" * 32)
    with pytest.raises(ConfigError, match="no share"):
        holder.shares.of_covenant(third, holder.oin)
    with pytest.raises(NotAMember):
        holder.shares.of_covenant(WORLD.covenant, member_oin(1))


# The counts.

DAY: Any = {"today": NOW.date(), "requests_a_day": 9}


def _count_and_die(settings: KeyHolderSettings, batch: bytes) -> None:
    holder = open_holder(settings)
    holder.quota.pin_round("r1", "jeugd", b"announcement", NOW + timedelta(hours=1), Schedule())
    holder.quota.count("r1", member_oin(1), batch, 10, **DAY)
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_count_survives_a_killed_process(settings: KeyHolderSettings) -> None:
    batch = elements(9)
    process = multiprocessing.get_context("spawn").Process(target=_count_and_die, args=(settings, batch))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    holder = open_holder(settings)
    assert [(count.member, count.elements) for count in holder.quota.report()] == [(member_oin(1), 9)]
    assert not holder.quota.count("r1", member_oin(1), batch, 10, **DAY)  # counted already
    with pytest.raises(QuotaExceeded):
        holder.quota.count("r1", member_oin(1), elements(2), 10, **DAY)
    assert holder.quota.count("r1", member_oin(1), elements(1), 10, **DAY)
    holder.close()


# The covenant.


def test_an_older_covenant_is_refused_for_ever(settings: KeyHolderSettings, holder: KeyHolder) -> None:
    assert read_covenant(holder, settings).terms.version == 1
    settings.covenant.write_text(revised(3).note)
    assert read_covenant(holder, settings).terms.version == 3
    assert read_covenant(holder, settings).terms.version == 3
    for older in (WORLD.covenant, revised(2)):
        settings.covenant.write_text(older.note)
        with pytest.raises(CovenantError, match="older than version 3"):
            read_covenant(holder, settings)


def test_two_covenants_of_one_version_are_refused(settings: KeyHolderSettings, holder: KeyHolder) -> None:
    read_covenant(holder, settings)
    settings.covenant.write_text(revised(1, members=WORLD.covenant.terms.members[:2]).note)
    with pytest.raises(CovenantError, match="two different versions 1"):
        read_covenant(holder, settings)


def test_another_covenant_of_the_same_authority_is_refused(settings: KeyHolderSettings, holder: KeyHolder) -> None:
    read_covenant(holder, settings)
    settings.covenant.write_text(revised(7, id="another-covenant").note)
    with pytest.raises(CovenantError, match="serves another covenant"):
        read_covenant(holder, settings)


def test_another_authority_is_refused(settings: KeyHolderSettings, holder: KeyHolder) -> None:
    settings.covenant.write_text(make_world().covenant.note)
    with pytest.raises(BadSignature):
        read_covenant(holder, settings)


# The folder.

OPTIONS = {"oin": holder_oin(1), "name": "Holder één", "coordinator": "sluis.example:443"}


def test_init_makes_everything_and_keeps_it(tmp_path: Path) -> None:
    card = init_folder(tmp_path / "h", **OPTIONS, authority=str(WORLD.authority))
    files = {path.name: path.read_bytes() for path in (tmp_path / "h").iterdir() if path.is_file()}
    assert set(files) == {"signing.pem", "sealing.key", "storage.key", "keyholder.toml", "card.json"}
    assert (card.role, card.oin, card.municipality) == (Role.HOLDER, holder_oin(1), None)
    assert Card.parse(files["card.json"].decode()) == card
    for name in ("signing.pem", "sealing.key", "storage.key"):
        assert (tmp_path / "h" / name).stat().st_mode & 0o077 == 0
    init_folder(tmp_path / "h", **OPTIONS, authority=str(WORLD.authority))
    assert {path.name: path.read_bytes() for path in (tmp_path / "h").iterdir() if path.is_file()} == files
    settings = KeyHolderSettings.load(tmp_path / "h" / "keyholder.toml")
    assert settings.verifier() == WORLD.authority
    assert settings.database == tmp_path / "h" / "keyholder.sqlite"


@pytest.mark.parametrize(
    "change",
    [
        {"oin": "1"},
        {"name": ""},
        {"coordinator": "nowhere"},
        {"coordinator": 'x"\noin = "y:1'},
        {"authority": "nonsense"},
    ],
    ids=str,
)
def test_init_refuses_what_makes_no_configuration(tmp_path: Path, change: dict[str, str]) -> None:
    with pytest.raises(SluisError):
        init_folder(tmp_path / "h", **({"authority": ""} | OPTIONS | change))
    assert not (tmp_path / "h" / "keyholder.toml").exists()


def test_a_folder_is_not_taken_over_by_another_holder(tmp_path: Path) -> None:
    init_folder(tmp_path / "h", **OPTIONS, authority="")
    with pytest.raises(ConfigError, match="already"):
        init_folder(tmp_path / "h", **(OPTIONS | {"oin": holder_oin(2)}), authority="")


def test_without_a_pinned_authority_nothing_is_believed(tmp_path: Path) -> None:
    init_folder(tmp_path / "h", **OPTIONS, authority="")
    with pytest.raises(ConfigError, match="pinned"):
        KeyHolderSettings.load(tmp_path / "h" / "keyholder.toml").verifier()
