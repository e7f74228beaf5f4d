"""`sluis-board` as people use it: keys, sums, a report; and what it says where something is wrong."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sluis_board.cli import app as board_app
from sluis_covenant.cli import app as covenant_app
from sluis_protocol import wire
from sluis_protocol.messages import Release
from sluis_protocol.signed import Envelope, Kind, SignedMessage, sign
from sluis_runtime import boardkeys
from sluis_runtime.program import Program

from ..board_key import SECRET, card
from ..world import COORDINATOR, World
from .test_book import counting, released

PASSPHRASE = "twelve words or so"
NAME = "t2026-q2-0123456789abcdef"


class Board:
    """The board's folder and files; `run` is its command line."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys, self.world = folder, capsys, counting()
        self.note, self.passphrase = folder / "covenant.note", folder / "passphrase"
        self.note.write_text(self.world.covenant.note)
        self.passphrase.write_text(PASSPHRASE + "\n")
        self.known = ("--covenant", self.note, "--authority", self.world.authority)

    def run(self, *args: object, program: Program = board_app) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            program([str(one) for one in args])
        told = self.capsys.readouterr()
        return int(ended.value.code or 0), told.out + told.err

    def release(self, message: SignedMessage, **changed: str) -> Path:
        fields = {"body": message.body, "signature": message.signature}
        content = {"format": "sluis-totals/1", **{k: base64.b64encode(raw).decode() for k, raw in fields.items()}}
        path = self.folder / f"release-{os.urandom(4).hex()}.json"
        path.write_text(json.dumps({**content, **changed}))
        return path

    def open(self, path: Path, *known: object) -> tuple[int, str]:
        return self.run("open", self.folder, path, *(known or self.known), "--passphrase-file", self.passphrase)


@pytest.fixture
def board(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Board:
    monkeypatch.setattr(boardkeys, "generate", lambda bits: SECRET)
    monkeypatch.setattr(boardkeys, "_COST", 1 << 14)
    board = Board(tmp_path, capsys)
    status, told = board.run("keys", "new", tmp_path, "--name", "Board", "--passphrase-file", board.passphrase)
    assert (status, card().fingerprint in told) == (0, True)
    return board


def altered(world: World, message: SignedMessage, keep: Sequence[int]) -> SignedMessage:
    """A release that a dishonest coordinator signs: with these of the enrolments only."""
    envelope = message.envelope
    content = wire.decode(Release, envelope.payload)
    content = replace(content, enrolments=tuple(content.enrolments[at] for at in keep))
    envelope = Envelope(Kind.RELEASE, COORDINATOR, envelope.covenant_hash, NAME, envelope.sent_at, wire.encode(content))
    return sign(envelope, world.signing[COORDINATOR])


def test_a_sum_is_opened_once_and_reported(board: Board) -> None:
    path = board.release(released(board.world, "2026-q2", NAME))
    for _ in range(2):
        status, told = board.open(path)
        assert status == 0
        assert "2026-q2: the sum of 3 municipalities" in told
    page = board.folder / "report.html"
    assert board.run("report", board.folder, "--out", page, *board.known, "--language", "en")[0] == 0
    assert '<html lang="en">' in page.read_text()
    assert "2026-q2,3,matches-proven,9" in page.with_suffix(".csv").read_text()


def test_what_is_refused_names_the_file_and_says_what_to_do(board: Board) -> None:
    """Each with what it names; nothing gets into the book."""
    good = released(board.world, "2026-q2", NAME)
    bad_body = good.body[:-1] + bytes([good.body[-1] ^ 1])
    stranger = counting()
    stranger_note = board.folder / "stranger.note"
    stranger_note.write_text(stranger.covenant.note)
    cases = {
        "signature": board.open(board.release(SignedMessage(bad_body, good.signature))),
        "format": board.open(board.release(good, format="sluis-totals/2")),
        "body": board.open(board.release(good, body="?")),
        "2 take part, and 3 are needed": board.open(board.release(altered(board.world, good, (0, 1)))),
        "stands in the release twice": board.open(board.release(altered(board.world, good, (0, 0, 1, 2)))),
        "covenant": board.open(board.release(released(stranger, "2026-q2", NAME))),
        "note": board.open(board.release(good), "--covenant", stranger_note, "--authority", board.world.authority),
        "can't be read": board.open(board.folder / "absent.json"),
    }
    for names, (status, told) in cases.items():
        assert status == 1, names
        assert names in told
        assert "file " in told, told
        assert "→" in told, told
        assert "Traceback" not in told
    assert not (board.folder / "book.json").exists()


def test_a_wrong_passphrase_and_a_file_that_was_altered(board: Board) -> None:
    path = board.release(released(board.world, "2026-q2", NAME))
    board.passphrase.write_text("some other words")
    status, told = board.open(path)
    assert (status, "passphrase is another" in told, "board.key" in told, "→" in told) == (1, True, True, True)


def test_the_sum_of_another_period_or_a_second_one(board: Board) -> None:
    good = released(board.world, "2026-q2", NAME)
    envelope = replace(good.envelope, round_id="t2026-q1-0123456789abcdef")
    status, told = board.open(board.release(sign(envelope, board.world.signing[COORDINATOR])))
    assert (status, "not for this key and period" in told, "file " in told) == (1, True, True)
    assert board.open(board.release(good))[0] == 0
    status, told = board.open(board.release(released(board.world, "2026-q2", "t2026-q2-fedcba9876543210")))
    assert (status, "another sum of this period" in told, NAME in told) == (1, True, True)


def test_a_malformed_modulus_gets_into_no_covenant(board: Board) -> None:
    card_file, draft = board.folder / boardkeys.CARD_FILE, board.folder / "draft.json"
    draft.write_text(board.world.covenant.terms.model_dump_json())
    content = json.loads(card_file.read_text())
    even = base64.b64encode((SECRET.public.modulus + 1).to_bytes(SECRET.public.size, "big")).decode()
    for modulus, names in ((even, "small factor"), ("AAAA", "modulus"), (None, "modulus")):
        card_file.write_text(json.dumps({**content, "modulus": modulus}))
        status, told = board.run("board", draft, card_file, program=covenant_app)
        assert (status, names in told, str(card_file) in told, "→" in told) == (1, True, True, True), told


def test_nothing_to_report_and_a_day_that_is_none(board: Board) -> None:
    out = ("--out", board.folder / "report.html", *board.known)
    status, told = board.run("report", board.folder, *out)
    assert (status, "sluis-board open" in told) == (1, True)
    assert board.open(board.release(released(board.world, "2026-q2", NAME)))[0] == 0
    status, told = board.run("report", board.folder, *out, "--day", "yesterday")
    assert (status, "YYYY-MM-DD" in told) == (1, True)
    (board.folder / "book.json").write_text("[]")
    status, told = board.run("report", board.folder, *out)
    assert (status, "book.json" in told, "backup" in told) == (1, True, True)


def test_the_program_itself(tmp_path: Path) -> None:
    """A real key of 3072 bits, in a process of its own; and a second one is refused."""
    program = Path(sys.executable).with_name("sluis-board")
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    command = [str(program), "keys", "new", "board", "--name", "Board", "--passphrase-file", "passphrase"]
    made = [subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False) for _ in range(2)]
    assert [one.returncode for one in made] == [0, 1], made
    assert "already" in made[1].stderr
    secret = boardkeys.read_secret_key(tmp_path / "board", PASSPHRASE)
    assert secret.public.modulus.bit_length() == 3072
    assert (tmp_path / "board" / "board.key").stat().st_mode & 0o077 == 0
