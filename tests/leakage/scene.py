"""Caseloads and the tags of a round, from a seed, for attacks that need no services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sluis_protocol import threshold
from sluis_protocol.group import Random, random_scalars
from sluis_protocol.record import Family
from sluis_protocol.rules import load_rules
from sluis_protocol.run import tag
from sluis_protocol.submission import Submission, assemble
from sluis_protocol.tag import Context, OwnPerson, PreparedPerson, TaggedKey, prepare
from sluis_protocol.threshold import JointKey, KeyShare

from .attack import below, seeded

RULES = load_rules()
ROUND, NEXT_ROUND = "r20260501t120000z-0123456789abcdef", "r20260502t120000z-0123456789abcdef"


@dataclass(frozen=True)
class Keys:
    """A joint key for 2 of 3, with all shares."""

    joint: JointKey
    shares: tuple[KeyShare, ...]

    @classmethod
    def of(cls, label: str) -> Keys:
        random = seeded(f"{label} keys")
        return cls(*threshold.split(random_scalars(1, random), 2, 3, random))

    def tag(self, persons: Sequence[PreparedPerson], random: Random, round_id: str = ROUND) -> list[OwnPerson]:
        """As a node has it done, by the first two holders."""
        return tag(persons, context(round_id), self.joint, self.shares[:2], random)

    def submission(self, families: Sequence[Family], random: Random, round_id: str = ROUND) -> Submission:
        """A whole submission of a caseload."""
        return assemble(self.tag(prepare(families, RULES), random, round_id), RULES, random)


def context(round_id: str = ROUND) -> Context:
    return Context("leakage", "jeugd", round_id, RULES.identity)


def real_tags(submission: Submission) -> dict[bytes, tuple[str, str]]:
    """The tags that are no dummies: of whom they are (family id, person id)."""
    return {
        key.tag: (family.family_id, person.person_id)
        for family in submission.own.values()
        for person in family.members.values()
        for key in person.keys
    }


def invented(sizes: Sequence[int], random: Random) -> list[OwnPerson]:
    """Families of these sizes whose tags are random: for attacks on sizes, where no tag is ever compared."""
    return [
        OwnPerson(f"F{at}", f"F{at}-{member}", below(10, random) < 8, (TaggedKey("bsn", random(16), random(32)),))
        for at, size in enumerate(sizes)
        for member in range(size)
    ]


def undefended(persons: Sequence[OwnPerson], random: Random) -> Submission:
    """What would be handed in without padding: the real rows alone."""
    whole = assemble(persons, RULES, random)
    own = {handle for family in whole.own.values() for handle in family.members}
    return Submission(tuple(row for row in whole.rows if row.person in own), whole.own)
