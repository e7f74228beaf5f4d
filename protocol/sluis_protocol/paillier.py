"""Paillier's cryptosystem, as the totals need it: over the whole ring Z_N, and the proof that a modulus is a good one.

The arithmetic is `phe`'s, with gmpy2; this module is the only importer of both. Plaintexts here are integers modulo N,
without phe's encoding of signs and fractions: so masks that cancel modulo N cancel exactly. No I/O; randomness is an
argument. The private key's own work is not constant time: it is done offline, once a period.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import gmpy2
from phe import paillier as phe

from .encoding import domain
from .errors import BoardKeyError, MalformedMessage
from .group import Random

LEAST_BITS, MOST_BITS = 3072, 8192
# (Goldberg, Reyzin, Sagga, Baldimtsi 2019, 3.2): without factors below α, m roots are a proof with error α^-m.
_SMALL = 1 << 16
_ROOTS = 8
_DO = "the board makes a new key (sluis-board keys new) and the authority a new covenant"


@dataclass(frozen=True)
class BoardKey:
    """The board's public key: N. Make one with `check_key`, which refuses what is no good modulus."""

    modulus: int

    @property
    def size(self) -> int:
        """Bytes of N; a ciphertext has twice as many."""
        return (self.modulus.bit_length() + 7) // 8

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 over the modulus, 32 bytes."""
        return hashlib.sha256(domain("board key", self.modulus.to_bytes(self.size, "big"))).digest()

    @cached_property
    def _phe(self) -> phe.PaillierPublicKey:
        return phe.PaillierPublicKey(self.modulus)

    def unit(self, random: Random) -> int:
        """A uniform element of Z_N* (but for 2^-128)."""
        while True:
            found = int.from_bytes(random(self.size + 16), "big") % self.modulus
            if math.gcd(found, self.modulus) == 1:
                return found

    def encrypt(self, plaintext: int, random: Random) -> int:
        """A fresh encryption of an integer modulo N."""
        return int(self._phe.raw_encrypt(plaintext % self.modulus, r_value=self.unit(random)))

    def add(self, ciphertexts: Iterable[int], clear: int = 0) -> int:
        """An encryption of the sum of what these hold, and of `clear`. Not fresh."""
        square = self.modulus**2
        total = gmpy2.mpz(1 + self.modulus * (clear % self.modulus))
        for one in ciphertexts:
            total = total * one % square
        return int(total)

    def write(self, ciphertext: int) -> bytes:
        """A ciphertext on the wire: 2 · size bytes, big-endian."""
        return ciphertext.to_bytes(2 * self.size, "big")

    def read(self, raw: bytes) -> int:
        """A ciphertext from the wire; MalformedMessage unless it is an element of Z*_{N²} other than 1."""
        if len(raw) != 2 * self.size:
            raise MalformedMessage(f"a ciphertext has {len(raw)} bytes instead of {2 * self.size}", field="ciphertext")
        found = int.from_bytes(raw, "big")
        if not 1 < found < self.modulus**2 or math.gcd(found, self.modulus) != 1:
            raise MalformedMessage("this is not a ciphertext under the board's key", field="ciphertext")
        return found


@dataclass(frozen=True)
class BoardSecret:
    """The board's private key: the two primes. It is used offline only."""

    p: int = field(repr=False)
    q: int = field(repr=False)

    @property
    def public(self) -> BoardKey:
        """The key that goes into the covenant."""
        return BoardKey(self.p * self.q)

    @cached_property
    def _phe(self) -> phe.PaillierPrivateKey:
        return phe.PaillierPrivateKey(phe.PaillierPublicKey(self.p * self.q), self.p, self.q)

    def decrypt(self, ciphertext: int) -> int:
        """The integer modulo N that it holds."""
        return int(self._phe.raw_decrypt(ciphertext))

    def prove(self) -> bytes:
        """That gcd(N, φ(N)) = 1: N-th roots of numbers that nobody chose, `_ROOTS` times the modulus' size."""
        key = self.public
        root = pow(key.modulus, -1, (self.p - 1) * (self.q - 1))
        return b"".join(int(gmpy2.powmod(one, root, key.modulus)).to_bytes(key.size, "big") for one in _challenges(key))


def generate(bits: int = LEAST_BITS) -> BoardSecret:
    """A new private key, from the operating system's randomness (phe)."""
    _, secret = phe.generate_paillier_keypair(n_length=bits)
    return BoardSecret(int(secret.p), int(secret.q))


@lru_cache(maxsize=4)
def check_key(modulus: bytes, proof: bytes, least_bits: int = LEAST_BITS) -> BoardKey:
    """The key with this modulus (big-endian, without leading zeros); BoardKeyError if it is no good one.

    1. N has at least `least_bits`, and at most 8192; 2. it has no factor below 2^16; 3. it is no prime, or everybody
    could decrypt; 4. the proof holds: gcd(N, φ(N)) = 1, so N has no square factor and every ciphertext one plaintext.
    Not checked, since only the board could be harmed by it: that N has exactly two factors, of like size.
    """
    key = BoardKey(int.from_bytes(modulus, "big"))
    if len(modulus) != key.size or not least_bits <= key.modulus.bit_length() <= MOST_BITS:
        raise BoardKeyError(f"the board's modulus has {key.modulus.bit_length()} bits", do=_DO)
    if math.gcd(key.modulus, _primorial()) != 1:
        raise BoardKeyError("the board's modulus has a small factor", do=_DO)
    if gmpy2.is_prime(key.modulus):
        raise BoardKeyError("the board's modulus is a prime: everybody could decrypt", do=_DO)
    if len(proof) != _ROOTS * key.size:
        raise BoardKeyError("the proof of the board's key has another length", do=_DO)
    for at, challenge in enumerate(_challenges(key)):
        root = int.from_bytes(proof[at * key.size : (at + 1) * key.size], "big")
        if not 0 < root < key.modulus or gmpy2.powmod(root, key.modulus, key.modulus) != challenge:
            raise BoardKeyError("the proof of the board's key doesn't hold", do=_DO)
    return key


def proof_bytes(size: int) -> int:
    """How long the proof for a modulus of so many bytes is."""
    return _ROOTS * size


def _challenges(key: BoardKey) -> list[int]:
    modulus = key.modulus.to_bytes(key.size, "big")
    found = []
    for at in range(_ROOTS):
        stream = hashlib.shake_256(domain("board key proof", modulus, str(at))).digest(key.size + 16)
        found.append(int.from_bytes(stream, "big") % key.modulus)
    return found


@lru_cache(maxsize=1)
def _primorial() -> int:
    return int(gmpy2.primorial(_SMALL))
