"""CPU seconds of Sluis beside pairwise two-party PSI: `python -m benchmarks.pairwise_psi [--size 20000]`.

N municipalities with n keys each. Two-party PSI compares every pair, N(N-1)/2 runs; Sluis tags N·n keys (2 of 3, every
proof verified, in process) and joins. All figures come from one run on one machine: user and system time of all
processes and threads, without start-up and imports. Contenders take turns, and each has a time budget. All pairs (or
municipalities) are alike, so N of them cost N times the mean of those that were measured; it is marked where fewer
were. The other wheels live in an environment of their own, made on first use.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import math
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import count as count_from
from pathlib import Path

from sluis_protocol import group, oprf, threshold
from sluis_protocol.covenant import Limits
from sluis_protocol.join import TaggedPerson, join
from sluis_protocol.rules import Thresholds
from sluis_protocol.tag import TAG_BYTES

from benchmarks.tagging import tag

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements-psi.txt"
MUNICIPALITIES = (2, 4, 8, 12)
SHARED = 0.05  # of every set is in all the others too
BATCH = Limits().batch_elements  # keys that are tagged at once
DEADLINE = 300  # seconds for one run of another PSI
ANY = Thresholds(person=1, family=1, certain=1)  # one shared key is a result here, as it is for the others

OTHERS = {
    "openmined": "openmined-psi 2.0.6, ECDH P-256",
    "ecdh": "spu 0.9.5, ECDH Curve25519",
    "rr22": "spu 0.9.5, RR22",
}
NOTES = """
What is compared: the others are two-party protocols that are unverified (no proofs: a party that deviates isn't found
out) and know no threshold (no shared key, so nobody else limits how many guesses a party may try). They are ahead where
they cost less, as said above, and in this: they need neither key holders nor a coordinator who sees which tags are
equal. In the figures for Sluis are neither the wire, nor signatures, padding and confirmation; loopback is in spu's."""


@dataclass(slots=True)
class Costs:
    """CPU seconds of each unit that was measured (a pair, or a municipality's tagging), in order."""

    name: str
    units: list[float] = field(default_factory=list)

    @property
    def mean(self) -> float:
        """Seconds a unit."""
        return sum(self.units) / len(self.units)

    def of(self, count: int) -> tuple[float, bool]:
        """Seconds for so many units, which are all alike: by the mean. And whether so many were measured."""
        return self.mean * count, count <= len(self.units)


class Peers:
    """The process (openmined-psi) or the two processes (spu) that run one kind of two-party PSI."""

    def __init__(self, python: Path, kind: str, folder: Path) -> None:
        self._folder = folder
        self._logs = [folder / f"{kind}{rank}.log" for rank in range(1 if kind == "openmined" else 2)]
        ports = [] if kind == "openmined" else [str(port) for port in _free_ports(2)]
        self._processes = []
        for rank, log in enumerate(self._logs):
            with log.open("w") as stderr:
                process = subprocess.Popen(
                    [python, HERE / "psi_peers.py", kind, *([str(rank), *ports] if ports else [])],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    cwd=folder,
                    text=True,
                )
            self._processes.append(process)

    def run(self, ours: Path, theirs: Path) -> tuple[float, int]:
        """One two-party run: CPU seconds of both parties, and the size of the intersection."""
        for rank, process in enumerate(self._processes):
            job = {
                "ours": str((ours, theirs)[rank]),
                "theirs": str(theirs),
                "output": str(self._folder / f"result{rank}.csv"),
            }
            print(json.dumps(job), file=process.stdin, flush=True)
        answers = [self._answer(process) for process in self._processes]
        return sum(answer["cpu"] for answer in answers), int(answers[0]["shared"])

    def _answer(self, process: subprocess.Popen[str]) -> dict[str, float]:
        line = ""
        if process.stdout and select.select([process.stdout], [], [], DEADLINE)[0]:
            line = process.stdout.readline()
        if not line:
            logs = "\n".join("\n".join(log.read_text().splitlines()[-5:]) for log in self._logs)
            raise WrongResult(f"a party of another PSI gave no answer within {DEADLINE} s; its last words:\n{logs}")
        answer: dict[str, float] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the processes, which have nothing left to do, and remove the traces that spu leaves elsewhere."""
        for process in self._processes:
            process.kill()
            process.communicate()
        for log in self._logs:
            for trace in re.findall(r"Trace has been written to (\S+\.trace)", log.read_text()):
                Path(trace).unlink(missing_ok=True)


class WrongResult(Exception):
    """A contender gave no result, or not the right one."""


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def environment(folder: Path) -> Path:
    """The interpreter of the environment with the other wheels, made now if it isn't there and complete."""
    complete, python = folder / "complete", folder / "bin" / "python"
    if not complete.exists():
        print(f"Installing the other wheels (about 1 GB) into {folder}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--require-hashes", "-r", REQUIREMENTS], check=True)
        complete.touch()
    return python


def cache_folder() -> Path:
    """One environment for each version of the requirements."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "sluis" / f"psi-{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]}"


def key_sets(size: int) -> list[list[str]]:
    """A set of hexadecimal keys for each municipality; the first ones are the same in all."""

    def keys(owner: str, count: int) -> Iterator[str]:
        return (hashlib.sha256(f"{owner} {number}".encode()).hexdigest()[:32] for number in range(count))

    common = round(size * SHARED)
    return [[*keys("all", common), *keys(f"{owner}", size - common)] for owner in range(max(MUNICIPALITIES))]


def measure_pairs(costs: Costs, peers: Peers, files: Sequence[Path], expected: int) -> Iterator[None]:
    """Runs pair after pair, those of the fewest municipalities first; pauses after each."""
    peers.run(files[0], files[1])  # the first run of a process also warms it up
    for a, b in [(one, other) for other in range(len(files)) for one in range(other)]:
        seconds, shared = peers.run(files[a], files[b])
        if shared != expected:
            raise WrongResult(f"{costs.name} found {shared} shared keys instead of {expected}")
        costs.units.append(seconds)
        yield


def measure_tagging(costs: Costs, sets: Sequence[Sequence[str]], tagged: list[list[bytes]]) -> Iterator[None]:
    """Tags municipality after municipality, verified, 2 of 3, by one thread; pauses after each."""
    secret, _ = oprf.derive_key_pair(os.urandom(32), b"benchmark")
    joint, shares = threshold.split(secret, 2, 3, os.urandom)
    tag(joint, shares, [key.encode() for key in sets[0][:BATCH]])  # warms up, too
    for keys in sets:
        inputs = [key.encode() for key in keys]
        before = time.process_time()
        outputs: list[bytes] = []
        with group.cores(1):
            for at in range(0, len(inputs), BATCH):
                outputs += tag(joint, shares, inputs[at : at + BATCH])
        costs.units.append(time.process_time() - before)
        tagged.append([output[:TAG_BYTES] for output in outputs])
        yield


def take_turns(contenders: Iterable[Iterator[None]], budget: float) -> None:
    """One unit of each after the other, so that a machine that slows down slows all, until each is done or has used
    its budget of wall time."""
    left = dict.fromkeys(contenders, budget)
    while left:
        for contender in list(left):
            start = time.monotonic()
            done = next(contender, "all") == "all"
            left[contender] -= time.monotonic() - start
            if done or left[contender] < 0:
                del left[contender]


def join_seconds(tags: Sequence[Sequence[bytes]], expected: int) -> float:
    """The pure join over these municipalities, each key a person of its own; checks that it finds what is shared."""
    submissions = {
        f"{owner:020}": [TaggedPerson(at, at, False, (one,), (1,)) for at, one in enumerate(own)]
        for owner, own in enumerate(tags)
    }
    gc.freeze()  # the submissions are not the join's to look through for garbage
    before = time.process_time()
    candidates = join(submissions, ANY)
    seconds = time.process_time() - before
    gc.unfreeze()
    if len(candidates) != expected * math.comb(len(tags), 2):
        raise WrongResult(f"the join found {len(candidates)} shared keys")
    return seconds


def report(size: int, others: Sequence[Costs], tagging: Costs, joins: dict[int, float]) -> None:
    """The table, where the lines cross, and what the figures don't say."""
    print(f"\nCPU seconds for N municipalities with {size} keys each, {SHARED:.0%} of them shared by all")
    print(f"(by the mean of those measured; ~ = fewer were measured; group backend {group.choice().name})\n")
    print(f"{'':34}{'unit':>10}{'µs a key':>10}" + "".join(f"{f'N = {count}':>10}" for count in MUNICIPALITIES))

    def row(name: str, unit: float, cells: list[tuple[float, bool]]) -> None:
        shown = "".join(f"{('' if measured else '~') + format(seconds, '.2f'):>10}" for seconds, measured in cells)
        print(f"{name:34}{unit:10.3f}{unit / size * 1e6:10.1f}{shown}")

    sluis = [(seconds + joins[n], measured) for n in MUNICIPALITIES for seconds, measured in [tagging.of(n)]]
    row("Sluis: verified, 2 of 3, and join", sluis[-1][0] / MUNICIPALITIES[-1], sluis)
    row("    of which tagging", tagging.mean, [tagging.of(n) for n in MUNICIPALITIES])
    for costs in others:
        row(costs.name, costs.mean, [costs.of(math.comb(n, 2)) for n in MUNICIPALITIES])
    print(
        "unit: a municipality for Sluis, a pair for the others, whose fixed cost a pair weighs on small sets; a key: of"
    )
    print("one set, so for Sluis of all that costs something, and for the others of half\n")

    def alone(count: int) -> float:
        """Seconds of Sluis; the join by the next larger number of municipalities that was joined."""
        joined = min((n for n in MUNICIPALITIES if n >= count), default=MUNICIPALITIES[-1])
        return count * (tagging.mean + joins[joined] / joined)

    for costs in others:
        pairs = {n: costs.of(math.comb(n, 2))[0] for n in MUNICIPALITIES}
        ahead = [n for n, (seconds, _) in zip(MUNICIPALITIES, sluis, strict=True) if pairs[n] < seconds]
        where = f"ahead of Sluis at N = {', '.join(map(str, ahead))}" if ahead else "behind Sluis at every N above"
        crossing = next(n for n in count_from(2) if alone(n) < math.comb(n, 2) * costs.mean)
        beyond = "" if crossing <= MUNICIPALITIES[-1] else " (extrapolated)"
        print(f"{costs.name}: {where}; Sluis costs less from N = {crossing} on{beyond}.")
    print(NOTES)


def compare(python: Path, size: int, budget: float) -> None:
    """Measure every contender on the same sets, and report. Raises WrongResult."""
    sets = key_sets(size)
    expected = round(size * SHARED)
    others = {kind: Costs(name) for kind, name in OTHERS.items()}
    tagging, tagged = Costs("Sluis, tagging"), list[list[bytes]]()
    with tempfile.TemporaryDirectory(prefix="sluis-psi-") as place, ExitStack() as stack:
        folder = Path(place)
        files = [folder / f"set{owner}.csv" for owner in range(len(sets))]
        for file, keys in zip(files, sets, strict=True):
            file.write_text("key\n" + "\n".join(keys) + "\n")
        contenders = [measure_tagging(tagging, sets, tagged)]
        for kind, costs in others.items():
            peers = stack.enter_context(closing(Peers(python, kind, folder)))
            contenders.append(measure_pairs(costs, peers, files, expected))
        take_turns(contenders, budget)
    # Where not all were tagged, digests stand in: the join's cost doesn't depend on how a tag was made.
    digests = [[hashlib.sha256(key.encode()).digest()[:TAG_BYTES] for key in keys] for keys in sets]
    joins = {n: join_seconds((tagged if n <= len(tagged) else digests)[:n], expected) for n in MUNICIPALITIES}
    report(size, list(others.values()), tagging, joins)


def main() -> int:
    """Measure and print; exit status 1 if a contender gives no result or a wrong one."""
    parser = argparse.ArgumentParser(description="Sluis beside pairwise two-party PSI.")
    parser.add_argument("--size", type=int, default=20_000, help="keys of each municipality (default: 20000)")
    parser.add_argument("--budget", type=float, default=60, help="seconds for each contender (default: 60)")
    parser.add_argument("--environment", type=Path, default=cache_folder(), help="where the other wheels are installed")
    options = parser.parse_args()
    try:
        compare(environment(options.environment), options.size, options.budget)
    except (WrongResult, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
