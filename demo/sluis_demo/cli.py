"""`sluis-demo`: the command line, and the life of a demo from its first to its last file.

Whatever ends it (success, failure, Ctrl-C, SIGTERM, a closed terminal), all processes and the folder go.
"""

from __future__ import annotations

import asyncio
import errno
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from sluis_protocol import group
from sluis_protocol.errors import InputError, StorageError
from sluis_runtime.program import Program, stderr

from .caseloads import NAMES, CaseloadFile, find_caseloads, make_caseloads
from .check import LeftOut, check_caseloads
from .display import Display
from .keep import commands, invitation, prepare
from .log import verify_log
from .meeting import choose
from .observe import Seen, observe, search
from .period import PeriodOutcome, hold_period
from .play import Plays, play
from .processes import FULL, Programs, both
from .report import Report, as_json, print_report
from .results import Entry, of_municipalities, put_together, read_truth, score, write_shared
from .round import Outcome, hold_round
from .world import World, lay_out, serve, set_up

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

app = Program()


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the command line."""

    caseloads: Path | None
    truth: Path | None
    out: Path | None
    keep: bool
    families: int
    municipalities: int
    seed: int
    json: bool


@app.command()
def demo(
    caseloads: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Take the caseloads GM*.csv from here instead of making some up.")
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Pairs of families that are the same: print precision and recall."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the shared families found as CSV.")] = None,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Leave everything running afterwards, until Ctrl-C, and say how to talk to it."),
    ] = False,
    families: Annotated[int, typer.Option(min=1, metavar="N", help="How many different families to make up.")] = 200,
    municipalities: Annotated[
        int, typer.Option(min=2, max=len(NAMES), metavar="N", help="For how many municipalities to make them up.")
    ] = 5,
    seed: Annotated[int, typer.Option(metavar="S", help="The same seed makes up the same families.")] = 1,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Hold a whole round on this machine, with the real programs, and show who shares which families.

    Without options it makes up five municipalities. It takes about a minute, talks to nobody outside this machine,
    and leaves nothing behind. Exit status 0: all went well; 1: something didn't, and it says what.
    """
    options = Options(caseloads, truth, out, keep, families, municipalities, seed, json)
    sys.exit(asyncio.run(_live(options)))


class _Stop:
    """The wish to end: a signal cancels the work, or once it is only waited for one, lets the waiting end."""

    def __init__(self) -> None:
        self.number: signal.Signals | None = None
        self.waiting = asyncio.Event()
        self._task = asyncio.current_task()
        self._kept = False

    def __call__(self, number: signal.Signals) -> None:
        if self.number is None and not self._kept and self._task:
            self._task.cancel()
        # A second one changes nothing: leaving in good order takes a few seconds at most.
        self.number = self.number or number
        self.waiting.set()

    async def wait(self) -> None:
        """Wait for a signal, as the good end."""
        self._kept = True
        await self.waiting.wait()


@contextmanager
def _signals() -> Iterator[_Stop]:
    stop, loop = _Stop(), asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop, number)
    try:
        yield stop
    finally:
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)


async def _live(options: Options) -> int:
    """The exit status: 0, 1 where something is wrong with the result, 128 and the signal's number where one came."""
    with _signals() as stop:
        try:
            with tempfile.TemporaryDirectory(prefix="sluis-demo-") as folder:
                return await _demo(options, Path(folder), stop)
        except asyncio.CancelledError:
            if stop.number is None:
                raise
            stderr.print(f"stopped by {stop.number.name}; no process and no file is left", highlight=False)
            return 128 + stop.number
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise StorageError("the demo can't write its files", do=FULL, folder=tempfile.gettempdir()) from error


async def _demo(options: Options, folder: Path, stop: _Stop) -> int:
    inputs = _inputs(options, folder)
    display = Display(Console(stderr=True))
    world = lay_out(folder, inputs.caseloads)
    async with Programs(folder / "logs", folder / "tmp") as programs:
        with display.showing():
            origin = "given" if options.caseloads else f"made-up (--seed {options.seed})"
            display.step(f"{len(world.nodes)} municipalities with {origin} caseloads; all of it stays on this machine")
            await set_up(world, programs, display)
            left_out = await check_caseloads(world, programs, display)
            address = await serve(world, programs, display)
            outcome = await programs.while_serving(hold_round(world, address, programs, display))
            chosen = choose(world, outcome.known)
            # The steps of people wait for mail more than they work: others tell meanwhile what they saw of the round.
            plays, seen = await programs.while_serving(
                both(play(world, chosen, programs, display), observe(world, outcome, programs))
            )
            matches = len(put_together(outcome.known)[0])
            period = await programs.while_serving(hold_period(world, matches, programs, display))
            seen.append(await programs.while_serving(verify_log(world, programs)))
            seen.append(search(world, programs))
        report = _account(world, outcome, left_out, plays, seen, inputs, period, display.seconds)
        if options.out:
            write_shared(options.out, report.shared)
        console = Console(soft_wrap=not sys.stdout.isatty())
        if options.json:
            console.print_json(as_json(report))
        else:
            print_report(report, console)
        if options.keep:
            stderr.print("\nopening two consoles …", highlight=False)
            visit = await programs.while_serving(prepare(chosen, programs, display))
            for line in (*commands(world, programs.logs, outcome.round_id), *invitation(chosen, visit)):
                stderr.print(line, highlight=False, soft_wrap=True, markup=False)
            await programs.while_serving(stop.wait())
            stderr.print("\nstopping; nothing stays behind", highlight=False)
    return 1 if report.faults else 0


@dataclass(frozen=True, slots=True)
class _Inputs:
    """Caseloads, and what is known to be true of them: of `unscored` pairs a municipality has no caseload here."""

    caseloads: list[CaseloadFile]
    truth: set[frozenset[Entry]] | None
    unscored: int = 0


def _inputs(options: Options, folder: Path) -> _Inputs:
    """Caseloads and truth; everything that can be wrong on the command line or missing is found out here."""
    group.check_elements(group.GENERATOR)  # without libsodium, nothing else helps
    if options.out and not options.out.absolute().parent.is_dir():
        raise InputError("the folder for the result doesn't exist", do="check --out", file=options.out)
    if options.caseloads:
        caseloads = find_caseloads(options.caseloads)
    else:
        caseloads = make_caseloads(
            folder / "caseloads",
            municipalities=options.municipalities,
            families=options.families,
            seed=options.seed,
            today=datetime.now(UTC).date(),
        )
    file = options.truth or (None if options.caseloads else folder / "caseloads" / "truth.csv")
    if file is None:
        return _Inputs(caseloads, None)
    truth = read_truth(file)
    scored = of_municipalities(truth, {caseload.code for caseload in caseloads}, file)
    return _Inputs(caseloads, scored, len(truth) - len(scored))


def _account(
    world: World,
    outcome: Outcome,
    left_out: Sequence[LeftOut],
    plays: Plays,
    seen: Sequence[Seen],
    inputs: _Inputs,
    period: PeriodOutcome | None,
    seconds: float,
) -> Report:
    shared, faults = put_together(outcome.known)
    faults += [f"{code}: {trouble}" for code, told in outcome.taken.items() for trouble in _troubles(told)]
    return Report(
        outcome=outcome,
        names={node.caseload.code: node.name for node in world.nodes},
        left_out=left_out,
        shared=shared,
        score=None if inputs.truth is None else score(shared, inputs.truth),
        unscored=inputs.unscored,
        plays=plays,
        seen=seen,
        period=period,
        faults=faults
        + list(plays.faults)
        + list(period.faults if period else ())
        + [fault for one in seen for fault in one.faults],
        seconds=seconds,
    )


def _troubles(told: Mapping[str, Any]) -> Iterator[str]:
    """What went wrong by a node's own account; in a demo, where everybody is honest and awake, nothing should."""
    yield from told["anomalies"]
    if told["outstanding"]:
        yield f"{told['outstanding']} claims still wait for their counterpart's answer"
    for fault in told["holder_faults"]:
        yield f"could not use {fault['name']}: {fault['what']}"
