"""Sealed mail opens with its key and in its context only."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sluis_protocol.errors import BadSeal, KeyFileError
from sluis_protocol.sealed import PUBLIC_BYTES, SealingKey, seal

KEY = SealingKey.generate()
PUBLIC = KEY.public()


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=300), st.lists(st.one_of(st.text(max_size=9), st.binary(max_size=9)), max_size=3))
def test_what_was_sealed_opens(plaintext: bytes, context: list[bytes | str]) -> None:
    assert KEY.open(seal(plaintext, PUBLIC, *context), *context) == plaintext


def test_two_seals_of_the_same_differ() -> None:
    assert seal(b"same", PUBLIC, "c") != seal(b"same", PUBLIC, "c")


@pytest.mark.parametrize("context", [(), ("a",), ("ab", "c"), ("a", "bc", ""), ("a", "b", "c")])
def test_another_context_does_not_open(context: tuple[str, ...]) -> None:
    with pytest.raises(BadSeal):
        KEY.open(seal(b"mail", PUBLIC, "a", "bc"), *context)


def test_another_key_does_not_open() -> None:
    with pytest.raises(BadSeal):
        SealingKey.generate().open(seal(b"mail", PUBLIC, "c"), "c")


def test_altered_and_cut_mail_does_not_open() -> None:
    sealed = seal(b"mail", PUBLIC, "c")
    for at in [*range(0, len(sealed), 37), len(sealed) - 1]:
        altered = bytearray(sealed)
        altered[at] ^= 0x40
        with pytest.raises(BadSeal):
            KEY.open(bytes(altered), "c")
        with pytest.raises(BadSeal):
            KEY.open(sealed[:at], "c")
    with pytest.raises(BadSeal):
        KEY.open(sealed + b"\x00", "c")


@pytest.mark.parametrize(
    "public",
    [b"", PUBLIC[:-1], PUBLIC + b"\x00", b"\xff" * PUBLIC_BYTES, PUBLIC[:-32] + bytes(32), bytes(PUBLIC_BYTES)],
)
def test_what_is_no_public_key_is_refused(public: bytes) -> None:
    with pytest.raises(KeyFileError):
        seal(b"mail", public, "c")


def test_a_secret_key_has_its_size_and_no_repr() -> None:
    with pytest.raises(KeyFileError):
        SealingKey(bytes(95))
    assert repr(KEY) == "SealingKey()"
    assert SealingKey(KEY.secret).public() == PUBLIC
