"""Tag: from a caseload to persons with tags, in steps that a node can do in batches (protocol.md, 2 and 3).

`prepare` (nothing leaves the node) → `prf_inputs` → blind, evaluate and finalise elsewhere → `attach` the outputs.
No I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .keys import LinkageKey, prf_input, unique_keys
from .record import Family
from .rules import RuleSet

TAG_BYTES = 16
OPENING_BYTES = 32
_OPENING_AT = 32


@dataclass(frozen=True, slots=True)
class Context:
    """What every PRF input of a round is bound to."""

    covenant_id: str
    purpose: str
    round_id: str
    rule_set: str


@dataclass(frozen=True, slots=True)
class PreparedPerson:
    """A person of one's own caseload with its linkage keys, before tagging."""

    family_id: str = field(repr=False)
    person_id: str = field(repr=False)
    has_bsn: bool
    keys: tuple[LinkageKey, ...]


@dataclass(frozen=True, slots=True)
class TaggedKey:
    """A linkage key after tagging: the tag goes to the coordinator, the opening never leaves the node."""

    kind: str
    tag: bytes = field(repr=False)
    opening: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OwnPerson:
    """A person of one's own caseload with its tagged keys."""

    family_id: str = field(repr=False)
    person_id: str = field(repr=False)
    has_bsn: bool
    keys: tuple[TaggedKey, ...]


def prepare(families: Sequence[Family], rules: RuleSet) -> list[PreparedPerson]:
    """The linkage keys of everybody, without the values that two of them share."""
    keys = unique_keys(families, rules)
    return [
        PreparedPerson(
            family.family_id, person.person_id, person.bsn is not None, keys[family.family_id, person.person_id]
        )
        for family in families
        for person in (member.person for member in family.members)
    ]


def prf_inputs(persons: Iterable[PreparedPerson], context: Context) -> list[bytes]:
    """The PRF inputs of all keys of all persons, in their order."""
    return [
        prf_input(context.covenant_id, context.purpose, context.round_id, context.rule_set, key)
        for person in persons
        for key in person.keys
    ]


def attach(persons: Iterable[PreparedPerson], outputs: Iterable[bytes]) -> list[OwnPerson]:
    """Give every key its PRF output of 64 bytes: tag = output[0:16], opening = output[32:64].

    Outputs are in the order of `prf_inputs`, and as many.
    """
    rest = iter(outputs)
    return [
        OwnPerson(
            person.family_id,
            person.person_id,
            person.has_bsn,
            tuple(_split(key.kind, next(rest)) for key in person.keys),
        )
        for person in persons
    ]


def _split(kind: str, output: bytes) -> TaggedKey:
    return TaggedKey(kind, output[:TAG_BYTES], output[_OPENING_AT : _OPENING_AT + OPENING_BYTES])
