"""How well the rule set finds shared families: `python -m benchmarks.linkage --caseloads DIR --truth FILE`.

The pure join over all caseloads of a folder, without cryptography: a tag is a hash of kind and value, which is equal
where the real one is. Prints family precision, recall and F1 against pairs that are known to be the same, the figures
by grade, and how many candidates the nodes' own check turned down. `--errors` lists the missed and the wrong pairs by
their ids; nothing personal is printed. What it does not measure: whether some names fare worse than others (rule 24).
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from sluis_node.caseload import read_caseload
from sluis_protocol.join import TaggedPerson, check_claim, join
from sluis_protocol.keys import LinkageKey, unique_keys
from sluis_protocol.record import Family
from sluis_protocol.rules import Grade, RuleSet, load_rules

FamilyPair = frozenset[tuple[str, str]]  # of (municipality, family id)


def plain_tag(key: LinkageKey) -> bytes:
    """Equal where the tag of the protocol is equal, and no more than that: no secret is in it."""
    return hashlib.sha256(f"{key.kind}\n{key.value}".encode()).digest()[:16]


def submission(families: Sequence[Family], rules: RuleSet) -> tuple[list[TaggedPerson], list[dict[bytes, str]]]:
    """The rows of one node, and the kinds of each row's tags. Handles are positions, so runs can be compared."""
    keys = unique_keys(families, rules)
    rows: list[TaggedPerson] = []
    kinds: list[dict[bytes, str]] = []
    for at, family in enumerate(families):
        for record in family.members:
            own = keys[family.family_id, record.person.person_id]
            tags = tuple(map(plain_tag, own))
            has_bsn = record.person.bsn is not None
            rows.append(TaggedPerson(at, len(rows), has_bsn, tags, tuple(key.points for key in own)))
            kinds.append(dict(zip(tags, (key.kind for key in own), strict=True)))
    return rows, kinds


def link(caseloads: Mapping[str, Sequence[Family]], rules: RuleSet) -> tuple[dict[FamilyPair, Grade], int]:
    """The family pairs that both nodes would accept, with their grades, and the number of candidates turned down."""
    made = {node: submission(families, rules) for node, families in caseloads.items()}
    matches: dict[FamilyPair, Grade] = {}
    turned_down = 0
    for found in join({node: rows for node, (rows, _) in made.items()}, rules.thresholds):
        grades = set()
        for node, side in ((found.oin_a, "person_a"), (found.oin_b, "person_b")):
            claimed = {getattr(pair, side): pair.tags for pair in found.pairs}
            kinds = made[node][1]
            grades.add(check_claim({person: kinds[person] for person in claimed}, claimed, rules))
        (grade,) = grades  # the two nodes can't come to different answers
        if grade is None:
            turned_down += 1
            continue
        family_a = caseloads[found.oin_a][found.family_a].family_id
        family_b = caseloads[found.oin_b][found.family_b].family_id
        matches[frozenset({(found.oin_a, family_a), (found.oin_b, family_b)})] = grade
    return matches, turned_down


def read_truth(path: Path) -> set[FamilyPair]:
    """The known pairs: a CSV with gemeente_a, gezin_a, gemeente_b, gezin_b."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return {
            frozenset({(row["gemeente_a"], row["gezin_a"]), (row["gemeente_b"], row["gezin_b"])})
            for row in csv.DictReader(lines)
        }


def figures(found: int, right: int, known: int) -> str:
    """Precision, recall and F1 of `found` pairs of which `right` are right, where `known` should be found."""
    precision = right / found if found else 0.0
    recall = right / known if known else 0.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return (
        f"precision {precision:.4f}  recall {recall:.4f}  F1 {f1:.4f}  ({right} right of {found} found, {known} known)"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--caseloads", type=Path, required=True, help="folder with a GM*.csv per municipality")
    parser.add_argument("--truth", type=Path, required=True, help="CSV: gemeente_a,gezin_a,gemeente_b,gezin_b")
    parser.add_argument("--errors", action="store_true", help="list the missed and the wrong pairs by their ids")
    options = parser.parse_args(arguments)
    rules = load_rules()
    started = time.perf_counter()
    read = [
        read_caseload(path, name=path.name, today=date.today()) for path in sorted(options.caseloads.glob("GM*.csv"))
    ]
    caseloads = {Path(caseload.name).stem: caseload.families for caseload in read}
    matches, turned_down = link(caseloads, rules)
    known = read_truth(options.truth)
    refused = sum(len(caseload.refused) for caseload in read)
    persons = sum(caseload.persons for caseload in read)
    print(
        f"{len(read)} caseloads, {persons} persons, {refused} lines refused, rules {rules.identity}, M = {rules.slots}"
    )
    print(figures(len(matches), len(known & set(matches)), len(known)))
    for grade, count in sorted(Counter(matches.values()).items()):
        right = sum(1 for pair, found in matches.items() if found is grade and pair in known)
        print(f"  grade {grade}: {right} right of {count}")
    print(f"  candidates that the nodes turned down: {turned_down}")
    print(f"  {time.perf_counter() - started:.2f} s")
    if options.errors:
        report("missed", known - set(matches))
        report("wrong", set(matches) - known)


def report(what: str, pairs: Iterable[FamilyPair]) -> None:
    """One line a pair, sorted."""
    for one, other in sorted(sorted(pair) for pair in pairs):
        print(f"{what}: {one[0]} {one[1]}  {other[0]} {other[1]}")


if __name__ == "__main__":
    main()
