"""The group over the extension module `_native` (`native/` in the sources): whole steps, many elements at a time.

Where libsodium's backend calls a function for each element, this one hands a batch to C, which spreads it over the
lanes of the CPU's vectors, and threads share it. The results are the same to the byte. What the module must never be
trusted with alone: one result in 4,096 is computed again by libsodium, and before first use all steps are (`watch`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TypeVar

from sluis_protocol.batches import (
    ELEMENT_BYTES,
    SCALAR_BYTES,
    WIDE_BYTES,
    Backend,
    Points,
    Weighing,
    Weights,
    available_cores,
    bad_element,
    count_of,
    on_threads,
)
from sluis_protocol.errors import BadElement
from sluis_protocol.watch import Watch

_LEAST = 128  # elements worth a thread
_STEP = 64  # pieces begin at multiples of this: full vectors
T = TypeVar("T")


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

        count = count_of(elements, ELEMENT_BYTES)
        self._elements(count, step)

        def again(other: Backend, at: int) -> bytes:
            try:
                other.check_elements(_one(elements, at))
            except BadElement:
                return b""
            return _one(elements, at)

        self._watch.look("check", elements, count, again)

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
        """The generator's multiples are sums out of a table, and elements of inputs aren't encoded before."""
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
        count, made = count_of(wide, WIDE_BYTES), bytes(self._native.reduce_scalars(wide))
        self._watch.look("reduce", made, count, lambda other, at: other.reduce_scalars(_one(wide, at, WIDE_BYTES)))
        return made

    def _scalars(self, step: str, left: bytes, right: bytes) -> bytes:
        count, each = count_of(left, SCALAR_BYTES), len(right) == len(left)
        if len(right) not in (SCALAR_BYTES, len(left)):
            raise ValueError(f"{len(right)} bytes for a batch of {count}")
        made: bytes = getattr(self._native, step)(left, right)
        self._watch.look(
            step,
            made,
            count,
            lambda other, at: getattr(other, step)(_one(left, at), _one(right, at) if each else right),
        )
        return made

    def multiply_scalars(self, left: bytes, right: bytes) -> bytes:
        """Constant time."""
        return self._scalars("multiply_scalars", left, right)

    def add_scalars(self, left: bytes, right: bytes) -> bytes:
        """Constant time."""
        return self._scalars("add_scalars", left, right)

    def subtract_scalars(self, left: bytes, right: bytes) -> bytes:
        """Constant time."""
        return self._scalars("subtract_scalars", left, right)

    def invert_scalars(self, scalars: bytes) -> bytes:
        """All with one inversion. Constant time."""
        count, made = count_of(scalars, SCALAR_BYTES), bytes(self._native.invert_scalars(scalars))
        self._watch.look("invert", made, count, lambda other, at: other.invert_scalars(_one(scalars, at)))
        return made

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
    ) -> tuple[bytes, Points]:
        """Each element is decoded once for both sums, and these stay points: `finalize` goes on with them."""
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
        sums, right = Points(b"".join(made for made, _ in parts)), self._sum([right for _, right in parts])
        self._watch.look_at_sum("verify", right, lambda other: other.verify(hows, rho, blinded, answers)[0])

        for at in self._watch.draw(right, len(blinded) // ELEMENT_BYTES):
            total, *rest = (_one(answer, at) for answer in answers)
            for element in rest:
                total = self._watch.reference.add(total, element)
            self._watch.compare("sum of answers", at, self._native.encode(self.name, sums, at), total)
        return right, sums

    def finalize(self, inputs: Sequence[bytes], blinds: bytes, public: bytes, sums: Points) -> list[bytes]:
        """The key's multiples are sums out of a table; and hashes."""
        given = tuple(inputs)

        def step(start: int, stop: int) -> list[bytes]:
            return list(self._native.finalize(self.name, given, start, stop, blinds, public, sums))

        made = [output for part in self._spread(len(given), step) for output in part]
        for at in self._watch.draw(b"".join(made), len(made)):
            evaluated = Points(self._native.encode(self.name, sums, at))  # the reference's own form
            (expected,) = self._watch.reference.finalize([given[at]], _one(blinds, at), public, evaluated)
            self._watch.compare("finalize", at, made[at], expected)
        return made
