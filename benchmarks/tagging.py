"""Verified 2-of-3 tagging in process, beside the raw cost of libsodium: `python -m benchmarks.tagging`.

The budget is 10 variable-base multiplications a key, which is what the RFC's way needs: blind, 2 evaluations,
2 composites, 4 to verify, unblind. Raw and tagging measurements take turns. One thread is compared with the budget in
CPU time, by the median of the ratios. Two threads are compared with one in wall time, where other work on the machine
can only slow either down: so by the fastest of each, beside what libsodium alone gains from a second thread.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable

import pysodium
from sluis_protocol import group, oprf, threshold

BUDGET = 10  # multiplications a key
ONE_THREAD, TWO_THREADS = 0.85, 1.8  # what the project asks for
QUORUM = (1, 3)


def raw(count: int) -> None:
    """`count` multiplications, called as `group` does, in the tightest loop that Python has."""
    multiply = pysodium.sodium["crypto_scalarmult_ristretto255"]
    multiply.argtypes, multiply.restype = [ctypes.c_void_p] * 3, ctypes.c_int
    scalar, element = group.random_scalars(1, os.urandom), group.GENERATOR
    buffer = ctypes.create_string_buffer(scalar + element + bytes(32), 96)
    at = ctypes.addressof(buffer)
    for _ in range(count):
        multiply(at + 64, at, at + 32)


def raw_on_threads(count: int, threads: int) -> None:
    """The same, spread over threads: what the machine gives at this moment."""
    workers = [threading.Thread(target=raw, args=(count // threads,)) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def tag(joint: threshold.JointKey, shares: tuple[threshold.KeyShare, ...], inputs: list[bytes]) -> list[bytes]:
    """Everything that the node and two holders do for a batch, without the wire."""
    blinded = oprf.blind(inputs, os.urandom)
    answers = [threshold.evaluate(shares[index - 1], QUORUM, blinded.elements, os.urandom) for index in QUORUM]
    return oprf.finalize(blinded, threshold.combine(joint, QUORUM, blinded.elements, answers, os.urandom))


def seconds(clock: Callable[[], float], work: Callable[[], object]) -> float:
    """How long `work` takes by that clock."""
    start = clock()
    work()
    return clock() - start


def main() -> int:
    """Measures, prints the table; exit status 1 if a ratio is below what the project asks for."""
    parser = argparse.ArgumentParser(description="Verified 2-of-3 tagging against raw libsodium.")
    parser.add_argument("--keys", type=int, default=2048, help="keys a batch (default: 2048)")
    parser.add_argument("--rounds", type=int, default=7, help="times that each measurement is taken (default: 7)")
    options = parser.parse_args()
    keys: int = options.keys
    rounds: int = options.rounds

    secret, _ = oprf.derive_key_pair(bytes(32), b"benchmark")
    joint, shares = threshold.split(secret, 2, 3, os.urandom)
    inputs = [b"benchmark key %d" % number for number in range(keys)]
    if tag(joint, shares, inputs) != oprf.evaluate(secret, inputs):
        print("the tags are wrong", file=sys.stderr)
        return 1

    def tagging(threads: int, clock: Callable[[], float]) -> float:
        with group.cores(threads):
            return seconds(clock, lambda: tag(joint, shares, inputs)) / keys

    def multiplication() -> float:
        return seconds(time.process_time, lambda: raw(2 * keys)) / (2 * keys)

    def on_threads(threads: int) -> float:
        return seconds(time.perf_counter, lambda: raw_on_threads(8 * keys, threads)) / (8 * keys)

    budgets, ones, ratios = [], [], []
    walls: dict[int, list[float]] = {1: [], 2: []}
    raw_walls: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        before, one, after = multiplication(), tagging(1, time.process_time), multiplication()
        budgets.append(BUDGET * (before + after) / 2)
        ones.append(one)
        ratios.append(budgets[-1] / one)
        for threads in (1, 2):
            walls[threads].append(tagging(threads, time.perf_counter))
            raw_walls[threads].append(BUDGET * on_threads(threads))

    ratio = statistics.median(ratios)
    gain, raw_gain = (min(taken[1]) / min(taken[2]) for taken in (walls, raw_walls))

    def line(what: str, taken: float, compared: str = "") -> None:
        print(f"{what:50}{taken * 1e6:10.1f}{compared}")

    print(f"{keys} keys, 2 of 3, every proof verified; {rounds} interleaved measurements of each")
    print(f"{'':50}{'µs a key':>10}{'ratio':>8}{'asked':>8}")
    line(f"CPU, median: {BUDGET} multiplications", statistics.median(budgets))
    line("CPU, median: tagging, one thread", statistics.median(ones), f"{ratio:8.3f}{ONE_THREAD:8.2f}")
    line("wall, fastest: tagging, one thread", min(walls[1]))
    line("wall, fastest: tagging, two threads", min(walls[2]), f"{gain:8.3f}{TWO_THREADS:8.2f}")
    line(f"wall, fastest: {BUDGET} multiplications, two threads", min(raw_walls[2]), f"{raw_gain:8.3f}")
    print(f"one thread's ratios: {min(ratios):.3f} to {max(ratios):.3f}")
    return 0 if ratio >= ONE_THREAD and gain >= TWO_THREADS else 1


if __name__ == "__main__":
    sys.exit(main())
