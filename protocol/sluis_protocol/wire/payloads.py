"""Translation of what is signed: the payloads of `messages.py`.

The bounds here are what the format can hold; the covenant's own limits are checked where a message is used.
"""

from __future__ import annotations

from .. import messages as plain
from .._wire.sluis.v1 import evaluation_pb2, matches_pb2, rounds_pb2, submission_pb2
from ..confirm import CANDIDATE_BYTES, MAC_BYTES, SEALED_REFERENCE_BYTES
from ..encoding import millis
from ..errors import MalformedMessage
from ..log_messages import NONCE_BYTES
from .checks import line, moment, number, oin, packed, sized, some

MOST_ELEMENTS = 16_384
MOST_SLOTS = 255
MOST_PERSONS = 2**31
MOST_FAMILY = 1_000
MOST_REASON = 1_000


def _write_announcement(value: plain.Announcement) -> rounds_pb2.Announcement:
    return rounds_pb2.Announcement(
        purpose=value.purpose,
        rule_set_sha256=value.rule_set_sha256,
        opens_at=millis(value.opens_at),
        closes_at=millis(value.closes_at),
        confirm_until=millis(value.confirm_until),
    )


def _read_announcement(m: rounds_pb2.Announcement) -> plain.Announcement:
    value = plain.Announcement(
        line(m.purpose, "purpose", 64),
        sized(m.rule_set_sha256, 32, "rule_set_sha256"),
        moment(m.opens_at, "opens_at"),
        moment(m.closes_at, "closes_at"),
        moment(m.confirm_until, "confirm_until"),
    )
    if not value.opens_at < value.closes_at < value.confirm_until:
        raise MalformedMessage("a round opens, closes and ends in that order", field="closes_at")
    return value


def _write_evaluation_request(value: plain.EvaluationRequest) -> evaluation_pb2.EvaluationRequest:
    return evaluation_pb2.EvaluationRequest(purpose=value.purpose, quorum=value.quorum, elements=value.elements)


def _read_evaluation_request(m: evaluation_pb2.EvaluationRequest) -> plain.EvaluationRequest:
    some(m.quorum, "quorum", 255)
    quorum = tuple(number(index, "quorum", 1, 255) for index in m.quorum)
    if list(quorum) != sorted(set(quorum)):
        raise MalformedMessage("a quorum names each holder once, in ascending order", field="quorum")
    return plain.EvaluationRequest(
        line(m.purpose, "purpose", 64), quorum, packed(m.elements, 32, "elements", MOST_ELEMENTS)
    )


def _write_evaluation_answer(value: plain.EvaluationAnswer) -> evaluation_pb2.EvaluationAnswer:
    return evaluation_pb2.EvaluationAnswer(
        request_sha256=value.request_sha256,
        index=value.index,
        elements=value.elements,
        proof=value.proof,
        composites=value.composites,
    )


def _read_evaluation_answer(m: evaluation_pb2.EvaluationAnswer) -> plain.EvaluationAnswer:
    return plain.EvaluationAnswer(
        sized(m.request_sha256, 32, "request_sha256"),
        number(m.index, "index", 1, 255),
        packed(m.elements, 32, "elements", MOST_ELEMENTS),
        sized(m.proof, 64, "proof"),
        sized(m.composites, 64, "composites"),
    )


def _write_manifest(value: plain.Manifest) -> submission_pb2.Manifest:
    return submission_pb2.Manifest(
        purpose=value.purpose,
        slots=value.slots,
        families=value.families,
        persons=value.persons,
        commitment=value.commitment,
    )


def _read_manifest(m: submission_pb2.Manifest) -> plain.Manifest:
    persons = number(m.persons, "persons", 1, MOST_PERSONS)
    return plain.Manifest(
        line(m.purpose, "purpose", 64),
        number(m.slots, "slots", 1, MOST_SLOTS),
        number(m.families, "families", 1, persons),
        persons,
        sized(m.commitment, 32, "commitment"),
    )


def _write_publication(value: plain.Publication) -> matches_pb2.Publication:
    return matches_pb2.Publication(
        nonce=value.nonce, participants=value.participants, claims=value.claims, abandoned=value.abandoned
    )


def _read_publication(m: matches_pb2.Publication) -> plain.Publication:
    abandoned = line(m.abandoned, "abandoned", MOST_REASON, 0)
    return plain.Publication(sized(m.nonce, NONCE_BYTES, "nonce"), m.participants, m.claims, abandoned)


def _write_claim(value: plain.Claim) -> matches_pb2.Claim:
    persons = [matches_pb2.PersonClaim(person=person.person, tags=person.tags) for person in value.persons]
    return matches_pb2.Claim(
        candidate_id=value.candidate_id, counterpart=value.counterpart, family=value.family, persons=persons
    )


def _read_claim(m: matches_pb2.Claim) -> plain.Claim:
    some(m.persons, "persons", MOST_FAMILY)
    persons = []
    for person in m.persons:
        some(person.tags, "tags", MOST_SLOTS)
        persons.append(plain.PersonClaim(person.person, tuple(sized(tag, 16, "tags") for tag in person.tags)))
    if len({person.person for person in persons}) != len(persons):
        raise MalformedMessage("a claim names each person once", field="persons")
    return plain.Claim(
        sized(m.candidate_id, CANDIDATE_BYTES, "candidate_id"),
        oin(m.counterpart, "counterpart"),
        m.family,
        tuple(persons),
    )


def _write_confirmation(value: plain.Confirmation) -> matches_pb2.Confirmation:
    return matches_pb2.Confirmation(
        candidate_id=value.candidate_id, mac=value.mac, sealed_reference=value.sealed_reference
    )


def _read_confirmation(m: matches_pb2.Confirmation) -> plain.Confirmation:
    if m.mac or m.sealed_reference:
        sized(m.mac, MAC_BYTES, "mac")
        sized(m.sealed_reference, SEALED_REFERENCE_BYTES, "sealed_reference")
    return plain.Confirmation(sized(m.candidate_id, CANDIDATE_BYTES, "candidate_id"), m.mac, m.sealed_reference)


def _write_unconfirmed(value: plain.Unconfirmed) -> matches_pb2.Unconfirmed:
    return matches_pb2.Unconfirmed(candidate_id=value.candidate_id)


def _read_unconfirmed(m: matches_pb2.Unconfirmed) -> plain.Unconfirmed:
    return plain.Unconfirmed(sized(m.candidate_id, CANDIDATE_BYTES, "candidate_id"))


CODECS = (
    (plain.Announcement, rounds_pb2.Announcement, _write_announcement, _read_announcement),
    (
        plain.EvaluationRequest,
        evaluation_pb2.EvaluationRequest,
        _write_evaluation_request,
        _read_evaluation_request,
    ),
    (plain.EvaluationAnswer, evaluation_pb2.EvaluationAnswer, _write_evaluation_answer, _read_evaluation_answer),
    (plain.Manifest, submission_pb2.Manifest, _write_manifest, _read_manifest),
    (plain.Publication, matches_pb2.Publication, _write_publication, _read_publication),
    (plain.Claim, matches_pb2.Claim, _write_claim, _read_claim),
    (plain.Confirmation, matches_pb2.Confirmation, _write_confirmation, _read_confirmation),
    (plain.Unconfirmed, matches_pb2.Unconfirmed, _write_unconfirmed, _read_unconfirmed),
)
