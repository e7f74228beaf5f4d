"""A national round through the real code paths: `python -m benchmarks.round [--share 0.1]`.

342 nodes, 100,000 families, 450,000 persons, or a share of them: prepared, tagged (2 of 3, every proof verified),
padded, packed, parsed and written as the coordinator does, joined by its SQL, and the claims confirmed. In process, one
thread, so no wire, signatures or databases: `benchmarks.wire` has those for tagging. Reported for each role: CPU, and
what of it is what; bytes that a node sends; peak memory. Claims are confirmed between the first nodes only, since the
others' families are not kept in this one process; the cost is of one claim. With `--profile`, the functions that each
step spends its time in follow (Python's profiler, which makes Python slower and leaves the rest as it is).
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import random
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sluis_coordinator.join import join_files
from sluis_coordinator.tagfile import TagFileWriter, file_name, parse_rows
from sluis_protocol import group, oprf, threshold
from sluis_protocol.confirm import confirm_key, examine
from sluis_protocol.covenant import Limits
from sluis_protocol.join import Candidate
from sluis_protocol.record import BirthDate, CaseGround, Family, Person, Record
from sluis_protocol.rules import RuleSet, load_rules
from sluis_protocol.submission import OwnFamily, assemble, commit, pack
from sluis_protocol.tag import Context, attach, prepare, prf_inputs

NODES, FAMILIES, PERSONS = 342, 100_000, 450_000
SHARED = 0.05  # of the families are known to the next municipality, too
BATCH = Limits().batch_elements
QUORUM = (1, 3)
MOST_SHOWN = 5  # functions of a step, in a profile
KEPT = 6  # nodes whose claims are confirmed
GROUND = CaseGround("Z-1", "demo-grondslag", date(2026, 1, 1), None, None, "iemand@example.org")
SYLLABLES = [
    a + b
    for a in ["b", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z"]
    for b in ["a", "e", "i", "o", "u", "aa", "ee", "ie", "oo", "an", "en", "er"]
]

spent: defaultdict[tuple[str, str], float] = defaultdict(float)


profiles: dict[tuple[str, str], cProfile.Profile] | None = None


@contextmanager
def doing(role: str, what: str) -> Iterator[None]:
    """Counts the CPU time of the block, and profiles it if asked for."""
    began = time.process_time()
    with nullcontext() if profiles is None else profiles.setdefault((role, what), cProfile.Profile()):
        yield
    spent[role, what] += time.process_time() - began


def show_profiles(found: dict[tuple[str, str], cProfile.Profile]) -> None:
    """The functions with the most time of their own, of each step; time in C without a name counts for its caller."""
    for (role, what), profiler in found.items():
        stats: Any = pstats.Stats(profiler)  # typeshed knows only some of its attributes
        own = sorted(((values[2], place) for place, values in stats.stats.items()), reverse=True)
        print(f"\n{role}, {what}")
        for seconds, (file, line, name) in own[:MOST_SHOWN]:
            where = name if file == "~" else f"{Path(file).name}:{line} {name}"
            print(f"    {seconds / stats.total_tt:6.1%}  {where}")


def word(dice: random.Random, count: int) -> str:
    """An invented name."""
    return "".join(dice.choice(SYLLABLES) for _ in range(count)).title()


numbers = iter(range(10**5))


def make_family(dice: random.Random, number: int, size: int) -> Family:
    """Invented persons of one address and surname. There are test BSNs for the first 100,000; the others have none."""
    surname, postcode = word(dice, 3), f"{dice.randrange(1000, 9999)} {word(dice, 2).upper()[:2]}"
    house = str(dice.randrange(1, 300))
    members = []
    for place in range(size):
        test_number = next(numbers, None)
        bsn = None if test_number is None else f"9999{test_number:05}"
        born = BirthDate(dice.randrange(1940, 2024), dice.randrange(1, 13), dice.randrange(1, 29))
        person = Person(f"{number}-{place}", bsn, word(dice, 2), "", surname, born, postcode, house)
        members.append(Record(person, GROUND))
    return Family(str(number), tuple(members))


def caseloads(nodes: int, families: int, persons: int) -> Iterator[list[Family]]:
    """A caseload a node; some families of each are also in the next one's."""
    dice = random.Random(1)
    each, share = families // nodes, persons / families
    last: list[Family] = []
    for node in range(nodes):
        own = last[: round(each * SHARED)]
        while len(own) < each:
            size = int(share) + (dice.random() < share % 1)
            own.append(make_family(dice, node * families + len(own), size))
        yield own
        last = own[::-1]


def tag_all(inputs: Sequence[bytes], joint: threshold.JointKey, shares: Sequence[threshold.KeyShare]) -> list[bytes]:
    """The node and the key holders, batch by batch."""
    outputs: list[bytes] = []
    for at in range(0, len(inputs), BATCH):
        with doing("node", "blind"):
            blinded = threshold.blind(inputs[at : at + BATCH], os.urandom)
        answers = []
        for index in QUORUM:
            with doing("key holders", "check and evaluate, both"):
                group.screen_elements(blinded.elements)
                answers.append(threshold.evaluate(shares[index - 1], QUORUM, blinded.elements, os.urandom))
        with doing("node", "verify the proofs"):
            sums = threshold.combine(joint, QUORUM, blinded.elements, answers, os.urandom)
        with doing("node", "finalize"):
            outputs += threshold.finalize(joint, blinded, sums)
    return outputs


def join_apart(files: dict[str, Path], spill: Path) -> tuple[list[Candidate], float, int]:
    """The join in a process of its own: candidates, CPU seconds, peak memory in bytes."""
    candidates = join_files(files, load_rules().thresholds, spill=spill)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return candidates, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


def confirm_some(candidates: Sequence[Candidate], own: dict[str, dict[int, OwnFamily]], rules: RuleSet) -> int:
    """Both sides of each claim between nodes that were kept; how many hold."""
    confirmed = 0
    for candidate in candidates:
        if candidate.oin_a not in own or candidate.oin_b not in own:
            continue
        oins = (candidate.oin_a, candidate.oin_b)
        with doing("node", "confirm"):
            families = (own[candidate.oin_a][candidate.family_a], own[candidate.oin_b][candidate.family_b])
            claimed = (
                {pair.person_a: pair.tags for pair in candidate.pairs},
                {pair.person_b: pair.tags for pair in candidate.pairs},
            )
            keys = []
            for family, tags in zip(families, claimed, strict=True):
                if (evidence := examine(family, tags, rules)) is not None:
                    candidate_id, covenant = bytes(16), bytes(32)
                    keys.append(
                        confirm_key(
                            evidence.openings,
                            candidate_id=candidate_id,
                            covenant_hash=covenant,
                            round_id="round",
                            oins=oins,
                        )
                    )
            if len(keys) == 2 and all(keys[1].check(oin, keys[0].mac(oin)) for oin in oins):
                confirmed += 1
    return confirmed


def main() -> int:
    """Run the round, print the tables."""
    parser = argparse.ArgumentParser(description="A national round in process.")
    parser.add_argument("--share", type=float, default=1.0, help="of the nodes, families and persons (default: all)")
    parser.add_argument("--profile", action="store_true", help="say which functions the time goes to")
    options = parser.parse_args()
    share: float = options.share
    global profiles
    profiles = {} if options.profile else None
    nodes, families, persons = (max(KEPT, round(count * share)) for count in (NODES, FAMILIES, PERSONS))
    rules = load_rules()
    secret, _ = oprf.derive_key_pair(os.urandom(32), b"benchmark")
    joint, shares = threshold.split(secret, 2, 3, os.urandom)
    context = Context("covenant", "purpose", "round", rules.identity)
    files: dict[str, Path] = {}
    kept: dict[str, dict[int, OwnFamily]] = {}
    keys = people = 0
    blinded_bytes, submitted_bytes = list[int](), list[int]()

    with tempfile.TemporaryDirectory() as name, group.cores(1):
        folder = Path(name)
        for number, caseload in enumerate(caseloads(nodes, families, persons)):
            oin = f"00000099{number:012d}"
            with doing("node", "prepare: normalise, linkage keys"):
                prepared = prepare(caseload, rules)
                inputs = prf_inputs(prepared, context)
            outputs = tag_all(inputs, joint, shares)
            with doing("node", "pad, shuffle, pack, commit"):
                submission = assemble(attach(prepared, outputs), rules, os.urandom)
                packed = pack(submission.rows)
                commit("round", oin, rules.slots, packed)
            with doing("coordinator", "parse and store submissions"):
                files[oin] = folder / file_name(oin, os.urandom(32))
                with TagFileWriter(files[oin], oin) as writer:
                    writer.write(parse_rows(packed, rules.slots))
                    writer.finish()
            if number < KEPT:
                kept[oin] = submission.own
            keys += len(inputs)
            people += len(prepared)
            blinded_bytes.append(32 * len(inputs))
            submitted_bytes.append(len(packed))
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
            candidates, join_cpu, join_memory = apart.submit(join_apart, files, folder / "spill").result()
        spent["coordinator", "join"] = join_cpu
        confirmed = confirm_some(candidates, kept, rules)

    print(
        f"{nodes} nodes, {nodes * (families // nodes)} families, {people} persons, {keys} keys; {share:.0%} of a round"
    )
    print(f"group backend {group.choice().name}, one thread; {len(candidates)} candidates, {confirmed} confirmed here")
    total = sum(spent.values())
    print(f"\n{'CPU':46}{'seconds':>10}{'share':>8}{'µs a key':>10}")
    for role in ("node", "key holders", "coordinator"):
        of_role = {what: seconds for (who, what), seconds in spent.items() if who == role}
        print(f"{role + 's' * (role == 'node'):46}{sum(of_role.values()):10.1f}{sum(of_role.values()) / total:8.1%}")
        for what, seconds in sorted(of_role.items(), key=lambda pair: -pair[1]):
            print(f"    {what:42}{seconds:10.2f}{seconds / total:8.1%}{seconds / keys * 1e6:10.2f}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print()
    for what, sizes in (("blinded keys", blinded_bytes), ("its submission", submitted_bytes)):
        print(f"a node sends {sum(sizes) / nodes / 1e6:.2f} MB for {what}, the largest {max(sizes) / 1e6:.2f} MB")
    print(f"peak memory: {memory / 1e6:.0f} MB for all nodes in turn, {join_memory / 1e6:.0f} MB for the join")
    if profiles:
        show_profiles(profiles)
    return 0


if __name__ == "__main__":
    sys.exit(main())
