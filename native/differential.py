"""Every native backend beside libsodium, on random and adversarial batches: `python native/differential.py`.

Scalars: random, zero, one, the order and its neighbours, all bits set, sparse and dense ones. Elements: random, the
identity, small multiples of the generator, and encodings that are none (not canonical, bit 255, negative, no point),
one in a batch at a random place. Batches of all sizes around the lanes, and some large enough for the buckets. What
differs is printed, with the seed that makes it again; exit status 1.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from sluis_protocol import group
from sluis_protocol.batches import ELEMENT_BYTES, ORDER, SCALAR_BYTES, Backend, Weighing
from sluis_protocol.errors import BadElement
from sluis_protocol.native import Native
from sluis_protocol.watch import Watch

PRIME = 2**255 - 19
NO_KEY = b"\x01" + bytes(31)  # negative
_TOGETHER = 32  # batches that are shared out at a time
SIZES = (*range(1, 20), 31, 32, 33, 47, 48, 49, 63, 64, 65, 127, 128, 129, 255, 256, 257, 300)


def odd_scalar(dice: random.Random) -> int:
    """A scalar of 32 bytes, most often one that could go wrong."""
    edges = (0, 1, 2, 8, ORDER - 1, ORDER, ORDER + 1, 2 * ORDER, 2**252, 2**253 - 1, 2**255 - 1, 2**256 - 1)
    kind = dice.randrange(6)
    if kind == 0:
        return dice.choice(edges)
    if kind == 1:  # digits at the ends of their range
        return int.from_bytes(bytes(dice.choice((0, 0x77, 0x78, 0x7F, 0x80, 0x88, 0xFF)) for _ in range(32)), "little")
    if kind == 2:
        return 1 << dice.randrange(256)
    return dice.randrange(ORDER)


def bad_encoding(dice: random.Random, good: bytes, reference: Backend) -> bytes:
    """32 bytes that are no element."""
    kind = dice.randrange(5)
    if kind == 0:
        return good[:31] + bytes([good[31] | 0x80])
    if kind == 1:
        return dice.randrange(PRIME, 2**255).to_bytes(32, "little")
    if kind == 2:  # negative
        return ((PRIME - int.from_bytes(good, "little")) % PRIME or 1).to_bytes(32, "little")
    if kind == 3:
        return (PRIME - 1).to_bytes(32, "little")
    while True:  # canonical and even, but no square, or a negative t: three of four
        some = (dice.randrange(PRIME) & ~1).to_bytes(32, "little")
        try:
            reference.check_elements(some)
        except BadElement:
            return some


class Batch:
    """Everything that the steps take, drawn from a seed."""

    def __init__(self, seed: int, reference: Backend) -> None:
        dice = random.Random(seed)
        self.count = dice.choice(SIZES)
        numbers = [odd_scalar(dice) for _ in range(self.count)]
        self.scalars = b"".join(number.to_bytes(SCALAR_BYTES, "little") for number in numbers)
        self.reduced = [number % ORDER for number in numbers]
        self.blinds = b"".join(number.to_bytes(SCALAR_BYTES, "little") for number in self.reduced)
        self.nonzero = b"".join((number or 1).to_bytes(SCALAR_BYTES, "little") for number in self.reduced)
        self.wide = dice.randbytes(64 * self.count)
        self.inputs = tuple(dice.randbytes(dice.choice((0, 1, 40, 100, 111, 112, 127, 128, 300))) for _ in numbers)
        self.domain = dice.randbytes(dice.choice((0, 1, 30, 255)))
        self.how = Weighing(self.domain, dice.randbytes(64))
        self.other = Weighing(self.domain, dice.randbytes(dice.choice((0, 64, 3_000))))
        elements = [reference.from_uniform_bytes(self.wide[at * 64 : at * 64 + 64]) for at in range(self.count)]
        for at in range(self.count):
            if dice.randrange(8) == 0:
                small = dice.randrange(20).to_bytes(SCALAR_BYTES, "little")
                elements[at] = reference.base_multiply(small)
        self.elements = b"".join(elements)
        self.wrong_at = dice.choice((self.count - 1, dice.randrange(self.count)))
        self.rho = reference.reduce_scalars(dice.randbytes(4 * 64))
        elements[self.wrong_at] = bad_encoding(dice, elements[self.wrong_at], reference)
        self.wrong = b"".join(elements)
        self.seed = seed


def results(backend: Backend, batch: Batch) -> dict[str, object]:
    """What every step makes of a batch, refusals included."""
    secret = batch.nonzero[:SCALAR_BYTES]

    def refused(elements: bytes) -> object:
        found: list[object] = []
        for use in (
            lambda: backend.check_elements(elements),
            lambda: backend.multiply(batch.scalars, elements),
            lambda: backend.add(elements, batch.elements),
            lambda: backend.add(batch.elements, elements),
            lambda: backend.weighted_sum(lambda at: (batch.reduced[at],), (elements,)),
        ):
            try:
                use()
            except BadElement as error:
                found.append(error.where)
            else:
                found.append("taken")
        return found

    evaluated, m = backend.evaluate(secret, batch.how, batch.elements)
    products = backend.multiply(batch.scalars, batch.elements)
    right, sums = backend.verify([batch.how, batch.other], batch.rho, batch.elements, [evaluated, products])
    made: dict[str, object] = {
        "map": backend.from_uniform_bytes(batch.wide),
        "hash": backend.hash_to_group(batch.inputs, batch.domain),
        "blind": backend.blind(batch.inputs, batch.domain, batch.scalars),
        "multiply": products,
        "multiply all by one": backend.multiply(batch.scalars[:SCALAR_BYTES], batch.elements),
        "add": backend.add(products, batch.elements),
        "sum": backend.weighted_sum(lambda at: (batch.reduced[at],), (batch.elements,)),
        "evaluate": (evaluated, m),
        "composites": backend.composites(batch.how, batch.elements, evaluated),
        "verify": right,
        "finalize": backend.finalize(batch.inputs, batch.blinds, batch.elements[:ELEMENT_BYTES], sums),
        "scalars": (
            backend.reduce_scalars(batch.wide),
            backend.multiply_scalars(batch.nonzero, batch.nonzero[-SCALAR_BYTES:]),
            backend.add_scalars(batch.nonzero, batch.nonzero[-SCALAR_BYTES:]),
            backend.subtract_scalars(batch.nonzero, batch.nonzero[-SCALAR_BYTES:]),
            backend.invert_scalars(batch.nonzero),
        ),
    }
    try:
        backend.finalize(batch.inputs, batch.blinds, NO_KEY, sums)
    except (BadElement, ValueError):
        made["finalize"] = (made["finalize"], "and a key that is none is refused")
    # Bit 255 is checked before a backend sees it, because libsodium 1.0.18 ignores it.
    if batch.wrong[batch.wrong_at * ELEMENT_BYTES + 31] < 0x80:
        made["refusals"] = refused(batch.wrong)
    else:
        made["refusals"] = [{"index": str(batch.wrong_at)}] * 5 if backend.name == "libsodium" else refused(batch.wrong)
    return made


def compare(backends: Sequence[Backend], reference: Backend, seed: int) -> tuple[int, list[str]]:
    """How many elements the batch of this seed has, and which steps of which backend differ."""
    batch = Batch(seed, reference)
    expected = results(reference, batch)
    found = []
    for backend in backends:
        made = results(backend, batch)
        found += [
            f"{backend.name}: {step}, seed {seed}, {batch.count} elements"
            for step in made
            if made[step] != expected[step]
        ]
    return batch.count, found


def backends(reference: Backend) -> list[Backend]:
    """The native ones that run here, not tested before."""
    module, _ = group.native_module()
    if module is None:
        return []
    return [Native(module, name, Watch(name, reference, group.stop)) for name in module.names()]


def compare_alone(seed: int) -> tuple[int, list[str]]:
    """In a process of its own, on one core: `compare` all native backends."""
    reference = group.choose("libsodium").backend
    with group.cores(1):
        return compare(backends(reference), reference, seed)


def main() -> int:
    """Until so many elements went through each step of each backend, on all cores."""
    parser = argparse.ArgumentParser(description="The native backends beside libsodium.")
    parser.add_argument("--elements", type=int, default=20_000, help="for each backend (default: 20000)")
    parser.add_argument("--seed", type=int, default=time.time_ns(), help="begin with this batch")
    parser.add_argument("--first", action="store_true", help="stop at the first difference")
    options = parser.parse_args()
    names = [backend.name for backend in backends(group.choose("libsodium").backend)]
    found, elements, batches = list[str](), 0, 0
    with ProcessPoolExecutor(group.available_cores(), mp_context=get_context("spawn")) as pool:
        while elements < options.elements and not (found and options.first):
            seeds = range(options.seed + batches, options.seed + batches + _TOGETHER)
            for count, differing in pool.map(compare_alone, seeds, chunksize=4):
                elements += count
                found += differing
            batches += _TOGETHER
    print(f"{', '.join(names)}: {batches} batches, {elements} elements through 13 steps, {len(found)} differences")
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
