"""What an entry means for a case: papers, steps, notices, and the card that lay ready for when both want it.

The entry was verified and kept already. What the other side sealed is examined here, since the coordinator can't.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sluis_protocol import content as contents
from sluis_protocol.approach import check_approach, check_fits, check_signature, sign_approach
from sluis_protocol.chain import Handshake as Chained
from sluis_protocol.chain import Made, Step
from sluis_protocol.content import Acceptance, Closing, Content, Signed, Withdrawal, open_content
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import (
    Anomaly,
    ApproachError,
    BadSeal,
    BadSignature,
    LegalGroundMissing,
    MalformedMessage,
    NotAMember,
    SluisError,
    WrongCovenant,
)
from sluis_protocol.handshake import Act, Active, Agreed, Closed
from sluis_protocol.rules import Grade
from sqlalchemy import Connection

from ..anomalies import REPORT
from ..notify.notice import Notice, NoticeKind
from ..parts import Parts
from .casebook import Casebook, Handshake
from .model import Draft, What, Whose, counting
from .moves import Moves
from .papers import OWN_CARD, PENDING_DRAFT, draft_name, read_card, read_draft, read_drafts, write_draft

T = TypeVar("T", bound=Content)
_CANT_BE = (ApproachError, LegalGroundMissing, NotAMember)
_STEPS = {
    Act.PROPOSE: What.PROPOSED,
    Act.AMEND: What.AMENDED,
    Act.SIGN: What.SIGNED,
    Act.CLOSE: What.CLOSED,
    Act.WITHDRAW: What.WITHDRAWN,
}


def opened(parts: Parts, found: Handshake, use: str, sealed: bytes) -> Content:
    """What the other side sealed to us, with an act or a letter; raise BadSeal or MalformedMessage."""
    return open_content(
        sealed, parts.sealing, handshake_id=found.id, sender=found.counterpart, recipient=parts.oin, use=use
    )


@dataclass(slots=True)
class Effects:
    """One entry's effects, within the caller's transaction; `found` is the handshake after it."""

    parts: Parts
    casebook: Casebook
    moves: Moves
    connection: Connection
    found: Handshake
    step: Step
    covenant_of: Callable[[bytes], Covenant]
    faults: list[SluisError] = field(default_factory=list)

    def apply(self, before: Chained | None, overtaken: Sequence[str]) -> Sequence[SluisError]:
        """Do what follows from it; what is wrong with its sealed content. `overtaken` are moves of ours it overtook."""
        for act in overtaken:
            self._keep(What.REFUSED, Whose.OURS, {"act": act, "why": "overtaken"})
        if before is None:
            self._keep(What.OPENED, Whose.NOBODYS)
        elif self.step.is_lapse:
            ended = isinstance(self.found.state, Closed)
            self._keep(What.CLOSED if ended else What.LAPSED, Whose.NOBODYS)
            self._tell(NoticeKind.CLOSED if ended else NoticeKind.NO_JOINT_APPROACH)
        elif isinstance(self.found.state, Agreed):
            self._agreed()
        else:
            (made,) = self.step.moves
            self._moved(made)
        return self.faults

    def _agreed(self) -> None:
        """Both want it: the card of ours that lay ready goes to the other side."""
        verified = None
        for made in self._theirs():
            content = self._opened(made, Acceptance)
            verified = content.identity_verified if content else None
        match = self.parts.ledger.match(self.connection, self.found.match)
        if match is not None and match.grade is Grade.NAME and not verified:
            self._fault("the other side accepted a match by name and didn't state that it verified the identity")
        self._keep(What.AGREED, Whose.NOBODYS)
        self._tell(NoticeKind.AGREED)
        card = read_card(self.casebook.papers(self.connection, self.found.id), OWN_CARD)
        note = self.parts.store.read_newest_covenant_note(self.connection)
        if card is not None and note is not None:
            covenant = Covenant.verify(note, self.parts.authority)
            decided = self.casebook.review(self.connection, self.found).opinions
            self.moves.write(self.connection, self.found, card, covenant, self.parts.now())
            person = "yes" if card.person else "no"
            self._keep(What.CARD, Whose.OURS, {"person": person}, by=decided[-1].reviewer if decided else "")

    def _moved(self, made: Made) -> None:
        """One side moved. Our own step was kept when it was made."""
        act, ours = made.move.act, made.envelope.sender == self.parts.oin
        details: dict[str, str] = {}
        match act:
            case Act.PROPOSE | Act.AMEND:
                details["version"] = str(made.move.version)
                self._draft(made, ours=ours)
                if not ours:
                    self._tell(NoticeKind.SIGNATURE_NEEDED)
            case Act.SIGN:
                self._signature(made, ours=ours)
            case Act.CLOSE:
                if not ours:
                    details |= self._closing(made)
                    self._tell(NoticeKind.CLOSED)
            case Act.WITHDRAW:
                if not ours:
                    withdrawal = self._opened(made, Withdrawal)
                    details |= {"reason": str(withdrawal.reason)} if withdrawal else {}
                    self._tell(NoticeKind.WITHDRAWN)
        if not ours:
            self._keep(_STEPS[act], Whose.THEIRS, details)
        if isinstance(self.found.state, Active):
            self._keep(What.ACTIVE, Whose.NOBODYS)
            self._tell(NoticeKind.ACTIVE)

    def _draft(self, made: Made, *, ours: bool) -> None:
        """Keep a draft; the other side's must be what its move announced, of this handshake, and keep to the rules."""
        move = made.move
        papers = self.casebook.papers(self.connection, self.found.id)
        if ours:
            draft = read_draft(papers[PENDING_DRAFT])
        else:
            content = self._opened(made, contents.Draft)
            if content is None:
                return
            approach = content.approach
            side = self.step.handshake.side(made.envelope.sender)
            draft = Draft(move.version, side, approach)
            if (approach.digest, approach.until) != (move.digest, move.until):
                draft = replace(draft, fault="it is another contract than the one that was announced")
            else:
                draft = replace(draft, fault=self._wrong_with(draft))
            if draft.fault:
                self._fault(f"a draft of the other side's can't be signed: {draft.fault}")
        self._put(draft)

    def _wrong_with(self, draft: Draft) -> str:
        """Why a contract can't be; "" if nothing is wrong, as far as the covenants on file tell."""
        approach = draft.approach
        try:
            check_fits(approach, self.found.id, self.found.purpose, self.step.handshake.oins)
            check_approach(approach, self.covenant_of(bytes.fromhex(approach.covenant)))
        except WrongCovenant:
            return ""  # a version that we don't have yet: signing asks for it
        except _CANT_BE as error:
            return error.what
        return ""

    def _signature(self, made: Made, *, ours: bool) -> None:
        """Keep a signature that verifies under the contract that we hold."""
        side = self.step.handshake.side(made.envelope.sender)
        draft = counting(self._drafts(), self.step.handshake.state)
        if draft is None:
            self._fault("a draft was signed that can't be read here")
            return
        if ours:
            signature = sign_approach(draft.approach, self.parts.signer.key)
        else:
            content = self._opened(made, Signed)
            if content is None:
                self._put(replace(draft, fault="the other side's signature can't be read"))
                return
            signature = base64.b64decode(content.signature)
            try:
                covenant = self.covenant_of(bytes.fromhex(draft.approach.covenant))
                check_signature(draft.approach, covenant, made.envelope.sender, signature)
            except (BadSignature, WrongCovenant, NotAMember) as error:
                self._put(replace(draft, fault="the other side's signature does not verify"))
                self._fault(f"a signature under the contract can't be used: {error.what}")
                return
        self._put(replace(draft, signatures={**draft.signatures, side: signature}))

    def _closing(self, made: Made) -> dict[str, str]:
        """The leading municipality closes, which the coordinator can't check."""
        drafts = self._drafts()
        if not drafts or drafts[-1].approach.lead != made.envelope.sender:
            self._fault("the other side closed an approach that it doesn't lead")
        content = self._opened(made, Closing)
        return {"outcome": str(content.outcome)} if content else {}

    # Keeping.

    def _theirs(self) -> list[Made]:
        return [made for made in self.step.moves if made.envelope.sender != self.parts.oin]

    def _opened(self, made: Made, kind: type[T]) -> T | None:
        """What the other side sealed with a move; None, and a fault, if it can't be read."""
        try:
            content = opened(self.parts, self.found, made.move.act, made.move.sealed)
        except (BadSeal, MalformedMessage) as error:
            self.faults.append(error)
            return None
        return content if isinstance(content, kind) else None

    def _fault(self, what: str) -> None:
        self.faults.append(Anomaly(what, do="talk to the other side; " + REPORT, party=self.found.counterpart))

    def _drafts(self) -> tuple[Draft, ...]:
        return read_drafts(self.casebook.papers(self.connection, self.found.id))

    def _put(self, draft: Draft) -> None:
        self.casebook.put_paper(
            self.connection, self.found.id, draft_name(draft.version), write_draft(draft), self.parts.now()
        )

    def _keep(self, what: What, whose: Whose, details: dict[str, str] | None = None, *, by: str = "") -> None:
        self.casebook.add_step(
            self.connection,
            self.found.id,
            what,
            whose,
            at=self.step.handshake.at,
            digest=self.casebook.digest("entry", self.step.handshake.head, what, whose),
            by=by,
            details=details,
        )

    def _tell(self, kind: NoticeKind) -> None:
        about = f"{self.found.id.hex()} entry {self.step.handshake.sequence}"
        self.parts.notices.enqueue(self.connection, Notice(kind, about), self.parts.now())
