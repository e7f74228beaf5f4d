"""What a group backend offers: batches of elements and scalars, and the protocol's steps on them.

`Backend` has the group's operations, which every backend brings, and the steps of RFC 9497, which are written here in
terms of the operations: that is what the steps *are*. A backend may do a whole step at once; the result must be the
same to the byte (but for `Points`, which only the same backend reads). Which backend runs is decided in `group`, the
only module that others need.

Shapes and errors are those of the functions of the same names in `group`. Work that is worth it is spread over the
cores, with the interpreter lock let go.
"""

from __future__ import annotations

import hashlib
import os
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import NewType, TypeVar

from sluis_protocol.encoding import lp
from sluis_protocol.errors import BadElement

ELEMENT_BYTES = 32
SCALAR_BYTES = 32
WIDE_BYTES = 64
"""Uniform bytes that become one uniform scalar or element."""

ORDER = 2**252 + 27742317777372353535851937790883648493
IDENTITY = bytes(ELEMENT_BYTES)
GENERATOR = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")

Points = NewType("Points", bytes)
"""Points as a backend has them inside: not for the wire, another backend or a file."""

Weights = Callable[[int], Sequence[int]]
T = TypeVar("T")

_ELEMENT_LENGTH = ELEMENT_BYTES.to_bytes(2, "big")
_COMPOSITE = struct.Struct(">H H32s H32s 9s")  # i, C_i and D_i with their lengths, "Composite"


@dataclass(frozen=True, slots=True)
class Weighing:
    """How the weights d_i of a proof are hashed (RFC 9497, 2.2.1): the domain of HashToScalar, and the seed."""

    domain: bytes
    seed: bytes


class Backend(ABC):
    """A way to compute in the group. Scalars are secret except where a method says public."""

    name: str

    @abstractmethod
    def check_elements(self, elements: bytes) -> None:
        """Raises BadElement at the first that is not canonical."""

    @abstractmethod
    def from_uniform_bytes(self, wide: bytes) -> bytes:
        """The one-way map: an element for each 64 bytes."""

    @abstractmethod
    def hash_to_group(self, inputs: Sequence[bytes], dst: bytes) -> bytes:
        """An element for each input."""

    @abstractmethod
    def multiply(self, scalars: bytes, elements: bytes) -> bytes:
        """Each element by its own scalar, or all by the one. Raises BadElement."""

    @abstractmethod
    def add(self, left: bytes, right: bytes) -> bytes:
        """Element by element. Raises BadElement."""

    @abstractmethod
    def weighted_sum(self, weights: Weights, columns: Sequence[bytes]) -> bytes:
        """Σ weights(i)[j]·columns[j][i], public."""

    @abstractmethod
    def reduce_scalars(self, wide: bytes) -> bytes:
        """A scalar for each 64 bytes."""

    @abstractmethod
    def multiply_scalars(self, left: bytes, right: bytes) -> bytes:
        """Scalar by scalar, or all by the one on the right."""

    @abstractmethod
    def add_scalars(self, left: bytes, right: bytes) -> bytes:
        """Scalar by scalar, or the one on the right to all."""

    @abstractmethod
    def subtract_scalars(self, left: bytes, right: bytes) -> bytes:
        """Scalar by scalar, or the one on the right from all."""

    @abstractmethod
    def invert_scalars(self, scalars: bytes) -> bytes:
        """All inverses. Raises ValueError if one is zero."""

    def base_multiply(self, scalars: bytes) -> bytes:
        """The generator by each scalar."""
        return self.multiply(scalars, GENERATOR * count_of(scalars, SCALAR_BYTES))

    # The protocol's steps.

    def blind(self, inputs: Sequence[bytes], dst: bytes, blinds: bytes) -> bytes:
        """The elements of the inputs, each plus the generator by its blind."""
        return self.add(self.hash_to_group(inputs, dst), self.base_multiply(blinds))

    def evaluate(self, secret: bytes, how: Weighing, elements: bytes) -> tuple[bytes, bytes]:
        """D_i = secret·C_i, and the composite M = Σ d_i·C_i of the proof about them."""
        evaluated = self.multiply(secret, elements)
        weight = weigher(how, elements, evaluated)
        return evaluated, self.weighted_sum(lambda index: (weight(index),), (elements,))

    def composites(self, how: Weighing, blinded: bytes, evaluated: bytes) -> bytes:
        """M ‖ Z, with Z = Σ d_i·D_i, for who doesn't have the secret."""
        weight = weigher(how, blinded, evaluated)

        def weights(index: int) -> tuple[int]:
            return (weight(index),)

        return self.weighted_sum(weights, (blinded,)) + self.weighted_sum(weights, (evaluated,))

    def verify(
        self, hows: Sequence[Weighing], rho: bytes, blinded: bytes, answers: Sequence[bytes]
    ) -> tuple[bytes, Points]:
        """Σ_i (Σ_h ρ_h·d_hi)·C_i + Σ_h Σ_i (ρ'_h·d_hi)·D_hi, and the sums Σ_h D_hi, for `finalize`.

        `rho` has ρ_h and ρ'_h of each holder, public. The sums are worth nothing before the equation is found to hold.
        """
        factors = [int.from_bytes(rho[at : at + SCALAR_BYTES], "little") for at in range(0, len(rho), SCALAR_BYTES)]
        hashes = [weigher(how, blinded, answer) for how, answer in zip(hows, answers, strict=True)]
        holders = list(zip(hashes, factors[::2], factors[1::2], strict=True))

        def weights(index: int) -> list[int]:
            shared, own = 0, [0]
            for weight, for_m, for_z in holders:
                d = weight(index)
                shared += for_m * d
                own.append(for_z * d % ORDER)
            own[0] = shared % ORDER
            return own

        right = self.weighted_sum(weights, (blinded, *answers))
        total, *rest = answers
        for elements in rest:
            total = self.add(total, elements)
        return right, Points(total)

    def finalize(self, inputs: Sequence[bytes], blinds: bytes, public: bytes, sums: Points) -> list[bytes]:
        """The outputs (RFC 9497, 3.3.1) of what `verify` gave, each less the public key by its blind."""
        minus = self.subtract_scalars(bytes(len(blinds)), blinds)
        return outputs(inputs, self.add(sums, self.multiply(minus, public * len(inputs))))


# Hashes of the protocol.


def expander(dst: bytes, start: bytes = b"") -> Callable[[bytes], bytes]:
    """expand_message_xmd (RFC 9380, 5.3.1) with SHA-512, to 64 uniform bytes, of messages that all begin with `start`.

    What the messages share is hashed once.
    """
    if len(dst) > 255:
        raise ValueError(f"a domain separation tag of {len(dst)} bytes")
    dst_prime = dst + len(dst).to_bytes(1, "big")
    begun = hashlib.sha512(bytes(128) + start)
    middle, last = WIDE_BYTES.to_bytes(2, "big") + b"\x00" + dst_prime, b"\x01" + dst_prime

    def expand(message: bytes) -> bytes:
        first = begun.copy()
        first.update(message + middle)
        return hashlib.sha512(first.digest() + last).digest()

    return expand


def weigher(how: Weighing, blinded: bytes, evaluated: bytes) -> Callable[[int], int]:
    """The d_i of ComputeComposites (RFC 9497, 2.2.1), as a function of the index i."""
    expand, pack = expander(how.domain, lp(how.seed)), _COMPOSITE.pack

    def weight(index: int) -> int:
        at = index * ELEMENT_BYTES
        stop = at + ELEMENT_BYTES
        transcript = pack(index, ELEMENT_BYTES, blinded[at:stop], ELEMENT_BYTES, evaluated[at:stop], b"Composite")
        return int.from_bytes(expand(transcript), "little") % ORDER

    return weight


def outputs(inputs: Sequence[bytes], elements: bytes) -> list[bytes]:
    """The last step of Finalize and of Evaluate (RFC 9497, 3.3.1): 64 bytes an input."""
    end = b"Finalize"
    return [
        hashlib.sha512(
            lp(data) + _ELEMENT_LENGTH + elements[at * ELEMENT_BYTES : (at + 1) * ELEMENT_BYTES] + end
        ).digest()
        for at, data in enumerate(inputs)
    ]


# Checks that cost nothing.


def count_of(packed: bytes, size: int) -> int:
    """How many of `size` bytes each these are. Raises BadElement."""
    if len(packed) % size:
        raise BadElement(f"{len(packed)} bytes are not a whole number of {size} bytes each")
    return len(packed) // size


def check_bit_255(elements: bytes) -> int:
    """The count. libsodium 1.0.18 ignores the highest bit, which RFC 9496 (4.3.1) refuses."""
    count = count_of(elements, ELEMENT_BYTES)
    highest = elements[ELEMENT_BYTES - 1 :: ELEMENT_BYTES]
    if not highest.isascii():
        raise bad_element(next(index for index, byte in enumerate(highest) if byte > 0x7F))
    return count


def bad_element(index: int) -> BadElement:
    """The refusal of what is no element."""
    return BadElement("not the canonical encoding of a group element", index=index)


# Spreading a batch over the cores.

_CORES: ContextVar[int | None] = ContextVar("cores", default=None)


@contextmanager
def cores(count: int) -> Iterator[None]:
    """Inside this block, batches use at most `count` threads. Without it: as many as the process has cores."""
    if count < 1:
        raise ValueError(f"{count} cores")
    before = _CORES.set(count)
    try:
        yield
    finally:
        _CORES.reset(before)


def available_cores() -> int:
    """How many threads a batch may use here and now."""
    if (limit := _CORES.get()) is not None:
        return limit
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _helpers(count: int) -> ThreadPoolExecutor:
    """Threads that stay: to start some for each batch costs as much as a hundred elements."""
    return ThreadPoolExecutor(count, thread_name_prefix="group")


def on_threads(threads: int, ranges: Sequence[tuple[int, int]], step: Callable[[int, int], T]) -> list[T]:
    """Calls `step(start, stop)` for each range, on so many threads; the results, in the order of the ranges.

    The calling thread works, too, and takes what no other has begun: so it never waits for threads that are busy with
    another batch. If steps fail, the error is that of the first.
    """
    if threads <= 1 or len(ranges) <= 1:
        return [step(start, stop) for start, stop in ranges]
    first, *others = ranges
    pool = _helpers(threads - 1)
    given = [pool.submit(step, *piece) for piece in others]
    own, at = {}, 0
    try:
        own[0] = step(*first)
        for at, (piece, future) in enumerate(zip(others, given, strict=True), start=1):
            if future.cancel():
                own[at] = step(*piece)
    except BaseException:
        _end(given)
        for future in given[: max(at - 1, 0)]:
            if not future.cancelled():
                future.result()
        raise
    _end(given)
    return [own[at] if at in own else given[at - 1].result() for at in range(len(ranges))]


def _end(given: Sequence[Future[T]]) -> None:
    """No step may outlive the call it belongs to: steps read and write by address, in buffers of the caller."""
    wait([future for future in given if not future.cancel()])
