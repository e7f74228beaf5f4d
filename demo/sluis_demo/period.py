"""A period of the national totals, played with the real programs: counted, approved, summed, opened, reported.

The demo is the omniscient observer: it knows every municipality's figures, so it can compare the board's total with
their sum. It also plays the board and the coordinator as conspirators, with the board's key and the coordinator's
database, and tries to open single contributions.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sluis_protocol import wire
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import TotalsError, TotalSpoilt
from sluis_protocol.messages import Contribution
from sluis_protocol.note import Verifier
from sluis_protocol.periods import label_of
from sluis_protocol.signed import Envelope
from sluis_runtime.boardkeys import read_secret_key

from .display import Display
from .processes import Programs, together
from .world import BOARD_MINIMUM, PASSPHRASE, PURPOSE, Node, World

REVIEWER = "demo"
_POLL, _LONGEST = 0.5, 120.0


@dataclass(frozen=True, slots=True)
class PeriodOutcome:
    """What came of it. `total` and `expected` are by figure, zeros left out."""

    label: str
    contributors: int
    total: Mapping[str, int]
    expected: Mapping[str, int]
    tried: int
    page: Path
    faults: tuple[str, ...]


async def hold_period(world: World, matches: int, programs: Programs, display: Display) -> PeriodOutcome | None:
    """A period of the quarter that it is; None if there are too few municipalities for a sum."""
    if len(world.nodes) < BOARD_MINIMUM:
        return None
    label, coordinator = label_of(datetime.now(UTC).date(), "quarter"), world.coordinator
    display.step(
        "the national totals: each municipality counts, somebody approves, and its node commits to the figures"
    )
    command = coordinator.command("totals", "open", "--purpose", PURPOSE, "--period", label, "--enrol", "3600")
    period = (await programs.run(*command, name="totals open")).strip()
    figures = await together(*(_approve(node, period, programs) for node in world.nodes))
    display.step("all figures go, each masked, in one ciphertext; the coordinator adds them up and can read none")
    await programs.run(*coordinator.command("totals", "next", period), name="totals next")
    await _all_look(world, programs, "contribute")
    await _until(world, period, "closing", programs)
    tried, opened = await asyncio.to_thread(_conspire, world)
    await _all_look(world, programs, "unmask")
    await _until(world, period, "released", programs)
    display.step("the board opens the sum, and nothing but the sum")
    total, page = await _open(world, period, programs)
    expected = sum((Counter(one) for one in figures), Counter[str]())
    faults = []
    if total != dict(+expected):
        faults.append("the board's total is not the sum of the municipalities' figures")
    if total.get("matches-proven", 0) != matches:
        faults.append(f"the total counts {total.get('matches-proven', 0)} matches, and there are {matches}")
    if opened:
        faults.append(f"{opened} single contributions could be opened")
    return PeriodOutcome(label, len(figures), total, dict(+expected), tried, page, tuple(faults))


async def _approve(node: Node, period: str, programs: Programs) -> dict[str, int]:
    """Look at a municipality's figures, and approve exactly these."""
    told = await programs.ask(*node.command("totals", "list", "--json"), name=f"{node.name} totals")
    (shown,) = [one for one in told if one["period"] == period]
    options = ("--reviewer", REVIEWER, "--figures", shown["code"], "--json")
    command = node.command("totals", "approve", period, *options)
    approved: dict[str, Any] = await programs.ask(*command, name=f"{node.name} totals approve")
    return {name: int(value) for name, value in approved["figures"].items()}


async def _all_look(world: World, programs: Programs, what: str) -> None:
    """Every node looks what is due, and does it."""
    commands = [(node, node.command("totals", "list", "--json")) for node in world.nodes]
    await together(*(programs.run(*command, name=f"{node.name} totals {what}") for node, command in commands))


async def _until(world: World, period: str, state: str, programs: Programs) -> None:
    waited = 0.0
    while True:
        told = await programs.ask(*world.coordinator.command("totals", "list", "--json"), name="totals list")
        (found,) = [one for one in told if one["period"] == period]
        if found["state"] == state:
            return
        if found["state"] == "abandoned" or waited > _LONGEST:
            raise TotalsError(f"the period is {found['state']} instead of {state}", period=period)
        await asyncio.sleep(_POLL)
        waited += _POLL


def _conspire(world: World) -> tuple[int, int]:
    """How many single contributions the board's key and the coordinator's database hold together, and open."""
    secret = read_secret_key(world.board, PASSPHRASE)
    terms = _covenant(world).totals
    with closing(sqlite3.connect(f"file:{world.coordinator.folder / 'coordinator.sqlite'}?mode=ro", uri=True)) as found:
        bodies = [row[0] for row in found.execute("SELECT body FROM totals_taken WHERE step = 'contribution'")]
    opened = 0
    for body in bodies:
        contribution = wire.decode(Contribution, Envelope.parse(body).payload)
        try:
            terms.layout.unpack(secret.decrypt(secret.public.read(contribution.ciphertext)), 1)
        except TotalSpoilt:
            continue
        opened += 1
    return len(bodies), opened


async def _open(world: World, period: str, programs: Programs) -> tuple[dict[str, int], Path]:
    """The board's part; its total without zeros, and the page."""
    release, page = world.board / "release.json", world.board / "report.html"
    command = world.coordinator.command("totals", "release", period, "--out", release)
    await programs.run(*command, name="totals release")
    known = ("--covenant", world.note, "--authority", str(_verifier(world)))
    secret = ("--passphrase-file", world.passphrase)
    await programs.run("sluis-board", "open", world.board, release, *known, *secret, name="board open")
    await programs.run("sluis-board", "report", world.board, "--out", page, *known, name="board report")
    book = json.loads((world.board / "book.json").read_text("utf-8"))
    (opened,) = [one for one in book["opened"] if one["period"] == period]
    return {name: value for name, value in opened["sums"].items() if value}, page


def _verifier(world: World) -> Verifier:
    return Verifier.parse(world.verifier.read_text("utf-8"))


def _covenant(world: World) -> Covenant:
    return Covenant.verify(world.note.read_text("utf-8"), _verifier(world))
