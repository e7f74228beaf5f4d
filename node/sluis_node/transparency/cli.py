"""`sluis-node log`: watch over the coordinator's log."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from sluis_protocol.evidence import Evidence, judge
from sluis_protocol.note import Verifier
from sluis_runtime.files import read_text, write_atomically
from sluis_runtime.printing import print_json, print_table, say
from sluis_runtime.program import Program

from ..command import CONFIG, ConfigOption, JsonOption, with_node
from ..node import Node
from .desk import Checked, Shown, checkpoint_json
from .keeping import Alarm

app = Program(help="Watch over the coordinator's log: it only grows, and has all that concerns this node.")
_MOST = 8_388_608


@app.command()
def verify(
    other: Annotated[
        Path | None, typer.Option("--with", metavar="FILE", help="A checkpoint that another node was shown, too.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Check the log now, from the beginning, and say what was checked.

    What is wrong is an alarm: this node then takes part in nothing, until somebody settles it with `log resume`.
    """
    note = None if other is None else read_text(other, most=_MOST, what="the checkpoint")
    checked = with_node(config, lambda node: node.log.verify(note))
    if as_json:
        print_json(_as_json(checked))
        return
    for line in _told(checked):
        say(line)


@app.command()
def show(
    checkpoint: Annotated[bool, typer.Option("--checkpoint", help="Print the last good checkpoint alone.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Show the last good checkpoint and all alarms. Asks nobody."""

    async def work(node: Node) -> Shown:
        return node.log.show()

    shown = with_node(config, work)
    if checkpoint:
        typer.echo(shown.note, nl=False)
    elif as_json:
        print_json(
            {
                "checkpoint": shown.note,
                "at": shown.at.isoformat() if shown.at else None,
                "cosigned": shown.cosigned,
                "found": dict(shown.found),
                "lost": shown.lost,
                "alarms": [alarm.as_json() for alarm in shown.alarms],
            }
        )
    else:
        _print_shown(shown)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the files come.")],
    config: ConfigOption = CONFIG,
) -> None:
    """Write the whole log for an outsider, who verifies it without this program.

    The files are the covenant, the newest checkpoint with its cosignatures, and all leaves; docs/audit.md says how.
    """
    found = with_node(config, lambda node: node.log.export(folder))
    say(f"{found.size} leaves, the checkpoint and the covenant are in {folder}")


@app.command()
def evidence(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where it is written.")],
    number: Annotated[int | None, typer.Option("--alarm", help="Of which alarm; else of the newest.")] = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Write the evidence of an alarm, for a third party.

    It holds the covenant, and what the coordinator signed. Who judges it (`sluis-node log judge`, on any machine) needs
    nothing else but the authority's verifier line.
    """

    async def work(node: Node) -> str:
        return node.log.evidence(number)

    write_atomically(file, with_node(config, work))
    say(f"written to {file}; anybody checks it with: sluis-node log judge {file} --authority LINE")


@app.command("judge")
def judge_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `log evidence` wrote.")],
    authority: Annotated[str, typer.Option(metavar="LINE", help="The covenant authority's verifier line.")],
) -> None:
    """Judge evidence about a log, offline and on any machine.

    Exit status 0: it is proven; 1: it is not.
    """
    found = Evidence.parse(read_text(file, most=_MOST, what="the evidence"))
    for line in judge(found, Verifier.parse(authority)):
        say(line)


@app.command()
def usage(
    round_id: Annotated[str, typer.Argument(metavar="ROUND", help="The round's id.")],
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Show who asked the key holders for how much in a round.

    These are the counts that each holder signed at the round's end.
    """
    found = with_node(config, lambda node: node.log.usage(round_id))
    if as_json:
        print_json(
            {oin: {one.member: one.elements for one in counted.members} for oin, counted in sorted(found.items())}
        )
        return
    if not found:
        say("no key holder has reported on this round yet")
        return
    holders = sorted(found)
    counts = {oin: {one.member: one.elements for one in found[oin].members} for oin in holders}
    members = sorted({member for counted in counts.values() for member in counted})
    rows = [[member, *(str(counts[oin].get(member, 0)) for oin in holders)] for member in members]
    print_table(["member", *(f"holder {oin}" for oin in holders)], rows)


@app.command()
def resume(
    number: Annotated[int, typer.Argument(metavar="ALARM", help="The alarm's number.")],
    by: Annotated[str, typer.Option(metavar="ID", help="Who answers for going on.")],
    why: Annotated[str, typer.Option(metavar="TEXT", help="What came of it.")],
    config: ConfigOption = CONFIG,
) -> None:
    """Go on after an alarm, once the partners know what happened.

    The node starts anew with the coordinator's next checkpoint. Events of ours that are not in the log then are counted
    as lost. The alarm and its evidence stay.
    """

    async def work(node: Node) -> Alarm:
        return node.log.resume(number, by=by, why=why)

    alarm = with_node(config, work)
    say(f"alarm {alarm.number} is settled by {alarm.settled_by}; this node goes on")


def _told(checked: Checked) -> list[str]:
    """What was checked, in plain words."""
    look, vouching = checked.look, checked.cosigners
    now, before = look.checkpoint, look.before
    lines = [f"the coordinator signed a log of {now.size} events, root {now.root.hex()[:16]}…"]
    if before is None:
        lines.append("it is the first checkpoint that this node sees: nothing to compare it with")
    elif before.size == now.size:
        lines.append("it is the one that this node saw last")
    else:
        lines.append(f"it begins with the {before.size} events that this node saw last, unchanged")
    lines.append(f"of this node's own events these are in it: {in_words(checked.found)}")
    if look.pending:
        lines.append(f"{look.pending} of less than a minute ago may still come")
    if checked.lost:
        lines.append(f"{checked.lost} are not in it; somebody answered for that (sluis-node log show)")
    if checked.other:
        lines.append(f"the other node's checkpoint of {checked.other.size} events is of the same log")
    lines.append(
        f"{len(vouching.of_newest)} of {vouching.members} nodes cosigned the newest checkpoint"
        + (f", {len(vouching.of_older)} an older one" if vouching.of_older else "")
    )
    return [*lines, "nothing is wrong with the log"]


def _as_json(checked: Checked) -> dict[str, object]:
    vouching = checked.cosigners
    return {
        "checkpoint": checkpoint_json(checked.look.checkpoint),
        "before": checkpoint_json(checked.look.before) if checked.look.before else None,
        "found": dict(checked.found),
        "pending": checked.look.pending,
        "lost": checked.lost,
        "compared": checkpoint_json(checked.other) if checked.other else None,
        "cosigned": sorted(vouching.of_newest),
        "cosigned_older": dict(vouching.of_older),
        "members": vouching.members,
    }


def _print_shown(shown: Shown) -> None:
    if shown.note:
        say(shown.note.rstrip())
        cosigned = "cosigned" if shown.cosigned else "not cosigned"
        say(f"\nseen at {shown.at:%Y-%m-%d %H:%M:%S} UTC, {cosigned}; own events in it: {in_words(shown.found)}")
    else:
        say("no checkpoint was seen yet, or none since an alarm was settled")
    for alarm in shown.alarms:
        say(f"alarm {alarm.number} of {alarm.noted_at:%Y-%m-%d %H:%M} UTC: {alarm.charge}: {alarm.what}")
        if alarm.settled_at is None:
            say(
                "  → OPEN: this node takes part in nothing. Tell the covenant authority and the other municipalities "
                "(sluis-node log evidence FILE); once it is clear what happened: "
                f"sluis-node log resume {alarm.number} --by ID --why TEXT"
            )
        else:
            say(f"  settled at {alarm.settled_at:%Y-%m-%d %H:%M} UTC by {alarm.settled_by}: {alarm.why}")


# What the kinds of leaves are called that aren't called what they are.
_CALLED = {
    "handshake": "step of a handshake",
    "handshake letter": "letter",
    "totals enrolling": "opening of totals",
    "totals contributing": "roster of totals",
    "totals closing": "list of contributors to totals",
    "totals enrolment": "enrolment in totals",
    "totals contribution": "contribution to totals",
    "totals unmasking": "unmasking of totals",
}


def in_words(found: Mapping[str, int]) -> str:
    """How many events of which kind: 1 announcement, 25 claims, 3 × step of a handshake."""
    words = []
    for kind, count in found.items():
        name = _CALLED.get(kind, kind)
        words.append(f"1 {name}" if count == 1 else f"{count} {name}s" if name.isalpha() else f"{count} × {name}")
    return ", ".join(words) or "none"
