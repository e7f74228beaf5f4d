"""A party's card: what the party signed, and nothing else."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sluis_protocol.card import Card, Role, make_card
from sluis_protocol.errors import InputError, SluisError
from sluis_protocol.sealed import SealingKey

KEY = Ed25519PrivateKey.generate()
SEALING = SealingKey.generate().public()
OIN = "00000099000000001001"
MEMBER = make_card(Role.MEMBER, OIN, "Gemeente Één", KEY, municipality="GM0001", sealing_key=SEALING)
CARDS = [
    MEMBER,
    make_card(Role.HOLDER, OIN, "Holder", KEY, sealing_key=SEALING),
    make_card(Role.COORDINATOR, OIN, "Coordinator", KEY),
]
OTHER = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()


@pytest.mark.parametrize("card", CARDS, ids=lambda card: str(card.role))
def test_a_card_comes_back(card: Card) -> None:
    assert Card.parse(card.serialise()) == card
    assert Card.parse(card.serialise()).fingerprint == card.fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "holder", "municipality": None},
        {"role": "coordinator"},
        {"role": "authority"},
        {"oin": OIN[:-1] + "2"},
        {"oin": OIN[:-1]},
        {"name": "Another"},
        {"name": ""},
        {"name": "Colour\x1b[31m"},
        {"municipality": "GM0002"},
        {"municipality": None},
        {"municipality": "0001"},
        {"signing_key": OTHER},
        {"signing_key": "AAAA"},
        {"sealing_key": base64.b64encode(SealingKey.generate().public()).decode()},
        {"sealing_key": None},
        {"signature": base64.b64encode(bytes(64)).decode()},
        {"signature": None},
        {"format": "sluis-card/2"},
        {"nationality": "none of our business"},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_every_change_is_refused(changes: dict[str, str | None]) -> None:
    content = json.loads(MEMBER.serialise()) | changes
    with pytest.raises(SluisError):
        Card.parse(json.dumps({name: value for name, value in content.items() if value is not None}))


def test_an_error_names_the_field_and_not_its_content() -> None:
    with pytest.raises(InputError, match="oin") as raised:
        Card.parse(MEMBER.serialise().replace(OIN, "secret"))
    assert "secret" not in raised.value.diagnostics()


def test_a_sealing_key_that_nothing_can_be_sealed_to_is_refused() -> None:
    broken = make_card(Role.HOLDER, OIN, "Holder", KEY, sealing_key=SEALING[:-32] + bytes(32))
    with pytest.raises(SluisError):
        Card.parse(broken.serialise())


@pytest.mark.parametrize(
    ("role", "options"),
    [
        (Role.MEMBER, {"municipality": "GM0001"}),
        (Role.MEMBER, {"sealing_key": SEALING}),
        (Role.HOLDER, {}),
        (Role.HOLDER, {"municipality": "GM0001", "sealing_key": SEALING}),
        (Role.COORDINATOR, {"sealing_key": SEALING}),
    ],
    ids=lambda changes: ",".join(changes),
)
def test_no_card_is_made_that_does_not_fit_its_role(role: Role, options: dict[str, str | bytes]) -> None:
    with pytest.raises(InputError):
        make_card(role, OIN, "Name", KEY, **options)  # type: ignore[arg-type] # by keyword


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "{", "\x00"])
def test_what_is_no_card_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        Card.parse(text)
