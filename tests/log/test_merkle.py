"""The tree against the definition, against published proofs, and against whoever changes a bit."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sluis_protocol.errors import LogError
from sluis_protocol.merkle import (
    EMPTY_ROOT,
    append,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    peaks,
    root,
    verify_consistency,
    verify_inclusion,
)

from ..shared import shared
from .naive import Stored, mth, path, proof

MOST = 70


def leaves(size: int) -> list[bytes]:
    return [b"leaf %d" % number for number in range(size)]


def grown(size: int, *, batches: Iterator[int] | None = None) -> Stored:
    """A stored tree of that size, appended in batches."""
    stored, at, data = Stored(), 0, leaves(size)
    while at < size:
        count = next(batches) if batches else 1
        added = append(at, stored.read(peaks(at)), map(leaf_hash, data[at : at + count]))
        stored.hashes += [value for _, value in added.nodes]
        at = added.size
        assert added.root == mth(data[:at])
    return stored


@given(st.integers(0, MOST), st.lists(st.integers(1, 20), min_size=1))
def test_appending_gives_the_root_of_the_definition(size: int, counts: list[int]) -> None:
    stored = grown(size, batches=(counts[n % len(counts)] for n in range(size)))
    assert stored.hashes == grown(size).hashes
    for part in range(size + 1):
        assert root(part, stored.read) == mth(leaves(part))


@given(st.integers(1, MOST).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size))))
def test_inclusion(place: tuple[int, int]) -> None:
    index, size = place
    stored, data = grown(MOST), leaves(MOST)
    stored.reads = 0
    found = inclusion_proof(index, size, stored.read)
    assert stored.reads <= 2 * size.bit_length()
    assert found == path(index, data[:size])
    verify_inclusion(leaf_hash(data[index]), index, size, found, mth(data[:size]))


@given(st.integers(1, MOST).flatmap(lambda size: st.tuples(st.integers(1, size), st.just(size))))
def test_consistency(sizes: tuple[int, int]) -> None:
    old, new = sizes
    stored, data = grown(MOST), leaves(MOST)
    stored.reads = 0
    found = consistency_proof(old, new, stored.read)
    assert stored.reads <= 3 * new.bit_length()
    assert found == proof(old, data[:new])
    verify_consistency(old, new, mth(data[:old]), mth(data[:new]), found)


@settings(max_examples=300)
@given(st.data())
def test_whatever_is_changed_is_noticed(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, MOST))
    stored, rows = grown(size), leaves(size)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    included, grew = inclusion_proof(index, size, stored.read), consistency_proof(old, size, stored.read)
    roots = mth(rows[:old]), mth(rows)

    def flipped(value: bytes) -> bytes:
        bit = data.draw(st.integers(0, 255))
        return bytes(byte ^ (1 << bit % 8) * (at == bit // 8) for at, byte in enumerate(value))

    def altered(found: list[bytes]) -> list[bytes]:
        how = data.draw(st.sampled_from(["flip", "drop", "double", "add"] if found else ["add"]))
        if how == "add":
            return [*found, bytes(32)]
        at = data.draw(st.integers(0, len(found) - 1))
        middle = {"flip": [flipped(found[at])], "drop": [], "double": [found[at]] * 2}[how]
        return [*found[:at], *middle, *found[at + 1 :]]

    leaf = leaf_hash(rows[index])
    for wrong in (
        (flipped(leaf), index, size, included, roots[1]),
        (leaf, index, size, included, flipped(roots[1])),
        (leaf, (index + 1) % size, size, included, roots[1]),
        (leaf, index, size, altered(included), roots[1]),
        (leaf, size, size, included, roots[1]),
        (leaf, -1, size, included, roots[1]),
    ):
        with pytest.raises(LogError):
            verify_inclusion(*wrong)
    for bad in (
        (old, size, flipped(roots[0]), roots[1], grew),
        (old, size, roots[0], flipped(roots[1]), grew),
        (old, size, *roots, altered(grew)),
        (size + 1, size, *roots, grew),
        (0, size, EMPTY_ROOT, roots[1], []),
    ):
        with pytest.raises(LogError):
            verify_consistency(*bad)


def test_what_has_no_proof() -> None:
    stored = grown(5)
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(LogError):
            inclusion_proof(index, size, stored.read)
    for old, new in ((0, 5), (6, 5), (0, 0)):
        with pytest.raises(LogError):
            consistency_proof(old, new, stored.read)
    verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    with pytest.raises(ValueError, match="peaks"):
        append(5, [bytes(32)], [])


def decoded(row: dict[str, object]) -> list[bytes]:
    proofs = row["proof"] or []
    assert isinstance(proofs, list)
    return [base64.b64decode(one) for one in proofs]


def test_published_inclusion_proofs() -> None:
    """Of a well-known transparency-log library: what it takes is taken, and what it refuses is refused."""
    rows = json.loads(shared("data/vectors/rfc9162_inclusion.json").read_text())
    assert {row["wantErr"] for row in rows} == {True, False}
    for row in rows:
        arguments = (
            base64.b64decode(row["leafHash"]),
            row["leafIdx"],
            row["treeSize"],
            decoded(row),
            base64.b64decode(row["root"]),
        )
        if row["wantErr"]:
            with pytest.raises(LogError):
                verify_inclusion(*arguments)
        else:
            verify_inclusion(*arguments)


def test_published_consistency_proofs() -> None:
    rows = json.loads(shared("data/vectors/rfc9162_consistency.json").read_text())
    assert {row["wantErr"] for row in rows} == {True, False}
    for row in rows:
        roots = (base64.b64decode(row["root1"] or ""), base64.b64decode(row["root2"] or ""))
        arguments = (row["size1"], row["size2"], *roots, decoded(row))
        if row["wantErr"]:
            with pytest.raises(LogError):
                verify_consistency(*arguments)
        else:
            verify_consistency(*arguments)


# The eight leaves of Certificate Transparency's reference implementation, and the roots of its first 1 to 8 leaves.
CT_LEAVES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
CT_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def test_the_reference_tree() -> None:
    data = [bytes.fromhex(one) for one in CT_LEAVES]
    for size, expected in CT_ROOTS.items():
        added = append(0, [], map(leaf_hash, data[:size]))
        assert added.root.hex() == expected == mth(data[:size]).hex()
