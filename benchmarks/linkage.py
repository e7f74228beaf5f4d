"""How well the rule set finds people and families: `python -m benchmarks.linkage [--write docs/linkage.md]`.

The pure join, without cryptography: a tag is a hash of kind and value, which is equal where the real one is. Measured
on FEBRL 2, 3 and 4, on a synthetic register, and on caseloads (`--caseloads DIR --truth FILE`), with Splink, clkhash
with anonlink, and pprl-core on the same files in the same run. The rule set and its thresholds are those of the
package; the other tools get the threshold that the truth shows to be their best. `--errors` lists missed and wrong
pairs by their ids; nothing personal is printed. Whether some names fare worse than others (rule 24) is
`benchmarks.parity`.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from sluis_node.caseload.reading import read_caseload
from sluis_protocol.join import TaggedPerson, check_claim, join
from sluis_protocol.keys import Ids, LinkageKey, connected, linkage_keys, pairs_within, unique_keys
from sluis_protocol.record import Family
from sluis_protocol.rules import Grade, RuleSet, load_rules

from benchmarks.linkage_data import (
    Files,
    Row,
    dutch_register,
    environment,
    febrl4,
    febrl_within,
    persons_of,
    with_numbers,
    write_rows,
)
from benchmarks.linkage_figures import Figures, causes, table

HERE = Path(__file__).resolve().parent
FamilyPair = frozenset[tuple[str, str]]  # of (municipality, family id)
SEED = 2026  # of the register that is reported; the rules were made with other ones
BEGIN, END = "<!-- made by python -m benchmarks.linkage: begin -->", "<!-- end -->"
TOOLS = {"splink": "Splink 5, plaintext", "anonlink": "clkhash + anonlink", "pprl-core": "pprl-core"}
HEAD = ("", "precision", "recall", "F1", "missed", "wrong")


def plain_tag(key: LinkageKey) -> bytes:
    """Equal where the tag of the protocol is equal, and no more than that: no secret is in it."""
    return hashlib.sha256(f"{key.kind}\n{key.value}".encode()).digest()[:16]


def submission(
    families: Sequence[Family], rules: RuleSet, numbers: Mapping[str, str] | None = None, *, apart: bool = False
) -> tuple[list[TaggedPerson], list[dict[bytes, str]], list[str]]:
    """The rows of one node, the kinds of each row's tags, and the id that each family handle stands for.

    Handles are positions, so runs can be compared. `numbers`: an identifier by person id that counts as a BSN where it
    agrees and says nothing where it doesn't. `apart`: persons are matched, each as a family of one.
    """
    keys = dict(unique_keys(families, rules))
    once = Counter((numbers or {}).get(person_id) for _, person_id in keys)
    for ids, own in keys.items():
        if (number := (numbers or {}).get(ids[1])) and once[number] == 1:
            keys[ids] = (*own, LinkageKey("bsn", number, rules.kinds["bsn"].points))
    rows: list[TaggedPerson] = []
    kinds: list[dict[bytes, str]] = []
    for at, family in enumerate(families):
        for record in family.members:
            own = keys[family.family_id, record.person.person_id]
            tags = tuple(map(plain_tag, own))
            has_bsn, handle = record.person.bsn is not None, len(rows) if apart else at
            rows.append(TaggedPerson(handle, len(rows), has_bsn, tags, tuple(key.points for key in own)))
            kinds.append(dict(zip(tags, (key.kind for key in own), strict=True)))
    if apart:
        return rows, kinds, [record.person.person_id for family in families for record in family.members]
    return rows, kinds, [family.family_id for family in families]


def link(
    caseloads: Mapping[str, Sequence[Family]],
    rules: RuleSet,
    numbers: Mapping[str, str] | None = None,
    *,
    apart: bool = False,
) -> tuple[dict[FamilyPair, Grade], int]:
    """The family pairs that both nodes would accept, with their grades, and the number of candidates turned down."""
    made = {node: submission(families, rules, numbers, apart=apart) for node, families in caseloads.items()}
    matches: dict[FamilyPair, Grade] = {}
    turned_down = 0
    for found in join({node: rows for node, (rows, _, _) in made.items()}, rules.thresholds):
        grades = set()
        for node, side in ((found.oin_a, "person_a"), (found.oin_b, "person_b")):
            claimed = {getattr(pair, side): pair.tags for pair in found.pairs}
            kinds = made[node][1]
            grades.add(check_claim({person: kinds[person] for person in claimed}, claimed, rules))
        (grade,) = grades  # the two nodes can't come to different answers
        if grade is None:
            turned_down += 1
            continue
        family_a, family_b = made[found.oin_a][2][found.family_a], made[found.oin_b][2][found.family_b]
        matches[frozenset({(found.oin_a, family_a), (found.oin_b, family_b)})] = grade
    return matches, turned_down


def read_truth(path: Path) -> set[FamilyPair]:
    """The known pairs: a CSV with gemeente_a, gezin_a, gemeente_b, gezin_b."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return {
            frozenset({(row["gemeente_a"], row["gezin_a"]), (row["gemeente_b"], row["gezin_b"])})
            for row in csv.DictReader(lines)
        }


# Persons: FEBRL and the register.


def between(files: Files, rules: RuleSet, *, numbers: bool = False) -> tuple[Figures, set[Ids]]:
    """The persons of two files that match."""
    started = time.perf_counter()
    sides = {"a": files.first, "b": files.second}
    matches, _ = link(sides, rules, files.numbers if numbers else None, apart=True)
    found = {(dict(pair)["a"], dict(pair)["b"]) for pair in matches}
    seconds = time.perf_counter() - started
    return Figures(len(found), len(found & files.same), len(files.same), seconds), found


def within(files: Files, rules: RuleSet, *, numbers: bool = False) -> Figures:
    """The entries of one file that are one person, by the same keys, thresholds and evidence.

    Values needn't be unique, since the same person has them more than once, but at most `keys.MOST_ENTRIES` have one.
    Two entries that match a third are one person.
    """
    started = time.perf_counter()
    keys: dict[Ids, tuple[LinkageKey, ...]] = {}
    for person in persons_of(files.first):
        number = files.numbers.get(person.person_id) if numbers else None
        extra = (LinkageKey("bsn", number, rules.kinds["bsn"].points),) if number else ()
        keys[person.person_id, ""] = (*linkage_keys(person, rules), *extra)
    accepted = [
        pair
        for pair, shared in pairs_within(keys).items()
        if rules.accept([list(dict.fromkeys(key.kind for key in shared))])
    ]
    found = {
        (min(one, other), max(one, other))
        for group in connected(accepted)
        for at, (one, _) in enumerate(group)
        for other, _ in group[at + 1 :]
    }
    return Figures(len(found), len(found & files.same), len(files.same), time.perf_counter() - started)


def peers(python: Path, rows: tuple[Sequence[Row], Sequence[Row]], same: Iterable[Ids]) -> dict[str, Figures]:
    """What the other tools find in the same files, at the threshold that is best for each."""
    result = {}
    with tempfile.TemporaryDirectory() as folder:
        write_rows(Path(folder), rows, same)
        for tool, name in TOOLS.items():
            ran = subprocess.run(
                [python, HERE / "linkage_peers.py", tool, folder], check=True, capture_output=True, text=True
            )
            for what, told in json.loads(ran.stdout.splitlines()[-1]).items():
                row = name if what == "pairs" else f"{name}, {what}"
                result[row] = Figures(int(told["found"]), int(told["right"]), int(told["known"]), told["seconds"])
    return result


def report_between(files: Files, rules: RuleSet, python: Path | None) -> str:
    """Two files, without and with the identifier, with what was missed and wrong by cause."""
    plain, found = between(files, rules)
    rows = [("Sluis", plain)]
    if python:
        rows += peers(python, files.rows, files.same).items()
    if files.numbers:
        rows.append(("Sluis, with the number", between(files, rules, numbers=True)[0]))
        if python:
            told = peers(python, with_numbers(files), files.same)
            rows += [(f"{name}, with the number", figures) for name, figures in told.items()]
    text = table((*HEAD, "seconds"), ([name, *one.cells(), f"{one.seconds:.0f}"] for name, one in rows))
    first = {person.person_id: person for person in persons_of(files.first)}
    second = {person.person_id: person for person in persons_of(files.second)}
    for what, pairs in (("missed", files.same - found), ("wrongly joined", found - files.same)):
        told_apart = causes((first[one], second[other]) for one, other in pairs)
        if told_apart:
            lines = ([cause, str(count)] for cause, count in told_apart)
            text += f"\n\n{table((f'{what}, without the number: what disagrees', 'pairs'), lines)}"
    return text


def report_febrl(rules: RuleSet, python: Path, *, other_tools: bool) -> str:
    """FEBRL 4, 2 and 3."""
    parts = ["### FEBRL4\n", report_between(febrl4(python), rules, python if other_tools else None)]
    rows = []
    for number in (2, 3):
        files = febrl_within(python, number)
        rows.append([f"FEBRL{number}", *within(files, rules).cells()])
        rows.append([f"FEBRL{number}, with the number", *within(files, rules, numbers=True).cells()])
    return "\n".join([*parts, "\n### FEBRL2 and FEBRL3, within one file\n", table(HEAD, rows)])


def report_register(size: int, rules: RuleSet, python: Path | None) -> str:
    """The synthetic register: persons next to the other tools, then families."""
    files = dutch_register(size, SEED)
    first, second = (persons_of(side) for side in (files.first, files.second))
    text = f"### Synthetic Dutch register, {len(first):,} and {len(second):,} persons\n\n"
    text += report_between(files, rules, python)
    family = {r.person.person_id: f.family_id for f in (*files.first, *files.second) for r in f.members}
    same = {frozenset({("a", family[one]), ("b", family[other])}) for one, other in files.same}
    matches, turned_down = link({"a": files.first, "b": files.second}, rules)
    families = Figures(len(matches), len(same & set(matches)), len(same))
    text += f"\n\n{table(HEAD, [['Sluis, families', *families.cells()]])}"
    return f"{text}\n\nCandidates that the nodes turned down: {turned_down:,}."


# Families: caseloads.


def report_caseloads(folder: Path, truth: Path, rules: RuleSet, *, errors: bool) -> str:
    """Families of all caseloads in a folder against the known pairs, and by grade; then as if nobody had a BSN."""
    read = [read_caseload(path, name=path.name, today=date.today()) for path in sorted(folder.glob("GM*.csv"))]
    caseloads = {Path(caseload.name).stem: caseload.families for caseload in read}
    matches, turned_down = link(caseloads, rules)
    known = read_truth(truth)
    rows = [("families", Figures(len(matches), len(known & set(matches)), len(known)))]
    for grade in Grade:
        found = {pair for pair, one in matches.items() if one is grade}
        rows.append((f"of grade {grade}", Figures(len(found), len(known & found), len(known))))
    unnumbered, _ = link({node: _without_bsns(families) for node, families in caseloads.items()}, rules)
    rows.append(("families, all BSNs left out", Figures(len(unnumbered), len(known & set(unnumbered)), len(known))))
    persons = [person for families in caseloads.values() for person in persons_of(families)]
    numbered = sum(person.bsn is not None for person in persons) / len(persons)
    refused = sum(len(caseload.refused) for caseload in read)
    text = table(HEAD, ([name, *one.cells()] for name, one in rows))
    text += f"\n\n{len(read)} caseloads, {len(persons):,} persons, {numbered:.0%} of them with a BSN, {refused} lines "
    text += f"refused, {turned_down} candidates turned down."
    if errors:
        report("missed", known - set(matches))
        report("wrong", set(matches) - known)
    tags = [key for families in caseloads.values() for key in unique_keys(families, rules).values()]
    return f"{text} Keys a person: {sum(map(len, tags)) / len(tags):.1f}."


def _without_bsns(families: Iterable[Family]) -> list[Family]:
    return [
        Family(f.family_id, tuple(replace(r, person=replace(r.person, bsn=None)) for r in f.members)) for f in families
    ]


def report(what: str, pairs: Iterable[FamilyPair]) -> None:
    """One line a pair, sorted."""
    for one, other in sorted(sorted(pair) for pair in pairs):
        print(f"{what}: {one[0]} {one[1]}  {other[0]} {other[1]}")


# Keys and speed.


def report_keys(rules: RuleSet, python: Path | None) -> str:
    """How many keys a person has, and how fast they are derived."""
    files = {"register": dutch_register(20_000, SEED)} | ({"FEBRL4": febrl4(python)} if python else {})
    rows, rates = [], []
    for name, one in files.items():
        persons = persons_of(one.first)
        started = time.perf_counter()
        derived = sum(len(linkage_keys(person, rules)) for person in persons) / len(persons)
        rates.append(len(persons) / (time.perf_counter() - started) * 60)
        tagged = sum(map(len, unique_keys(one.first, rules).values())) / len(persons)
        rows.append([name, f"{derived:.1f}", f"{tagged:.1f}"])
    head = ("nobody has a BSN", "keys derived a person", "unique in the file, so tagged")
    return (
        f"M = {rules.slots} tags a person. {rates[0]:,.0f} persons a minute on one core, normalising and deriving "
        "keys.\n\n"
        f"{table(head, rows)}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--caseloads", type=Path, help="folder with a GM*.csv per municipality; measures only these")
    parser.add_argument("--truth", type=Path, help="CSV: gemeente_a,gezin_a,gemeente_b,gezin_b")
    parser.add_argument("--size", type=int, default=50_000, help="persons in the register's first file")
    parser.add_argument("--no-peers", action="store_true", help="leave the other tools out")
    parser.add_argument("--errors", action="store_true", help="list the caseloads' missed and wrong pairs by their ids")
    parser.add_argument("--write", type=Path, help="put the tables into this page; measures everything")
    options = parser.parse_args(arguments)
    if (options.caseloads is None) != (options.truth is None):
        parser.error("--caseloads and --truth go together")
    rules = load_rules()
    parts = [f"Rule set {rules.identity}, SHA-256 `{rules.sha256}`."]
    if options.caseloads:
        parts += ["### Caseloads", report_caseloads(options.caseloads, options.truth, rules, errors=options.errors)]
    if options.write or not options.caseloads:
        python = environment()
        parts.append(report_febrl(rules, python, other_tools=not options.no_peers))
        parts.append(report_register(options.size, rules, None if options.no_peers else python))
        parts += ["### Keys and speed", report_keys(rules, python)]
    text = "\n\n".join(parts)
    if options.write:
        before, rest = options.write.read_text("utf-8").split(BEGIN)
        after = rest.split(END, 1)[1]
        options.write.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
