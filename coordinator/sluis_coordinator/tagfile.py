"""The tags of one submission as a Parquet file that is complete or absent.

One line per tag: `family`, `person`, `has_bsn`, the tag as two unsigned 64-bit numbers (`hi`, `lo`, big-endian halves)
and its `points`. A file is written as `*.part`, synced, and moved to its name in one step. The names say who submitted
and to what it is committed, so a file is never replaced by another. Checks of the content are `submissions.py`'s.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sluis_protocol.errors import RoundError, StorageError
from sluis_protocol.submission import row_bytes
from sluis_runtime.files import sync_folder

SCHEMA = pa.schema(
    [
        ("family", pa.uint64()),
        ("person", pa.uint64()),
        ("has_bsn", pa.bool_()),
        ("hi", pa.uint64()),
        ("lo", pa.uint64()),
        ("points", pa.uint8()),
    ]
)
Rows = np.ndarray[Any, np.dtype[np.void]]


def parse_rows(packed: bytes, slots: int) -> Rows:
    """Packed rows (`sluis_protocol.submission` has the format; whole rows only) as a structured array, not copied."""
    fields = [
        ("family", ">u8"),
        ("person", ">u8"),
        ("flags", "u1"),
        ("points", "u1", slots),
        ("tags", ">u8", (slots, 2)),
    ]
    layout = np.dtype(fields)
    if layout.itemsize != row_bytes(slots):
        raise ValueError("the row format differs from the protocol's")
    rows: Rows = np.frombuffer(packed, dtype=layout)
    return rows


def file_name(oin: str, commitment: bytes) -> str:
    """The name of a submission's file."""
    return f"{oin}-{commitment.hex()}.parquet"


class TagFileWriter:
    """Writes one file; leave its `with` block without `finish` and nothing is left. Raises StorageError."""

    def __init__(self, path: Path, part_name: str) -> None:
        self.path = path
        self._part = path.with_name(part_name + ".part")
        self._finished = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._part.open("xb")
        except OSError as error:
            raise _refused(error, self._part) from error
        # Handles repeat for every tag of a person, tags never do.
        self._writer = pq.ParquetWriter(
            self._file, SCHEMA, compression="none", use_dictionary=["family", "person"], write_statistics=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._finished:
            return
        # Closing writes what was buffered, which may fail again for the reason that brought us here.
        with contextlib.suppress(OSError):
            self._writer.close()
        with contextlib.suppress(OSError):
            self._file.close()
        self._part.unlink(missing_ok=True)

    def write(self, rows: Rows) -> None:
        """Add the tags of these rows as one row group."""
        slots = rows["points"].shape[1]
        tags = rows["tags"].astype("=u8").reshape(-1, 2)
        columns = [
            np.repeat(rows["family"].astype("=u8"), slots),
            np.repeat(rows["person"].astype("=u8"), slots),
            np.repeat(rows["flags"] == 1, slots),
            tags[:, 0],
            tags[:, 1],
            rows["points"].reshape(-1),
        ]
        arrays = [
            pa.array(np.ascontiguousarray(column), field.type) for column, field in zip(columns, SCHEMA, strict=True)
        ]
        try:
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA))
        except OSError as error:
            raise _refused(error, self._part) from error

    def finish(self) -> None:
        """Everything is on disk, under its own name, when this returns."""
        try:
            self._writer.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.replace(self.path)
            self._finished = True
            sync_folder(self.path.parent)
        except FileNotFoundError as error:
            raise RoundError("the round ended while the submission came in", do="wait for the next round") from error
        except OSError as error:
            raise _refused(error, self._part) from error


def delete_folder(folder: Path) -> None:
    """Delete a round's tags, and make that last. Raises StorageError."""
    try:
        shutil.rmtree(folder)
        sync_folder(folder.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _refused(error, folder) from error


def keep_only(folder: Path, names: Collection[str]) -> None:
    """Delete what a crash left behind: parts, spilled joins, files whose submission was never noted."""
    try:
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in names:
                path.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise _refused(error, folder) from error


def _refused(error: OSError, path: Path) -> StorageError:
    return StorageError(
        f"the coordinator's disk refused: {error.strerror or error}",
        do="the operator must free disk space; then submit again, nothing was half written",
        file=path.name,
    )
