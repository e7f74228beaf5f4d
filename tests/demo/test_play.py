"""Steps of people are typed by two of them, tried again while mail is under way, and what they see is judged."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from rich.console import Console
from sluis_demo.display import Display
from sluis_demo.meeting import Chosen
from sluis_demo.play import FIRST, SECOND, Played, Plays, play
from sluis_demo.processes import Programs
from sluis_demo.story import tell
from sluis_demo.world import World
from sluis_protocol.errors import ProgramFailed
from sluis_protocol.rules import Grade

from tests.demo.small import laid_out, meeting

# Keeps what was typed; fails the first time that a draft is signed; each answer is in a file by verb and municipality.
NODE = r"""
here=$(dirname "$0")
echo "$*" >> "$here/typed"
for last; do :; done
own=$(basename "$(dirname "$last")")
case "$2" in 91*|ab*) verb="$1" ;; *) verb="$2" ;; esac
[ "$1" = approach ] && verb="$2"
if [ "$verb" = sign ] && [ ! -e "$here/waited-$own" ]; then
    touch "$here/waited-$own"; echo "SLUIS-506: there is no draft to sign" >&2; exit 1
fi
[ -e "$here/refused-$verb" ] && { echo "SLUIS-701: no" >&2; exit 1; }
[ -e "$here/unsent-$verb" ] && echo "nothing was sent yet; sluis-node receive sends it" >&2
[ "$verb" = verify ] && { echo "1. it is signed"; echo "2. by both"; exit 0; }
cat "$here/$verb-$own.json" 2>/dev/null || echo '{}'
"""


@pytest.fixture
async def programs(tmp_path: Path) -> AsyncIterator[Programs]:
    async with Programs(tmp_path / "logs", tmp_path / "tmp") as opened:
        yield opened


def two(folder: Path, cases: Mapping[str, object]) -> World:
    """A world whose nodes answer with these cases, by verb and municipality."""
    world = laid_out(folder, NODE)
    for name, case in cases.items():
        (folder / f"{name}.json").write_text(json.dumps(case))
    return world


def typed(folder: Path, verb: str) -> list[str]:
    return [line for line in (folder / "typed").read_text().splitlines() if verb in line.split()]


async def played(world: World, programs: Programs, *, refused: bool = False) -> Plays:
    a, b = world.nodes[:2]
    chosen = Chosen((a, b), meeting(a, b), meeting(a, b, Grade.NAME) if refused else None)
    return await play(world, chosen, programs, Display(Console(file=io.StringIO())))


ACTIVE = {"phase": "active", "their_card": {"mailbox": "procescoordinatie@gm0014.example"}}
APPROACH = {"sign-GM0014": ACTIVE, "card-GM0344": ACTIVE}


async def test_two_people_a_side_come_to_a_contract(tmp_path: Path, programs: Programs) -> None:
    plays = await played(two(tmp_path, APPROACH), programs)
    assert plays.approach is not None
    assert (plays.approach.phases, plays.approach.faults) == ({"GM0014": "active", "GM0344": "active"}, ())
    assert plays.approach.verified == ("it is signed", "by both")
    deciding = typed(tmp_path, "decide")
    assert len(deciding) == 4  # rule 12: two at each side, and two different ones
    assert {by for by in (FIRST, SECOND) for line in deciding if by in line} == {FIRST, SECOND}
    assert len(typed(tmp_path, "inform")) == 2  # rule 14
    assert all("=demo-grondslag" in line for line in typed(tmp_path, "propose"))  # rule 13
    assert len(typed(tmp_path, "sign")) == 4  # each once more, as the other side's mail was under way
    (told,) = tell(plays)
    assert "in 2 steps: it is signed; by both" in told


async def test_a_step_that_could_not_be_sent_is_sent(tmp_path: Path, programs: Programs) -> None:
    world = two(tmp_path, APPROACH)
    (tmp_path / "unsent-propose").touch()
    assert (await played(world, programs)).faults == ()
    assert [line.split()[0] for line in typed(tmp_path, "receive")] == ["receive"]


async def test_what_a_node_refuses_is_not_tried_again(tmp_path: Path, programs: Programs) -> None:
    world = two(tmp_path, APPROACH)
    (tmp_path / "refused-propose").touch()
    with pytest.raises(ProgramFailed, match="SLUIS-701"):
        await played(world, programs)
    assert len(typed(tmp_path, "propose")) == 1


async def test_an_approach_that_one_side_never_sees_is_a_fault(tmp_path: Path, programs: Programs) -> None:
    drafting = {"phase": "drafting", "their_card": None}
    cases = {**APPROACH, "card-GM0344": drafting, "show-GM0344": drafting}
    plays = await played(two(tmp_path, cases), programs)
    assert plays.approach is not None
    assert "the approach is drafting at GM0344 gm0344, and should be active" in plays.faults
    assert "GM0344 gm0344 has not got the contact card of GM0014 gm0014" in plays.faults


REFUSAL: dict[str, dict[str, object]] = {
    "decide-GM0014": {"phase": "accepted", "deadline": "2031-05-15T10:00:00+00:00", "history": [{"whose": "ours"}]},
    "decide-GM0344": {"phase": "declined", "deadline": "2031-05-15T10:00:00+00:00", "history": []},
}


async def refusal(folder: Path, programs: Programs, cases: Mapping[str, object]) -> Played:
    plays = await played(two(folder, {**APPROACH, **cases}), programs, refused=True)
    assert plays.refusal is not None
    return plays.refusal


async def test_a_refusal_looks_like_a_silence(tmp_path: Path, programs: Programs) -> None:
    found = await refusal(tmp_path, programs, REFUSAL)
    assert (found.phases, found.faults) == ({"GM0014": "accepted", "GM0344": "declined"}, ())
    saying_no = [line for line in typed(tmp_path, "decide") if " no " in line]
    assert len(saying_no) == 2
    assert all("--reason" in line for line in saying_no)
    saying_yes = [line for line in typed(tmp_path, "decide") if "--identity-verified" in line]
    assert len(saying_yes) == 2  # rule 9
    assert typed(tmp_path, "decide").index(saying_yes[0]) > typed(tmp_path, "decide").index(saying_no[1])
    (told,) = tell(Plays(refusal=found))
    assert "both read the same: no joint approach" in told


@pytest.mark.parametrize("seen", [{"phase": "lapsed", "history": []}, {"history": [{"whose": "theirs"}]}])
async def test_a_refusal_that_can_be_seen_is_a_fault(
    tmp_path: Path, programs: Programs, seen: dict[str, object]
) -> None:
    case = {**REFUSAL["decide-GM0014"], **seen}
    found = await refusal(tmp_path, programs, {**REFUSAL, "decide-GM0014": case})
    assert found.faults == ("GM0014 gm0014 can see that GM0344 gm0344 refused",)
