"""The join in SQL gives what the protocol's pure join gives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sluis_coordinator.join import person_pairs
from sluis_coordinator.tagfile import TagFileWriter, parse_rows
from sluis_protocol import join as pure
from sluis_protocol.errors import StorageError
from sluis_protocol.join import TaggedPerson
from sluis_protocol.rules import Thresholds
from sluis_protocol.submission import pack

SLOTS = 4
THRESHOLDS = Thresholds(person=25, family=60, certain=100)
# Few tags and points, so that they meet; among them the extremes of both halves.
TAGS = [bytes(16), b"\xff" * 16, bytes(15) + b"\x01", b"\x80" + bytes(15), *(bytes([i]) * 16 for i in range(1, 9))]
HANDLES = [0, 1, 2**63, 2**64 - 1]


@st.composite
def submission(draw: st.DrawFn) -> list[TaggedPerson]:
    """Up to six persons with unique handles, in up to three families."""
    handles = draw(st.lists(st.sampled_from([*HANDLES, *range(10, 20)]), unique=True, max_size=6))
    return [
        TaggedPerson(
            draw(st.sampled_from(HANDLES[:3])),
            handle,
            draw(st.booleans()),
            tuple(draw(st.lists(st.sampled_from(TAGS), min_size=SLOTS, max_size=SLOTS))),
            tuple(draw(st.lists(st.sampled_from([0, 1, 12, 25, 60, 100, 255]), min_size=SLOTS, max_size=SLOTS))),
        )
        for handle in handles
    ]


def write(folder: Path, submissions: dict[str, list[TaggedPerson]], groups: int = 2) -> dict[str, Path]:
    files = {}
    for oin, rows in submissions.items():
        files[oin] = folder / f"{oin}.parquet"
        with TagFileWriter(files[oin], oin) as writer:
            for at in range(0, len(rows), groups):
                writer.write(parse_rows(pack(rows[at : at + groups]), SLOTS))
            writer.finish()
    return files


@settings(max_examples=50, deadline=None)
@given(st.lists(submission(), min_size=1, max_size=4))
def test_equal(rows: Sequence[list[TaggedPerson]]) -> None:
    submissions = {f"0000009900000000{number:04d}": each for number, each in enumerate(rows)}
    with TemporaryDirectory() as name:
        files = write(Path(name), submissions)
        assert sorted(person_pairs(files, THRESHOLDS, spill=Path(name) / "spill")) == list(
            pure.person_pairs(submissions, THRESHOLDS)
        )


def test_rows_are_read_as_the_protocol_packs_them() -> None:
    rows = [TaggedPerson(2**64 - 1, 1, True, (b"\x01" * 16, bytes(16)), (255, 0))]
    [parsed] = parse_rows(pack(rows), 2)
    assert (int(parsed["family"]), int(parsed["person"]), int(parsed["flags"])) == (2**64 - 1, 1, 1)
    assert parsed["tags"].tobytes() == b"\x01" * 16 + bytes(16)
    assert parsed["points"].tolist() == [255, 0]


def test_beyond_memory(tmp_path: Path) -> None:
    """It spills, with the same result; where it can't, the error says so."""
    generator = np.random.default_rng(1)
    tags = generator.bytes(16 * SLOTS * 40_000)
    files = {}
    for oin in ("1", "2"):
        rows = np.zeros(40_000, parse_rows(b"", SLOTS).dtype)
        rows["family"] = rows["person"] = np.arange(40_000)
        rows["tags"] = np.frombuffer(tags, ">u8").reshape(-1, SLOTS, 2)
        rows["points"] = 30
        files[oin] = tmp_path / oin
        with TagFileWriter(files[oin], oin) as writer:
            writer.write(rows)
            writer.finish()
    found = list(person_pairs(files, THRESHOLDS, memory="60MB", spill=tmp_path / "spill"))
    assert len({pair.pair.person_a for pair in found}) == len(found) == 40_000
    (tmp_path / "no folder").write_text("")
    with pytest.raises(StorageError, match="join"):
        list(person_pairs(files, THRESHOLDS, memory="40MB", spill=tmp_path / "no folder"))


def test_a_damaged_file(tmp_path: Path) -> None:
    files = {"0" * 20: tmp_path / "a.parquet", "1" * 20: tmp_path / "b.parquet"}
    for path in files.values():
        path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(StorageError, match="the join could not go on"):
        list(person_pairs(files, THRESHOLDS, spill=tmp_path / "spill"))
