"""Does matching work as well for all kinds of names? `python -m benchmarks.parity [--write docs/parity.md]` (rule 24).

Recall and precision of the packaged rule set in each naming tradition of `benchmarks.traditions`, through the pure join
and both nodes' own check, without cryptography: a tag is a hash that is equal where the real one is. Persons are
compared twice: each as a family of one, so that nothing but their own name and date helps, and in their families.
What it doesn't measure: real persons, how frequent a slip is in a real file, and anything that a BSN finds.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import repeat
from pathlib import Path

from sluis_protocol.join import Candidate, TaggedPerson, check_claim, join
from sluis_protocol.keys import LinkageKey
from sluis_protocol.record import Family
from sluis_protocol.rules import RuleSet, load_rules
from sluis_protocol.tag import PreparedPerson, prepare

from benchmarks.traditions.caseloads import Pair, draw_pair
from benchmarks.traditions.figures import Figures, Parity, page, ratios, table
from benchmarks.traditions.tradition import traditions

SHARED = 30  # families of a tradition in both caseloads of a pair
DEVELOPMENT, REPORTED = "development", "report"  # seeds; rules are made on the first and published with the other


def measure(*, persons: int, seed: str, workers: int = 1, rules: RuleSet | None = None) -> Parity:
    """The figures from as many pairs of caseloads as it takes to have `persons` known pairs in every tradition."""
    rules = rules or load_rules()
    total = {tradition.label: Figures() for tradition in traditions()}
    done = 0
    with ProcessPoolExecutor(workers) as pool:
        while not _enough(total, persons):
            seeds = [f"{seed}/{number}" for number in range(done, done + workers)]
            done += workers
            work = map if workers == 1 else pool.map
            for part in work(measure_pair, seeds, repeat(rules)):
                if not _enough(total, persons):  # what a second worker did too much doesn't count
                    for label, figures in part.items():
                        total[label].add(figures)
    return Parity(rules.identity, total)


def _enough(total: Mapping[str, Figures], persons: int) -> bool:
    return min(figures.persons.known for figures in total.values()) >= persons


def measure_pair(seed: str, rules: RuleSet) -> dict[str, Figures]:
    """The figures of one pair of caseloads."""
    pair = draw_pair(traditions(), shared=SHARED, seed=seed)
    sides = _Side(pair.first, rules), _Side(pair.second, rules)
    result = {tradition.label: Figures() for tradition in traditions()}
    label = {member.person.person_id: pair.label[f.family_id] for f in pair.first + pair.second for member in f.members}
    matched = dict(find(*sides, rules, alone=True))
    for one, other in matched.items():
        for of in {label[one], label[other]}:
            result[of].persons.found += 1
    for one, other in pair.persons.items():
        tallies = [result[label[one]].persons] + ([result[label[one]].respelt] if one in pair.respelt else [])
        for tally in tallies:
            tally.known += 1
            tally.right += matched.get(one) == other
    _count_families(pair, find(*sides, rules, alone=False), result)
    return result


def _count_families(pair: Pair, found: Sequence[tuple[str, str]], result: Mapping[str, Figures]) -> None:
    for one, other in found:
        for of in {pair.label[one], pair.label[other]}:
            result[of].families.found += 1
    right = set(found) & set(pair.families.items())
    respelt = {f.family_id for f in pair.first for member in f.members if member.person.person_id in pair.respelt}
    for one, other in pair.families.items():
        figures = result[pair.label[one]]
        for tally in [figures.families] + ([figures.respelt_families] if one in respelt else []):
            tally.known += 1
            tally.right += (one, other) in right


class _Side:
    """A caseload with its keys, as rows for the join; handles are positions."""

    def __init__(self, families: Sequence[Family], rules: RuleSet) -> None:
        self.persons: list[PreparedPerson] = prepare(families, rules)
        self.families = [family.family_id for family in families]
        place = {family: at for at, family in enumerate(self.families)}
        self.kinds = [{plain_tag(key): key.kind for key in person.keys} for person in self.persons]
        self.rows = [
            TaggedPerson(
                place[person.family_id], at, person.has_bsn, tuple(kinds), tuple(key.points for key in person.keys)
            )
            for at, (person, kinds) in enumerate(zip(self.persons, self.kinds, strict=True))
        ]

    def submitted(self, *, alone: bool) -> list[TaggedPerson]:
        """The rows; `alone`: every person is a family."""
        return [replace(row, family=row.person) for row in self.rows] if alone else self.rows


def plain_tag(key: LinkageKey) -> bytes:
    """Equal where the tag of the protocol is equal, and no more than that: no secret is in it."""
    return hashlib.blake2b(f"{key.kind}\n{key.value}".encode(), digest_size=16).digest()


def find(first: _Side, second: _Side, rules: RuleSet, *, alone: bool) -> list[tuple[str, str]]:
    """The ids of the families, or with `alone` of the persons, that both nodes accept as the same."""
    submissions = {"a": first.submitted(alone=alone), "b": second.submitted(alone=alone)}
    accepted = [one for one in join(submissions, rules.thresholds) if _accepted(one, first, second, rules)]
    if alone:
        return [(first.persons[one.family_a].person_id, second.persons[one.family_b].person_id) for one in accepted]
    return [(first.families[one.family_a], second.families[one.family_b]) for one in accepted]


def _accepted(candidate: Candidate, first: _Side, second: _Side, rules: RuleSet) -> bool:
    """Whether both nodes' own checks say that it is a match."""
    for side, name in ((first, "person_a"), (second, "person_b")):
        claimed = {getattr(pair, name): pair.tags for pair in candidate.pairs}
        if check_claim({person: side.kinds[person] for person in claimed}, claimed, rules) is None:
            return False
    return True


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--persons", type=int, default=1_000, help="known pairs of each tradition, at least")
    parser.add_argument("--seed", default=REPORTED, help=f'"{DEVELOPMENT}" while rules are made (default: {REPORTED})')
    parser.add_argument("--workers", type=int, default=1, help="processes; the figures don't depend on it")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page, such as docs/parity.md")
    options = parser.parse_args(arguments)
    parity = measure(persons=options.persons, seed=options.seed, workers=options.workers)
    print(f"{table(parity)}\n\n{ratios(parity)}")
    if options.write:
        chosen = f"--persons {options.persons} --seed {options.seed} --write {options.write}"
        options.write.write_text(page(parity, load_rules(), f"python -m benchmarks.parity {chosen}"), encoding="utf-8")


if __name__ == "__main__":
    main()
