"""What the console calls things: phases, tasks, reasons and steps, in the words of people who do this work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sluis_protocol.content import Outcome, WithdrawalReason
from sluis_protocol.indicators import EXPIRED, WITHDRAWN, Cell, Indicator
from sluis_protocol.partners import Group

from ..handshake.model import Caution, Happening, Phase, Postponement, Todo, What, Whose
from ..handshake.review import Answer, Reason
from ..notify import NoticeKind
from ..processing import Activity
from ..processing import Outcome as LogOutcome
from ..retention.settings import Category
from ..rights.requests import Right
from ..totals.periods import Progress
from .language import Language
from .menu import N_

PHASES: Mapping[str, str] = {
    Phase.UNOPENED: N_("being prepared"),
    Phase.REVIEWING: N_("we decide"),
    Phase.DECLINED: N_("we decided against"),
    Phase.ACCEPTED: N_("waiting for the other municipality"),
    Phase.AGREED: N_("both want it"),
    Phase.DRAFTING: N_("plan in the making"),
    Phase.ACTIVE: N_("approach in progress"),
    Phase.CLOSED: N_("finished"),
    Phase.LAPSED: N_("no joint approach"),
    Phase.WITHDRAWN: N_("withdrawn"),
}
TODOS: Mapping[str, str] = {
    Todo.RECOMMEND: N_("Give a first opinion"),
    Todo.DECIDE: N_("Decide as the second person"),
    Todo.SEND_CARD: N_("Say whom they can call"),
    Todo.PROPOSE: N_("Make a plan"),
    Todo.SIGN: N_("Read and sign the plan"),
    Todo.INFORM: N_("Inform the family"),
}
REASONS: Mapping[str, str] = {
    Reason.ALREADY_IN_CONTACT: N_("We are in contact already"),
    Reason.NOT_SAME_FAMILY: N_("It is not the same family"),
    Reason.NO_NEED: N_("A joint approach is not needed"),
    Reason.NO_GROUND: N_("We have no legal ground for it"),
}
ANSWERS: Mapping[str, str] = {Answer.YES: N_("Yes"), Answer.NO: N_("No")}
CAUTIONS: Mapping[str, tuple[str, str]] = {
    Caution.VERIFY_IDENTITY: (
        N_("First verify that it is the same family"),
        N_("This match was found by name and date of birth. Compare with your own file before you decide."),
    ),
    Caution.SECRECY: (
        N_("Secrecy applies"),
        N_("Somebody in this family has their personal data kept secret. Never pass on where they live."),
    ),
    Caution.DOUBT: (
        N_("Data under investigation"),
        N_("The population register doubts some data of this family."),
    ),
    Caution.OBJECTED: (
        N_("Somebody objected"),
        N_("A person in this match objected, or asked for erasure. Ask the privacy officer before you go on."),
    ),
}
STEPS: Mapping[str, str] = {
    What.FOUND: N_("Match found"),
    What.OPENED: N_("Both municipalities may decide"),
    What.RECOMMENDED: N_("First opinion given"),
    What.DECIDED: N_("Decided by two people"),
    What.DIFFERED: N_("Two opinions differ; decide again"),
    What.RECONSIDERED: N_("Decision taken up again"),
    What.TOOK_BACK: N_("Yes taken back"),
    What.AGREED: N_("Both municipalities want a joint approach"),
    What.CARD: N_("Contact card sent"),
    What.PROPOSED: N_("Plan proposed"),
    What.AMENDED: N_("Plan changed"),
    What.SIGNED: N_("Plan signed"),
    What.ACTIVE: N_("Joint approach started"),
    What.INFORMED: N_("Family informed"),
    What.POSTPONED: N_("Informing the family postponed"),
    What.ASKED: N_("Dilemma put to the innovation platform"),
    What.ESCALATED: N_("Dilemma put to the strategic board"),
    What.CLOSED: N_("Joint approach finished"),
    What.WITHDRAWN: N_("Withdrawn"),
    What.LAPSED: N_("No joint approach came about in time"),
    What.REFUSED: N_("A step came too late and doesn't count"),
    What.RIGHT_USED: N_("A person concerned used a right"),
}
WHOSE: Mapping[str, str] = {Whose.OURS: N_("we"), Whose.THEIRS: N_("the other municipality"), Whose.NOBODYS: ""}
POSTPONEMENTS: Mapping[str, str] = {
    Postponement.CHILDS_SAFETY: N_("The safety of a child"),
    Postponement.ANOTHERS_SAFETY: N_("The safety of somebody else"),
    Postponement.INVESTIGATION: N_("An investigation"),
    Postponement.UNREACHABLE: N_("The family can't be reached"),
}
OUTCOMES: Mapping[str, str] = {
    Outcome.GOALS_REACHED: N_("The goals were reached"),
    Outcome.HANDED_OVER: N_("Handed over to others"),
    Outcome.ONE_SIDE_ENDED: N_("One municipality's help has ended"),
    Outcome.FAMILY_LEFT: N_("The family has left"),
    Outcome.WITHOUT_RESULT: N_("Without result"),
}
WITHDRAWALS: Mapping[str, str] = {
    WithdrawalReason.NOT_THE_SAME_FAMILY: N_("It is not the same family"),
    WithdrawalReason.NO_GROUND: N_("We have no legal ground for it"),
    WithdrawalReason.CASE_CLOSED: N_("Our case is closed"),
    WithdrawalReason.OBJECTION: N_("A person concerned objects"),
    WithdrawalReason.NO_AGREEMENT: N_("We can't agree on a plan"),
    WithdrawalReason.OTHER: N_("Another reason"),
}
RIGHTS: Mapping[str, str] = {
    Right.ACCESS: N_("Access"),
    Right.CORRECTION: N_("Correction"),
    Right.OBJECTION: N_("Objection"),
    Right.ERASURE: N_("Erasure"),
}
GROUPS: Mapping[str, str] = {
    Group.MUNICIPALITY: N_("Municipality"),
    Group.EDUCATION: N_("Education"),
    Group.HEALTH: N_("Health"),
    Group.YOUTH: N_("Youth"),
    Group.HOUSING: N_("Housing"),
    Group.PROTECTION: N_("Protection"),
    Group.CRIMINAL_JUSTICE: N_("Criminal justice"),
    Group.NATIONAL: N_("National"),
}
ACTIVITIES: Mapping[str, str] = {
    Activity.TAKE_PART: N_("Taking part in a round"),
    Activity.CONFIRM: N_("Confirming a match"),
    Activity.SHOW: N_("Looking at data"),
    Activity.REVIEW: N_("Deciding"),
    Activity.CONTACTS: N_("Exchanging contacts"),
    Activity.APPROACH: N_("Joint approach"),
    Activity.INFORM: N_("Informing the family"),
    Activity.RIGHTS: N_("Rights of persons"),
    Activity.TOTALS: N_("Counting for the national totals"),
    Activity.RETENTION: N_("Deleting"),
}
PROGRESS: Mapping[str, str] = {
    Progress.OPEN: N_("waiting for approval"),
    Progress.APPROVED: N_("approved"),
    Progress.ENROLLED: N_("approved and announced"),
    Progress.CONTRIBUTED: N_("sent, encrypted"),
    Progress.UNMASKED: N_("sent; the sum is being made"),
    Progress.RELEASED: N_("in the national total"),
    Progress.MISSED: N_("not in a total"),
}
FIGURES: Mapping[str, str] = {
    Indicator.PROVEN: N_("Matches found"),
    Indicator.FOLLOWED_UP: N_("Matches that we followed up"),
    Indicator.ALREADY_KNOWN: N_("Matches that were known already"),
    Indicator.WRONG: N_("Matches that were wrong"),
    Indicator.AGREED: N_("Joint approaches that both want"),
    Indicator.ACTIVE: N_("Joint approaches begun"),
    Indicator.ENDED: N_("Joint approaches ended"),
    Indicator.CHILDREN: N_("Children in approaches that ended"),
    Indicator.DAYS: N_("Days from match to contact"),
    Indicator.OUTREACH: N_("Support of the national team asked for"),
    Indicator.DILEMMAS: N_("Dilemmas put to the board"),
}
FIGURE_PARTS: Mapping[str, str] = {
    EXPIRED: N_("Ended by its end date"),
    WITHDRAWN: N_("A municipality withdrew"),
    "up-to-2": N_("2 days or less"),
    "up-to-7": N_("3 to 7 days"),
    "up-to-14": N_("8 to 14 days"),
    "up-to-28": N_("15 to 28 days"),
    "up-to-56": N_("29 to 56 days"),
    "up-to-84": N_("57 to 84 days"),
    "longer": N_("longer"),
}
LOG_OUTCOMES: Mapping[str, str] = {
    LogOutcome.DONE: N_("done"),
    LogOutcome.REFUSED: N_("refused"),
    LogOutcome.FAILED: N_("failed"),
    LogOutcome.INTERRUPTED: N_("interrupted"),
}
# What the processing log calls what was done.
VERBS: Mapping[str, str] = {
    "count for totals": N_("count for the national totals"),
    "approve totals": N_("approve figures for the national totals"),
    "take part": N_("take part in a round"),
    "answer claim": N_("examine a possible match"),
    "keep match": N_("keep a match"),
    "show match": N_("look at a match"),
    "list matches": N_("look at the matches"),
    "show inbox": N_("look at the inbox"),
    "list cases": N_("look at the list"),
    "show case": N_("look at a case"),
    "decide": N_("give an opinion"),
    "reconsider": N_("take a decision up again"),
    "propose": N_("propose a plan"),
    "amend": N_("change a plan"),
    "sign": N_("sign a plan"),
    "close": N_("finish an approach"),
    "withdraw": N_("withdraw from an approach"),
    "export approach": N_("download a signed plan"),
    "send card": N_("send a contact card"),
    "inform": N_("record informing the family"),
    "ask": N_("put a dilemma to others"),
    "tell right": N_("tell the other municipality of a right"),
    "give access": N_("give access"),
    "correction": N_("record a correction"),
    "objection": N_("record an objection"),
    "erasure": N_("erase"),
    "lift objection": N_("lift an objection"),
    "lift erasure": N_("lift an erasure"),
}
CATEGORIES: Mapping[str, str] = {
    Category.REPEATS: N_("Matches found again that nobody took up"),
    Category.LAPSED: N_("Matches without a joint approach"),
    Category.ENDED: N_("Joint approaches that have ended"),
    Category.MATCHES: N_("Matches that are not found any more"),
    Category.REFERENCES: N_("References of families"),
    Category.TOTALS: N_("Figures for the national totals"),
    Category.NOTICES: N_("Messages"),
    Category.ANOMALIES: N_("Irregularities"),
    Category.REQUESTS: N_("Requests of persons"),
    Category.PROMISES: N_("Hashes found in the coordinator's log"),
    Category.PROCESSING: N_("Processing log"),
    Category.PROOFS: N_("Proofs of deletion"),
}
NOTICES: Mapping[str, str] = {
    NoticeKind.MATCH_FOUND: N_("A match was found"),
    NoticeKind.REVIEW_NEEDED: N_("A second opinion is needed"),
    NoticeKind.REVIEWS_DIFFER: N_("A decision is needed anew"),
    NoticeKind.DECISION_DUE: N_("A decision is due"),
    NoticeKind.AGREED: N_("Both municipalities want a joint approach"),
    NoticeKind.NO_JOINT_APPROACH: N_("No joint approach"),
    NoticeKind.CARD_RECEIVED: N_("A contact card came"),
    NoticeKind.SIGNATURE_NEEDED: N_("A plan is to be signed"),
    NoticeKind.DRAFT_DUE: N_("A plan is due"),
    NoticeKind.ACTIVE: N_("A joint approach started"),
    NoticeKind.APPROACH_ENDS: N_("A joint approach ends soon"),
    NoticeKind.CLOSED: N_("A joint approach is finished"),
    NoticeKind.WITHDRAWN: N_("A joint approach was withdrawn from"),
    NoticeKind.INFORMING_DUE: N_("Informing a family is due"),
    NoticeKind.RIGHT_USED: N_("A person used a right"),
    NoticeKind.TOTALS_WAIT: N_("Figures for the national totals wait for approval"),
    NoticeKind.ANOMALY: N_("An irregularity"),
    NoticeKind.DILEMMA: N_("A dilemma for the innovation platform"),
    NoticeKind.DILEMMA_ESCALATED: N_("A dilemma for the strategic board"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language, for templates."""

    language: Language

    def _word(self, words: Mapping[str, str], name: str) -> str:
        found = words.get(name)
        return self.language.text(found) if found else name

    def phase(self, phase: str) -> str:
        """Where a case stands."""
        return self._word(PHASES, phase)

    def todo(self, todo: str) -> str:
        """What is asked."""
        return self._word(TODOS, todo)

    def reason(self, reason: str) -> str:
        """Why not."""
        return self._word(REASONS, reason)

    def answer(self, answer: str) -> str:
        """Yes or no."""
        return self._word(ANSWERS, answer)

    def caution(self, caution: str) -> tuple[str, str]:
        """A warning: its title and its text."""
        title, text = CAUTIONS[caution]
        return self.language.text(title), self.language.text(text)

    def postponement(self, reason: str) -> str:
        """Why the family isn't informed yet."""
        return self._word(POSTPONEMENTS, reason)

    def outcome(self, outcome: str) -> str:
        """How an approach ended."""
        return self._word(OUTCOMES, outcome)

    def withdrawal(self, reason: str) -> str:
        """Why a side withdrew."""
        return self._word(WITHDRAWALS, reason)

    def right(self, right: str) -> str:
        """A right that somebody used."""
        return self._word(RIGHTS, right)

    def group(self, group: str) -> str:
        """Where a partner belongs."""
        return self._word(GROUPS, group)

    def activity(self, activity: str) -> str:
        """What data are processed for."""
        return self._word(ACTIVITIES, activity)

    def log_outcome(self, outcome: str) -> str:
        """How a processing ended."""
        return self._word(LOG_OUTCOMES, outcome)

    def verb(self, verb: str) -> str:
        """What was done, by the processing log."""
        return self._word(VERBS, verb)

    def progress(self, progress: str) -> str:
        """How far a period of the totals is."""
        return self._word(PROGRESS, progress)

    def figure(self, cell: Cell) -> str:
        """What a figure of the totals counts."""
        name = self.figure_name(cell.indicator)
        return f"{name}: {self.figure_part(cell)}" if cell.part else name

    def figure_name(self, indicator: str) -> str:
        """What an indicator counts."""
        return self._word(FIGURES, indicator)

    def figure_part(self, cell: Cell) -> str:
        """Which part of an indicator a figure is."""
        return self._word({**OUTCOMES, **FIGURE_PARTS}, cell.part)

    def category(self, category: str) -> str:
        """What is kept for so long; a deletion of it may carry another name."""
        return self._word(CATEGORIES, category)

    def notice(self, kind: str) -> str:
        """What a message is about."""
        return self._word(NOTICES, kind)

    def step(self, step: Happening) -> str:
        """What happened."""
        return self._word(STEPS, step.what)

    def step_details(self, step: Happening) -> str:
        """More of what happened: an answer, a reason, a version, a question; "" for nothing."""
        told = step.details
        parts = []
        if "answer" in told:
            parts.append(self.answer(told["answer"]))
        if "reason" in told:
            words = {What.WITHDRAWN: WITHDRAWALS, What.POSTPONED: POSTPONEMENTS}.get(step.what, REASONS)
            parts.append(self._word(words, told["reason"]))
        if "outcome" in told:
            parts.append(self.outcome(told["outcome"]))
        if "right" in told:
            parts.append(self.right(told["right"]))
        if "version" in told:
            parts.append(self.language.text("version %(number)s", number=told["version"]))
        if "question" in told:
            parts.append(f"“{told['question']}”")
        return " · ".join(parts)
