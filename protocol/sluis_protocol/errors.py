"""One root for everything that Sluis refuses, with stable numbers.

A code is never reused and never changes its meaning; `docs/errors.md` lists them. The classes know nothing of
gRPC: a service maps them to a status at its edge (`sluis_protocol.wire.errors`). Messages carry no personal
data, because they end up in technical logs (rule 17).
"""

from __future__ import annotations

from typing import ClassVar


class SluisError(Exception):
    """Something was refused: what happened, where, and what to do about it."""

    code: ClassVar[int] = 100

    def __init__(self, what: str, *, do: str = "", **where: object) -> None:
        """`what` happened; `do` says what helps; `where` names the file, line, field, party or round."""
        super().__init__(what)
        self.what = what
        self.do = do
        self.where = {name: str(value) for name, value in where.items()}

    def __str__(self) -> str:
        where = ", ".join(f"{name} {value}" for name, value in self.where.items())
        return f"{self.what} ({where})" if where else self.what

    def diagnostics(self) -> str:
        """For people: one or two lines, ending with what to do."""
        return f"SLUIS-{self.code}: {self}" + (f"\n  → {self.do}" if self.do else "")


# 1xx: what a user handed in.


class InputError(SluisError):
    """A file, a record or an option can't be used as it is."""

    code = 101


class ForbiddenData(InputError):
    """An import carries a field that Sluis must never hold (rule 1)."""

    code = 102


class ConfigError(InputError):
    """A configuration file is missing something or contradicts itself."""

    code = 103


class KeyFileError(ConfigError):
    """A key file is absent, unreadable or not of the kind it should be."""

    code = 104


# 2xx: the covenant and who somebody is.


class CovenantError(SluisError):
    """A covenant can't be verified or contradicts itself."""

    code = 201


class WrongCovenant(CovenantError):
    """Two parties work under different covenant versions."""

    code = 202


class NotAMember(SluisError):
    """An OIN is not in the covenant, was revoked, or lacks the role that a call needs."""

    code = 203


class WrongSender(SluisError):
    """The certificate, the signer and the message name different parties."""

    code = 204


class LegalGroundMissing(SluisError):
    """A purpose has no legal basis in force today (rules 19, 20)."""

    code = 205


class BoardKeyError(CovenantError):
    """The board's public key is no modulus that anybody should encrypt under."""

    code = 206


# 3xx: messages.


class MalformedMessage(SluisError):
    """A message misses something, is out of range, too large, or has trailing data."""

    code = 301


class BadSignature(SluisError):
    """A signature does not verify."""

    code = 302


class BadSeal(SluisError):
    """Sealed mail can't be opened with this key."""

    code = 303


class WrongClock(SluisError):
    """A message is older or newer than the covenant's tolerance: one of the two clocks is off."""

    code = 304


class Replayed(SluisError):
    """A message belongs to another round, or was used before."""

    code = 305


# 4xx: the oblivious pseudorandom function.


class BadElement(SluisError):
    """A group element is not canonical, or is the identity (RFC 9496, 4.3.1; RFC 9497, 3.3.2)."""

    code = 401


class WrongProof(SluisError):
    """An evaluation is not made with the key share that the covenant names."""

    code = 402

    def __init__(self, what: str, *, culprits: tuple[int, ...] = (), do: str = "", **where: object) -> None:
        """`culprits`: the indices of the key holders whose answers don't verify."""
        super().__init__(what, do=do, **where)
        self.culprits = culprits


class BadQuorum(SluisError):
    """A quorum is not exactly t different holders of the covenant, or one of them is not in it."""

    code = 403


class QuotaExceeded(SluisError):
    """A member asked for more evaluations in a round, or there are more rounds, than the covenant grants."""

    code = 404


class CeremonyFault(SluisError):
    """The key ceremony can't go on; `culprits` are the holders that broke it."""

    code = 405

    def __init__(self, what: str, *, culprits: tuple[int, ...] = (), do: str = "", **where: object) -> None:
        """`culprits`: the indices of the holders at fault."""
        super().__init__(what, do=do, **where)
        self.culprits = culprits


# 5xx: a round.


class RoundError(SluisError):
    """A round is not in the state that a step needs, or doesn't exist."""

    code = 501


class SubmissionRefused(SluisError):
    """A submission is incomplete, too large, or not what its sender signed for."""

    code = 502


class Anomaly(SluisError):
    """A claim or a confirmation that an honest party would not have made. Never shown as a match."""

    code = 503


class HolderUnavailable(SluisError):
    """Too few key holders answer for a quorum."""

    code = 504


class HandshakeError(SluisError):
    """A handshake is not in the state that a step needs, or doesn't exist."""

    code = 505


class Overtaken(HandshakeError):
    """Somebody else acted on a handshake first: what was sent follows a state that is no longer the newest."""

    code = 506


class ApproachError(SluisError):
    """The contract of a joint approach contradicts itself, the covenant, or what was signed."""

    code = 507


class TotalsError(SluisError):
    """A period of the totals is not in the state that a step needs, or doesn't exist."""

    code = 508


class ContributionRefused(SluisError):
    """A contribution to the totals is out of range, doubled, late, or not what was announced."""

    code = 509


class TotalSpoilt(SluisError):
    """A total is not the sum of what its contributors committed to."""

    code = 510


# 6xx: this machine and the way to the others.


class Unreachable(SluisError):
    """The coordinator can't be reached, or went away."""

    code = 601


class StorageError(SluisError):
    """A disk is full, or a database can't be written."""

    code = 602


class ProgramFailed(SluisError):
    """A program that another one started ended with an error, or did not answer in time."""

    code = 603


# 7xx: what people do with a match.


class DecisionRefused(SluisError):
    """A decision can't count: it lacks a reviewer, a reason, a statement or a ground (rules 9, 11, 13, 14)."""

    code = 701


class FourEyes(DecisionRefused):
    """The second decision must come from another person than the first (rule 12)."""

    code = 702


class TooLate(SluisError):
    """A deadline has passed, or what was asked about has ended."""

    code = 703


class NotFound(SluisError):
    """There is no such match, approach or draft here."""

    code = 704


# 8xx: the log.


class LogError(SluisError):
    """A proof of the log doesn't verify, or there is no such proof."""

    code = 801


class LogAlarm(SluisError):
    """The coordinator's log was found forked, rolled back or incomplete: this node takes part in nothing meanwhile."""

    code = 802
