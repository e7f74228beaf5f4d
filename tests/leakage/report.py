"""`python -m tests.leakage.report [--write docs/leakage.md]`: run every attack, and tell how often each succeeds."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import structlog

from . import on_claims, on_keys, on_tags, on_traffic, remains
from .attack import Attack, Tally

ATTACKS = (*on_traffic.ATTACKS, *on_keys.ATTACKS, *on_tags.ATTACKS, *on_claims.ATTACKS)
COMMAND = "python -m tests.leakage.report --write docs/leakage.md"
_HEAD = f"""\
# What leaks, measured

We attack our own protocol. Each attack runs twice: as things are, and with its defence switched off, where it has to
succeed; so a nought means something. Every draw comes from a seed. A command made this page, and a test runs the same
attacks and compares (`tests/leakage`, in the normal run):

```sh
{COMMAND}
```

What is bounded here rests on the assumptions of [threat-model.md](threat-model.md); what leaks by design is in
[protocol.md](protocol.md#known-leakage).

## Attacks

| attack | by | counted | without | so succeeds | bound | as it is |
| --- | --- | --- | --- | --: | --- | --: |
"""
_WORDS = """\
- **A known key** is k = 1: answers Z = B with honest proofs, proofs under a key of one's own, none, and random ones.
  The relay can sign as itself only, the key holders with their own keys.
- **The dictionary** has every linkage key of every person, as text, as digests, as a group element and as a tag under
  the key 1. It is looked for in every message that the coordinator took or gave, and in all its files, before the join
  and at the end.
- **Canaries** are the names, numbers, dates, postcodes, cases and ids of all persons, contact cards and reviewers. They
  are looked for as text, in hexadecimal and in Base64, in logs of programs and libraries, errors and their `repr`,
  notices, processing logs, traffic and databases. Most of it a node never keeps, so only part of it is there to be
  found even without encryption. Who did what stands in a node's own database and processing log, and has to.
- **Fishing** yields what the quota allows, and no protocol can prevent that: whoever may ask whether a family is shared
  can ask about somebody else's. Each find is a match, which the other side sees; the counts are with the key holders.
- **The largest families** can be told by their size, because a few dummy persons don't hide that one family is twice as
  large as the next. See below.
"""


def line(attack: Attack, undefended: Tally, defended: Tally) -> str:
    """The table's row of an attack."""
    cells = (attack.name, attack.adversary, attack.success, attack.defence, undefended, attack.bound, defended)
    return f"| {' | '.join(map(str, cells))} |"


def what_remains() -> Iterator[str]:
    """The section on sizes, measured."""
    yield "## What padding leaves\n"
    yield (
        "Numbers of families and persons grow to the next of 64, 96, 128, 192, 256, 384, … Dummy persons join real\n"
        "families, too. Who sees the padded numbers knows the true one of persons to be between two others:\n"
    )
    yield "| families | persons | shown families | shown persons | MB | persons it could be |"
    yield "| --: | --: | --: | --: | --: | --: |"
    for one in remains.sizes():
        shown = f"{one.shown_families} | {one.shown_persons} | {one.megabytes:.2f} | {one.least} to {one.most}"
        yield f"| {one.families} | {one.persons} | {shown} |"
    yield (
        "\nWho knows the size of every family of a caseload (here 50 families), and takes the largest handle for the\n"
        "largest family, and so on, is right so often:\n"
    )
    yield "| persons in the family | right |"
    yield "| --: | --: |"
    for size, tally in remains.family_sizes():
        yield f"| {size} | {100 * tally.rate:.0f} % |"
    yield (
        "\nA handle lives for one round and tells nothing else; but with the claims the coordinator can see that a\n"
        "family which it recognised by its size is a candidate, and with which municipality. In a larger caseload, or\n"
        "where the largest family is not alone, this is worth less. Families padded to one size would hide it, at the\n"
        "cost of as many dummies for each family as the largest has members; that is not done."
    )
    persons, keys, slots = remains.evaluations()
    many = remains.shared_by_many()
    yield f"""
## What is seen by design

- **Evaluations are counted** in steps of the covenant's `batch_minimum` only: key holders and the coordinator see how
  many linkage keys a node has evaluated ({keys} for {persons} persons here, where padded slots would be {slots}), so
  the true size shows there more exactly than in what is handed in.
- **How many municipalities share** a tag shows within a round: of {many.tried} families whose number of municipalities
  no other family has, somebody who knows all these numbers tells {many.succeeded}. Tags go when the round is published.
- **When** a node takes part, asks and answers. Results come with the round's publication, to all at once, not as they
  are found. How long a node takes to answer a claim differs by well under a millisecond (adr/0010).
"""


def render() -> str:
    """The whole page."""
    lines = [line(attack, attack.run(False), attack.run(True)) for attack in ATTACKS]
    rest = "\n".join(what_remains())
    return _HEAD + "\n".join(lines) + "\n\n" + _WORDS + "\n" + rest


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page there instead of to the screen")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    page = render()
    if options.write:
        options.write.write_text(page, encoding="utf-8")
    else:
        sys.stdout.write(page)


if __name__ == "__main__":
    main()
