"""Translation of what is said for the national picture. Sizes under a key are checked where the key is known."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from .. import messages as plain
from .._wire.sluis.v1 import totals_pb2
from ..encoding import millis
from ..errors import MalformedMessage
from ..group import ELEMENT_BYTES
from .calls import read_signed, write_signed
from .checks import line, moment, number, oin, sized, some

MOST_CONTRIBUTORS = 65_535
MOST_PERIODS = 100
MOST_KEY = 1_024  # bytes of the largest modulus
MOST_PROOF = 1_048_576
MOST_SHARES = MOST_CONTRIBUTORS * MOST_KEY
_DIGEST = 32
_STATE_PREFIX = "PERIOD_STATE_"


def _within(value: bytes, most: int, field: str) -> bytes:
    if not 0 < len(value) <= most:
        raise MalformedMessage(f"{field} has {len(value)} bytes: not 1 to {most}", field=field)
    return value


def _ascending(oins: Sequence[str], field: str) -> None:
    if any(left >= right for left, right in pairwise(oins)):
        raise MalformedMessage("each OIN stands there once, in ascending order", field=field)


def _write_opening(value: plain.PeriodOpening) -> totals_pb2.PeriodOpening:
    return totals_pb2.PeriodOpening(
        purpose=value.purpose,
        label=value.label,
        board_key=value.board_key,
        enrol_until=millis(value.enrol_until),
        contribute_until=millis(value.contribute_until),
        unmask_until=millis(value.unmask_until),
    )


def _read_opening(m: totals_pb2.PeriodOpening) -> plain.PeriodOpening:
    value = plain.PeriodOpening(
        line(m.purpose, "purpose", 64),
        line(m.label, "label", 16),
        sized(m.board_key, _DIGEST, "board_key"),
        moment(m.enrol_until, "enrol_until"),
        moment(m.contribute_until, "contribute_until"),
        moment(m.unmask_until, "unmask_until"),
    )
    if not value.enrol_until < value.contribute_until < value.unmask_until:
        raise MalformedMessage("the steps of a period end one after the other", field="contribute_until")
    return value


def _write_enrolment(value: plain.Enrolment) -> totals_pb2.TotalsEnrolment:
    return totals_pb2.TotalsEnrolment(
        opening=value.opening, commitment=value.commitment, proof_sha256=value.proof_sha256
    )


def _read_enrolment(m: totals_pb2.TotalsEnrolment) -> plain.Enrolment:
    return plain.Enrolment(
        sized(m.opening, _DIGEST, "opening"),
        sized(m.commitment, ELEMENT_BYTES, "commitment"),
        sized(m.proof_sha256, _DIGEST, "proof_sha256"),
    )


def _write_roster(value: plain.Roster) -> totals_pb2.TotalsRoster:
    entries = [totals_pb2.TotalsEnrolled(oin=one.oin, enrolment=one.enrolment) for one in value.entries]
    return totals_pb2.TotalsRoster(opening=value.opening, entries=entries)


def _read_roster(m: totals_pb2.TotalsRoster) -> plain.Roster:
    some(m.entries, "entries", MOST_CONTRIBUTORS)
    entries = tuple(
        plain.Enrolled(oin(one.oin, "entries"), sized(one.enrolment, _DIGEST, "entries")) for one in m.entries
    )
    _ascending([one.oin for one in entries], "entries")
    return plain.Roster(sized(m.opening, _DIGEST, "opening"), entries)


def _write_contribution(value: plain.Contribution) -> totals_pb2.TotalsContribution:
    return totals_pb2.TotalsContribution(roster=value.roster, ciphertext=value.ciphertext, shares=value.shares)


def _read_contribution(m: totals_pb2.TotalsContribution) -> plain.Contribution:
    return plain.Contribution(
        sized(m.roster, _DIGEST, "roster"),
        _within(m.ciphertext, 2 * MOST_KEY, "ciphertext"),
        _within(m.shares, MOST_SHARES, "shares"),
    )


def _write_contributors(value: plain.Contributors) -> totals_pb2.TotalsContributors:
    return totals_pb2.TotalsContributors(roster=value.roster, oins=value.oins)


def _read_contributors(m: totals_pb2.TotalsContributors) -> plain.Contributors:
    some(m.oins, "oins", MOST_CONTRIBUTORS)
    oins = tuple(oin(one, "oins") for one in m.oins)
    _ascending(oins, "oins")
    return plain.Contributors(sized(m.roster, _DIGEST, "roster"), oins)


def _write_unmasking(value: plain.Unmasking) -> totals_pb2.TotalsUnmasking:
    return totals_pb2.TotalsUnmasking(contributors=value.contributors, mask=value.mask)


def _read_unmasking(m: totals_pb2.TotalsUnmasking) -> plain.Unmasking:
    return plain.Unmasking(sized(m.contributors, _DIGEST, "contributors"), _within(m.mask, MOST_KEY, "mask"))


def _write_release(value: plain.Release) -> totals_pb2.TotalsRelease:
    return totals_pb2.TotalsRelease(
        opening=write_signed(value.opening),
        enrolments=map(write_signed, value.enrolments),
        ciphertext=value.ciphertext,
    )


def _read_release(m: totals_pb2.TotalsRelease) -> plain.Release:
    some(m.enrolments, "enrolments", MOST_CONTRIBUTORS)
    return plain.Release(
        read_signed(m.opening),
        tuple(map(read_signed, m.enrolments)),
        _within(m.ciphertext, 2 * MOST_KEY, "ciphertext"),
    )


def _write_query(value: plain.PeriodQuery) -> totals_pb2.PeriodQuery:
    return totals_pb2.PeriodQuery(purpose=value.purpose)


def _read_query(m: totals_pb2.PeriodQuery) -> plain.PeriodQuery:
    return plain.PeriodQuery(line(m.purpose, "purpose", 64))


def _write_status(value: plain.PeriodStatus) -> totals_pb2.PeriodStatus:
    return totals_pb2.PeriodStatus(
        opening=write_signed(value.opening),
        state=_STATE_PREFIX + value.state.upper(),
        roster=write_signed(value.roster) if value.roster else None,
        contributors=write_signed(value.contributors) if value.contributors else None,
        shares=value.shares,
    )


def _read_status(m: totals_pb2.PeriodStatus) -> plain.PeriodStatus:
    known = totals_pb2.PeriodState.values()
    name = totals_pb2.PeriodState.Name(number(m.state, "state", 1, max(known)))
    return plain.PeriodStatus(
        read_signed(m.opening),
        name.removeprefix(_STATE_PREFIX).lower(),
        read_signed(m.roster) if m.HasField("roster") else None,
        read_signed(m.contributors) if m.HasField("contributors") else None,
        _within(m.shares, MOST_SHARES, "shares") if m.shares else b"",
    )


def _write_list(value: plain.PeriodList) -> totals_pb2.PeriodList:
    return totals_pb2.PeriodList(periods=map(_write_status, value.periods))


def _read_list(m: totals_pb2.PeriodList) -> plain.PeriodList:
    some(m.periods, "periods", MOST_PERIODS, 0)
    return plain.PeriodList(tuple(map(_read_status, m.periods)))


def _write_enrol(value: plain.EnrolRequest) -> totals_pb2.EnrolRequest:
    return totals_pb2.EnrolRequest(enrolment=write_signed(value.enrolment), proof=value.proof)


def _read_enrol(m: totals_pb2.EnrolRequest) -> plain.EnrolRequest:
    return plain.EnrolRequest(read_signed(m.enrolment), _within(m.proof, MOST_PROOF, "proof"))


CODECS = (
    (plain.PeriodOpening, totals_pb2.PeriodOpening, _write_opening, _read_opening),
    (plain.Enrolment, totals_pb2.TotalsEnrolment, _write_enrolment, _read_enrolment),
    (plain.Roster, totals_pb2.TotalsRoster, _write_roster, _read_roster),
    (plain.Contribution, totals_pb2.TotalsContribution, _write_contribution, _read_contribution),
    (plain.Contributors, totals_pb2.TotalsContributors, _write_contributors, _read_contributors),
    (plain.Unmasking, totals_pb2.TotalsUnmasking, _write_unmasking, _read_unmasking),
    (plain.Release, totals_pb2.TotalsRelease, _write_release, _read_release),
    (plain.PeriodQuery, totals_pb2.PeriodQuery, _write_query, _read_query),
    (plain.PeriodStatus, totals_pb2.PeriodStatus, _write_status, _read_status),
    (plain.PeriodList, totals_pb2.PeriodList, _write_list, _read_list),
    (plain.EnrolRequest, totals_pb2.EnrolRequest, _write_enrol, _read_enrol),
)
