"""The group over the extension module `_native` (`native/` in the sources): whole steps, many elements at a time.

Where libsodium's backend calls a function for each element, this one hands a batch to C, which spreads it over the
lanes of the CPU's vectors, and threads share it. The results are the same to the byte. What the module must never be
trusted with alone: one result in 4,096 is computed again by libsodium (`Watch`), and before first use all steps are
(`self_test`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import NoReturn, TypeVar

from sluis_protocol.batches import (
    ELEMENT_BYTES,
    ORDER,
    SCALAR_BYTES,
    WIDE_BYTES,
    Backend,
    Weighing,
    Weights,
    available_cores,
    bad_element,
    count_of,
    on_threads,
)

ONE_IN = 4096
_LEAST = 128  # elements worth a thread
_STEP = 64  # pieces begin at multiples of this: full vectors
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Difference:
    """The evidence that a backend computes wrongly. Nothing in it is secret: digests, and no scalar."""

    backend: str
    step: str
    index: int
    made: str
    expected: str

    def __str__(self) -> str:
        return (
            f"the group backend {self.backend} and libsodium differ: {self.step}, element {self.index}, "
            f"sha256 {self.made} instead of {self.expected}"
        )


class Watch:
    """Has a random one in so many results computed again by the reference.

    Which ones is drawn from the results themselves, so nobody has to hand in randomness, and every result has the
    same chance.
    """

    def __init__(self, name: str, reference: Backend, on_difference: Callable[[Difference], NoReturn]) -> None:
        self._name, self.reference, self._on_difference = name, reference, on_difference
        self.one_in = ONE_IN

    def draw(self, made: bytes, count: int) -> range:
        """The indices to look at."""
        start = int.from_bytes(hashlib.sha256(made).digest()[:8], "big") % self.one_in
        return range(start, count, self.one_in)

    def look(
        self, step: str, made: bytes, count: int, again: Callable[[Backend, int], bytes], size: int = ELEMENT_BYTES
    ) -> None:
        """`again` computes the one result of that index."""
        for index in self.draw(made, count):
            self.compare(step, index, made[index * size : (index + 1) * size], again(self.reference, index))

    def compare(self, step: str, index: int, made: bytes, expected: bytes) -> None:
        """Hands over the evidence if they differ."""
        if made != expected:
            digests = (hashlib.sha256(value).hexdigest() for value in (made, expected))
            self._on_difference(Difference(self._name, step, index, *digests))

    def look_at_sum(self, step: str, made: bytes, again: Callable[[Backend], bytes]) -> None:
        """For one result out of a whole batch, which takes the reference as long as the batch takes it."""
        if self.draw(made, 1):
            self.compare(step, 0, made, again(self.reference))


def _one(packed: bytes, index: int, size: int = ELEMENT_BYTES) -> bytes:
    return packed[index * size : (index + 1) * size]


class Native(Backend):
    """The steps of the extension module, with one of its backends: "ifma", "avx2" or "portable"."""

    def __init__(self, module: ModuleType, name: str, watch: Watch) -> None:
        self.name = name
        self._native, self._watch = module, watch

    def _spread(self, count: int, step: Callable[[int, int], T]) -> list[T]:
        """`step(start, stop)` for one piece a thread: large pieces, since each has costs of its own."""
        if not count:
            return [step(0, 0)]
        threads = max(1, min(available_cores(), count // _LEAST))
        size = -(-count // (threads * _STEP)) * _STEP
        return on_threads(threads, [(at, min(at + size, count)) for at in range(0, count, size)], step)

    def _elements(self, count: int, step: Callable[[int, int], tuple[bytes, int]]) -> bytes:
        """The results of all pieces. Raises BadElement."""

        def checked(start: int, stop: int) -> bytes:
            made, bad = step(start, stop)
            if bad >= 0:
                raise bad_element(start + bad)
            return made

        return b"".join(self._spread(count, checked))

    def check_elements(self, elements: bytes) -> None:
        """Decodes all."""

        def step(start: int, stop: int) -> tuple[bytes, int]:
            return b"", self._native.check(self.name, elements[start * ELEMENT_BYTES : stop * ELEMENT_BYTES])

        self._elements(count_of(elements, ELEMENT_BYTES), step)

    def from_uniform_bytes(self, wide: bytes) -> bytes:
        """Constant time."""
        count = count_of(wide, WIDE_BYTES)
        made: bytes = self._native.from_uniform(self.name, wide)
        self._watch.look("map", made, count, lambda other, at: other.from_uniform_bytes(_one(wide, at, WIDE_BYTES)))
        return made

    def hash_to_group(self, inputs: Sequence[bytes], dst: bytes) -> bytes:
        """Hashes in lanes, too."""
        made = self._hash(tuple(inputs), dst, b"")
        self._watch.look("hash", made, len(inputs), lambda other, at: other.hash_to_group([inputs[at]], dst))
        return made

    def blind(self, inputs: Sequence[bytes], dst: bytes, blinds: bytes) -> bytes:
        """Elements of inputs are multiplied without being encoded before."""
        made = self._hash(tuple(inputs), dst, blinds)
        self._watch.look("blind", made, len(inputs), lambda other, at: other.blind([inputs[at]], dst, _one(blinds, at)))
        return made

    def _hash(self, inputs: tuple[bytes, ...], dst: bytes, blinds: bytes) -> bytes:
        return b"".join(
            self._spread(
                len(inputs),
                lambda start, stop: self._native.hash_to_group(self.name, dst, inputs, start, stop, blinds),
            )
        )

    def multiply(self, scalars: bytes, elements: bytes) -> bytes:
        """Constant time."""
        count = count_of(elements, ELEMENT_BYTES)
        if len(scalars) not in (SCALAR_BYTES, len(elements)):
            raise ValueError(f"{len(scalars)} bytes for a batch of {count}")
        each = len(scalars) == len(elements)

        def step(start: int, stop: int) -> tuple[bytes, int]:
            piece = slice(start * ELEMENT_BYTES, stop * ELEMENT_BYTES)
            made: tuple[bytes, int] = self._native.multiply(
                self.name, scalars[piece] if each else scalars, elements[piece]
            )
            return made

        made = self._elements(count, step)
        self._watch.look(
            "multiply",
            made,
            count,
            lambda other, at: other.multiply(_one(scalars, at) if each else scalars, _one(elements, at)),
        )
        return made

    def add(self, left: bytes, right: bytes) -> bytes:
        """Element by element."""
        count = count_of(left, ELEMENT_BYTES)

        def step(start: int, stop: int) -> tuple[bytes, int]:
            piece = slice(start * ELEMENT_BYTES, stop * ELEMENT_BYTES)
            made: tuple[bytes, int] = self._native.add(self.name, left[piece], right[piece])
            return made

        made = self._elements(count, step)
        self._watch.look("add", made, count, lambda other, at: other.add(_one(left, at), _one(right, at)))
        return made

    def weighted_sum(self, weights: Weights, columns: Sequence[bytes]) -> bytes:
        """All weights first, then one sum: variable time, for public values."""
        count, width = count_of(columns[0], ELEMENT_BYTES), len(columns)
        rows = [weights(index) for index in range(count)]
        if any(len(row) != width for row in rows):
            raise ValueError(f"not a weight for each of {width} columns")
        scalars = b"".join(row[at].to_bytes(SCALAR_BYTES, "little") for at in range(width) for row in rows)
        made, bad = self._native.public_sum(self.name, scalars, b"".join(columns))
        if bad >= 0:
            raise bad_element(bad % count)
        self._watch.look_at_sum("sum", made, lambda other: other.weighted_sum(lambda at: rows[at], columns))
        return bytes(made)

    def _sum(self, parts: Sequence[bytes]) -> bytes:
        total, *rest = parts
        for part in rest:
            total = self.add(total, part)
        return total

    # Scalars.

    def reduce_scalars(self, wide: bytes) -> bytes:
        """Constant time."""
        count_of(wide, WIDE_BYTES)
        return bytes(self._native.reduce_scalars(wide))

    def _scalars(self, call: Callable[[bytes, bytes], bytes], left: bytes, right: bytes) -> bytes:
        count = count_of(left, SCALAR_BYTES)
        if len(right) not in (SCALAR_BYTES, len(left)):
            raise ValueError(f"{len(right)} bytes for a batch of {count}")
        return call(left, right)

    def multiply_scalars(self, left: bytes, right: bytes) -> bytes:
        """Constant time."""
        return self._scalars(self._native.multiply_scalars, left, right)

    def add_scalars(self, left: bytes, right: bytes) -> bytes:
        """Constant time."""
        return self._scalars(self._native.add_scalars, left, right)

    def subtract_scalars(self, left: bytes, right: bytes) -> bytes:
        """Constant time."""
        return self._scalars(self._native.subtract_scalars, left, right)

    def invert_scalars(self, scalars: bytes) -> bytes:
        """All with one inversion. Constant time."""
        count_of(scalars, SCALAR_BYTES)
        return bytes(self._native.invert_scalars(scalars))

    # The protocol's steps.

    def evaluate(self, secret: bytes, how: Weighing, elements: bytes) -> tuple[bytes, bytes]:
        """Each element is decoded once for the product and the sum."""

        def step(start: int, stop: int) -> tuple[bytes, bytes]:
            made, m, bad = self._native.evaluate(
                self.name,
                secret,
                how.domain,
                how.seed,
                start,
                elements[start * ELEMENT_BYTES : stop * ELEMENT_BYTES],
            )
            if bad >= 0:
                raise bad_element(start + bad)
            return made, m

        count = count_of(elements, ELEMENT_BYTES)
        parts = self._spread(count, step)
        evaluated, m = b"".join(made for made, _ in parts), self._sum([m for _, m in parts])
        self._watch.look("evaluate", evaluated, count, lambda other, at: other.multiply(secret, _one(elements, at)))
        self._watch.look_at_sum("M", m, lambda other: other.evaluate(secret, how, elements)[1])
        return evaluated, m

    def composites(self, how: Weighing, blinded: bytes, evaluated: bytes) -> bytes:
        """The weights are hashed once for both sums."""
        weights = self._native.weigh(self.name, how.domain, how.seed, 0, blinded, evaluated)
        result = b""
        for column in (blinded, evaluated):
            made, bad = self._native.public_sum(self.name, weights, column)
            if bad >= 0:
                raise bad_element(bad)
            result += made
        self._watch.look_at_sum("composites", result, lambda other: other.composites(how, blinded, evaluated))
        return result

    def verify(
        self, hows: Sequence[Weighing], rho: bytes, blinded: bytes, answers: Sequence[bytes]
    ) -> tuple[bytes, bytes]:
        """Each element is decoded once for both sums."""
        (domain,) = {how.domain for how in hows}
        seeds = tuple(how.seed for how in hows)

        def step(start: int, stop: int) -> tuple[bytes, bytes]:
            piece = slice(start * ELEMENT_BYTES, stop * ELEMENT_BYTES)
            made, right, bad = self._native.verify(
                self.name, domain, seeds, start, rho, blinded[piece], tuple(answer[piece] for answer in answers)
            )
            if bad >= 0:
                raise bad_element(start + bad)
            return made, right

        parts = self._spread(count_of(blinded, ELEMENT_BYTES), step)
        sums, right = b"".join(made for made, _ in parts), self._sum([right for _, right in parts])
        self._watch.look_at_sum("verify", right, lambda other: other.verify(hows, rho, blinded, answers)[0])

        def add_up(other: Backend, at: int) -> bytes:
            total, *rest = (_one(answer, at) for answer in answers)
            for element in rest:
                total = other.add(total, element)
            return total

        self._watch.look("sum of answers", sums, len(sums) // ELEMENT_BYTES, add_up)
        return right, sums

    def finalize(self, inputs: Sequence[bytes], blinds: bytes, evaluated: bytes) -> list[bytes]:
        """Inverts, multiplies and hashes."""
        given = tuple(inputs)

        def step(start: int, stop: int) -> list[bytes]:
            made, bad = self._native.finalize(self.name, given, start, stop, blinds, evaluated)
            if bad >= 0:
                raise bad_element(start + bad)
            return list(made)

        made = [output for part in self._spread(len(given), step) for output in part]
        for at in self._watch.draw(b"".join(made), len(made)):
            (expected,) = self._watch.reference.finalize([given[at]], _one(blinds, at), _one(evaluated, at))
            self._watch.compare("finalize", at, made[at], expected)
        return made


def self_test(backend: Backend, reference: Backend) -> str:
    """What differs from the reference, in all steps over a small batch; "" if nothing does."""
    count, domain = 67, b"self-test"
    wide = b"".join(hashlib.sha512(b"self-test %d" % at).digest() for at in range(count))
    inputs = [wide[: at * 5] for at in range(count)]
    how = Weighing(domain, hashlib.sha512(domain).digest())

    def steps(group: Backend) -> dict[str, object]:
        scalars = group.reduce_scalars(wide)
        secret, rho = scalars[:SCALAR_BYTES], scalars[: 4 * SCALAR_BYTES]
        blinded = group.blind(inputs, domain, scalars)
        evaluated, m = group.evaluate(secret, how, blinded)
        few = 6 * ELEMENT_BYTES
        return {
            "scalars": (scalars, group.invert_scalars(scalars), group.multiply_scalars(scalars, secret)),
            "hash and blind": blinded,
            "evaluate": (evaluated, m),
            "evaluate few": group.evaluate(secret, how, blinded[:few]),
            "verify": group.verify([how, how], rho, blinded[:few] * 4, [evaluated[:few] * 4, evaluated[-few:] * 4]),
            "finalize": group.finalize(inputs, scalars, evaluated),
            "identity": group.multiply(bytes(SCALAR_BYTES) + scalars[:SCALAR_BYTES], blinded[:64]),
            "maximum": group.multiply((ORDER - 1).to_bytes(SCALAR_BYTES, "little"), blinded[:ELEMENT_BYTES]),
        }

    made, expected = steps(backend), steps(reference)
    return ", ".join(step for step, result in expected.items() if made[step] != result)
