"""What was opened is kept once; noise is drawn once and within its budget."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sluis_board.book import enter, read_book, read_release
from sluis_protocol import totals, wire
from sluis_protocol.errors import InputError, TotalsError
from sluis_protocol.indicators import Cell, Indicator
from sluis_protocol.messages import Enrolled, PeriodOpening, Release, Roster
from sluis_protocol.paillier import BoardSecret
from sluis_protocol.signed import Envelope, Kind, SignedMessage, sign
from sluis_protocol.totals_terms import Noise, TotalsTerms

from ..board_key import SECRET, card
from ..world import COORDINATOR, PURPOSE, World, make_world, member_oin

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
FIGURES = {Cell(Indicator.PROVEN): 3, Cell(Indicator.WRONG): 1}


def counting(noise: Noise | None = None) -> World:
    terms = TotalsTerms(
        board=card(), minimum_contributors=3, value_bits=4, indicators=(Indicator.PROVEN, Indicator.WRONG), noise=noise
    )
    return make_world(totals=terms)


def released(world: World, label: str, name: str) -> SignedMessage:
    """The sum of three who are honest."""

    def say(oin: str, kind: Kind, content: object) -> SignedMessage:
        envelope = Envelope(kind, oin, world.covenant.hash, name, NOW, wire.encode(content))
        return sign(envelope, world.signing[oin])

    times = NOW + timedelta(days=1), NOW + timedelta(days=2), NOW + timedelta(days=3)
    opened = say(COORDINATOR, Kind.PERIOD, PeriodOpening(PURPOSE, label, SECRET.public.fingerprint, *times))
    period = totals.read_period(opened, world.covenant)
    members = [member_oin(number) for number in (1, 2, 3)]
    made = {oin: totals.enrol(period, oin, FIGURES, os.urandom) for oin in members}
    enrolled = {oin: say(oin, Kind.ENROLMENT, made[oin].enrolment) for oin in members}
    entries = tuple(Enrolled(oin, enrolled[oin].digest) for oin in members)
    roster = say(COORDINATOR, Kind.ROSTER, Roster(period.opening, entries))
    masks = {oin: totals.masks_of(period, roster, oin, world.sealing[oin], bytes(32)) for oin in members}
    ciphertexts = [period.key.encrypt(made[oin].packed + masks[oin].own, os.urandom) for oin in members]
    answers = {
        oin: masks[oin].answer({other: masks[other].shares[at] for other in members}) for at, oin in enumerate(members)
    }
    ciphertext = totals.combine(period, roster, ciphertexts, answers, os.urandom)
    return say(COORDINATOR, Kind.RELEASE, Release(opened, tuple(enrolled.values()), ciphertext))


def test_a_release_is_kept_once(tmp_path: Path) -> None:
    world = counting()
    message = released(world, "2026-q2", "t2026-q2-0123456789abcdef")
    first = enter(tmp_path, message, world.covenant, SECRET, os.urandom)
    assert first.sums == {"matches-proven": 9, "matches-wrong": 3}
    assert enter(tmp_path, message, world.covenant, SECRET, os.urandom) == first
    assert read_book(tmp_path).opened == (first,)
    other = released(world, "2026-q2", "t2026-q2-fedcba9876543210")
    with pytest.raises(TotalsError, match="another sum"):
        enter(tmp_path, other, world.covenant, SECRET, os.urandom)
    enter(tmp_path, released(world, "2026-q1", "t2026-q1-fedcba9876543210"), world.covenant, SECRET, os.urandom)
    assert [one.label for one in read_book(tmp_path).opened] == ["2026-q1", "2026-q2"]
    assert (tmp_path / "book.json").stat().st_mode & 0o077 == 0


def test_killed_between_decrypting_and_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was shown and nothing is kept, noise neither: the same release is opened again, and once."""
    world = counting(Noise(epsilon="0.5", budget_a_year="0.5"))
    message = released(world, "2026-q2", "t2026-q2-0123456789abcdef")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            enter(tmp_path, message, world.covenant, SECRET, os.urandom)
    assert read_book(tmp_path).opened == ()
    opened = enter(tmp_path, message, world.covenant, SECRET, os.urandom)
    assert read_book(tmp_path).opened == (opened,)


def test_noise_is_drawn_once_and_ends_with_its_budget(tmp_path: Path) -> None:
    world = counting(Noise(epsilon="0.5", budget_a_year="0.75"))
    message = released(world, "2026-q2", "t2026-q2-0123456789abcdef")
    first = enter(tmp_path, message, world.covenant, SECRET, os.urandom)
    assert first.epsilon == "0.5"
    assert all(enter(tmp_path, message, world.covenant, SECRET, os.urandom) == first for _ in range(3))
    with pytest.raises(TotalsError, match="budget"):
        enter(tmp_path, released(world, "2026-q3", "t2026-q3-0123456789abcdef"), world.covenant, SECRET, os.urandom)
    enter(tmp_path, released(world, "2025-q4", "t2025-q4-0123456789abcdef"), world.covenant, SECRET, os.urandom)


def test_another_boards_key_opens_nothing(tmp_path: Path) -> None:
    world = counting()
    message = released(world, "2026-q2", "t2026-q2-0123456789abcdef")
    other = BoardSecret(2**1279 - 1, 2**2203 - 1)
    with pytest.raises(TotalsError, match="not for this key"):
        enter(tmp_path, message, world.covenant, other, os.urandom)


@pytest.mark.parametrize("content", ["", "{}", '{"format": "sluis-totals/1", "body": "!", "signature": ""}', "[1]"])
def test_a_file_that_is_no_release(tmp_path: Path, content: str) -> None:
    (tmp_path / "file").write_text(content)
    with pytest.raises(InputError, match="no release"):
        read_release(tmp_path / "file")
