"""Another linkage tool on one pair of files; run by `benchmarks.linkage` in an environment of its own.

`python linkage_peers.py TOOL FOLDER`: FOLDER has first.csv, second.csv (a column `id`, the others are fields) and
same.csv (`first`, `second`: ids). Prints one line of JSON: the F1-best threshold of the tool, chosen with the truth in
hand as no user of it could, and what it finds there; and the same once more when each entry keeps its best pair only,
which the tools leave to their users. Nothing of Sluis is imported.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

Row = dict[str, str]
Scored = Iterable[tuple[float, str, str]]  # similarity, id in the first file, id in the second

NAMES = {"given", "surname"}
NUMBERS = {"number", "postcode", "house_number"}
DIGITS = {"born", "number", "house_number"}
IMPORTANT = {*NAMES, "born", "number"}
LOWEST = 0.7  # similarity of Bloom filters below which nothing is kept
NEAREST = 10  # entries that anonlink keeps for each entry, which bounds its memory


def read(path: Path) -> list[Row]:
    """The rows of a CSV."""
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def splink(first: Sequence[Row], second: Sequence[Row]) -> Scored:
    """Splink on plaintext: names, dates and addresses with its own comparisons, trained on the pair by EM."""
    import pandas
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    comparisons = []
    for name in (name for name in first[0] if name != "id"):
        if name in NAMES:
            comparisons.append(cl.JaroWinklerAtThresholds(name, [0.95, 0.88, 0.7]))
        elif name == "born":
            comparisons.append(cl.DamerauLevenshteinAtThresholds(name, [1, 2]))
        elif name in NUMBERS:
            comparisons.append(cl.DamerauLevenshteinAtThresholds(name, [1]))
        else:
            comparisons.append(cl.JaroWinklerAtThresholds(name, [0.9, 0.7]))
    settings = SettingsCreator(
        link_type="link_only",
        unique_id_column_name="id",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=[
            block_on("born"),
            block_on("given", "surname"),
            block_on("substr(surname, 1, 3)", "substr(born, 1, 4)"),
            block_on("substr(given, 1, 3)", "substr(born, 1, 4)"),
            block_on("substr(surname, 1, 3)", "substr(postcode, 1, 4)"),
            block_on("substr(given, 1, 3)", "substr(postcode, 1, 4)"),
            block_on("given", "house_number"),
            block_on("surname", "house_number"),
            block_on("postcode", "house_number"),
            *([block_on("address_1")] if "address_1" in first[0] else []),
            *([block_on("number")] if "number" in first[0] else []),
        ],
    )
    api = DuckDBAPI()
    frames = [pandas.DataFrame(rows).replace("", None) for rows in (first, second)]
    tables = [api.register(frame, dataset_display_name=name) for frame, name in zip(frames, ("a", "b"), strict=True)]
    linker = Linker(tables, settings)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("given", "surname", "born"), block_on("born", "postcode")], recall=0.6
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    for rule in (block_on("born"), block_on("given", "surname"), block_on("postcode")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    found = linker.inference.predict(threshold_match_probability=0.001).as_pandas_dataframe()
    mine = {row["id"] for row in first}
    for weight, left, right in zip(found["match_weight"], found["id_l"], found["id_r"], strict=True):
        yield (weight, left, right) if left in mine else (weight, right, left)


def anonlink(first: Sequence[Row], second: Sequence[Row]) -> Scored:
    """CLKs of clkhash (1,024 bits; bigrams of words, positional digits of dates and numbers), compared by anonlink."""
    from anonlink.candidate_generation import find_candidate_pairs
    from anonlink.similarities import dice_coefficient_accelerated
    from clkhash import clk
    from clkhash.comparators import NgramComparison
    from clkhash.field_formats import BitsPerFeatureStrategy, FieldHashingProperties, StringSpec
    from clkhash.schema import Schema

    fields = [name for name in first[0] if name != "id"]
    features = [
        StringSpec(
            name,
            FieldHashingProperties(
                NgramComparison(1, positional=True) if name in DIGITS else NgramComparison(2),
                BitsPerFeatureStrategy(200 if name in IMPORTANT else 100),
            ),
        )
        for name in fields
    ]
    shape = Schema(features, 1024)
    filters = [
        clk.generate_clk_from_csv(_as_csv(rows, fields), "secret", shape, progress_bar=False, max_workers=1)
        for rows in (first, second)
    ]
    scores, _, (ours, theirs) = find_candidate_pairs(filters, dice_coefficient_accelerated, LOWEST, k=NEAREST)
    # Each pair comes as two (file, row) columns, the first file first.
    for score, one, other in zip(scores, ours, theirs, strict=True):
        yield score, first[one]["id"], second[other]["id"]


def pprl_core(first: Sequence[Row], second: Sequence[Row]) -> Scored:
    """Bloom filters of pprl-core (1,024 bits, double hashing, 15 a bigram of each field) by the Dice coefficient.

    It compares a pair in Python, so only those pairs that share a value of `blocks`, in plaintext, are compared: a help
    that is not there in practice.
    """
    from bitarray import bitarray
    from pprl_core.bits import double_hash
    from pprl_core.similarity import dice

    def filled(row: Row) -> object:
        bits = bitarray(1024)
        bits.setall(0)
        for name, text in row.items():
            padded = f"_{text}_"
            grams = {padded[at : at + 2] for at in range(len(padded) - 1)} if name != "id" and text else set()
            for gram in grams:
                digest = hashlib.sha256(f"secret {name} {gram}".encode()).digest()
                double_hash(bits, 15, int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:16], "big"))
        return bits

    ours, theirs = [filled(row) for row in first], [filled(row) for row in second]
    for one, other in blocked(first, second):
        score = dice(ours[one], theirs[other])
        if score >= LOWEST:
            yield score, first[one]["id"], second[other]["id"]


def _as_csv(rows: Sequence[Row], fields: Sequence[str]) -> io.StringIO:
    text = io.StringIO()
    writer = csv.DictWriter(text, fields, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    text.seek(0)
    return text


def blocks(row: Row) -> Iterator[tuple[str, ...]]:
    """Values of which two rows must share one, to be compared by a slow tool."""
    given, surname, born, postcode = row["given"], row["surname"], row["born"], row["postcode"]
    if born:
        yield "born", born
        for name in {given[:2], surname[:2]} - {""}:
            yield "year", born[:4], name
    if postcode:
        for name in {given[:2], surname[:2]} - {""}:
            yield "postcode", postcode, name
    if given and surname:
        yield ("names", *sorted((given[:4], surname[:4])))


def blocked(first: Sequence[Row], second: Sequence[Row]) -> Iterator[tuple[int, int]]:
    """The positions of the rows that share a block, each pair once."""
    theirs = defaultdict(list)
    for at, row in enumerate(second):
        for block in set(blocks(row)):
            theirs[block].append(at)
    for at, row in enumerate(first):
        for other in {other for block in blocks(row) for other in theirs.get(block, ())}:
            yield at, other


def one_to_one(scored: Scored) -> Scored:
    """The pairs with the highest scores, each entry in one of them at most."""
    firsts: set[str] = set()
    seconds: set[str] = set()
    for score, one, other in sorted(scored, reverse=True):
        if one not in firsts and other not in seconds:
            firsts.add(one)
            seconds.add(other)
            yield score, one, other


def best(scored: Scored, same: set[tuple[str, str]]) -> dict[str, float]:
    """The threshold with the highest F1, and what it finds."""
    right = 0
    result = {"threshold": 1.0, "found": 0.0, "right": 0.0, "known": float(len(same))}
    highest = 0.0
    by_score = sorted(scored, reverse=True)
    for found, (score, one, other) in enumerate(by_score, 1):
        right += (one, other) in same
        tied = found < len(by_score) and by_score[found][0] == score
        f1 = 2 * right / (found + len(same))
        if f1 > highest and not tied:
            highest = f1
            result |= {"threshold": float(score), "found": float(found), "right": float(right)}
    return result


TOOLS: Mapping[str, Callable[[Sequence[Row], Sequence[Row]], Scored]] = {
    "splink": splink,
    "anonlink": anonlink,
    "pprl-core": pprl_core,
}


def main() -> None:
    """The command."""
    tool, folder = sys.argv[1], Path(sys.argv[2])
    first, second = read(folder / "first.csv"), read(folder / "second.csv")
    same = {(row["first"], row["second"]) for row in read(folder / "same.csv")}
    started = time.perf_counter()
    scored = list(TOOLS[tool](first, second))
    seconds = time.perf_counter() - started
    told = {"pairs": best(scored, same), "one to one": best(one_to_one(scored), same)}
    print(json.dumps({what: figures | {"seconds": seconds} for what, figures in told.items()}))


if __name__ == "__main__":
    main()
