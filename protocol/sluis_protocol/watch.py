"""Why the extension module is never trusted alone: a self-test of all steps before first use, and a watch in service.

Both compare with libsodium. What a difference leads to is for the caller (`group.stop`: the end of the process).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from sluis_protocol.batches import ELEMENT_BYTES, ORDER, SCALAR_BYTES, Backend, Weighing
from sluis_protocol.errors import BadElement

ONE_IN = 4096


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


def self_test(backend: Backend, reference: Backend) -> str:
    """What differs from the reference, in all steps over a small batch; "" if nothing does."""
    count, domain = 67, b"self-test"
    wide = b"".join(hashlib.sha512(b"self-test %d" % at).digest() for at in range(count))
    inputs = [wide[: at * 5] for at in range(count)]
    how = Weighing(domain, hashlib.sha512(domain).digest())

    def accepts(group: Backend, element: bytes) -> bool:
        try:
            group.check_elements(element)
        except BadElement:
            return False
        return True

    def steps(group: Backend) -> dict[str, object]:
        scalars = group.reduce_scalars(wide)
        secret, rho = scalars[:SCALAR_BYTES], scalars[: 4 * SCALAR_BYTES]
        blinded = group.blind(inputs, domain, scalars)
        evaluated, m = group.evaluate(secret, how, blinded)
        few = 6 * ELEMENT_BYTES
        right, sums = group.verify([how, how], rho, blinded, [evaluated, evaluated[few:] + evaluated[:few]])
        return {
            "scalars": (scalars, group.invert_scalars(scalars), group.multiply_scalars(scalars, secret)),
            "hash and blind": (blinded, group.hash_to_group(inputs, domain), group.from_uniform_bytes(wide)),
            "add": group.add(blinded, evaluated),
            "composites": group.composites(how, blinded, evaluated),
            "evaluate": (evaluated, m),
            "evaluate few": group.evaluate(secret, how, blinded[:few]),
            "verify": right,
            "finalize": group.finalize(inputs, scalars, m, sums),
            "check": [accepts(group, bytes([number]) + bytes(ELEMENT_BYTES - 1)) for number in range(20)],
            "identity": group.multiply(bytes(SCALAR_BYTES) + scalars[:SCALAR_BYTES], blinded[:64]),
            "maximum": group.multiply((ORDER - 1).to_bytes(SCALAR_BYTES, "little"), blinded[:ELEMENT_BYTES]),
        }

    expected = steps(reference)
    try:
        made = steps(backend)
    except (BadElement, ValueError) as error:
        return f"a good value refused: {error}"
    return ", ".join(step for step, result in expected.items() if made[step] != result)
