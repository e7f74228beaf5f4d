"""Guesses: a dictionary against all that the coordinator has, a node that fishes, and canaries in whatever is kept."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path

from sluis_node.keyholder.quota import Quota
from sluis_node.keyholder.store import open_holder
from sluis_protocol import group, oprf, threshold
from sluis_protocol.covenant import Schedule
from sluis_protocol.errors import QuotaExceeded
from sluis_protocol.keys import LinkageKey, prf_input
from sluis_protocol.tag import TAG_BYTES, Context, prepare, prf_inputs

from ..keyholder.rig import make_folder
from ..world import PURPOSE, make_world, member_oin
from . import observed
from .attack import Attack, Tally, seeded
from .scene import RULES, Keys, context

_COORDINATOR = (
    "the coordinator's traffic",
    "the coordinator's database and files, before the join",
    "the coordinator's database and files, at the end",
)


@cache
def _seen(sealed: bool) -> observed.Seen:
    return observed.watch(sealed=sealed)


def dictionary(defended: bool) -> Tally:
    """Each true record against every byte that the coordinator had; without the defence it has t shares of the key."""
    seen = _seen(sealed=True)
    corpus = b"\0".join(seen.places[name] for name in _COORDINATOR)
    terms = seen.world.covenant.terms
    found = tried = 0
    secret = None if defended else _joined(seen.world.shares)
    for families in observed.CASELOADS:
        for person in prepare(families, RULES):
            at = Context(terms.id, PURPOSE, seen.round_id, RULES.identity)
            probes = {probe for one in prf_inputs([person], at) for probe in _probes(one)}
            if secret is not None:
                probes |= {output[:TAG_BYTES] for output in oprf.evaluate(secret, prf_inputs([person], at))}
            probes |= {text.encode() for key in person.keys for text in (key.value, f"{key.kind}|{key.value}")}
            tried += 1
            found += any(probe in corpus for probe in probes)
    return Tally(found, tried)


def _probes(given: bytes) -> Iterator[bytes]:
    """What can be made of a PRF input without the key, as it would stand in a database or on the wire."""
    for digest in (hashlib.sha256(given), hashlib.sha512(given), hashlib.blake2b(given)):
        yield digest.digest()[:TAG_BYTES]
    yield group.hash_to_group([given], oprf.hash_domain())
    one = (1).to_bytes(32, "little")
    yield oprf.evaluate(one, [given])[0][:TAG_BYTES]


def _joined(shares: tuple[threshold.KeyShare, ...]) -> bytes:
    total = bytes(32)
    for share in shares[:2]:
        part = group.multiply_scalars(share.secret, threshold.lagrange((1, 2), share.index))
        total = group.add_scalars(total, part)
    return total


def canaries(defended: bool) -> Tally:
    """Personal data in any log, trace, address, error, message or database, the nodes' own included.

    Without the defence the nodes' databases are not encrypted.
    """
    seen, wanted = _seen(sealed=defended), observed.canaries()
    elsewhere = [place for place in seen.places if place != observed.OWN]
    found = sum(bool(seen.found(one)) for one in wanted) + sum(
        bool(seen.found(one, *elsewhere)) for one in observed.STAFF
    )
    return Tally(found, len(wanted) + len(observed.STAFF))


_QUOTA, _CANDIDATES, _KNOWN = 100, 1_000, 50
_TODAY = date(2026, 5, 1)


def fishing(defended: bool) -> Tally:
    """A node guesses BSNs from a list of 1,000 that holds all 50 of its victim's, until three holders refuse.

    The coordinator helps it to ask each of the three holders up to its quota, so that it has n/t times the quota.
    """
    keys, random = Keys.of("fishing"), seeded("fishing")
    values = [f"{number:09}" for number in range(_CANDIDATES)]
    order = sorted(range(_CANDIDATES), key=lambda _: random(8))
    known = {values[at] for at in order[:_KNOWN]}
    asked = sorted(values, key=lambda _: random(8))
    inputs = {value: prf_input("leakage", PURPOSE, context().round_id, RULES.identity, _bsn(value)) for value in asked}
    victims = set(oprf.evaluate(_joined(keys.shares), [inputs[value] for value in sorted(known)]))
    answered: list[bytes] = []
    with tempfile.TemporaryDirectory() as folder:
        holders = [_holder(Path(folder) / str(index), index) for index in (1, 2, 3)]
        batch = 10
        for at in range(0, len(asked), batch):
            blinded = threshold.blind([inputs[value] for value in asked[at : at + batch]], random)
            answered += _ask(keys, holders, blinded, _QUOTA if defended else _CANDIDATES * 10)
    return Tally(len(victims & set(answered)), len(victims))


def _bsn(value: str) -> LinkageKey:
    return LinkageKey("bsn", value, 100)


def _holder(folder: Path, index: int) -> Quota:
    holder = open_holder(make_folder(folder, make_world(), index))
    now = datetime.combine(_TODAY, time(), UTC)
    holder.quota.pin_round(context().round_id, PURPOSE, b"announced", now + timedelta(hours=1), Schedule())
    return holder.quota


def _ask(keys: Keys, holders: list[Quota], blinded: oprf.Blinded, quota: int) -> list[bytes]:
    """One batch by the two holders that were asked least; nothing where one of them refuses."""
    used = [sum(usage.elements for usage in holder.report()) for holder in holders]
    quorum = tuple(sorted(sorted((1, 2, 3), key=lambda index: used[index - 1])[:2]))
    try:
        for index in quorum:
            holders[index - 1].count(
                context().round_id, member_oin(1), blinded.elements, quota, today=_TODAY, requests_a_day=_CANDIDATES
            )
    except QuotaExceeded:
        return []
    answers = [threshold.evaluate(keys.shares[index - 1], quorum, blinded.elements, os.urandom) for index in quorum]
    sums = threshold.combine(keys.joint, quorum, blinded.elements, answers, os.urandom)
    return threshold.finalize(keys.joint, blinded, sums)


ATTACKS = (
    Attack(
        "A dictionary of every true record",
        "the coordinator: its database, files and traffic of a whole round and a handshake",
        "persons that any of their keys tells",
        "the key holders' key: the adversary has t shares",
        "0: a tag is the value of a function that nobody can compute alone",
        dictionary,
    ),
    Attack(
        "Canaries",
        "whoever reads logs, traces, addresses, errors, messages or databases",
        "personal data found anywhere",
        "encryption of the nodes' fields",
        "0",
        canaries,
        least=0.05,
    ),
    Attack(
        "Fishing up to the quota",
        "a node with a list of 1,000 numbers that holds all 50 of its victim's, and the coordinator",
        "the victim's persons found",
        "the quota (100 a round at each of 3 holders, 2 needed)",
        "quota · n/t ÷ list = 15 % expected; both sides see each, and the counts show it",
        fishing,
        most=0.25,
    ),
)
