"""What `benchmarks.parity` counts, and the page that it writes.

Counts and ratios only; nothing is measured here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

from sluis_protocol.rules import RuleSet

from benchmarks.traditions.clerks import RATES
from benchmarks.traditions.tradition import traditions

GOAL = 0.97


@dataclass(slots=True)
class Tally:
    """How many pairs are known, were found, and are right."""

    known: int = 0
    found: int = 0
    right: int = 0

    @property
    def recall(self) -> float:
        """The share of the known that was found."""
        return self.right / self.known if self.known else 0.0

    @property
    def precision(self) -> float:
        """The share of the found that is right."""
        return self.right / self.found if self.found else 1.0

    def add(self, other: Tally) -> None:
        """Count another tally's pairs, too."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


@dataclass(slots=True)
class Figures:
    """The tallies of a tradition; `respelt` are persons who were spelt in another way the second time, and families
    with such a person."""

    persons: Tally = field(default_factory=Tally)
    families: Tally = field(default_factory=Tally)
    respelt: Tally = field(default_factory=Tally)
    respelt_families: Tally = field(default_factory=Tally)

    def add(self, other: Figures) -> None:
        """Count another run's pairs, too."""
        self.persons.add(other.persons)
        self.families.add(other.families)
        self.respelt.add(other.respelt)
        self.respelt_families.add(other.respelt_families)


@dataclass(frozen=True, slots=True)
class Parity:
    """The figures of all traditions, by label."""

    rules: str
    by_label: Mapping[str, Figures]

    @property
    def persons(self) -> float:
        """Worst to best recall, person by person."""
        return _ratio([figures.persons for figures in self.by_label.values()])

    @property
    def families(self) -> float:
        """Worst to best recall, family by family."""
        return _ratio([figures.families for figures in self.by_label.values()])

    @property
    def transliterated_persons(self) -> float:
        """The recall of persons with a transliterated name that was respelt, to the best tradition's of all persons."""
        best = max(figures.persons.recall for figures in self.by_label.values())
        return _total([figures.respelt for figures in self._transliterated()]).recall / best

    @property
    def transliterated_families(self) -> float:
        """The recall of families with such a person, to the best tradition's of all families."""
        best = max(figures.families.recall for figures in self.by_label.values())
        return _total([figures.respelt_families for figures in self._transliterated()]).recall / best

    def _transliterated(self) -> list[Figures]:
        return [self.by_label[one.label] for one in traditions() if one.transliterated]


def _ratio(tallies: Sequence[Tally]) -> float:
    recalls = [tally.recall for tally in tallies]
    return min(recalls) / max(recalls)


def _total(tallies: Sequence[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


def table(parity: Parity) -> str:
    """The figures in Markdown, the lowest recall of persons first."""
    lines = [
        "| names | families | recall | precision | persons | recall | precision | respelt | recall |",
        "| --- | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for label, one in sorted(parity.by_label.items(), key=lambda item: (item[1].persons.recall, item[0])):
        persons, families, respelt = one.persons, one.families, one.respelt
        lines.append(
            f"| {label} | {families.known} | {families.recall:.4f} | {families.precision:.4f} | {persons.known} "
            f"| {persons.recall:.4f} | {persons.precision:.4f} | {respelt.known} | {respelt.recall:.3f} |"
        )
    return "\n".join(lines)


def ratios(parity: Parity) -> str:
    """The worst to the best, in Markdown, beside the goal."""
    rows = (
        ("families: worst to best recall", parity.families),
        ("persons: worst to best recall", parity.persons),
        ("families with a respelt transliterated name, to the best", parity.transliterated_families),
        ("persons with a respelt transliterated name, to the best", parity.transliterated_persons),
    )
    lines = ["| ratio | measured | goal |", "| --- | --: | --: |"]
    lines += [f"| {name} | {ratio:.4f} | {GOAL:.2f} |" for name, ratio in rows]
    return "\n".join(lines)


def page(parity: Parity, rules: RuleSet, command: str) -> str:
    """docs/parity.md: the figures with what they mean, how they were measured, and what they don't say."""
    rates = "\n".join(f"| {what} | {rate:.2f} |" for what, rate in RATES.items())
    return _PAGE.format(
        identity=rules.identity,
        sha256=rules.sha256,
        ratios=ratios(parity),
        table=table(parity),
        rates=rates,
        command=command,
        count=len(parity.by_label),
    )


_PAGE = """# Does matching work as well for all names?

It should: rule 24 of the design asks that a family is found as well if its name has diacritics, comes from another
script, or has several surnames. This page says how well it does with rule set {identity}, whose SHA-256 is
`{sha256}`.
A command made it, and a test fails when a change of rules lowers the ratios (`tests/linkage/parity.json`).

```sh
{command}
```

{ratios}

- **Recall**: the share of those who are in both caseloads that both nodes find. **Precision**: the share of what
  they find that is right.
- **Families** is what Sluis is for: two municipalities that help the same family.
- **Persons** is the harder figure: each person as a family of one, so that nothing but their own name and date of
  birth helps. Nobody is found by BSN.
- **Respelt** are the persons whose name the second clerk spelt in another way than the register: another
  transliteration, a spelling of the same sound, or now and then the original script. The ratio counts those of
  transliterated names.

{table}

## How it was measured

Persons are invented, in {count} naming traditions: what parts a name has, in which order, what is inherited, and
how it is spelt in Latin letters. A tradition is the label of a row in the table above. It is no field of a record,
no program has it, and the rule set doesn't know it: one set of keys, points and thresholds is applied to every name
alike.

Two caseloads are drawn with all traditions in them. Half of the families of each are in the other, with
twins, namesakes a generation apart, and others who share a surname and a birthday with somebody on the other side.
The second time each family is entered by another clerk, who never has the BSN: with it, a family is found whatever
its name. The same households suffer the same slips in every tradition, so that differences come from names. What
happens how often was set beforehand (`benchmarks/traditions/clerks.py`):

| the second clerk | share |
| --- | --: |
{rates}

A name is respelt at the full rate where it is transliterated, at a fifth of it elsewhere, and given name and
surname are swapped thrice as often where the surname comes first. A member of a family is left out in 15 of 100
cases. Then the node's own normalisation, keys, uniqueness, the join and both nodes' check decide, as in a round;
only the cryptography is left out, which changes no result. Rules were made on the development seed; the figures are
of another one.

## What it doesn't say

- Invented persons are not real ones. The lists have some hundred names a tradition, drawn evenly with few
  exceptions; in life some are frequent, and there are thousands.
- The rates are assumptions. They decide how high recall is, and less how it compares. No figure here is the recall
  of a real caseload: there most persons have a BSN.
- A recall of .95 on 1,000 persons is known to about .007 either way. The worst of {count} is lower than it would be
  on more persons, the best is higher, so the ratio leans to the low side.
- A tradition that isn't in the list may do worse. `benchmarks/traditions/names` takes another file.
- Some differences aren't a matter of rules: where a few surnames are very frequent, a name says less about who
  somebody is, and a key that two persons of a caseload share is dropped.
"""
