"""What a period of the national totals costs: 342 municipalities with all indicators, next to one ciphertext a cell.

    python -m benchmarks.totals [--municipalities N]

Seconds are of one process. Every check that the real parties make is made; what is left out are disks and the network.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import time
from datetime import UTC, date, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sluis_protocol import threshold, totals, wire
from sluis_protocol.covenant import Covenant, Holder, Member, Party, Purpose, RuleSetName, Schedule, Terms
from sluis_protocol.group import random_scalars
from sluis_protocol.indicators import Cell
from sluis_protocol.masks import write_shares
from sluis_protocol.messages import Contributors, Enrolled, PeriodOpening, Release, Roster
from sluis_protocol.paillier import generate
from sluis_protocol.sealed import SealingKey
from sluis_protocol.signed import Envelope, Kind, SignedMessage, sign
from sluis_protocol.totals_terms import TotalsTerms
from sluis_runtime.boardkeys import card_of

NAME, NOW = "t2026-q3-0123456789abcdef", datetime(2026, 10, 1, tzinfo=UTC)
COORDINATOR = "00000099000000000001"


class Clock:
    """Adds up what each party takes."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, what: str, since: float) -> float:
        """What took from `since` until now; the time now."""
        now = time.perf_counter()
        self.seconds[what] = self.seconds.get(what, 0.0) + now - since
        return now


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--municipalities", type=int, default=342)
    count = parser.parse_args().municipalities
    clock, secret = Clock(), generate()
    since = time.perf_counter()
    card = card_of(secret, "Board")
    clock("board: prove and check its key", since)
    oins = [f"00000099000001{number:06}" for number in range(1, count + 1)]
    signing = {oin: Ed25519PrivateKey.generate() for oin in [COORDINATOR, *oins, "00000099000099000001"]}
    sealing = {oin: SealingKey.generate() for oin in oins}
    covenant = _covenant(TotalsTerms(board=card), oins, signing, sealing)
    key, terms = secret.public, covenant.totals

    def say(oin: str, kind: Kind, content: object) -> SignedMessage:
        return sign(Envelope(kind, oin, covenant.hash, NAME, NOW, wire.encode(content)), signing[oin])

    times = (NOW + timedelta(days=1), NOW + timedelta(days=2), NOW + timedelta(days=3))
    opening = say(COORDINATOR, Kind.PERIOD, PeriodOpening("jeugd", "2026-q3", key.fingerprint, *times))
    period = totals.read_period(opening, covenant)
    figures: dict[Cell, int] = {cell: at * 7 % 100 for at, cell in enumerate(terms.cells)}
    made, enrolled = {}, {}
    for oin in oins:
        since = time.perf_counter()
        made[oin] = totals.enrol(period, oin, figures, os.urandom)
        enrolled[oin] = say(oin, Kind.ENROLMENT, made[oin].enrolment)
        since = clock("node: commit and prove", since)
        totals.check_enrolment(enrolled[oin], made[oin].proof, period, caller=oin)
        clock("coordinator: check proofs", since)
    entries = tuple(Enrolled(oin, enrolled[oin].digest) for oin in oins)
    roster = say(COORDINATOR, Kind.ROSTER, Roster(period.opening, entries))
    contributors = say(COORDINATOR, Kind.CONTRIBUTORS, Contributors(roster.digest, tuple(oins)))
    ciphertexts, answers, size, of_shares = [], {}, 0, 0
    secrets = {oin: os.urandom(32) for oin in oins}
    shares: dict[str, list[bytes]] = {oin: [] for oin in oins}
    for oin in oins:
        since = time.perf_counter()
        masks = totals.masks_of(period, roster, oin, sealing[oin], secrets[oin])
        write_shares(key, masks.shares)  # kept by the object: contribute takes them as they are
        since = clock("node: mask and shares", since)
        content = totals.contribute(period, roster, enrolled[oin], made[oin].packed, masks, os.urandom)
        message = say(oin, Kind.CONTRIBUTION, content)
        since = clock("node: encrypt", since)
        size, of_shares = len(content.ciphertext), len(content.shares)
        ciphertexts.append(totals.check_contribution(message, period, roster, caller=oin))
        for to, share in totals.shares_of(message, period, roster).items():
            shares[to].append(share)
        clock("coordinator: check contributions", since)
    for oin in oins:
        since = time.perf_counter()
        masks = totals.masks_of(period, roster, oin, sealing[oin], secrets[oin])
        answer = totals.unmask(period, contributors, roster, oin, masks, b"".join(shares[oin]))
        word = say(oin, Kind.UNMASKING, answer)
        since = clock("node: last word", since)
        answers[oin] = totals.check_unmasking(word, period, contributors, caller=oin)
        clock("coordinator: check last words", since)
    since = time.perf_counter()
    ciphertext = totals.combine(period, roster, ciphertexts, answers, os.urandom)
    release = say(COORDINATOR, Kind.RELEASE, Release(opening, tuple(enrolled.values()), ciphertext))
    since = clock("coordinator: sum", since)
    opened = totals.open_total(release, covenant, secret)
    clock("board: open and check", since)
    if dict(opened.sums) != {cell: value * count for cell, value in figures.items()}:
        raise SystemExit("the total is wrong")
    since = time.perf_counter()
    plain = [key.encrypt(value, os.urandom) for value in figures.values()]
    since = clock("one ciphertext a cell, node: encrypt", since)
    for one in plain:
        key.add([one] * count)
    since = clock("one ciphertext a cell, coordinator: sum", since)
    for one in plain:
        secret.decrypt(one)
    clock("one ciphertext a cell, board: decrypt", since)
    print(f"{count} municipalities, {len(figures)} cells, {key.modulus.bit_length()} bits")
    for what, seconds in clock.seconds.items():
        each = f", {seconds / count:.3f} each" if what.startswith("node") else ""
        print(f"  {what}: {seconds:.2f} s{each}")
    print(
        f"  a contribution: 1 ciphertext of {size} bytes, {of_shares} bytes of shares, "
        f"and {len(made[oins[0]].proof)} bytes of proof"
    )
    print(f"  one ciphertext a cell: {len(figures)} ciphertexts, {len(figures) * size} bytes, and no proof")


def _covenant(
    terms: TotalsTerms, oins: list[str], signing: dict[str, Ed25519PrivateKey], sealing: dict[str, SealingKey]
) -> Covenant:
    public = {oin: _text(key.public_key().public_bytes_raw()) for oin, key in signing.items()}
    joint, _ = threshold.split(random_scalars(1, os.urandom), 1, 1, os.urandom)
    holder = "00000099000099000001"
    rule_set = RuleSetName(name="benchmark/1", sha256=hashlib.sha256(b"").hexdigest())
    day = date(2026, 1, 1), date(2099, 12, 31)
    all_terms = Terms(
        id="benchmark", mode="demo", valid_from=day[0], valid_until=day[1],
        coordinator=Party(oin=COORDINATOR, name="Coordinator", signing_key=public[COORDINATOR]),
        members=tuple(
            Member(
                oin=oin, name=f"Municipality {at}", municipality=f"GM{at:04}", signing_key=public[oin],
                sealing_key=_text(sealing[oin].public()), quota=1,
            )
            for at, oin in enumerate(oins)
        ),
        holders=(
            Holder(
                oin=holder, name="Holder", index=1, signing_key=public[holder],
                sealing_key=_text(SealingKey.generate().public()), public_share=_text(joint.shares[1]),
            ),
        ),
        threshold=1, joint_key=_text(joint.public), ceremony="00" * 32,
        purposes=(Purpose(id="jeugd", title="Youth", legal_bases=("x",), valid_from=day[0], valid_until=day[1]),),
        rule_set=rule_set, schedule=Schedule(minimum_participants=2), totals=terms,
    )  # fmt: skip
    return Covenant.sign(all_terms, "benchmark", Ed25519PrivateKey.generate())


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


if __name__ == "__main__":
    main()
