"""The rule set: which linkage keys there are, what they are worth, and what makes a match (protocol.md, 2, 5 and 6).

One declarative file, identical at every node, beside this module. It is read strictly: what is missing, unknown or
contradictory is a `ConfigError`. Nothing here looks at a person; `sluis_protocol.keys` applies the kinds.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import TypeVar, cast

from sluis_protocol.errors import ConfigError
from sluis_protocol.normalise import ATOMS, DATE_ATOMS

T = TypeVar("T")

CURRENT = "rules_1.toml"
EVIDENCE = frozenset({"bsn", "given", "initial", "named", "surname", "date", "address", "home"})
_NAMED = frozenset({"given", "surname", "date"})
_PILLARS = _NAMED | {"address", "home"}


class Grade(StrEnum):
    """How a match was found (rule 9): by number, or without one both know, which people must verify first."""

    BSN = "bsn"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What the join needs: points of a person pair, of a family pair, and of a key that decides alone."""

    person: int
    family: int
    certain: int


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of linkage key: `atoms` (see `normalise.atoms`) joined, `slots` tags a person, worth `points` each."""

    name: str
    points: int
    slots: int
    atoms: tuple[str, ...]
    evidence: frozenset[str]

    @property
    def shows_address(self) -> bool:
        """Whether it has an address, which relatives share."""
        return bool(self.evidence & {"address", "home"})


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A version of the rules. `sha256` is the hex digest of the file's exact bytes, `identity` goes into the PRF."""

    name: str
    version: int
    sha256: str
    kinds: Mapping[str, Kind]
    thresholds: Thresholds
    any_of: tuple[frozenset[str], ...]
    most_at_home: int
    """Families of one file that may have one address; more of them live in a shelter or another institution."""

    @property
    def identity(self) -> str:
        """Name and version, such as "sluis-rules/1"."""
        return f"{self.name}/{self.version}"

    @property
    def slots(self) -> int:
        """M: how many tags every person of a submission has."""
        return sum(kind.slots for kind in self.kinds.values())

    def accept(self, pairs: Collection[Collection[str]]) -> Grade | None:
        """The grade of a family pair, from the kinds of the tags that each of its person pairs shares; None: no match.

        1. A person pair that shares a BSN key decides: grade "bsn".
        2. Otherwise the pairs that reach `person` must add up to `family`,
        3. and one of them must show evidence of one of the sets in `any_of` (rules 9 and 10). An initial is evidence
           of the given name only where not both sides know the full name, which would have to agree.

        Both nodes come to the same answer from the same kinds. Not checked here: that the tags are one's own, and
        that the other side has them (`join.check_claim`, `confirm`). A kind that isn't in the rules is a `KeyError`.
        """
        counted = [pair for pair in pairs if self._points(pair) >= self.thresholds.person]
        if any(self.kinds[kind].points >= self.thresholds.certain for pair in counted for kind in pair):
            return Grade.BSN
        if sum(map(self._points, counted)) < self.thresholds.family:
            return None
        return Grade.NAME if any(map(self._shows_enough, counted)) else None

    def _points(self, pair: Collection[str]) -> int:
        return sum(self.kinds[kind].points for kind in pair)

    def _shows_enough(self, pair: Collection[str]) -> bool:
        shown = frozenset[str]().union(*(self.kinds[kind].evidence for kind in pair))
        if "initial" in shown and "named" not in shown:
            shown |= {"given"}
        return any(needed <= shown for needed in self.any_of)


def load_rules(content: bytes | None = None) -> RuleSet:
    """The packaged rule set, or the one in `content` (TOML, UTF-8). Raises `ConfigError`."""
    if content is None:
        content = files("sluis_protocol").joinpath(CURRENT).read_bytes()
    try:
        table = _Table(tomllib.loads(content.decode()), "the rule set")
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise ConfigError(f"the rule set is no TOML: {fault}", do="Take the file of a release, unchanged.") from fault
    limits = _Table(table.take("thresholds", dict), "thresholds")
    thresholds = Thresholds(*(limits.positive(name) for name in ("person", "family", "certain")))
    limits.finish()
    evidence = _Table(table.take("evidence", dict), "evidence")
    any_of = tuple(frozenset(_words(one, "evidence")) for one in evidence.take("any_of", list))
    evidence.finish()
    homes = _Table(table.take("homes", dict), "homes")
    most_at_home = homes.positive("most_families")
    homes.finish()
    kinds = [_kind(one) for one in table.take("kind", list)]
    rules = RuleSet(
        name=table.take("name", str),
        version=table.positive("version"),
        sha256=hashlib.sha256(content).hexdigest(),
        kinds={kind.name: kind for kind in kinds},
        thresholds=thresholds,
        any_of=any_of,
        most_at_home=most_at_home,
    )
    table.finish()
    _check(rules, kinds)
    return rules


def _kind(value: object) -> Kind:
    table = _Table(value, "a kind")
    name = table.take("name", str)
    table.what = f"kind {name}"
    kind = Kind(
        name=name,
        points=table.positive("points"),
        slots=table.positive("slots", default=1),
        atoms=tuple(_words(table.take("atoms", list), table.what)),
        evidence=frozenset(_words(table.take("evidence", list), table.what)),
    )
    table.finish()
    return kind


def _check(rules: RuleSet, kinds: Sequence[Kind]) -> None:
    """What the parts of a rule set must be to each other."""
    limits = rules.thresholds
    _require(len(rules.kinds) == len(kinds), "a kind is there twice")
    _require(limits.person <= limits.family <= limits.certain, "thresholds must be person <= family <= certain")
    _require(bool(rules.any_of) and all(rules.any_of), "evidence.any_of must name what a match by name needs")
    for needed in rules.any_of:
        _require(needed <= _PILLARS, f"any_of can ask for {', '.join(sorted(_PILLARS))}")
        addressed = bool(needed & {"address", "home"})
        _require(addressed or needed >= _NAMED, "a match by name needs both names and the date (rule 9)")
        _require(len(needed) >= 2, "a match by name needs more than one kind of evidence")
    for kind in kinds:
        _require(bool(kind.atoms), f"kind {kind.name} has no atoms")
        _require(set(kind.atoms) <= ATOMS, f"kind {kind.name} has an unknown atom; there is {sorted(ATOMS)}")
        _require(kind.evidence <= EVIDENCE, f"kind {kind.name} has unknown evidence; there is {sorted(EVIDENCE)}")
        _require(kind.points <= 255 and kind.slots <= 16, f"kind {kind.name}: at most 255 points and 16 slots")
        decides = kind.points >= limits.certain
        _require(decides == (kind.atoms == ("bsn",)), f"kind {kind.name}: the BSN, and nothing else, decides alone")
        dated = bool(DATE_ATOMS & set(kind.atoms))
        _require("date" not in kind.evidence or dated, f"kind {kind.name} shows no date, it has no part of one")
        _require(not set(kind.atoms) <= DATE_ATOMS, f"kind {kind.name}: a date alone is no key (rule 10)")


class _Table:
    """A TOML table of which every entry must be taken exactly once, with its type."""

    def __init__(self, value: object, what: str) -> None:
        _require(isinstance(value, dict), f"{what} must be a table")
        self.rest = dict(cast("dict[str, object]", value))
        self.what = what

    def take(self, name: str, kind: type[T]) -> T:
        _require(name in self.rest, f"{self.what} lacks {name}")
        value = self.rest.pop(name)
        # TOML's booleans are integers to Python.
        if not isinstance(value, kind) or isinstance(value, bool):
            raise _fault(f"{self.what}: {name} must be a {kind.__name__}")
        return value

    def positive(self, name: str, default: int | None = None) -> int:
        if default is not None and name not in self.rest:
            return default
        value = self.take(name, int)
        _require(value > 0, f"{self.what}: {name} must be above 0")
        return value

    def finish(self) -> None:
        _require(not self.rest, f"{self.what}: unknown {', '.join(sorted(self.rest))}")


def _words(value: object, what: str) -> list[str]:
    _require(isinstance(value, list), f"{what}: a list of words is needed")
    words = cast("list[object]", value)
    _require(all(isinstance(word, str) for word in words), f"{what}: a list of words is needed")
    return cast("list[str]", words)


def _require(right: bool, otherwise: str) -> None:
    if not right:
        raise _fault(otherwise)


def _fault(what: str) -> ConfigError:
    return ConfigError(what, do="Correct the rule set, or take the file of a release.")
