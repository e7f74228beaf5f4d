"""The board's book: what was opened, once for each period and purpose, as it may be worked with from then on.

With noise in the covenant the book has the noisy figures and nothing else, drawn once: the same release opened again
changes nothing, and no second draw can be averaged with the first. The year's budget is kept here.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from sluis_protocol.covenant import Covenant, Digest, problems
from sluis_protocol.errors import InputError, TotalsError
from sluis_protocol.group import Random
from sluis_protocol.indicators import Cell
from sluis_protocol.note import SIGNATURE_BYTES
from sluis_protocol.paillier import BoardSecret
from sluis_protocol.periods import days_of
from sluis_protocol.publication import add_noise
from sluis_protocol.signed import SignedMessage
from sluis_protocol.strict import Strict, base64_of
from sluis_protocol.totals import open_total
from sluis_runtime.files import read_text, write_atomically

BOOK_FILE = "book.json"
_MOST_BYTES = 67_108_864


class _ReleaseFile(Strict):
    format: Literal["sluis-totals/1"]
    body: Annotated[str, base64_of(1, _MOST_BYTES)]
    signature: Annotated[str, base64_of(SIGNATURE_BYTES)]


class Opened(Strict):
    """One opened period: sums by cell, how many contributed, and the ε of its noise, if it has any."""

    period: str
    purpose: str
    label: str
    release: Digest
    covenant: Digest
    contributors: Annotated[int, Field(ge=1)]
    epsilon: str | None = None
    sums: dict[str, Annotated[int, Field(ge=0)]]

    @property
    def year(self) -> int:
        """The year that the period lies in."""
        return days_of(self.label)[0].year

    @property
    def cells(self) -> Mapping[Cell, int]:
        """The sums."""
        return {Cell.parse(name): value for name, value in self.sums.items()}


class Book(Strict):
    """All that was opened, the oldest period first."""

    format: Literal["sluis-board-book/1"] = "sluis-board-book/1"
    opened: tuple[Opened, ...] = ()


def read_book(folder: Path) -> Book:
    """The book; an empty one if nothing was opened yet."""
    path = folder / BOOK_FILE
    if not path.exists():
        return Book()
    try:
        return Book.model_validate_json(read_text(path, most=_MOST_BYTES, what="the book"))
    except ValidationError as error:
        raise InputError(
            f"the book can't be read: {problems(error)}", do="restore it from a backup", file=path
        ) from error


def read_release(path: Path) -> SignedMessage:
    """The signed release in the coordinator's file; nothing is verified yet."""
    try:
        content = _ReleaseFile.model_validate_json(read_text(path, most=_MOST_BYTES, what="the release"))
    except ValidationError as error:
        do = "use the file as `sluis-coordinator totals release` wrote it"
        raise InputError(f"this is no release of totals: {problems(error)}", do=do, file=path) from error
    return SignedMessage(base64.b64decode(content.body), base64.b64decode(content.signature))


def enter(folder: Path, message: SignedMessage, covenant: Covenant, secret: BoardSecret, random: Random) -> Opened:
    """Open a release and keep it; the same again is found in the book.

    Raises TotalsError for another release of a period that was opened, and where the year's noise budget is spent.
    """
    book, digest = read_book(folder), message.digest.hex()
    for one in book.opened:
        if one.release == digest:
            return one
    total = open_total(message, covenant, secret)
    for one in book.opened:
        if (one.purpose, one.label) == (total.purpose, total.label):
            raise TotalsError(
                "another sum of this period was opened before",
                do="ask the operator and the log how there can be two: their difference would tell too much",
                period=one.period,
            )
    noise, sums = covenant.totals.noise, dict(total.sums)
    if noise is not None:
        year = days_of(total.label)[0].year
        spent = sum(
            Fraction(one.epsilon or 0) for one in book.opened if (one.purpose, one.year) == (total.purpose, year)
        )
        if spent + Fraction(noise.epsilon) > Fraction(noise.budget_a_year):
            raise TotalsError(
                f"the noise budget of {year} is spent", do="this period stays closed", period=total.period
            )
        sums = add_noise(sums, Fraction(noise.epsilon), covenant.totals.sensitivity, random)
    opened = Opened(
        period=total.period,
        purpose=total.purpose,
        label=total.label,
        release=digest,
        covenant=covenant.hash.hex(),
        contributors=len(total.contributors),
        epsilon=noise.epsilon if noise else None,
        sums={str(cell): value for cell, value in sums.items()},
    )
    every = sorted((*book.opened, opened), key=lambda one: (days_of(one.label), one.purpose))
    write_atomically(folder / BOOK_FILE, Book(opened=tuple(every)).model_dump_json(indent=2) + "\n", mode=0o600)
    return opened
