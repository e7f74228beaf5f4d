"""Which key holders a node asks: a random quorum of those it has no complaint about (protocol.md, 3).

Pure bookkeeping for one round. A holder that lied, or whose answer can't be verified, is never asked again; one that
refused neither; one that was absent is given another chance once too few others are left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from sluis_protocol.errors import HolderUnavailable, RoundError, SluisError, StorageError, Unreachable
from sluis_protocol.group import Random
from sluis_protocol.signed import SignedMessage


class Complaint(StrEnum):
    """What is wrong with a holder."""

    LIED = "lied"  # it signed an evaluation that isn't made with its key share
    UNVERIFIABLE = "unverifiable"  # what was passed on as its answer doesn't verify; the relay may have altered it
    REFUSED = "refused"  # it gave a reason that will still hold in a minute
    ABSENT = "absent"  # no answer in time, or none for now


# What may be over in a moment.
_PASSING = (HolderUnavailable, Unreachable, StorageError, RoundError)


@dataclass(frozen=True, slots=True)
class Fault:
    """A complaint about holder `index`; `evidence`: our request and its answer, both signed, where there are any."""

    index: int
    complaint: Complaint
    error: SluisError
    evidence: tuple[SignedMessage, ...] = field(default=(), repr=False)


def fault_of_refusal(index: int, error: SluisError) -> Fault:
    """What a holder's, or the relay's, refusal says of the holder."""
    return Fault(index, Complaint.ABSENT if isinstance(error, _PASSING) else Complaint.REFUSED, error)


class Quorums:
    """The holders of a covenant and what is held against them."""

    def __init__(self, indices: Iterable[int], threshold: int, random: Random) -> None:
        self._indices = sorted(indices)
        self._threshold = threshold
        self._random = random
        self.faults: dict[int, Fault] = {}

    def blame(self, fault: Fault) -> bool:
        """Note a complaint; True if it is the first of its kind about this holder. Absence never hides a worse one."""
        known = self.faults.get(fault.index)
        if known and (known.complaint is fault.complaint or fault.complaint is Complaint.ABSENT):
            return False
        self.faults[fault.index] = fault
        return True

    def choose(self) -> tuple[int, ...] | None:
        """A random quorum, ascending, of holders without complaint; None if too few are left."""
        good = [index for index in self._indices if index not in self.faults]
        if len(good) < self._threshold:
            return None
        ranked = sorted(good, key=lambda _: self._random(8))
        return tuple(sorted(ranked[: self._threshold]))

    def may_recover(self) -> bool:
        """Whether there would be a quorum if the absent came back."""
        lost = [fault for fault in self.faults.values() if fault.complaint is not Complaint.ABSENT]
        return len(self._indices) - len(lost) >= self._threshold

    def forgive_absence(self) -> None:
        """Give the absent another chance."""
        self.faults = {i: fault for i, fault in self.faults.items() if fault.complaint is not Complaint.ABSENT}

    def shortage(self) -> SluisError:
        """Why there is no quorum: the holders' own reason where all refusals give the same, else a list of reasons."""
        refusals = [fault.error for fault in self.faults.values() if fault.complaint is Complaint.REFUSED]
        if refusals and {type(error) for error in refusals} == {type(fault.error) for fault in self.faults.values()}:
            return type(refusals[0])(refusals[0].what, do=refusals[0].do)
        reasons = "; ".join(f"{i}: {fault.error.what}" for i, fault in sorted(self.faults.items()))
        return HolderUnavailable(
            f"fewer than {self._threshold} of {len(self._indices)} key holders can be used ({reasons})",
            do="ask the key holders and the operator of the coordinator; then start again while the round collects",
        )
