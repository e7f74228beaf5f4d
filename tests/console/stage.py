"""Two municipalities with families in every phase, for tests and pictures that look at every page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sluis_coordinator import totals
from sluis_node.handshake.model import Informing, Phase, Plan
from sluis_node.handshake.review import Answer, Reason
from sluis_node.node import Node
from sluis_protocol.approach import Partner
from sluis_protocol.content import ContactCard, WithdrawalReason
from sluis_protocol.covenant import Covenant, Purpose
from sluis_protocol.periods import label_of
from sluis_protocol.record import BirthDate, CaseGround, Family
from sluis_protocol.totals_terms import TotalsTerms

from ..board_key import card
from ..node.handshake.rig import Two
from ..node.people import family
from ..world import AUTHORITY, PURPOSE, World, make_world, member_oin

YOUTH_ACT, SUPPORT_ACT, JUSTICE = "Jeugdwet 2.3", "Wmo 2015 2.1.1", "Wpg 20"
NAMES = ("Sluisdam", "Oeverstad")
ANNA, BILAL = "demo:anna", "demo:bilal"
CARD = ContactCard(role="Team Veiligheid en Zorg", mailbox="veiligheid@oeverstad.example", telephone="030 123 45 67")
OWN_CARD = ContactCard(role="Wijkteam Noord", mailbox="noord@sluisdam.example", telephone="030 765 43 21")


def stage_world(*more_bases: str) -> World:
    """A covenant with names that could be real, and are not; with more legal bases, if asked for."""
    world = make_world(("GM0001", "GM0002"), totals=TotalsTerms(board=card(), minimum_contributors=3))
    terms = world.covenant.terms
    members = tuple(member.model_copy(update={"name": name}) for member, name in zip(terms.members, NAMES, strict=True))
    purpose = Purpose(
        id=PURPOSE,
        title="Jeugd en gezin",
        legal_bases=(YOUTH_ACT, SUPPORT_ACT, *more_bases),
        criminal_justice_bases=(JUSTICE,),
        valid_from=date(2026, 1, 1),
        valid_until=date(2099, 12, 31),
    )
    terms = terms.model_copy(update={"members": members, "purposes": (purpose,)})
    return replace(world, covenant=Covenant.sign(terms, AUTHORITY, world.authority_key))


def household(
    name: str, number: int, ages: Sequence[int], *, bsn: bool = True, secrecy: bool = False, doubt: bool = False
) -> Family:
    """Family `number` of the world with members of these ages; the first may be kept secret, the last in doubt."""
    today = datetime.now(UTC).date()
    base = family(name, number, members=len(ages), bsn=bsn)
    members = []
    for at, (record, age) in enumerate(zip(base.members, ages, strict=True)):
        born = BirthDate(today.year - age, 1 + (number + at) % 12 if today.month == 12 else 1, 1 + number % 20)
        person = replace(record.person, person_id=f"{name}.{at + 1}", birth_date=born)
        ground = CaseGround(
            f"Z-{2000 + number}", YOUTH_ACT, date(2026, 1, 5), None, date(2099, 1, 1), "wijkteam-noord@sluisdam.example"
        )
        members.append(
            replace(
                record, person=person, ground=ground, secrecy=secrecy and at == 0, doubt=doubt and at == len(ages) - 1
            )
        )
    return Family(name, tuple(members))


# Our families by what becomes of them; the other side calls them otherwise.
FAMILIES: Mapping[str, tuple[int, tuple[int, ...]]] = {
    "name": (1, (38, 41, 16, 9)),
    "second": (2, (29, 4)),
    "accepted": (3, (45, 17)),
    "declined": (4, (33, 31, 2)),
    "agreed": (5, (36, 12, 7, 5)),
    "drafting": (6, (40, 38, 16, 11, 6)),
    "active": (7, (34, 10)),
    "withdrawn": (8, (44, 13)),
}


class Stage(Two):
    """Opened, each family of `FAMILIES` has reached its phase."""

    def __init__(self, folder: Path) -> None:
        ours, theirs = [], []
        for what, (number, ages) in FAMILIES.items():
            flags = what == "name"
            ours.append(household(f"G-{1040 + number}", number, ages, secrecy=flags, doubt=flags))
            theirs.append(household(f"B{700 + number}", number, ages, bsn=not flags))
        super().__init__(folder, stage_world(), [ours, theirs])

    def match(self, what: str, node: Node | None = None) -> str:
        """The match of a family of `FAMILIES`, at the first municipality or another node."""
        number = FAMILIES[what][0]
        known = (f"G-{1040 + number}", f"B{700 + number}")
        return next(one.match for one in (node or self.a.node).matches() if one.family in known)

    def _both_want(self, what: str) -> None:
        for side in (self.a, self.b):
            match = self.match(what, side.node)
            for by in (ANNA, BILAL):
                side.desk.decide(match, by=by, answer=Answer.YES, card=OWN_CARD if side is self.a else CARD)

    def plan(self) -> Plan:
        """A plan with partners."""
        today = self.clock().date()
        partners = (
            Partner(role="school", basis=YOUTH_ACT, since=today, organisation="Basisschool De Regenboog"),
            Partner(role="wijkteam", basis=SUPPORT_ACT, since=today),
            Partner(role="jeugdbescherming", basis=YOUTH_ACT, since=today + timedelta(days=30)),
        )
        return Plan(member_oin(1), today, today + timedelta(days=180), partners)

    async def play(self) -> None:
        """Bring everybody to their phase."""
        a, b = self.a, self.b
        a.desk.decide(self.match("second"), by=ANNA, answer=Answer.NO, reason=Reason.NO_NEED)
        for by in (ANNA, BILAL):
            a.desk.decide(self.match("accepted"), by=by, answer=Answer.YES, card=OWN_CARD)
            a.desk.decide(self.match("declined"), by=by, answer=Answer.NO, reason=Reason.ALREADY_IN_CONTACT)
        for what in ("agreed", "drafting", "active", "withdrawn"):
            self._both_want(what)
        await self.exchange()
        b.desk.propose(self.match("drafting", b.node), by=ANNA, plan=self.plan())
        for what in ("active", "withdrawn"):
            a.desk.propose(self.match(what), by=ANNA, plan=self.plan())
        await self.exchange()
        today = self.clock().date()
        for side in (a, b):
            match = self.match("active", side.node)
            told = Informing(parents=today, young_persons=today)
            side.desk.inform(match, by=ANNA, informing=told)
            side.desk.sign(match, by=ANNA)
            await self.exchange()
        b.desk.withdraw(self.match("withdrawn", b.node), by=ANNA, reason=WithdrawalReason.NO_AGREEMENT)
        label = label_of(self.clock().date(), "quarter")
        totals.open_period(self.coordinator, PURPOSE, label, enrol=timedelta(days=21))
        await self.exchange()

    def phases(self) -> dict[str, Phase]:
        """Where everybody is."""
        return {what: self.a.desk.case(self.match(what), by=ANNA).phase for what in FAMILIES}
