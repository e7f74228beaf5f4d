"""From a match to a joint approach, and to a refusal: what people of two municipalities do, by `sluis-node`'s commands.

Every step is a process of its own, as somebody would type it. Nothing here decides whether it went well by itself: what
each side sees is what its own node says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sluis_protocol.errors import HandshakeError, MalformedMessage, NotFound, Overtaken
from sluis_protocol.rules import Grade

from .display import Display
from .meeting import Chosen, Meeting
from .processes import Programs, both, together
from .world import LEGAL_BASIS, Node, World

# As the console calls who logs in with the demo's logins, so that a visitor finds what they did.
FIRST, SECOND = "demo:anna", "demo:bram"
PARTNERS = ("school", "huisarts")
REASON = "no-need"
_MONTHS = timedelta(days=180)
_TRIES = 8  # each of them fetches the mail for a second or more
# What a node says of a step that follows the other side's, while that one is still under way.
_NOT_YET = re.compile(rf"SLUIS-({HandshakeError.code}|{Overtaken.code}|{NotFound.code}):")
_UNSENT = "nothing was sent yet"  # the coordinator didn't answer in time; `receive` has more patience
_STEP = re.compile(r"^[0-9]+\. (.*)$", re.M)


@dataclass(frozen=True, slots=True)
class Played:
    """What became of one match: what each side's node says of it (`phases`, by municipality code)."""

    meeting: Meeting
    phases: Mapping[str, str]
    verified: tuple[str, ...] = ()  # the steps of checking the contract
    until: str = ""  # the contract's last day, or the deadline of the decision
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plays:
    """What was played after the round."""

    approach: Played | None = None
    refusal: Played | None = None

    @property
    def faults(self) -> tuple[str, ...]:
        """What should not have been."""
        return tuple(fault for one in (self.approach, self.refusal) if one for fault in one.faults)


async def play(world: World, chosen: Chosen, programs: Programs, display: Display) -> Plays:
    """Play both matches, as far as there are any."""
    for node in chosen.towns:
        _add_contact(node)
    if chosen.wanted is None:
        display.step("nobody shares a family, so there is nothing for people to decide")
        return Plays()
    a, b = chosen.towns
    display.step(
        f"people decide: at {a.title} and at {b.title} two each look at a match, and at what their own file says of it"
    )
    approach = _Approach(world, chosen.wanted, programs, display)
    if chosen.refused is None:
        return Plays(await approach.play())
    return Plays(*await together(approach.play(), _Refusal(chosen.refused, programs, display).play()))


async def recommend(meeting: Meeting, programs: Programs, display: Display) -> None:
    """One person at each side recommends a joint approach: what a visitor of the consoles can go on with."""
    match = _Match(meeting, programs, display)
    await together(match.recommend(meeting.a), match.recommend(meeting.b))


class _Match:
    """One match at both nodes, and the steps that people take with it."""

    def __init__(self, meeting: Meeting, programs: Programs, display: Display) -> None:
        self.meeting = meeting
        self._programs = programs
        self._display = display

    async def step(self, node: Node, *words: str | Path, by: str) -> dict[str, Any]:
        """One step by one person; the case as it is then."""
        said = await self.say(node, *words, "--json", by=by)
        try:
            case: dict[str, Any] = json.loads(said)
        except ValueError:
            raise MalformedMessage("what a node says of a case can't be read", municipality=node.name) from None
        return case

    async def say(self, node: Node, *words: str | Path, by: str = "") -> str:
        """What a command prints; it is tried again while what it needs of the other side is still under way."""
        reviewer = ("--reviewer", by) if by else ()
        command, name = node.command(*words, *reviewer), f"{node.name} {' '.join(map(str, words[:3]))} {by}"
        for _ in range(_TRIES):
            status, child = await self._programs.attempt(*command, name=name)
            if status == 0:
                if _UNSENT in child.log():
                    await self.say(node, "receive")
                return child.output()
            if not _NOT_YET.search(child.log()):
                break
        raise child.failure(f"ended with status {status}")

    async def recommend(self, node: Node) -> dict[str, Any]:
        """The first of two people says yes."""
        return await self._decide(node, "yes", FIRST)

    async def decide(self, node: Node, answer: str) -> dict[str, Any]:
        """Two people of a municipality say the same; the case as the second of them sees it."""
        await self._decide(node, answer, FIRST)
        case = await self._decide(node, answer, SECOND)
        self._display.party(node.name, f"two people said {answer} to a joint approach")
        return case

    async def _decide(self, node: Node, answer: str, by: str) -> dict[str, Any]:
        if answer == "no":
            options: tuple[str, ...] = ("--reason", REASON)
        else:
            options = ("--identity-verified",) if self.meeting.grade is Grade.NAME else ()
        return await self.step(node, "decide", self.meeting.match, answer, *options, by=by)


class _Approach(_Match):
    """A match that both want."""

    def __init__(self, world: World, meeting: Meeting, programs: Programs, display: Display) -> None:
        super().__init__(meeting, programs, display)
        self._world = world
        self._phases: dict[str, str] = {}
        self._faults: list[str] = []
        self._start = datetime.now(UTC).date()
        self._end = self._start + _MONTHS

    async def play(self) -> Played:
        """From two decisions to a contract that the other municipality checks."""
        one = self.meeting
        await together(self.decide(one.a, "yes"), self.decide(one.b, "yes"))
        await together(self._propose(), self._inform(one.b))
        await together(self._sign(one.b), self._inform(one.a))
        await self._saw(one.a, await self._sign(one.a))
        steps, _ = await both(self._verify(), self._exchange_card())
        return Played(one, self._phases, steps, f"{self._end}", tuple(self._faults))

    async def _inform(self, node: Node) -> dict[str, Any]:
        """Record that the family was told."""
        told = ("--parents", f"{self._start}", "--young-persons", f"{self._start}")
        return await self.step(node, "approach", "inform", self.meeting.match, *told, by=FIRST)

    async def _propose(self) -> dict[str, Any]:
        """The first municipality proposes to lead it."""
        one = self.meeting
        self._display.party(one.a.name, "proposes a joint approach")
        return await self.step(
            *(one.a, "approach", "propose", one.match, "--lead", one.a.oin),
            *("--start", f"{self._start}", "--end", f"{self._end}"),
            *(option for role in PARTNERS for option in ("--partner", f"{role}={LEGAL_BASIS}")),
            by=FIRST,
        )

    async def _sign(self, node: Node) -> dict[str, Any]:
        """Sign the draft."""
        case = await self.step(node, "approach", "sign", self.meeting.match, "--draft", "1", by=FIRST)
        self._display.party(node.name, "signed the joint approach")
        return case

    async def _exchange_card(self) -> None:
        """The other municipality names a person to call, by choice, and sees by that where the case is."""
        one = self.meeting
        role, mailbox, telephone = _contact(one.b)
        card = ("--role", role, "--mailbox", mailbox, "--telephone", telephone, "--person", "Anna Visser")
        case = await self.step(one.b, "approach", "card", one.match, *card, by=FIRST)
        if (case["their_card"] or {}).get("mailbox") != _contact(one.a)[1]:
            self._faults.append(f"{one.b.name} has not got the contact card of {one.a.name}")
        await self._saw(one.b, case)

    async def _saw(self, node: Node, case: Mapping[str, Any]) -> None:
        """What a side sees in the end; the last mail may still be on its way."""
        for _ in range(_TRIES):
            if case["phase"] == "active":
                break
            await self.say(node, "receive")
            case = await self.step(node, "approach", "show", self.meeting.match, by=FIRST)
        else:
            self._faults.append(f"the approach is {case['phase']} at {node.name}, and should be active")
        self._phases[node.caseload.code] = case["phase"]

    async def _verify(self) -> tuple[str, ...]:
        """The other municipality checks the contract that the first one gives to a file."""
        one, file = self.meeting, self._world.folder / "contract.json"
        await self.say(one.a, "approach", "export", one.match, file, by=FIRST)
        told = await self.say(one.b, "approach", "verify", file, "--covenant", self._world.note)
        steps = tuple(_STEP.findall(told))
        if not steps:
            self._faults.append("nobody could say how the contract was checked")
        self._display.party(one.b.name, f"checked the contract in {len(steps)} steps")
        return steps


class _Refusal(_Match):
    """A match that one of the two doesn't want."""

    async def play(self) -> Played:
        """The second municipality doesn't want it, and then the first one does: so it could see a refusal."""
        one, faults = self.meeting, []
        refusing, wanting = await self.decide(one.b, "no"), await self.decide(one.a, "yes")
        if wanting["phase"] != "accepted" or any(step["whose"] == "theirs" for step in wanting["history"]):
            faults.append(f"{one.a.name} can see that {one.b.name} refused")
        if refusing["phase"] != "declined":
            faults.append(f"the refused match is {refusing['phase']} at {one.b.name}")
        deadline = datetime.fromisoformat(wanting["deadline"])
        phases = {one.a.caseload.code: str(wanting["phase"]), one.b.caseload.code: str(refusing["phase"])}
        return Played(one, phases, until=f"{deadline:%Y-%m-%d %H:%M} UTC", faults=tuple(faults))


def _contact(node: Node) -> tuple[str, str, str]:
    """Whom others call: a role, its mailbox and its number."""
    code = node.caseload.code
    return "Procescoördinatie", f"procescoordinatie@{code.lower()}.example", f"0800 {code.removeprefix('GM')}"


def _add_contact(node: Node) -> None:
    role, mailbox, telephone = _contact(node)
    node.add(f'[contact]\nrole = "{role}"\nmailbox = "{mailbox}"\ntelephone = "{telephone}"\n')
