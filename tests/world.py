"""A small covenant with all keys, for tests: everything is made here, nothing is real but the computations."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sluis_protocol import threshold
from sluis_protocol.covenant import Covenant, Holder, Limits, Member, Party, Purpose, RuleSetName, Schedule, Terms
from sluis_protocol.group import random_scalars
from sluis_protocol.note import Verifier
from sluis_protocol.rules import load_rules
from sluis_protocol.sealed import SealingKey
from sluis_protocol.totals_terms import TotalsTerms

AUTHORITY = "test-authority"
COORDINATOR = "00000099000000000001"
PURPOSE = "jeugd"


def member_oin(number: int) -> str:
    """The test OIN of a member."""
    return f"000000990000000010{number:02d}"


def holder_oin(index: int) -> str:
    """The test OIN of a key holder."""
    return f"000000990000000020{index:02d}"


def text(raw: bytes) -> str:
    """Base64."""
    return base64.b64encode(raw).decode()


@dataclass(frozen=True)
class World:
    """A signed covenant and every party's secrets."""

    covenant: Covenant
    authority: Verifier
    authority_key: Ed25519PrivateKey
    signing: dict[str, Ed25519PrivateKey]
    sealing: dict[str, SealingKey]
    shares: tuple[threshold.KeyShare, ...]


def make_world(
    municipalities: Sequence[str] = ("GM0001", "GM0002", "GM0003"),
    *,
    holders: int = 3,
    needed: int = 2,
    quota: int = 100_000,
    limits: Limits | None = None,
    schedule: Schedule | None = None,
    totals: TotalsTerms | None = None,
) -> World:
    """A covenant in demo mode for these municipalities; the key is split here, not by a ceremony."""
    rules = load_rules()
    members = [member_oin(number) for number, _ in enumerate(municipalities, start=1)]
    key_holders = [holder_oin(index) for index in range(1, holders + 1)]
    signing = {oin: Ed25519PrivateKey.generate() for oin in [COORDINATOR, *members, *key_holders]}
    sealing = {oin: SealingKey.generate() for oin in [*members, *key_holders]}
    joint, shares = threshold.split(random_scalars(1, os.urandom), needed, holders, os.urandom)
    public = {oin: text(key.public_key().public_bytes_raw()) for oin, key in signing.items()}
    terms = Terms(
        id="test-covenant",
        mode="demo",
        valid_from=date(2026, 1, 1),
        valid_until=date(2099, 12, 31),
        coordinator=Party(oin=COORDINATOR, name="Coordinator", signing_key=public[COORDINATOR]),
        members=tuple(
            Member(
                oin=oin,
                name=f"Municipality {code}",
                municipality=code,
                signing_key=public[oin],
                sealing_key=text(sealing[oin].public()),
                quota=quota,
            )
            for oin, code in zip(members, municipalities, strict=True)
        ),
        holders=tuple(
            Holder(
                oin=oin,
                name=f"Key holder {index}",
                index=index,
                signing_key=public[oin],
                sealing_key=text(sealing[oin].public()),
                public_share=text(joint.shares[index]),
            )
            for index, oin in enumerate(key_holders, start=1)
        ),
        threshold=needed,
        joint_key=text(joint.public),
        ceremony="00" * 32,
        purposes=(
            Purpose(
                id=PURPOSE,
                title="Youth",
                legal_bases=("demo-grondslag",),
                valid_from=date(2026, 1, 1),
                valid_until=date(2099, 12, 31),
            ),
        ),
        rule_set=RuleSetName(name=rules.identity, sha256=rules.sha256),
        schedule=schedule or Schedule(minimum_participants=min(2, len(members))),
        limits=limits or Limits(),
        totals=totals,
    )
    key = Ed25519PrivateKey.generate()
    covenant = Covenant.sign(terms, AUTHORITY, key)
    return World(covenant, Verifier.of(AUTHORITY, key), key, signing, sealing, shares)
