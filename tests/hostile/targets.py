"""Every parser of what comes from outside, with an example that it takes: for hypothesis and for `guided`.

A parser may refuse with an error of ours (or, where its docstring says so, a ValueError), and nothing else.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial

from hypothesis import Phase, find, settings
from sluis_node.caseload.reading import read_caseload
from sluis_protocol import (
    approach,
    bulletin,
    card,
    checkpoint,
    leaves,
    notation,
    note,
    partners,
    rules,
    signed,
    submission,
    wire,
)
from sluis_protocol.content import _context, _pad, open_content
from sluis_protocol.covenant import Covenant, Terms
from sluis_protocol.errors import SluisError
from sluis_protocol.group import check_elements, hash_to_group
from sluis_protocol.handshake import Act
from sluis_protocol.indicators import Cell
from sluis_protocol.sealed import seal
from sluis_protocol.signed import Envelope, Kind, SignedMessage, open_signed
from sluis_protocol.wire.codec import _CODECS
from sluis_runtime import trace

from ..protocol.test_wire import STRATEGIES
from ..world import COORDINATOR, PURPOSE, World, make_world, member_oin

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ROUND = "r20260501t120000z-0123456789abcdef"


@dataclass(frozen=True)
class Target:
    """A parser of bytes, something that it takes (or nearly), and what it may raise."""

    parse: Callable[[bytes], object]
    example: bytes
    refuses: tuple[type[Exception], ...] = (SluisError,)


@cache
def world() -> World:
    return make_world()


def _text(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda raw: parse(raw.decode("utf-8", "replace"))


def _caseload(raw: bytes) -> object:
    return read_caseload(io.BytesIO(raw), name="caseload.csv", today=date(2026, 6, 1))


def _signed(raw: bytes) -> object:
    message = SignedMessage(raw[64:], raw[:64])
    return open_signed(message, world().covenant, Kind.CLAIM, round_id=ROUND, now=NOW)


def _sealed(raw: bytes) -> object:
    """What a counterpart sealed to us: it can seal whatever it likes."""
    sealing, where = world().sealing[member_oin(1)], (bytes(16), member_oin(2), member_oin(1), Act.PROPOSE)
    sealed = seal(sealing.public(), _pad(raw), *_context(*where))
    return open_content(sealed, sealing, handshake_id=where[0], sender=where[1], recipient=where[2], use=where[3])


def _message(kind: type) -> bytes:
    """The simplest message of a kind: always the same."""
    first = settings(derandomize=True, database=None, max_examples=1, phases=[Phase.generate])
    return wire.encode(find(STRATEGIES[kind], lambda _: True, settings=first))


@cache
def targets() -> dict[str, Target]:
    """All of them, by name."""
    covenant = world().covenant
    envelope = Envelope(Kind.CLAIM, COORDINATOR, covenant.hash, ROUND, NOW, b"payload")
    message = signed.sign(envelope, world().signing[COORDINATOR])
    key = world().signing[member_oin(1)]
    sealing_key = world().sealing[member_oin(1)].public()
    made = card.make_card(
        card.Role.MEMBER, member_oin(1), "Municipality", key, municipality="GM0001", sealing_key=sealing_key
    )
    header = "gezin;persoon;burgerservicenummer;voornamen;voorvoegsel;geslachtsnaam;geboortedatum;postcode;huisnummer;"
    row = "F1;P1;999990019;Anna;de;Vries;19800101;1234AB;1;Z1;demo-grondslag;20260101;;w1@example\n"
    contract = approach.Approach(
        handshake="00" * 16,
        nonce="00" * 32,
        covenant=covenant.hash.hex(),
        purpose=PURPOSE,
        parties=(member_oin(1), member_oin(2)),
        lead=member_oin(1),
        partners=(approach.Partner(role="school", basis="demo-grondslag", since=NOW.date()),),
        start=NOW.date(),
        end=NOW.date() + timedelta(days=30),
    )
    by = tuple(approach.sign_approach(contract, world().signing[member_oin(number)]) for number in (1, 2))
    both = approach.SignedApproach.of(contract, (by[0], by[1])).serialise().encode()
    seen = checkpoint.Checkpoint(checkpoint.origin(covenant.terms.id), 1, bytes(32))
    found = {
        "envelope": Target(Envelope.parse, envelope.serialise()),
        "signed message": Target(_signed, message.signature + message.body),
        "covenant note": Target(_text(lambda text: Covenant.verify(text, world().authority)), covenant.note.encode()),
        "note": Target(_text(lambda text: note.open_note(text, world().authority)), covenant.note.encode()),
        "verifier line": Target(_text(note.Verifier.parse), str(world().authority).encode()),
        "covenant terms": Target(_text(Terms.parse), covenant.terms.serialise().encode()),
        "card": Target(_text(card.Card.parse), made.serialise().encode()),
        "ceremony opening": Target(_text(bulletin.Opening.parse), b"{}"),
        "approach": Target(_text(approach.Approach.parse), contract.serialise().encode()),
        "signed approach": Target(_text(approach.SignedApproach.parse), both),
        "signed approach, verified": Target(_text(lambda text: approach.verify_approach(text, covenant)), both),
        "rule set": Target(rules.load_rules, b"[thresholds]\nperson = 40\nfamily = 40\ncertain = 100\n"),
        "partners": Target(partners.load_roles, b'version = 1\n[[role]]\ncode = "school"\n'),
        "rows": Target(lambda raw: list(submission.unpack(raw, 3)), bytes(17 + 3 * 17)),
        "elements": Target(check_elements, hash_to_group([b"one", b"two"], b"test")),
        "BSN": Target(_text(notation.read_bsn), b"999990019"),
        "date of birth": Target(_text(notation.read_birth_date), b"19800101"),
        "day": Target(_text(notation.read_day), b"2026-01-01"),
        "checkpoint": Target(
            _text(lambda text: checkpoint.open_checkpoint(text, checkpoint.log_verifier(covenant))),
            checkpoint.sign_checkpoint(seen, world().signing[COORDINATOR]).encode(),
        ),
        "cosignature": Target(
            _text(lambda text: checkpoint.open_cosignature(text, seen, "node", key.public_key().public_bytes_raw())),
            checkpoint.cosign(seen, "node", key, NOW).encode(),
        ),
        "leaf": Target(_text(leaves.Leaf.parse), leaves.Leaf.of("covenant", NOW, bytes(32), count=1).text.encode()),
        "cell": Target(_text(Cell.parse), b"matches-proven", (SluisError, ValueError)),
        "caseload": Target(_caseload, (header + "zaak;grondslag;startdatum;einddatum;behandelaar\n" + row).encode()),
        "traceparent": Target(_text(trace.parse), trace.TraceContext(b"\x01" * 16, b"\x02" * 8).header().encode(), ()),
        "sealed content": Target(_sealed, b'{"kind": "withdrawal", "reason": "objection"}'),
    }
    for kind in _CODECS:
        found[f"wire {kind.__name__}"] = Target(partial(wire.decode, kind), _message(kind))
    return found


def run(target: Target, raw: bytes) -> bool:
    """Whether it is taken; whatever else than a refusal is raised is a bug."""
    try:
        target.parse(raw)
    except target.refuses:
        return False
    return True
