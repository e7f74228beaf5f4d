"""Submissions: streamed rows, checked on the way, on disk as a whole or not at all (protocol.md, 4).

What is checked is the shape that the node signed for. Whether tags are real is nobody's to know.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import numpy as np
from sluis_protocol import wire
from sluis_protocol.errors import MalformedMessage, Replayed, RoundError, SluisError, SubmissionRefused
from sluis_protocol.messages import Manifest, SubmissionPart
from sluis_protocol.rounds import Collecting
from sluis_protocol.signed import Kind, SignedMessage, open_signed
from sluis_protocol.submission import commitment_hash, row_bytes
from sluis_protocol.wire.payloads import MOST_FAMILY
from sluis_runtime.database import transaction
from sluis_runtime.logs import logger

from . import store
from .coordinator import Coordinator
from .events import Happened
from .tagfile import Rows, TagFileWriter, file_name, parse_rows
from .threads import to_the_end

IDLE_SECONDS = 60.0  # a node that sends nothing for so long has gone
_WRITE_BYTES = 1_048_576  # what is gathered before it is checked and written: one row group

log = logger("submissions")


@dataclass(frozen=True, slots=True)
class Announced:
    """What a node said it will send, once that was found acceptable."""

    round_id: str
    oin: str
    manifest: Manifest
    message: SignedMessage


class RowCheck:
    """Checks rows against the manifest as they come; `finish` when there are no more. Raises SubmissionRefused.

    points: those of every row, sorted: the rule set's, in any order.
    """

    def __init__(self, announced: Announced, points: Sequence[int]) -> None:
        self._points = np.array(points, np.uint8)
        self._manifest = announced.manifest
        self._digest = commitment_hash(announced.round_id, announced.oin, announced.manifest.slots)
        self._families: list[np.ndarray[tuple[int], np.dtype[np.uint64]]] = []
        self._persons: list[np.ndarray[tuple[int], np.dtype[np.uint64]]] = []
        self._count = 0

    def take(self, packed: bytes) -> Rows:
        """The rows in these bytes: whole rows, not more than announced, no unknown flag, the rule set's points."""
        size = row_bytes(self._manifest.slots)
        if len(packed) % size:
            raise MalformedMessage(f"{len(packed)} bytes are not whole rows of {size}", field="rows")
        rows = parse_rows(packed, self._manifest.slots)
        self._count += len(rows)
        if self._count > self._manifest.persons:
            raise SubmissionRefused(f"there are more rows than the {self._manifest.persons} of the manifest")
        if rows["flags"].max(initial=0) > 1:
            raise MalformedMessage("a row has an unknown flag", field="rows")
        if (np.sort(rows["points"], axis=1) != self._points).any():
            raise SubmissionRefused("a row's points are not those of the rule set", do="use the covenant's rule set")
        self._digest.update(packed)
        self._families.append(rows["family"].astype(np.uint64))
        self._persons.append(rows["person"].astype(np.uint64))
        return rows

    def finish(self) -> None:
        """1. as many rows and 2. families as announced; 3. each person once; 4. the commitment; 5. families' sizes."""
        if self._count != self._manifest.persons:
            raise SubmissionRefused(
                f"{self._count} rows came of the {self._manifest.persons} in the manifest", do="submit again"
            )
        _, sizes = np.unique(np.concatenate(self._families), return_counts=True)
        if len(sizes) != self._manifest.families:
            raise SubmissionRefused(f"{len(sizes)} families came of the {self._manifest.families} in the manifest")
        if len(np.unique(np.concatenate(self._persons))) != self._count:
            raise SubmissionRefused("a person handle is there twice", do="draw new random handles")
        if self._digest.digest() != self._manifest.commitment:
            raise SubmissionRefused("the rows are not those that were signed for", do="submit again, unaltered")
        if sizes.max(initial=0) > MOST_FAMILY:
            raise SubmissionRefused(f"a family has more than {MOST_FAMILY} persons")


class Submissions:
    """Takes submissions in and gives receipts."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator
        kinds = coordinator.rules.kinds.values()
        self._points = sorted(kind.points for kind in kinds for _ in range(kind.slots))
        # One upload a node at a time; a second one waits, and finds the first one's receipt.
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def submit(self, oin: str, parts: AsyncIterator[SubmissionPart]) -> SignedMessage:
        """The whole of a submission; the signed receipt once it is durable. The same one again: the same receipt."""
        first = await _next(parts)
        if first is None or not isinstance(first.content, SignedMessage):
            raise MalformedMessage("a submission begins with its signed manifest", field="part")
        announced = self._open(oin, first.content)
        async with self._turns[oin]:
            admitted = await asyncio.to_thread(self._admit, announced)
            if isinstance(admitted, SignedMessage):
                return admitted
            left = admitted.closes_at - self._coordinator.clock()
            try:
                async with asyncio.timeout(left.total_seconds()):
                    return await self._store(announced, parts)
            except TimeoutError:
                raise RoundError(
                    "the round closed while the submission came in",
                    do="wait for the next round",
                    round=announced.round_id,
                ) from None

    def _open(self, oin: str, message: SignedMessage) -> Announced:
        """Verify the manifest and hold it against the covenant."""
        coordinator = self._coordinator
        round_id = message.envelope.round_id
        envelope = open_signed(
            message, coordinator.covenant, Kind.MANIFEST, round_id=round_id, now=coordinator.clock(), caller=oin
        )
        manifest = wire.decode(Manifest, envelope.payload)
        limit = coordinator.covenant.terms.limits.submission_persons
        if manifest.persons > limit:
            raise SubmissionRefused(
                f"{manifest.persons} persons exceed the covenant's limit of {limit}",
                do="a larger limit needs a new covenant version",
                party=oin,
            )
        if manifest.slots != coordinator.rules.slots:
            raise SubmissionRefused(
                f"{manifest.slots} tags a person instead of the rule set's {coordinator.rules.slots}", party=oin
            )
        return Announced(round_id, oin, manifest, message)

    def _admit(self, announced: Announced) -> SignedMessage | store.Round:
        """The earlier receipt of the same submission, or the round that this one may come in; raise if it may not."""
        with transaction(self._coordinator.engine) as connection:
            found = store.find_round(connection, announced.round_id)
            earlier = store.find_submission(connection, announced.round_id, announced.oin)
        if found.purpose != announced.manifest.purpose:
            raise Replayed("the manifest is for another purpose than its round", round=found.id, party=announced.oin)
        if earlier:
            return _same(earlier, announced)
        _require_collecting(found)
        return found

    async def _store(self, announced: Announced, parts: AsyncIterator[SubmissionPart]) -> SignedMessage:
        folder = self._coordinator.folder / announced.round_id
        path = folder / file_name(announced.oin, announced.manifest.commitment)
        check = RowCheck(announced, self._points)
        with TagFileWriter(path, f"{announced.oin}-{self._coordinator.random(8).hex()}") as writer:
            gathered = bytearray()
            # The next part is read only when this one is dealt with: gRPC's flow control holds a fast sender back.
            while part := await _next(parts):
                if isinstance(part.content, SignedMessage):
                    raise MalformedMessage("a submission has one manifest", field="part")
                if len(part.content) % row_bytes(announced.manifest.slots):
                    raise MalformedMessage("a part does not end with a whole row", field="rows")
                gathered += part.content
                if len(gathered) >= _WRITE_BYTES:
                    await to_the_end(lambda rows: writer.write(check.take(rows)), bytes(gathered))
                    gathered.clear()
            return await to_the_end(self._finish, announced, check, writer, bytes(gathered))

    def _finish(self, announced: Announced, check: RowCheck, writer: TagFileWriter, rest: bytes) -> SignedMessage:
        """The last rows, the file, then the note of it: a file whose note a crash prevented is deleted at start-up."""
        if rest:
            writer.write(check.take(rest))
        check.finish()
        writer.finish()
        coordinator, manifest = self._coordinator, announced.manifest
        receipt = coordinator.receipt(Happened.COMMITMENT, announced.message, digest=manifest.commitment)
        new = store.Submitted(
            announced.round_id, announced.oin, manifest.commitment, manifest.families, manifest.persons, receipt
        )
        try:
            with transaction(coordinator.engine) as connection:
                _require_collecting(store.find_round(connection, announced.round_id))
                store.add_submission(connection, new, coordinator.clock())
        except SluisError:
            writer.path.unlink(missing_ok=True)
            raise
        log.info("submission", oin=announced.oin, round=announced.round_id, persons=manifest.persons)
        return receipt


def _require_collecting(found: store.Round) -> None:
    if found.state != Collecting():
        raise RoundError(
            f"the round is {found.state.name}, not collecting", do="take part in the next round", round=found.id
        )


def _same(earlier: store.Submitted, announced: Announced) -> SignedMessage:
    if earlier.commitment != announced.manifest.commitment:
        raise SubmissionRefused(
            "this node has submitted something else in this round",
            do="one submission counts; changes go into the next round",
            party=announced.oin,
            round=announced.round_id,
        )
    return earlier.receipt


async def _next(parts: AsyncIterator[SubmissionPart]) -> SubmissionPart | None:
    """The next part, or None at the end; raise SubmissionRefused if none comes for long."""
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            return await anext(parts, None)
    except TimeoutError:
        raise SubmissionRefused(f"nothing came for {IDLE_SECONDS:.0f} s", do="submit again") from None
