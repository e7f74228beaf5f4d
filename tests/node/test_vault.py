"""The vault opens what was sealed for a place, there, with the same key, and nothing else."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sluis_node.vault import Vault
from sluis_protocol.errors import KeyFileError, StorageError

KEY = bytes(range(32))
names = st.sampled_from(["claims", "matches", "content", "secret", "a", ""])


@given(content=st.binary(max_size=200), table=names, column=names, row=st.binary(max_size=20))
def test_what_is_sealed_opens_in_its_place(content: bytes, table: str, column: str, row: bytes) -> None:
    vault = Vault.of(KEY, os.urandom)
    sealed = vault.seal(content, table=table, column=column, row=row)
    assert content not in sealed or len(content) < 4
    assert vault.open(sealed, table=table, column=column, row=row) == content


@pytest.mark.parametrize("moved", [{"table": "rounds"}, {"column": "reference"}, {"row": "r2"}, {"row": b""}])
def test_a_field_that_was_moved_does_not_open(moved: dict[str, str]) -> None:
    vault = Vault.of(KEY, os.urandom)
    place: dict[str, str] = {"table": "claims", "column": "secret", "row": "r1"}
    sealed = vault.seal(b"content", **place)
    with pytest.raises(StorageError, match="can't be opened"):
        vault.open(sealed, **{**place, **moved})


def test_fields_do_not_run_into_each_other() -> None:
    vault = Vault.of(KEY, os.urandom)
    sealed = vault.seal(b"content", table="ab", column="c", row="d")
    with pytest.raises(StorageError):
        vault.open(sealed, table="a", column="bc", row="d")


@given(at=st.integers(0, 34), bit=st.integers(0, 7))
def test_an_altered_field_does_not_open(at: int, bit: int) -> None:
    vault = Vault.of(KEY, os.urandom)
    sealed = bytearray(vault.seal(b"content", table="t", column="c", row="r"))
    sealed[at] ^= 1 << bit
    with pytest.raises(StorageError):
        vault.open(bytes(sealed), table="t", column="c", row="r")


@pytest.mark.parametrize("size", [0, 11, 12, 27])
def test_a_field_that_was_cut_off_does_not_open(size: int) -> None:
    vault = Vault.of(KEY, os.urandom)
    sealed = vault.seal(b"", table="t", column="c", row="r")
    with pytest.raises(StorageError):
        vault.open(sealed[:size], table="t", column="c", row="r")


def test_another_key_opens_nothing_and_finds_nothing() -> None:
    vault, other = Vault.of(KEY, os.urandom), Vault.of(bytes(32), os.urandom)
    sealed = vault.seal(b"content", table="t", column="c", row="r")
    with pytest.raises(StorageError, match="can't be opened"):
        other.open(sealed, table="t", column="c", row="r")
    assert vault.lookup("label", "x") != other.lookup("label", "x")


def test_look_up_values_are_stable_and_separate() -> None:
    vault = Vault.of(KEY, os.urandom)
    assert vault.lookup("l", "ab", "c") == Vault.of(KEY, os.urandom).lookup("l", "ab", "c")
    assert len({vault.lookup("l", "ab", "c"), vault.lookup("l", "a", "bc"), vault.lookup("m", "ab", "c")}) == 3


def test_a_vault_shows_no_secret() -> None:
    assert repr(Vault.of(KEY, os.urandom)) == "Vault()"


def test_a_short_key_is_refused() -> None:
    with pytest.raises(KeyFileError):
        Vault.of(bytes(31), os.urandom)
