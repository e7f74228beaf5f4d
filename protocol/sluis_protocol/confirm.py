"""Confirm: both nodes prove that they hold the same identifiers (protocol.md, 6).

The coordinator names a candidate; only who holds the openings of the claimed tags can make or check the codes. So
the coordinator can neither forge a match nor learn from a false claim. No I/O, no clock.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .encoding import domain
from .errors import BadSeal
from .join import check_claim
from .rules import Grade, RuleSet
from .submission import OwnFamily

REFERENCE_BYTES = 16
CANDIDATE_BYTES = 16
MAC_BYTES = 32
MATCH_ID_BYTES = 16
SEALED_REFERENCE_BYTES = REFERENCE_BYTES + 16
# One key seals one reference per side, so the side is all that a nonce has to tell apart.
_NONCES = (b"\x00" * 12, b"\x00" * 11 + b"\x01")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A claim that holds from one's own side: its grade, and the openings of the claimed tags."""

    grade: Grade
    openings: dict[bytes, bytes] = field(repr=False)


def examine(family: OwnFamily, claimed: Mapping[int, Sequence[bytes]], rules: RuleSet) -> Evidence | None:
    """Check a claim against one's own family: its evidence, or None where the rules don't make it a match.

    claimed: person handle → claimed tags. Raises Anomaly for a claim that no honest coordinator makes.
    """
    keys = {handle: {key.tag: key for key in person.keys} for handle, person in family.members.items()}
    kinds = {handle: {tag: key.kind for tag, key in own.items()} for handle, own in keys.items()}
    grade = check_claim(kinds, claimed, rules)
    if grade is None:
        return None
    return Evidence(grade, {tag: keys[handle][tag].opening for handle, tags in claimed.items() for tag in tags})


@dataclass(frozen=True, slots=True)
class ConfirmKey:
    """What both sides of a true candidate derive, and nobody else."""

    oins: tuple[str, str]
    secret: bytes = field(repr=False)

    def mac(self, oin: str) -> bytes:
        """HMAC-SHA256(confirm key, OIN of the sender): MAC_BYTES bytes."""
        return hmac.digest(self.secret, oin.encode(), "sha256")

    def check(self, oin: str, mac: bytes) -> bool:
        """Whether that sender holds the same openings; in constant time."""
        return hmac.compare_digest(self.mac(oin), mac)

    def _cipher(self) -> ChaCha20Poly1305:
        hkdf = HKDF(hashes.SHA256(), 32, salt=None, info=domain("family reference"))
        return ChaCha20Poly1305(hkdf.derive(self.secret))

    def seal_reference(self, oin: str, reference: bytes) -> bytes:
        """The sender's family reference (REFERENCE_BYTES), for the other side's eyes only."""
        return self._cipher().encrypt(_NONCES[self.oins.index(oin)], reference, oin.encode())

    def open_reference(self, oin: str, sealed: bytes) -> bytes:
        """The family reference that `oin` sealed; raise BadSeal if it was altered."""
        try:
            return self._cipher().decrypt(_NONCES[self.oins.index(oin)], sealed, oin.encode())
        except InvalidTag as error:
            raise BadSeal("a family reference can't be opened", party=oin) from error


def confirm_key(
    openings: Mapping[bytes, bytes], *, candidate_id: bytes, covenant_hash: bytes, round_id: str, oins: tuple[str, str]
) -> ConfirmKey:
    """HKDF-SHA256 over the openings of the claimed tags, in the order of the tags.

    openings: tag (16 bytes) → opening (32 bytes), at least one. The candidate id is the salt; the covenant, the
    round and both OINs, the lower first, are in the info.
    """
    if not openings:
        raise ValueError("a confirm key needs at least one opening")
    lower, higher = sorted(oins)
    secret = HKDF(
        hashes.SHA256(), 32, salt=candidate_id, info=domain("confirm", covenant_hash, round_id, lower, higher)
    ).derive(b"".join(openings[tag] for tag in sorted(openings)))
    return ConfirmKey((lower, higher), secret)


def match_id(purpose: str, own: bytes, theirs: bytes) -> str:
    """The id of a match, 32 hex digits, from both family references: the same on both sides and in every round.

    Nobody else can tell it, since the references cross sealed.
    """
    return hashlib.sha256(domain("match", purpose, *sorted((own, theirs)))).digest()[:MATCH_ID_BYTES].hex()
