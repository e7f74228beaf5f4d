"""Attacks on what the coordinator has of a round: tags, handles and sizes (protocol.md, 4 and "Known leakage")."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from sluis_protocol.keys import linkage_keys
from sluis_protocol.record import BirthDate, Family, Person, Record
from sluis_protocol.submission import Submission, assemble, bucket
from sluis_protocol.tag import PreparedPerson, prepare

from ..node.people import family
from .attack import Attack, Tally, below, seeded
from .scene import NEXT_ROUND, ROUND, RULES, Keys, invented, real_tags, undefended


def link_two_rounds(defended: bool) -> Tally:
    """The same caseload in two rounds: persons of whom a tag of the first round comes again in the second."""
    keys, random = Keys.of("link"), seeded("link")
    families = [family(f"F{number}", number) for number in range(12)]
    first = keys.submission(families, random)
    second = keys.submission(families, random, NEXT_ROUND if defended else ROUND)
    again = {tag for row in second.rows for tag in row.tags}
    linked = {who for tag, who in real_tags(first).items() if tag in again}
    return Tally(len(linked), len(set(real_tags(first).values())))


def frequent_values(defended: bool) -> Tally:
    """A caseload in which some values are common, and who knows how common each is: values told by their count.

    Without the defence, a node tags what several of its persons share (`unique_keys` drops it).
    """
    keys, random = Keys.of("frequency"), seeded("frequency")
    families = _skewed()
    persons = prepare(families, RULES) if defended else _with_shared_values(families)
    everyone = {(f.family_id, m.person.person_id): linkage_keys(m.person, RULES) for f in families for m in f.members}
    truth = Counter((key.kind, key.value) for own in everyone.values() for key in own)
    common = {value: times for value, times in truth.items() if times > 1}
    named = {times: value for value, times in common.items() if list(common.values()).count(times) == 1}
    tagged = keys.tag(persons, random)
    rows = assemble(tagged, RULES, random).rows
    counts = Counter(tag for row in rows for tag in row.tags)
    meaning = {
        tag.tag: (key.kind, key.value)
        for own, person in zip(tagged, persons, strict=True)
        for tag, key in zip(own.keys, person.keys, strict=True)
    }
    guesses = {tag: named[times] for tag, times in counts.items() if times in named}
    right = {guess for tag, guess in guesses.items() if meaning.get(tag) == guess}
    return Tally(len(right), len(named))


def _skewed() -> list[Family]:
    """Families of one; so many have the same surname and birth year, all else differs."""
    found = []
    for number, times in enumerate((9, 7, 6, 5, 4, 3, 2)):
        for at in range(times):
            one = family(f"F{number}-{at}", number, members=1, bsn=False)
            born = BirthDate(1960 + number, 1 + at, 1 + 2 * at)
            person: Person = replace(one.members[0].person, given_names="Anna", birth_date=born)
            found.append(Family(one.family_id, (Record(person, one.members[0].ground),)))
    return found


def _with_shared_values(families: Sequence[Family]) -> list[PreparedPerson]:
    return [
        PreparedPerson(one.family_id, member.person.person_id, False, linkage_keys(member.person, RULES))
        for one in families
        for member in one.members
    ]


SIZES = (11, 9, 8, 7, 6, 6, 5, 5, 5, 4, 4, 4, 4, *([3] * 12), *([2] * 15), *([1] * 8))


def families_by_size(defended: bool) -> Tally:
    """Who knows the size of every family takes the largest handles for the largest families, in that order."""
    found = by_size(defended=defended)
    return Tally(*(sum(getattr(found[size], name) for size in SIZES[:4]) for name in ("succeeded", "tried")))


def by_size(*, defended: bool, rounds: int = 25) -> dict[int, Tally]:
    """For each size, families told by the order of sizes; where several handles have one size, it is a guess."""
    right, tried = Counter[int](), Counter[int]()
    for number in range(rounds):
        random = seeded(f"sizes {number}")
        handed = _submission(SIZES, random, defended=defended)
        seen = Counter(row.family for row in handed.rows).most_common()
        for at, size in enumerate(SIZES):
            alike = [handle for handle, times in seen if times == seen[at][1]]
            guess = alike[below(len(alike), random)]
            tried[size] += 1
            right[size] += guess in handed.own and handed.own[guess].family_id == f"F{at}"
    return {size: Tally(right[size], tried[size]) for size in tried}


def _submission(sizes: Sequence[int], random: Callable[[int], bytes], *, defended: bool) -> Submission:
    persons = invented(sizes, random)
    return assemble(persons, RULES, random) if defended else undefended(persons, random)


def difference_of_two_rounds(defended: bool) -> Tally:
    """One family more than in the round before, which the coordinator knows: which one is it?

    Without the defence tags say the same in both rounds; with it, each family of that size or more is as good a guess.
    """
    right, tries = 0, 60
    for number in range(tries):
        random = seeded(f"difference {number}")
        sizes = [1 + below(5, random) for _ in range(40)]
        persons, known = invented([*sizes, 3], random), set[bytes]()
        if not defended:  # tags of the round before that come again
            old = {own.family_id: own.keys for own in invented(sizes, seeded(f"difference {number} again"))}
            persons = [replace(one, keys=old.get(one.family_id, one.keys)) for one in persons]
            known = {key.tag for keys in old.values() for key in keys}
        after = assemble(persons, RULES, random)
        by_family: dict[int, list[bytes]] = defaultdict(list)
        for row in after.rows:
            by_family[row.family] += row.tags
        sized = Counter(row.family for row in after.rows)
        real = by_family if defended else {handle: tags for handle, tags in by_family.items() if handle in after.own}
        new = [handle for handle, tags in real.items() if not known & set(tags) and sized[handle] >= 3]
        guess = new[below(len(new), random)]
        right += guess in after.own and after.own[guess].family_id == "F40"
    return Tally(right, tries)


def whether_a_family_was_added(defended: bool) -> Tally:
    """Two caseloads, of which one has a family more: which of the two was handed in? Half is what guessing gives."""
    right, tries = 0, 100
    for number in range(tries):
        random = seeded(f"added {number}")
        sizes = [1 + below(5, random) for _ in range(30 + below(60, random))]
        added = below(2, random) == 1
        handed = _submission([*sizes, 3] if added else sizes, random, defended=defended)
        persons, families = sum(sizes), len(sizes)
        least = (bucket(families), bucket(persons)) if defended else (families, persons)
        grown = (handed.families, len(handed.rows)) != least
        # Where nothing grew, nothing was added, or it is within the padding: a guess.
        guess = grown if grown or not defended else below(2, random) == 1
        right += guess == added
    return Tally(right, tries)


def without_a_round_id(defended: bool) -> Tally:
    """Two municipalities with nothing in common, over 30 rounds: pairs of handles or rows that repeat by chance."""
    seen: Counter[bytes] = Counter()
    for number in range(30):
        random = seeded(f"repeat {number if defended else 0}")
        rows = assemble(invented([2] * 10, random), RULES, random).rows
        seen.update(hashlib.sha256(row.person.to_bytes(8, "big")).digest() for row in rows)
    return Tally(sum(times > 1 for times in seen.values()), len(seen))


ATTACKS = (
    Attack(
        "Linking two rounds' tags",
        "the coordinator, which keeps what it should delete",
        "persons with an equal tag in both rounds",
        "the round id in the PRF input",
        "0 (2⁻¹²⁸ a pair of tags)",
        link_two_rounds,
    ),
    Attack(
        "Linking two rounds' handles",
        "the coordinator, which keeps what it should delete",
        "person handles that come in more than one of 30 rounds",
        "fresh random handles",
        "0 (2⁻⁶⁴ a pair of handles)",
        without_a_round_id,
    ),
    Attack(
        "Frequencies of values",
        "the coordinator, which knows how often each value occurs in a caseload",
        "common values told by how often their tag occurs",
        "dropping values that two of one's persons share",
        "0: no real tag comes twice in a submission",
        frequent_values,
        least=0.9,
    ),
    Attack(
        "The largest families by their size",
        "the coordinator, which knows the size of every family",
        "the four largest families told by the order of sizes",
        "dummy persons",
        "none is stated: padding leaves this",
        families_by_size,
        most=0.95,
    ),
    Attack(
        "Differencing: which family is new",
        "the coordinator, which knows that one family of three was added",
        "the new family's handle",
        "the round id in the PRF input, and dummies",
        "one of the families of three and more: about 3 %",
        difference_of_two_rounds,
        most=0.12,
    ),
    Attack(
        "Differencing: whether one is new",
        "the coordinator, which knows the round before",
        "rounds in which it tells whether a family was added, by the sizes handed in",
        "padding to buckets",
        "a guess (50 %) but at a bucket's edge",
        whether_a_family_was_added,
        most=0.65,
    ),
)
