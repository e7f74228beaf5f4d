"""The covenant (convenant): the signed file that is the root of trust (protocol.md, 0).

`Terms` is what the partners agree on, strictly typed; `Covenant` is terms whose signature was verified, with the
look-ups that everybody needs. The file is a signed note over JSON (`note.py`), so that what was signed is what
people read. No I/O; today's date is an argument.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Annotated, Literal, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field, ValidationError, model_validator

from .errors import BadElement, CovenantError, LegalGroundMissing, NotAMember
from .group import ELEMENT_BYTES
from .note import SIGNATURE_BYTES, Verifier, open_note, sign_note
from .sealed import PUBLIC_BYTES
from .strict import Strict as Strict
from .strict import base64_of
from .threshold import JointKey, check_joint_key
from .totals_terms import TotalsTerms
from .wording import forbidden_word

TEST_OIN_PREFIX = "00000099"
_AROUND_ELEMENTS = 2_048  # what a message has besides the elements of a batch, generously


Oin = Annotated[str, Field(pattern=r"^[0-9]{20}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,62}$")]
Key32 = Annotated[str, base64_of(32)]
SealingPublicKey = Annotated[str, base64_of(PUBLIC_BYTES)]
Signature = Annotated[str, base64_of(SIGNATURE_BYTES)]
MunicipalityCode = Annotated[str, Field(pattern=r"^GM[0-9]{4}$")]
# No control characters: a name is shown on terminals.
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\P{C}+$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def problems(error: ValidationError) -> str:
    """Each field that is wrong, with the reason, and without its content."""
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'file'}: {one['msg']}" for one in error.errors())


class Party(Strict):
    """An organisation that signs messages: its OIN, its name and its public Ed25519 key."""

    oin: Oin
    name: Name
    signing_key: Key32


class Member(Party):
    """A municipality: also its code, its sealing key and how many evaluations it may ask for in a round."""

    municipality: MunicipalityCode
    sealing_key: SealingPublicKey
    quota: Annotated[int, Field(gt=0)]
    revoked: bool = False


class Holder(Party):
    """A key holder: its index in the sharing (from 1) and its public key share K_i (absent until the ceremony)."""

    index: Annotated[int, Field(ge=1, le=255)]
    sealing_key: SealingPublicKey
    public_share: Key32 | None = None


class Purpose(Strict):
    """A purpose with its closed list of legal bases, while it is valid (rules 3, 5, 19, 20).

    Its id and title are labels that everybody sees, so they name no group data (rule 1). Without
    `criminal_justice_bases` no partner of criminal justice takes part in a joint approach (rule 13).
    """

    id: Slug
    title: Annotated[str, Field(min_length=1, max_length=200)]
    legal_bases: Annotated[tuple[str, ...], Field(min_length=1)]
    valid_from: date
    valid_until: date
    maximum_persons: Annotated[int, Field(gt=0)] = 20_000
    review_after_days: Annotated[int, Field(gt=0)] = 365
    criminal_justice_bases: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _no_group_data(self) -> Self:
        if found := forbidden_word(f"{self.id} {self.title}"):
            raise ValueError(f"a purpose can't be about this: {found!r} (rule 1)")
        return self


class RuleSetName(Strict):
    """The rule set that all parties use, by the hash of its file."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}/[0-9]{1,4}$")]
    sha256: Digest


class Schedule(Strict):
    """How a round goes: how many must take part, how long it collects, how long confirmations are awaited.

    `most_rounds` of one purpose close within `every_hours`: key holders evaluate for no more, because a quota of
    guesses a round means nothing if a coordinator may announce rounds without end.
    """

    minimum_participants: Annotated[int, Field(ge=2)] = 3
    every_hours: Annotated[int, Field(ge=1)] = 24
    most_rounds: Annotated[int, Field(ge=1)] = 4
    collecting_minutes: Annotated[int, Field(ge=1)] = 240
    confirmation_hours: Annotated[int, Field(ge=1)] = 240


class HandshakeTerms(Strict):
    """How long people have, in days: to decide, to draft, and for an approach at the longest.

    What the coordinator has of a handshake goes `keep_days` after its end.
    """

    decision_days: Annotated[int, Field(ge=1, le=90)] = 14
    drafting_days: Annotated[int, Field(ge=1, le=180)] = 30
    longest_days: Annotated[int, Field(ge=1, le=730)] = 365
    keep_days: Annotated[int, Field(ge=1, le=90)] = 30


class Limits(Strict):
    """What a party accepts from another: sizes and tolerances.

    Key holders evaluate no batch below `batch_minimum` (nodes add random elements), and no more than `requests_a_day`
    different ones of a member.
    """

    message_bytes: Annotated[int, Field(ge=65_536, le=16_777_216)] = 4_194_304
    batch_elements: Annotated[int, Field(ge=1, le=16_384)] = 8_192
    batch_minimum: Annotated[int, Field(ge=1, le=16_384)] = 1
    requests_a_day: Annotated[int, Field(ge=1)] = 2_000
    submission_persons: Annotated[int, Field(ge=64)] = 65_536
    clock_tolerance_seconds: Annotated[int, Field(ge=5)] = 300
    evaluation_seconds: Annotated[int, Field(ge=1)] = 60

    @model_validator(mode="after")
    def _batches_fit(self) -> Self:
        if self.batch_elements * ELEMENT_BYTES + _AROUND_ELEMENTS > self.message_bytes:
            raise ValueError("a batch doesn't fit into a message: make batch_elements smaller or message_bytes larger")
        if self.batch_minimum > self.batch_elements:
            raise ValueError("batch_minimum is above batch_elements")
        return self


class Assessment(Strict):
    """The data protection impact assessment that production needs (rule 22)."""

    reference: Annotated[str, Field(min_length=1, max_length=200)]
    approved_on: date


def _is_test(party: Party) -> bool:
    return party.oin.startswith(TEST_OIN_PREFIX)


class Terms(Strict):
    """Everything that the partners sign for; complete only once the ceremony has filled in the keys."""

    format: Literal["sluis-covenant/1"] = "sluis-covenant/1"
    id: Slug
    version: Annotated[int, Field(ge=1)] = 1
    mode: Literal["demo", "production"]
    valid_from: date
    valid_until: date
    assessment: Assessment | None = None
    coordinator: Party | None = None
    members: tuple[Member, ...] = ()
    holders: tuple[Holder, ...] = ()
    threshold: Annotated[int, Field(ge=1, le=255)] = 2
    joint_key: Key32 | None = None
    ceremony: Digest | None = None
    purposes: tuple[Purpose, ...] = ()
    rule_set: RuleSetName
    schedule: Schedule = Schedule()
    handshake: HandshakeTerms = HandshakeTerms()
    limits: Limits = Limits()
    totals: TotalsTerms | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        parties = [*self.members, *self.holders, *([self.coordinator] if self.coordinator else [])]
        for what, values in (
            ("OIN", [party.oin for party in parties]),
            ("signing key", [party.signing_key for party in parties]),
            ("municipality", [member.municipality for member in self.members]),
            ("purpose", [purpose.id for purpose in self.purposes]),
        ):
            if len(set(values)) != len(values):
                raise ValueError(f"the same {what} stands there twice")
        if [holder.index for holder in self.holders] != list(range(1, len(self.holders) + 1)):
            raise ValueError("holders are numbered 1, 2, 3, … in order")
        if self.valid_until < self.valid_from:
            raise ValueError("valid_until lies before valid_from")
        if self.totals and not {goal.purpose for goal in self.totals.goals} <= {one.id for one in self.purposes}:
            raise ValueError("a goal names no purpose of this covenant")
        return self

    def missing(self) -> Iterator[str]:
        """What must still be filled in before these terms can be signed."""
        if self.coordinator is None:
            yield "a coordinator (sluis-covenant add-member)"
        active = sum(not member.revoked for member in self.members)
        if active < self.schedule.minimum_participants:
            yield f"at least {self.schedule.minimum_participants} members; there are {active}"
        if len(self.holders) < self.threshold:
            yield f"at least {self.threshold} key holders; there are {len(self.holders)}"
        if not self.purposes:
            yield "a purpose with its legal bases"
        if self.joint_key is None or self.ceremony is None or any(h.public_share is None for h in self.holders):
            yield "the joint key (sluis-covenant ceremony)"
        if self.mode == "production" and self.assessment is None:
            yield "the reference and approval date of the impact assessment (rule 22)"
        parties = [*self.members, *self.holders, *([self.coordinator] if self.coordinator else [])]
        if self.mode == "demo" and not all(map(_is_test, parties)):
            yield f"test OINs ({TEST_OIN_PREFIX}…) for all parties, because the mode is demo"
        if self.mode == "production" and any(map(_is_test, parties)):
            yield f"real OINs (not {TEST_OIN_PREFIX}…) for all parties, because the mode is production"

    def serialise(self) -> str:
        """The JSON text that is hashed and signed."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read terms; raise CovenantError naming each field that is wrong."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise CovenantError(
                f"the covenant is not well formed: {problems(error)}", do="correct these fields"
            ) from error


@dataclass(frozen=True)
class Covenant:
    """Terms and their hash. Made by `verify` (trusted) or `draft` (for the ceremony, before there is a signature)."""

    terms: Terms
    hash: bytes
    note: str = field(repr=False)

    @classmethod
    def draft(cls, terms: Terms) -> Self:
        """Unsigned terms, for the steps that lead to a signature."""
        text = terms.serialise()
        return cls(terms, hashlib.sha256(text.encode()).digest(), text)

    @classmethod
    def sign(cls, terms: Terms, authority: str, key: Ed25519PrivateKey) -> Self:
        """Sign complete terms; raise CovenantError naming what is missing."""
        if missing := list(terms.missing()):
            raise CovenantError("the covenant is not complete: it lacks " + "; ".join(missing), do="add these first")
        text = terms.serialise()
        covenant = cls(terms, hashlib.sha256(text.encode()).digest(), sign_note(text, authority, key))
        covenant._check_joint_key()
        return covenant

    @classmethod
    def verify(cls, note: str, authority: Verifier) -> Self:
        """Check the authority's signature, then the terms.

        1. the note is signed by the pinned authority key;
        2. the terms are well formed and consistent;
        3. they are complete, so no field that a check relies on is absent;
        4. the joint key and the public key shares belong together.

        Left to the caller: that the version is not older than one already seen, and that it is valid today.
        """
        text = open_note(note, authority)
        terms = Terms.parse(text)
        if missing := list(terms.missing()):
            raise CovenantError("the signed covenant is not complete: it lacks " + "; ".join(missing))
        covenant = cls(terms, hashlib.sha256(text.encode()).digest(), note)
        covenant._check_joint_key()
        return covenant

    def _check_joint_key(self) -> None:
        try:
            check_joint_key(self.joint_key)
        except BadElement as error:
            raise CovenantError("the joint key or a public key share is no group element") from error

    @cached_property
    def members(self) -> dict[str, Member]:
        """The members that may take part, by OIN."""
        return {member.oin: member for member in self.terms.members if not member.revoked}

    @cached_property
    def holders(self) -> dict[int, Holder]:
        """The key holders by index."""
        return {holder.index: holder for holder in self.terms.holders}

    @cached_property
    def joint_key(self) -> JointKey:
        """K and the K_i, as threshold evaluation needs them."""
        if self.terms.joint_key is None:
            raise CovenantError("there is no joint key yet", do="hold the key ceremony first")
        shares = {h.index: base64.b64decode(h.public_share) for h in self.terms.holders if h.public_share}
        return JointKey(self.terms.threshold, base64.b64decode(self.terms.joint_key), shares)

    def member(self, oin: str) -> Member:
        """The member with that OIN; raise NotAMember if there is none or it was revoked."""
        if member := self.members.get(oin):
            return member
        known = any(member.oin == oin for member in self.terms.members)
        raise NotAMember(
            "this member was revoked" if known else "this OIN is not a member of the covenant",
            do="ask the covenant authority; a new covenant version is needed to (re)admit a member",
            party=oin,
            covenant=f"{self.terms.id} v{self.terms.version}",
        )

    def holder_by_oin(self, oin: str) -> Holder:
        """The key holder with that OIN; raise NotAMember if there is none."""
        for holder in self.terms.holders:
            if holder.oin == oin:
                return holder
        raise NotAMember("this OIN is not a key holder of the covenant", do="ask the covenant authority", party=oin)

    @property
    def totals(self) -> TotalsTerms:
        """What is agreed on the totals; raise CovenantError if nothing is."""
        if self.terms.totals is None:
            raise CovenantError(
                "the covenant has no totals", do="the authority adds the board's key (sluis-covenant board)"
            )
        return self.terms.totals

    def purpose(self, purpose_id: str, today: date) -> Purpose:
        """A purpose with a legal basis in force today (rule 20); raise LegalGroundMissing otherwise."""
        for purpose in self.terms.purposes:
            if purpose.id == purpose_id:
                break
        else:
            raise LegalGroundMissing(
                "the covenant has no such purpose",
                do="choose one of: " + ", ".join(p.id for p in self.terms.purposes),
                purpose=purpose_id,
            )
        in_force = max(purpose.valid_from, self.terms.valid_from), min(purpose.valid_until, self.terms.valid_until)
        if not in_force[0] <= today <= in_force[1]:
            raise LegalGroundMissing(
                f"the legal basis of this purpose is in force from {in_force[0]} to {in_force[1]} only",
                do="matching for it has stopped; the partners must agree on a new covenant version",
                purpose=purpose_id,
            )
        return purpose


def round_window(opens_at: datetime, schedule: Schedule) -> tuple[datetime, datetime]:
    """When a round that opens then stops collecting, and until when its confirmations are awaited."""
    closes_at = opens_at + timedelta(minutes=schedule.collecting_minutes)
    return closes_at, closes_at + timedelta(hours=schedule.confirmation_hours)
