"""Lies about matches: inflated points, candidates and confirmations that nobody has, and claims that should tell."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

import sluis_node.round.candidates
import sluis_protocol.tag
from sluis_node.round.ledger import ClaimState
from sluis_protocol import join
from sluis_protocol.confirm import MAC_BYTES, SEALED_REFERENCE_BYTES, ConfirmKey, confirm_key
from sluis_protocol.join import TaggedPerson
from sluis_protocol.messages import Claim, Confirmation, PersonClaim
from sluis_protocol.signed import Kind
from sluis_protocol.tag import TaggedKey

from ..node.desk import FIRST, ROUND, SECOND, Desk
from ..node.people import family
from ..world import make_world
from .attack import Attack, Tally, seeded
from .scene import RULES, Keys

_MOST_POINTS = 255
CASELOADS = [[family(f"A{number}", number) for number in range(1, 5)], [family("B9", 9)]]


def inflated_points(defended: bool) -> Tally:
    """A node knows one weak key of each family of another, and says that it is worth everything.

    Without the defence the higher of both sides' points counts, and each such key makes a candidate.
    """
    keys, random = Keys.of("points"), seeded("points")
    families = [family(f"F{number}", number) for number in range(16)]
    victim = keys.submission(families, random)
    weak = [
        next(key.tag for key in person.keys if key.kind == "given-sound+year+day")
        for one in victim.own.values()
        for person in list(one.members.values())[:1]
    ]
    liar = [
        TaggedPerson(at, at, True, (tag, *(random(16) for _ in range(RULES.slots - 1))), (_MOST_POINTS,) * RULES.slots)
        for at, tag in enumerate(weak)
    ]
    with ExitStack() as off:
        if not defended:
            off.enter_context(mock.patch.object(join, "min", max, create=True))
        found = join.join({FIRST: victim.rows, SECOND: liar}, RULES.thresholds)
    return Tally(len(found), len(families))


def _from_the_tag(kind: str, output: bytes) -> TaggedKey:
    """What `tag` would make if the opening said no more than the tag."""
    return TaggedKey(kind, output[:16], hashlib.sha256(output[:16]).digest())


def _the_same(kind: str, output: bytes) -> TaggedKey:
    """What `tag` would make if an opening said nothing."""
    return TaggedKey(kind, output[:16], bytes(32))


@contextmanager
def _desk(split: Callable[[str, bytes], TaggedKey] | None) -> Iterator[Desk]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as off:
        if split is not None:
            off.enter_context(mock.patch.object(sluis_protocol.tag, "_split", split))
        yield Desk(Path(folder), CASELOADS, make_world())


def _claims(desk: Desk, number: int, counterpart: str) -> Iterator[Claim]:
    """The adversary's luck: for each family of that node, the real tag of a person's BSN."""
    for handle, own in desk.nodes[number - 1].submission.own.items():
        person, member = next(iter(own.members.items()))
        tags = tuple(key.tag for key in member.keys if key.kind == "bsn")
        yield Claim(os.urandom(16), counterpart, handle, (PersonClaim(person, tags),))


def _forgeries(desk: Desk, claim: Claim, said: Confirmation) -> list[tuple[ConfirmKey | None, bytes]]:
    """Codes by who has no opening: of keys from what everybody knows, the other side's own code, nothing, chance."""
    tags = claim.persons[0].tags
    guessed = (
        {tag: hashlib.sha256(tag).digest() for tag in tags},
        {tag: tag + tag for tag in tags},
        {tag: bytes(32) for tag in tags},
    )
    keys = [
        confirm_key(
            openings,
            candidate_id=claim.candidate_id,
            covenant_hash=desk.world.covenant.hash,
            round_id=ROUND,
            oins=(FIRST, SECOND),
        )
        for openings in guessed
    ]
    return [*((key, key.mac(SECOND)) for key in keys), (None, said.mac), (None, bytes(32)), (None, os.urandom(32))]


async def _forge_confirmations(desk: Desk) -> Tally:
    async with desk:
        families = len(desk.nodes[0].submission.own)
        for way in range(6):
            for claim in _claims(desk, 1, SECOND):
                desk.deliver(1, Kind.CLAIM, claim)
                key, mac = _forgeries(desk, claim, desk.said(1, claim.candidate_id))[way]
                sealed = key.seal_reference(SECOND, bytes(16)) if key else os.urandom(SEALED_REFERENCE_BYTES)
                desk.deliver(1, Kind.CONFIRMATION, Confirmation(claim.candidate_id, mac, sealed), sender=SECOND)
        assert desk.anomalies(1)  # each that failed
        return Tally(len({match.family for match in desk.nodes[0].node.matches()}), families)


def forged_confirmation(defended: bool) -> Tally:
    """A node that has none of the records confirms what the coordinator claims for it, in six ways each.

    Without the defence an opening is the tag's hash; one of the six ways uses that.
    """
    with _desk(None if defended else _from_the_tag) as desk:
        return asyncio.run(_forge_confirmations(desk))


async def _forge_candidates(desk: Desk) -> Tally:
    async with desk:
        tried = 0
        (theirs,) = _claims(desk, 2, FIRST)
        for ours in _claims(desk, 1, SECOND):
            both = {1: ours, 2: replace(theirs, candidate_id=ours.candidate_id)}
            for number, claim in both.items():
                desk.deliver(number, Kind.CLAIM, claim)
            answers = {number: desk.answer(number, ours.candidate_id) for number in both}
            for number in both:
                desk.pass_on(number, answers[3 - number])
            tried += 1
        return Tally(desk.counts(1).get(ClaimState.MATCHED, 0) + desk.counts(2).get(ClaimState.MATCHED, 0), 2 * tried)


def forged_candidate(defended: bool) -> Tally:
    """The coordinator claims that families match which share nothing; both nodes confirm in good faith."""
    with _desk(None if defended else _the_same) as desk:
        return asyncio.run(_forge_candidates(desk))


async def _ask_about_tags(desk: Desk) -> Tally:
    """For each person of ours one claim of a real tag and one of a dummy: which is which, by the answer?"""
    async with desk:
        right = tried = 0
        for handle, own in desk.nodes[0].submission.own.items():
            for person, member in own.members.items():
                real = {key.tag: key.kind for key in member.keys}
                row = next(row for row in desk.nodes[0].submission.rows if row.person == person)
                decides = next(tag for tag, kind in real.items() if kind == "bsn")
                dummy = next(tag for tag in row.tags if tag not in real)
                for tag, truth in ((decides, True), (dummy, False)):
                    candidate_id = os.urandom(16)
                    desk.deliver(1, Kind.CLAIM, Claim(candidate_id, SECOND, handle, (PersonClaim(person, (tag,)),)))
                    said = desk.said(1, candidate_id)
                    whole = len(said.mac) == MAC_BYTES and len(said.sealed_reference) == SEALED_REFERENCE_BYTES
                    right += (whole and not said.refused) == truth
                    tried += 1
        return Tally(right, tried)


def tell_tags_from_dummies(defended: bool) -> Tally:
    """Without the defence, a claim that doesn't hold is refused openly."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as off:
        if not defended:
            for name in ("MAC_BYTES", "SEALED_REFERENCE_BYTES"):
                off.enter_context(mock.patch.object(sluis_node.round.candidates, name, 0))
        return asyncio.run(_ask_about_tags(Desk(Path(folder), CASELOADS, make_world())))


ATTACKS = (
    Attack(
        "Inflated points",
        "a node that knows one weak key of each family",
        "families of which a candidate comes",
        "counting the lower of both sides' points",
        "0: nobody's key is worth more than its owner says",
        inflated_points,
    ),
    Attack(
        "A forged candidate",
        "the coordinator",
        "sides that show a match",
        "openings that only the identifiers give",
        "0 (2⁻²⁵⁶ a try)",
        forged_candidate,
    ),
    Attack(
        "A forged confirmation",
        "the coordinator and a node that has none of the records",
        "families that show a match after six forgeries each",
        "openings that can't be told from tags",
        "0 (2⁻²⁵⁶ a try)",
        forged_confirmation,
    ),
    Attack(
        "Telling tags from dummies by false claims",
        "the coordinator",
        "tags of which the answer tells whether they are real",
        "random bytes for an answer to what doesn't hold",
        "a guess (50 %)",
        tell_tags_from_dummies,
        most=0.5,
    ),
)
