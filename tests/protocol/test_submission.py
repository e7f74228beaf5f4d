"""Submissions: everybody looks alike, numbers are padded, and the packed rows come back."""

from __future__ import annotations

import hashlib
import os
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sluis_protocol.errors import MalformedMessage
from sluis_protocol.join import TaggedPerson
from sluis_protocol.rules import load_rules
from sluis_protocol.submission import OwnFamily, assemble, bucket, commit, commitment_hash, pack, row_bytes, unpack
from sluis_protocol.tag import OwnPerson, TaggedKey

RULES = load_rules()
M = RULES.slots
ROWS = st.lists(
    st.builds(
        TaggedPerson,
        st.integers(0, 2**64 - 1),
        st.integers(0, 2**64 - 1),
        st.booleans(),
        st.lists(st.binary(min_size=16, max_size=16), min_size=3, max_size=3).map(tuple),
        st.lists(st.integers(0, 255), min_size=3, max_size=3).map(tuple),
    ),
    max_size=6,
)


def own_person(family: str, person: str, kinds: list[str], has_bsn: bool) -> OwnPerson:
    keys = tuple(TaggedKey(kind, os.urandom(16), os.urandom(32)) for kind in kinds)
    return OwnPerson(family, person, has_bsn, keys)


OWN = st.lists(
    st.tuples(st.integers(0, 20), st.lists(st.sampled_from(sorted(RULES.kinds)), unique=True), st.booleans()),
    max_size=120,
).map(
    lambda drawn: [
        own_person(f"family {family}", f"person {at}", kinds, has_bsn)
        for at, (family, kinds, has_bsn) in enumerate(drawn)
    ]
)


@given(st.integers(0, 3_000_000))
def test_a_bucket_adds_at_most_half_and_there_are_few(count: int) -> None:
    size = bucket(count)
    assert size >= count
    assert size <= max(64, count * 3 // 2 + 1)
    assert bucket(size) == size
    assert size // (size & -size) in (1, 3)


@given(ROWS)
def test_packed_rows_come_back(rows: list[TaggedPerson]) -> None:
    packed = pack(rows)
    assert len(packed) == len(rows) * row_bytes(3)
    assert list(unpack(packed, 3)) == rows


@given(ROWS.filter(bool), st.data())
def test_a_cut_row_or_an_unknown_flag_is_refused(rows: list[TaggedPerson], data: st.DataObject) -> None:
    packed = pack(rows)
    cut = data.draw(st.integers(1, row_bytes(3) - 1))
    with pytest.raises(MalformedMessage):
        list(unpack(packed[:-cut], 3))
    flagged = bytearray(packed)
    flagged[16] = 2
    with pytest.raises(MalformedMessage):
        list(unpack(bytes(flagged), 3))


@settings(max_examples=20, deadline=None)
@given(OWN)
def test_a_submission_shows_nothing_but_padded_sizes(own: list[OwnPerson]) -> None:
    submission = assemble(own, RULES, os.urandom)
    rows = submission.rows
    assert len(rows) == bucket(len(rows))
    assert submission.families == bucket(submission.families) == bucket(len({person.family_id for person in own}))
    points = Counter(kind.points for kind in RULES.kinds.values() for _ in range(kind.slots))
    assert all(len(row.tags) == M and Counter(row.points) == points for row in rows)
    tags = [tag for row in rows for tag in row.tags]
    assert len(set(tags)) == len(tags)
    assert len({row.person for row in rows}) == len(rows)


@settings(max_examples=20, deadline=None)
@given(OWN)
def test_every_own_person_is_in_it_once_with_all_tags_and_their_points(own: list[OwnPerson]) -> None:
    submission = assemble(own, RULES, os.urandom)
    rows = {row.person: row for row in submission.rows}
    found = [
        (handle, person, family) for family in submission.own.values() for handle, person in family.members.items()
    ]
    assert Counter(person.person_id for _, person, _ in found) == Counter(person.person_id for person in own)
    for handle, person, family in found:
        row = rows[handle]
        assert submission.own[row.family] is family
        assert family.family_id == person.family_id
        assert row.has_bsn == person.has_bsn
        worth = dict(zip(row.tags, row.points, strict=True))
        assert all(worth[key.tag] == RULES.kinds[key.kind].points for key in person.keys)


def test_the_order_does_not_tell_who_is_real() -> None:
    own = [own_person(f"f{number}", "p", ["bsn"], True) for number in range(65)]
    submission = assemble(own, RULES, os.urandom)
    real = [at for at, row in enumerate(submission.rows) if row.family in submission.own]
    slots = [row.tags.index(person.keys[0].tag) for row in submission.rows for person in _own(submission.own, row)]
    assert real != list(range(len(real)))
    assert len(set(slots)) > 1


def _own(own: dict[int, OwnFamily], row: TaggedPerson) -> list[OwnPerson]:
    members = own[row.family].members if row.family in own else {}
    return [members[row.person]] if row.person in members else []


def test_an_empty_caseload_submits_dummies_alone() -> None:
    submission = assemble([], RULES, os.urandom)
    assert (len(submission.rows), submission.families, submission.own) == (64, 64, {})


def test_the_commitment_is_to_the_round_the_sender_the_slots_and_every_byte() -> None:
    packed = pack(assemble([], RULES, os.urandom).rows)
    whole = commit("r1", "0" * 20, M, packed)
    in_pieces = commitment_hash("r1", "0" * 20, M)
    for at in range(0, len(packed), 1000):
        in_pieces.update(packed[at : at + 1000])
    assert in_pieces.digest() == whole
    others = {
        commit("r2", "0" * 20, M, packed),
        commit("r1", "1" * 20, M, packed),
        commit("r1", "0" * 20, M + 1, packed),
        commit("r1", "0" * 20, M, packed[:-1]),
        hashlib.sha256(packed).digest(),
    }
    assert whole not in others
    assert len(others) == 5
