"""A whole round in memory: the protocol's summary, and the oracle that the services are held to.

All parties stand side by side here, so nothing is signed, sealed or stored; every computation is the real one. Read it
from top to bottom: that is the way of a record to a match. Randomness is an argument.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import threshold
from .confirm import CANDIDATE_BYTES, confirm_key, examine
from .covenant import Covenant
from .group import Random
from .join import Candidate, join
from .record import Family
from .rules import Grade, RuleSet
from .submission import Submission, assemble
from .tag import Context, OwnPerson, PreparedPerson, attach, prepare, prf_inputs
from .threshold import JointKey, KeyShare

_BATCH = 4_096  # any size gives the same tags


@dataclass(frozen=True, slots=True, order=True)
class Match:
    """Two municipalities help the same family: their OINs (the lower first), each one's own family id, the grade."""

    oin_a: str
    family_a: str
    oin_b: str
    family_b: str
    grade: Grade


def run_round(
    covenant: Covenant,
    rules: RuleSet,
    caseloads: Mapping[str, Sequence[Family]],
    holders: Sequence[KeyShare],
    *,
    purpose: str,
    round_id: str,
    random: Random,
) -> list[Match]:
    """The matches of one round over all caseloads (by OIN), sorted; `holders` are the t that evaluate."""
    context = Context(covenant.terms.id, purpose, round_id, rules.identity)
    submissions = {
        oin: assemble(tag(prepare(families, rules), context, covenant.joint_key, holders, random), rules, random)
        for oin, families in caseloads.items()
    }
    candidates = join({oin: submission.rows for oin, submission in submissions.items()}, rules.thresholds)
    matches = (confirm(candidate, submissions, covenant, rules, round_id, random) for candidate in candidates)
    return sorted(match for match in matches if match)


def tag(
    persons: Sequence[PreparedPerson], context: Context, joint: JointKey, holders: Sequence[KeyShare], random: Random
) -> list[OwnPerson]:
    """Batch by batch: blind, have a quorum evaluate, verify every proof, finalise."""
    quorum = sorted(share.index for share in holders)
    inputs, outputs = prf_inputs(persons, context), list[bytes]()
    for start in range(0, len(inputs), _BATCH):
        blinded = threshold.blind(inputs[start : start + _BATCH], random)
        answers = [threshold.evaluate(share, quorum, blinded.elements, random) for share in holders]
        sums = threshold.combine(joint, quorum, blinded.elements, answers, random)
        outputs += threshold.finalize(joint, blinded, sums)
    return attach(persons, outputs)


def confirm(
    candidate: Candidate,
    submissions: Mapping[str, Submission],
    covenant: Covenant,
    rules: RuleSet,
    round_id: str,
    random: Random,
) -> Match | None:
    """Both nodes examine the claim and exchange codes; a match if both codes are right."""
    candidate_id = random(CANDIDATE_BYTES)
    oins = (candidate.oin_a, candidate.oin_b)
    family_a = submissions[candidate.oin_a].own.get(candidate.family_a)
    family_b = submissions[candidate.oin_b].own.get(candidate.family_b)
    if family_a is None or family_b is None:
        return None
    evidence_a = examine(family_a, {pair.person_a: pair.tags for pair in candidate.pairs}, rules)
    evidence_b = examine(family_b, {pair.person_b: pair.tags for pair in candidate.pairs}, rules)
    if evidence_a is None or evidence_b is None:
        return None
    key_a, key_b = (
        confirm_key(
            evidence.openings, candidate_id=candidate_id, covenant_hash=covenant.hash, round_id=round_id, oins=oins
        )
        for evidence in (evidence_a, evidence_b)
    )
    if not (
        key_a.check(candidate.oin_b, key_b.mac(candidate.oin_b))
        and key_b.check(candidate.oin_a, key_a.mac(candidate.oin_a))
    ):
        return None
    return Match(candidate.oin_a, family_a.family_id, candidate.oin_b, family_b.family_id, evidence_a.grade)
