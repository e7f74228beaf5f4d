"""Two nodes with a match and no network: the test plays the coordinator, honest or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sluis_node.handshake.desk import Desk
from sluis_node.handshake.model import Case, Informing, Plan
from sluis_node.handshake.moves import Moves, Outgoing
from sluis_node.handshake.review import Answer
from sluis_node.handshake.sending import Sending
from sluis_node.round.mail import Mail
from sluis_protocol import wire
from sluis_protocol.approach import Partner
from sluis_protocol.chain import NO_HEAD
from sluis_protocol.content import LETTER
from sluis_protocol.encoding import millis, moment
from sluis_protocol.messages import Delivery, Entry, Opening
from sluis_protocol.record import Family
from sluis_protocol.signed import Kind, SignedMessage

from ...world import COORDINATOR, PURPOSE, World, make_world, member_oin
from .. import desk as rounds
from ..desk import ID
from ..rig import receipt_for, sign_as
from .rig import FIRST, SECOND

NAME = ID.hex()
_world = cache(make_world)


class Played:
    """The coordinator's part is `enter`, `deliver` and the like; `chain` has the entries so far."""

    def __init__(self, folder: Path, caseloads: Sequence[Sequence[Family]], world: World | None = None) -> None:
        self.round = rounds.Desk(folder, caseloads, world or _world())
        self.chain: list[SignedMessage] = []
        self._ids = count(1_000)

    @property
    def world(self) -> World:
        return self.round.world

    @property
    def now(self) -> datetime:
        return self.round.now

    def later(self, **span: float) -> None:
        self.round.now += timedelta(**span)

    async def __aenter__(self) -> Self:
        await self.round.__aenter__()
        self.round.now = moment(millis(self.round.now))
        self.round.claim_both()
        answers = [self.round.answer(number, ID) for number in (1, 2)]
        for number in (1, 2):
            self.round.pass_on(number, answers[2 - number])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.round.__aexit__(kind, error, trace)

    # What a municipality does; `number` is 1 or 2.

    def desk(self, number: int = 1) -> Desk:
        return self.round.nodes[number - 1].node.desk

    def match(self, number: int = 1) -> str:
        (found,) = self.round.nodes[number - 1].node.matches()
        return found.match

    def case(self, number: int = 1, by: str = FIRST) -> Case:
        return self.desk(number).case(self.match(number), by=by)

    def say(self, number: int = 1, answer: Answer = Answer.YES, **options: Any) -> Case:
        for by in (FIRST, SECOND):
            case = self.desk(number).decide(self.match(number), by=by, answer=answer, **options)
        return case

    def plan(self, **changes: Any) -> Plan:
        today = self.now.date()
        partner = Partner(role="school", basis="demo-grondslag", since=today)
        return replace(Plan(member_oin(1), today, today + timedelta(days=90), (partner,)), **changes)

    def inform(self, number: int) -> None:
        today = self.now.date()
        informing = Informing(parents=today, young_persons=today)
        self.desk(number).inform(self.match(number), by=FIRST, informing=informing)

    def outgoing(self, number: int) -> list[Outgoing]:
        """What a node wants to send."""
        parts = self.round.nodes[number - 1].parts
        return Moves(parts.store.engine, parts.signer).to_send()

    def take(self, number: int) -> SignedMessage:
        """Take the oldest that a node wants to send, as the coordinator does."""
        one = self.outgoing(number)[0]
        self.taken(number, one)
        return one.message

    def taken(self, number: int, one: Outgoing) -> None:
        """Tell a node that the coordinator has this."""
        receipt = None
        if one.act == LETTER:
            receipt = receipt_for(self.world, "handshake letter", one.message.digest, NAME)
        Sending(self.round.nodes[number - 1].parts)._taken(one, receipt)

    # What the coordinator does.

    def entry(
        self,
        moves: Sequence[SignedMessage] = (),
        *,
        at: datetime | None = None,
        sender: str = COORDINATOR,
        **changes: Any,
    ) -> SignedMessage:
        """The next entry; the first is the opening."""
        opening = None if self.chain else Opening(PURPOSE, (member_oin(1), member_oin(2)))
        previous = self.chain[-1].digest if self.chain else NO_HEAD
        entry = Entry(ID, len(self.chain), previous, opening, tuple(moves))
        return self.sign(Kind.ENTRY, replace(entry, **changes), sender=sender, at=at)

    def sign(self, kind: Kind, payload: object, *, sender: str, at: datetime | None = None) -> SignedMessage:
        return sign_as(self.world, sender, kind, wire.encode(payload), NAME, now=at or self.now)

    def deliver(self, number: int, message: SignedMessage, *, name: str = NAME, times: int = 2) -> set[int]:
        """Give a node a message, twice: the second time must change nothing."""
        delivery = Delivery(next(self._ids), name, message)
        mail = Mail(self.round.nodes[number - 1].parts)
        handled: set[int] = set()
        for _ in range(times):
            handled |= mail.handle([delivery])
        return handled

    def enter(self, moves: Sequence[SignedMessage] = (), **options: Any) -> SignedMessage:
        """Make the next entry and tell both."""
        entry = self.entry(moves, **options)
        self.chain.append(entry)
        for number in (1, 2):
            self.deliver(number, entry)
        return entry

    def anomalies(self, number: int) -> list[str]:
        return self.round.anomalies(number)

    # Along the way.

    def agree(self) -> None:
        self.enter()
        self.say(1)
        self.say(2)
        self.enter([self.take(1), self.take(2)])

    def propose(self, number: int = 1, **changes: Any) -> None:
        self.desk(number).propose(self.match(number), by=FIRST, plan=self.plan(**changes))
        self.enter([self.take(number)])

    def sign_draft(self, number: int) -> None:
        self.inform(number)
        self.desk(number).sign(self.match(number), by=FIRST)
        self.enter([self.take(number)])

    def activate(self) -> None:
        self.agree()
        self.propose()
        self.sign_draft(2)
        self.sign_draft(1)
