"""Four eyes: how two people of one municipality decide on a match (rules 9, 11 and 12).

No I/O, no clock. The first recommends, the second, another person, decides; where they differ, both opinions go back to
both and they begin anew. What is decided here leaves the node only as an acceptance: a no and its reasons stay.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sluis_protocol.errors import DecisionRefused, FourEyes
from sluis_protocol.rules import Grade

EYES = 2
LONGEST_REVIEWER = 200


class Answer(StrEnum):
    """What somebody thinks of a joint approach."""

    YES = "yes"
    NO = "no"


class Reason(StrEnum):
    """Why not: a closed list."""

    ALREADY_IN_CONTACT = "already-in-contact"
    NOT_SAME_FAMILY = "not-the-same-family"
    NO_NEED = "no-need"
    NO_GROUND = "no-ground"


class Stage(StrEnum):
    """How far a review is."""

    FIRST = "first"  # nobody has said anything, or two differed: the first person's turn
    SECOND = "second"  # one has recommended: another person's turn
    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one person said, and when."""

    reviewer: str = field(repr=False)
    answer: Answer
    reason: Reason | None = None
    identity_verified: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """All opinions on one match, in attempts of at most two; only the last attempt counts."""

    attempts: tuple[tuple[Opinion, ...], ...] = ((),)

    @property
    def attempt(self) -> int:
        """The number of the attempt that counts, from 0."""
        return len(self.attempts) - 1

    @property
    def opinions(self) -> tuple[Opinion, ...]:
        """The opinions that count."""
        return self.attempts[-1]

    @property
    def differed(self) -> tuple[Opinion, ...]:
        """What the two said last time, where they differed or thought better of it: shown to both."""
        return self.attempts[-2] if self.attempt else ()

    @property
    def stage(self) -> Stage:
        """Whose turn it is, or what was decided."""
        match self.opinions:
            case ():
                return Stage.FIRST
            case (_,):
                return Stage.SECOND
            case (first, _):
                return Stage(first.answer)
        raise AssertionError("an attempt has at most two opinions")

    def with_opinion(self, opinion: Opinion) -> Review:
        """The review with one more; where the two differ, a new attempt begins."""
        opinions = (*self.opinions, opinion)
        differ = len(opinions) == EYES and opinions[0].answer is not opinions[1].answer
        return Review((*self.attempts[:-1], opinions, ()) if differ else (*self.attempts[:-1], opinions))

    def check(self, opinion: Opinion, grade: Grade) -> None:
        """Refuse an opinion that can't count.

        1. Somebody is named (rule 11). 2. It is that person's turn (Overtaken is the caller's business), and the second
        is another person than the first (rule 12). 3. A no has a reason, a yes has none. 4. A yes to a match by name
        states that the identity was verified (rule 9).
        """
        name = check_reviewer(opinion.reviewer)
        if self.stage in (Stage.YES, Stage.NO):
            raise DecisionRefused("two people have decided", do="take it up again first, if that was a mistake")
        if any(before.reviewer == name for before in self.opinions):
            raise FourEyes(
                "the same person recommended this", do="have a colleague decide: it takes two people (rule 12)"
            )
        if opinion.answer is Answer.NO and opinion.reason is None:
            raise DecisionRefused("a no needs a reason", do=f"give one of: {', '.join(Reason)}", field="reason")
        if opinion.answer is Answer.YES and opinion.reason is not None:
            raise DecisionRefused("a yes has no reason", do="leave the reason out, or say no", field="reason")
        if opinion.answer is Answer.YES and grade is Grade.NAME and not opinion.identity_verified:
            raise DecisionRefused(
                "the families were matched by name: nobody has stated that it is the same family (rule 9)",
                do="compare with your own file, then state that you verified the identity; or say no",
                field="identity_verified",
            )


def check_reviewer(reviewer: str) -> str:
    """The name of who acts; refused if there is none, or none that can be shown (rule 11)."""
    name = reviewer.strip()
    if not name:
        raise DecisionRefused("nobody is named who does this", do="name yourself (rule 11)", field="reviewer")
    if len(name) > LONGEST_REVIEWER or not name.isprintable():
        raise DecisionRefused("the reviewer's name can't be used", do="give one short line", field="reviewer")
    if name != reviewer:
        raise DecisionRefused("the reviewer's name begins or ends with a space", do="leave it out", field="reviewer")
    return name
