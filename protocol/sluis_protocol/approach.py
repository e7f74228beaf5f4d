"""The joint approach: the contract of two municipalities (protocol.md, 7).

It says who leads, which partners sit at the table on which ground, and from when to when. It holds no data of the
family, and nothing that points to it: each side's own reference stays at home. Its canonical bytes are its JSON, as
with the covenant; both sign them with the keys that the covenant names. No I/O; the nonce is the caller's randomness.
Not here: whether it was revoked, which is the handshake's state.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field, ValidationError, model_validator

from . import partners
from .covenant import Covenant, Digest, Name, Oin, Signature, Slug, Strict, problems
from .encoding import domain
from .errors import ApproachError, BadSignature, WrongCovenant

NONCE_BYTES = 32
MOST_PARTNERS = 40
_LAST_YEAR = 9_000  # well within what a date can be, so that the day after it exists
_AGAIN = "use the file as it was written"

Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\P{C}+$")]


class Criteria(Strict):
    """What must hold before a case goes to a Zorg- en Veiligheidshuis, and why the ordinary chain can't act."""

    several_areas: bool  # problems in several areas of life
    crime_or_nuisance: bool  # crime or nuisance, or the threat of it
    several_chains: bool  # parties of several chains are needed
    why: Annotated[str, Field(min_length=20, max_length=1000, pattern=r"^\P{C}+$")]

    @property
    def hold(self) -> bool:
        """Whether all three do."""
        return self.several_areas and self.crime_or_nuisance and self.several_chains


class Partner(Strict):
    """A partner at the table: its role, its legal basis in this case, since when, and which organisation it is."""

    role: Slug
    basis: Line
    since: date
    organisation: Name | None = None


class _Canonical(Strict):
    """JSON of which there is one text only."""

    def serialise(self) -> str:
        """The JSON text that is hashed, signed, or written to a file."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read it; raise ApproachError naming each field that is wrong, or if the text is not canonical."""
        try:
            found = cls.model_validate_json(text)
        except ValidationError as error:
            raise ApproachError(f"the contract is not well formed: {problems(error)}", do=_AGAIN) from error
        if found.serialise() != text:
            raise ApproachError("the contract's text is not canonical: it was altered", do=_AGAIN)
        return found


class Approach(_Canonical):
    """The contract. `handshake` and `nonce` are hex; the nonce lets nobody guess what a digest is of."""

    format: Literal["sluis-approach/1"] = "sluis-approach/1"
    handshake: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    nonce: Digest
    covenant: Digest
    purpose: Slug
    parties: tuple[Oin, Oin]
    lead: Oin
    partners: Annotated[tuple[Partner, ...], Field(max_length=MOST_PARTNERS)] = ()
    start: date
    end: date
    criteria: Criteria | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.parties[0] >= self.parties[1]:
            raise ValueError("the parties are two, the lower OIN first")
        if self.lead not in self.parties:
            raise ValueError("one of the two parties leads")
        if self.end < self.start:
            raise ValueError("it ends before it starts")
        if self.end.year > _LAST_YEAR:
            raise ValueError(f"it ends after {_LAST_YEAR}")
        return self

    @property
    def digest(self) -> bytes:
        """SHA-256 of the contract's text: 32 bytes."""
        return hashlib.sha256(self.serialise().encode()).digest()

    @property
    def until(self) -> datetime:
        """The moment at which it has ended: the end date is its last day (UTC)."""
        return datetime.combine(self.end + timedelta(days=1), time(), UTC)


def check_approach(approach: Approach, covenant: Covenant) -> None:
    """Check a contract against its covenant.

    1. it names this covenant version (WrongCovenant);
    2. both parties are members (NotAMember);
    3. the purpose has a legal basis on the day it starts (LegalGroundMissing);
    4. it lasts no longer than the covenant allows;
    5. every partner has a known role, a legal basis that admits it (rule 13), and a start within the approach;
    6. the criteria are there, and hold, exactly where a partner needs them.

    Raises ApproachError where nothing else is said. Left to the caller: that it fits the handshake (`check_fits`).
    """
    if approach.covenant != covenant.hash.hex():
        raise WrongCovenant(
            "the contract was made under another covenant version",
            do="give the covenant that it names",
            theirs=approach.covenant[:12],
            ours=covenant.hash.hex()[:12],
        )
    for oin in approach.parties:
        covenant.member(oin)
    purpose = covenant.purpose(approach.purpose, approach.start)
    longest = covenant.terms.handshake.longest_days
    if approach.end - approach.start > timedelta(days=longest):
        raise ApproachError(f"the covenant lets an approach last {longest} days at most", do="choose an earlier end")
    asks = False
    for partner in approach.partners:
        role = partners.role(partner.role)
        role.require(partner.basis, purpose)
        asks = asks or role.needs_criteria
        if not approach.start <= partner.since <= approach.end:
            raise ApproachError("a partner takes part outside the dates of the approach", role=role.code)
    if asks and (approach.criteria is None or not approach.criteria.hold):
        raise ApproachError(
            "a Zorg- en Veiligheidshuis takes a case only when its criteria hold and the ordinary chain can't act",
            do="say that all three hold and why the ordinary chain can't act, or leave this partner out",
        )
    if approach.criteria is not None and not asks:
        raise ApproachError("there are criteria, but no partner that needs them", do="leave them out")


def check_fits(approach: Approach, handshake_id: bytes, purpose: str, oins: tuple[str, str]) -> None:
    """Raise ApproachError unless the contract is of this handshake: its id, purpose and two parties."""
    if (approach.handshake, approach.purpose, approach.parties) != (handshake_id.hex(), purpose, oins):
        raise ApproachError("the contract is of another handshake", do="make the draft again")


def sign_approach(approach: Approach, key: Ed25519PrivateKey) -> bytes:
    """A party's signature (64 bytes) over lp("sluis-v1 approach") and the contract's text."""
    return key.sign(_signed_bytes(approach))


def check_signature(approach: Approach, covenant: Covenant, oin: str, signature: bytes) -> None:
    """Raise BadSignature unless that party signed the contract with the key that the covenant names."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(covenant.member(oin).signing_key))
    try:
        key.verify(signature, _signed_bytes(approach))
    except InvalidSignature as error:
        raise BadSignature(
            "a signature under the contract does not verify",
            do="the contract was altered, or is not what this party signed",
            party=oin,
        ) from error


class SignedApproach(_Canonical):
    """The file of an approach: the contract and both signatures, in the order of its parties."""

    format: Literal["sluis-signed-approach/1"] = "sluis-signed-approach/1"
    approach: Approach
    signatures: tuple[Signature, Signature]

    @classmethod
    def of(cls, approach: Approach, signatures: tuple[bytes, bytes]) -> Self:
        """The contract with its signatures (64 bytes each), the lower OIN's first."""
        first, second = (base64.b64encode(one).decode() for one in signatures)
        return cls(approach=approach, signatures=(first, second))


@dataclass(frozen=True, slots=True)
class Verified:
    """A contract that both signed, and what was checked, a line a step."""

    approach: Approach
    steps: tuple[str, ...]


def verify_approach(text: str, covenant: Covenant) -> Verified:
    """Verify the file of an approach, offline.

    1. it is well formed and canonical: not a byte can be another (ApproachError);
    2. it names this covenant, which the caller verified, and keeps to it (`check_approach`);
    3. the first party's signature verifies under the key that the covenant names (BadSignature);
    4. so does the second party's.

    Left to the caller: the covenant's own signature, whether the approach is in force today, and whether it was closed
    or withdrawn since, which no file can say.
    """
    file = SignedApproach.parse(text)
    approach = file.approach
    steps = [f"the contract is well formed; its SHA-256 is {approach.digest.hex()}"]
    check_approach(approach, covenant)
    steps.append(f"it keeps to the covenant {covenant.terms.id} v{covenant.terms.version}")
    for oin, signature in zip(approach.parties, file.signatures, strict=True):
        check_signature(approach, covenant, oin, base64.b64decode(signature))
        steps.append(f"it is signed by {covenant.member(oin).name} ({oin})")
    return Verified(approach, tuple(steps))


def _signed_bytes(approach: Approach) -> bytes:
    return domain("approach") + approach.serialise().encode()
