"""Signed notes in the format of C2SP signed-note."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sluis_protocol.errors import BadSignature, KeyFileError
from sluis_protocol.note import Verifier, open_note, sign_note

KEY = Ed25519PrivateKey.generate()
OTHER = Ed25519PrivateKey.generate()
VERIFIER = Verifier.of("authority", KEY)
TEXT = "one\n\n— two lines that look like a signature\n\nthree\n"
NOTE = sign_note(TEXT, "authority", KEY)


@given(st.text(max_size=200).map(lambda text: text.replace("\r", "") + "\n"))
def test_a_signed_text_comes_back(text: str) -> None:
    assert open_note(sign_note(text, "authority", KEY), VERIFIER) == text


def test_the_published_example_of_the_format_verifies() -> None:
    """The example of golang.org/x/mod/sumdb/note, whose format C2SP signed-note describes."""
    verifier = Verifier.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    note = f"{text}\n— PeterNeumann {signature}\n"
    assert open_note(note, verifier) == text
    with pytest.raises(BadSignature):
        open_note(note.replace("the answer", "an answer"), verifier)


def test_every_altered_character_is_refused() -> None:
    end = NOTE.rindex(" ") + 1
    for at in range(end):
        changed = NOTE[:at] + ("x" if NOTE[at] != "x" else "y") + NOTE[at + 1 :]
        with pytest.raises(BadSignature):
            open_note(changed, VERIFIER)


def test_added_and_missing_text_is_refused() -> None:
    for changed in ("x" + NOTE, "\n" + NOTE, NOTE.replace("three\n", "three\n\n"), TEXT, ""):
        with pytest.raises(BadSignature):
            open_note(changed, VERIFIER)


def test_signatures_of_others_are_passed_over() -> None:
    stranger = sign_note(TEXT, "stranger", OTHER).rsplit("\n\n", 1)[1]
    assert open_note(NOTE + stranger, VERIFIER) == TEXT
    head, own = NOTE.rsplit("\n\n", 1)
    assert open_note(f"{head}\n\n{stranger}{own}", VERIFIER) == TEXT


@pytest.mark.parametrize("name", ["authority", "stranger"])
def test_another_key_is_refused_under_any_name(name: str) -> None:
    with pytest.raises(BadSignature):
        open_note(sign_note(TEXT, name, OTHER), VERIFIER)


def test_a_signature_with_the_right_key_id_and_a_wrong_rest_is_refused() -> None:
    forged = base64.b64encode(VERIFIER.key_id + bytes(64)).decode()
    with pytest.raises(BadSignature):
        open_note(f"{TEXT}\n— authority {forged}\n", VERIFIER)


def test_a_verifier_line_comes_back() -> None:
    assert Verifier.parse(f" {VERIFIER}\n") == VERIFIER


@pytest.mark.parametrize(
    "line",
    [
        "",
        "authority",
        "authority+00000000+" + str(VERIFIER).rsplit("+", 1)[1],
        str(VERIFIER).replace("authority", "authoritx"),
        str(VERIFIER)[:-4],
        str(VERIFIER) + "AAAA",
        "a b" + str(VERIFIER)[9:],
        str(VERIFIER)[9:],
    ],
    ids=["empty", "name only", "other id", "other name", "cut", "too long", "a space", "no name"],
)
def test_a_line_that_contradicts_itself_is_refused(line: str) -> None:
    with pytest.raises(KeyFileError):
        Verifier.parse(line)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb"])
def test_a_name_has_no_spaces_and_no_plus(name: str) -> None:
    with pytest.raises(KeyFileError):
        Verifier.of(name, KEY)
