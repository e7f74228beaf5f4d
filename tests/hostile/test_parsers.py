"""Whatever comes in, a parser takes it or refuses it: it never fails otherwise."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest
import sluis_protocol
from hypothesis import given, settings
from hypothesis import strategies as st

from .targets import Target, run, targets

TARGETS = pytest.mark.parametrize("name", targets())
SOME = settings(max_examples=40, deadline=None)


@st.composite
def altered(draw: st.DrawFn, example: bytes) -> bytes:
    """The example with bytes cut out, doubled, replaced or put in."""
    raw = bytearray(example)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(raw)))
        end = draw(st.integers(start, min(len(raw), start + 40)))
        raw[start:end] = draw(st.binary(max_size=12) | st.just(bytes(raw[start:end]) * 2) | st.sampled_from(PIECES))
    return bytes(raw)


PIECES = [
    b"",
    b"\xff" * 8,
    b'"',
    b"{",
    b"]",
    b"\n",
    b"null",
    b"-1",
    b"1e999",
    b"\\u0000",
    b"\xed\xa0\x80",
    b";" * 20,
    b"9" * 40,
]


@TARGETS
@SOME
@given(data=st.data())
def test_anything_is_taken_or_refused(name: str, data: st.DataObject) -> None:
    target: Target = targets()[name]
    raw = data.draw(altered(target.example) | altered(target.example) | st.binary(max_size=200))
    run(target, raw)


def test_examples_are_what_parsers_take() -> None:
    """Else all that is altered of them would be refused at the first byte."""
    taken = {name for name, target in targets().items() if run(target, target.example)}
    assert taken >= {
        "envelope", "signed message", "covenant note", "verifier line", "covenant terms", "card", "rows", "elements",
        "BSN", "date of birth", "day", "cell", "caseload", "approach", "signed approach", "signed approach, verified",
        "traceparent", *(name for name in targets() if name.startswith("wire ")),
    }  # fmt: skip


# Functions that read what another function of this list has opened, or one's own storage.
COVERED = {
    "open_move", "open_letter", "open_step", "open_handshake", "read_state", "open_reference", "read_shares", "read",
    "read_period", "read_roster", "read_contributors", "open_total", "open_message", "read_deal", "read_verdict",
    "read_reply", "open_shares", "open", "read_signed", "load",
}  # fmt: skip
FUZZED = {
    "parse", "decode", "open_signed", "open_note", "open_content", "load_rules", "load_roles", "unpack", "read_bsn",
    "read_birth_date", "read_day", "open_checkpoint", "open_cosignature",
}  # fmt: skip


def test_no_parser_of_the_protocol_is_forgotten() -> None:
    found = set()
    for module in pkgutil.walk_packages(sluis_protocol.__path__, "sluis_protocol."):
        if "._wire" in module.name:
            continue
        for _, member in inspect.getmembers(importlib.import_module(module.name)):
            if getattr(member, "__module__", "").startswith("sluis_protocol."):
                names = (
                    [member.__name__] if inspect.isfunction(member) else vars(member) if inspect.isclass(member) else ()
                )
                found |= {
                    name
                    for name in names
                    if name.split("_")[0] in ("parse", "read", "load", "open", "unpack", "decode")
                }
    assert found <= COVERED | FUZZED, "fuzz it in targets.py, or say in COVERED who opens what it reads"
