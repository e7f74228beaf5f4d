"""Leaves and checkpoints: one form each, and nothing else is read; cosignatures count only if they verify."""

from __future__ import annotations

import base64
import hashlib
import os
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sluis_coordinator.events import Happened
from sluis_protocol import handshake, periods, rounds
from sluis_protocol.checkpoint import (
    Checkpoint,
    cosign,
    cosigners,
    log_verifier,
    open_checkpoint,
    open_cosignature,
    sign_checkpoint,
    with_cosignatures,
)
from sluis_protocol.encoding import moment
from sluis_protocol.errors import BadSignature, LogError, MalformedMessage, SluisError
from sluis_protocol.leaves import KINDS, SALT_BYTES, SEALED, Leaf

from ..world import COORDINATOR, make_world, member_oin

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LEAVES = st.builds(
    lambda kind, at, digest, name, party, count, salt: Leaf.of(
        kind, at, digest, round_id=name, party=party, count=count, salt=salt
    ),
    st.sampled_from(sorted(KINDS)),
    st.integers(0, 253_402_300_799_000).map(moment),
    st.binary(min_size=32, max_size=32),
    st.from_regex(r"[a-z0-9-]{2,64}", fullmatch=True),
    st.from_regex(r"[0-9]{20}", fullmatch=True),
    st.integers(0, 10**18 - 1),
    st.binary(min_size=SALT_BYTES, max_size=SALT_BYTES),
)


@given(LEAVES)
def test_a_leaf_comes_back_as_it_was(leaf: Leaf) -> None:
    assert Leaf.parse(leaf.text) == leaf
    assert Leaf.parse(leaf.public.text) == leaf.public
    if KINDS[leaf.kind].sealed:
        assert leaf.public.kind == SEALED
        assert leaf.public.digest == hashlib.sha256(leaf.text.encode()).digest()
        assert leaf.party == "" or leaf.party not in leaf.public.text
    else:
        assert leaf.public == leaf


@given(LEAVES, st.data())
def test_nothing_else_is_a_leaf(leaf: Leaf, data: st.DataObject) -> None:
    text = leaf.text
    at = data.draw(st.integers(0, len(text) - 1))
    for wrong in (text + "\n", text[:at] + text[at + 1 :], text[:at] + "é" + text[at:], text.upper(), "\n" + text):
        try:
            other = Leaf.parse(wrong)
        except MalformedMessage:
            continue
        assert other.text == wrong  # a digit fewer is another leaf, in its one form
        assert other != leaf


def test_every_event_has_a_leaf() -> None:
    """What the coordinator can record, and no more."""
    # An announced round and an enrolling period begin; every other state is reached.
    states = {f"transition {name}" for name in rounds.STATES if name != "announced"}
    states |= {f"handshake {state.name}" for state in handshake.STATES}
    states |= {f"totals {name}" for name in periods.STATES}
    single = {str(one) for one in Happened} - {"transition", "handshake", "totals"}
    assert states | single == KINDS.keys()


def test_unknown_kinds_and_missing_fields() -> None:
    for kind in ("", "sealed", "transition lost", "evaluations"):
        with pytest.raises(MalformedMessage):
            Leaf.of(kind, NOW, bytes(32))
    with pytest.raises(MalformedMessage):
        Leaf.of("claim", NOW, bytes(32), round_id="r1", party=member_oin(1))  # no salt
    with pytest.raises(MalformedMessage):
        Leaf("commitment", NOW, bytes(32), "r1", "", 4)


WORLD = make_world()
VERIFIER = log_verifier(WORLD.covenant)
KEY = WORLD.signing[COORDINATOR]


def checkpoint(size: int = 7) -> Checkpoint:
    return Checkpoint(VERIFIER.name, size, os.urandom(32))


def test_a_checkpoint_with_cosignatures() -> None:
    found = checkpoint()
    note = sign_checkpoint(found, KEY)
    assert note == sign_checkpoint(found, KEY)
    assert note.startswith(f"{VERIFIER.name}\n7\n{base64.b64encode(found.root).decode()}\n\n— {VERIFIER.name} ")
    lines = {oin: cosign(found, oin, WORLD.signing[oin], NOW) for oin in map(member_oin, (1, 2))}
    lines["x"] = cosign(found, "x", WORLD.signing[member_oin(3)], NOW)
    lines[member_oin(3)] = cosign(found, member_oin(3), Ed25519PrivateKey.generate(), NOW)
    whole = with_cosignatures(note, lines)
    assert open_checkpoint(whole, VERIFIER) == found
    assert cosigners(whole, WORLD.covenant) == dict.fromkeys(map(member_oin, (1, 2)), NOW)


def test_a_cosignature_is_of_one_checkpoint_name_and_time() -> None:
    found, oin = checkpoint(), member_oin(1)
    key = WORLD.signing[oin]
    public = key.public_key().public_bytes_raw()
    line = cosign(found, oin, key, NOW + timedelta(milliseconds=700))
    assert open_cosignature(line, found, oin, public) == NOW
    raw = bytearray(base64.b64decode(line.split(" ")[2]))
    raw[11] ^= 1  # another time
    for wrong, of, name in (
        (line, checkpoint(), oin),
        (line, found, member_oin(2)),
        (line[1:], found, oin),
        (f"— {oin} {base64.b64encode(raw).decode()}", found, oin),
        (f"— {oin} !", found, oin),
    ):
        with pytest.raises(BadSignature):
            open_cosignature(wrong, of, name, public)


def test_what_is_no_checkpoint() -> None:
    good = checkpoint()
    for text in (
        "",
        good.text[:-1],
        good.text + "extension\n",
        good.text.replace("\n7\n", "\n07\n"),
        good.text.replace("\n7\n", "\n-7\n"),
        good.text.replace("\n7\n", "\n0\n"),
        f"{good.origin}\n7\n!!\n",
        f"{good.origin}\n7\nAAAA\n",
    ):
        with pytest.raises(LogError):
            Checkpoint.parse(text)
    other = Checkpoint("sluis/other/log", 7, bytes(32))
    for note in (sign_checkpoint(other, KEY), sign_checkpoint(good, WORLD.signing[member_oin(1)]), good.text):
        with pytest.raises(SluisError):
            open_checkpoint(note, VERIFIER)


def test_the_published_cosignature_key_id() -> None:
    """C2SP signed-note: the key id is SHA-256(name ‖ 0x0A ‖ type ‖ key), of which the first four bytes count."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public = key.public_key().public_bytes_raw()
    line = cosign(Checkpoint("o", 1, bytes(32)), "witness", key, NOW)
    raw = base64.b64decode(line.split(" ")[2])
    assert raw[:4] == hashlib.sha256(b"witness\n\x04" + public).digest()[:4]
    assert int.from_bytes(raw[4:12], "big") == int(NOW.timestamp())
    key.public_key().verify(raw[12:], f"cosignature/v1\ntime {int(NOW.timestamp())}\no\n1\n{'A' * 43}=\n".encode())
