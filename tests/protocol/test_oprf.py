"""RFC 9497's vectors byte for byte, and what a verifier refuses."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sluis_protocol import group, oprf
from sluis_protocol.errors import BadElement, MalformedMessage, WrongProof
from sluis_protocol.group import Random

from tests.shared import shared

# RFC 9497, A.1.1.1 and A.1.2.3: kept here so that these run on any checkout.
SUITES: list[dict[str, Any]] = [
    {
        "mode": 0,
        "seed": "a3" * 32,
        "keyInfo": "74657374206b6579",
        "skSm": "5ebcea5ee37023ccb9fc2d2019f9d7737be85591ae8652ffa9ef0f4d37063b0e",
        "vectors": [
            {
                "Blind": "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706",
                "BlindedElement": "609a0ae68c15a3cf6903766461307e5c8bb2f95e7e6550e1ffa2dc99e412803c",
                "EvaluationElement": "7ec6578ae5120958eb2db1745758ff379e77cb64fe77b0b2d8cc917ea0869c7e",
                "Input": "00",
                "Output": "527759c3d9366f277d8c6020418d96bb393ba2afb20ff90df23fb7708264e2f3"
                "ab9135e3bd69955851de4b1f9fe8a0973396719b7912ba9ee8aa7d0b5e24bcf6",
            }
        ],
    },
    {
        "mode": 1,
        "seed": "a3" * 32,
        "keyInfo": "74657374206b6579",
        "skSm": "e6f73f344b79b379f1a0dd37e07ff62e38d9f71345ce62ae3a9bc60b04ccd909",
        "pkSm": "c803e2cc6b05fc15064549b5920659ca4a77b2cca6f04f6b357009335476ad4e",
        "vectors": [
            {
                "Blind": "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706,"
                "222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e",
                "BlindedElement": "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945,"
                "90a0145ea9da29254c3a56be4fe185465ebb3bf2a1801f7124bbbadac751e654",
                "EvaluationElement": "aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e,"
                "cc5ac221950a49ceaa73c8db41b82c20372a4c8d63e5dded2db920b7eee36a2a",
                "Input": "00,5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
                "Output": "b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7d"
                "a4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c,"
                "8a9a2f3c7f085b65933594309041fc1898d42d0858e59f90814ae90571a6df60"
                "356f4610bf816f27afdd84f47719e480906d27ecd994985890e5f539e7ea74b6",
                "Proof": {
                    "proof": "cc203910175d786927eeb44ea847328047892ddf8590e723c37205cb74600b0a"
                    "5ab5337c8eb4ceae0494c2cf89529dcf94572ed267473d567aeed6ab873dee08",
                    "r": "419c4f4f5052c53c45f3da494d2b67b220d02118e0857cdbcf037f9ea84bbe0c",
                },
            }
        ],
    },
]

SECRET, PUBLIC = oprf.derive_key_pair(bytes(range(32)), b"tests")


def fixed(*scalars: bytes) -> Random:
    """A source of randomness that draws exactly these scalars."""
    data = b"".join(scalar + bytes(32) for scalar in scalars)

    def random(count: int) -> bytes:
        assert count == len(data)
        return data

    return random


def split(field: str) -> list[bytes]:
    return [bytes.fromhex(part) for part in field.split(",")]


def check_suite(suite: dict[str, Any]) -> int:
    mode = oprf.Mode(suite["mode"])
    secret, public = oprf.derive_key_pair(bytes.fromhex(suite["seed"]), bytes.fromhex(suite["keyInfo"]), mode)
    assert secret.hex() == suite["skSm"]
    assert public.hex() == suite.get("pkSm", public.hex())
    for vector in suite["vectors"]:
        inputs = split(vector["Input"])
        blinded = oprf.blind(inputs, fixed(*split(vector["Blind"])), mode)
        assert blinded.elements == b"".join(split(vector["BlindedElement"]))
        if mode is oprf.Mode.VOPRF:
            r = fixed(bytes.fromhex(vector["Proof"]["r"]))
            answer = oprf.blind_evaluate(secret, public, blinded.elements, r)
            assert answer.proof.hex() == vector["Proof"]["proof"]
            oprf.verify_proof(public, blinded.elements, answer.elements, answer.proof)
            evaluated = answer.elements
        else:
            evaluated = group.multiply(secret, blinded.elements)
        assert evaluated == b"".join(split(vector["EvaluationElement"]))
        assert oprf.finalize(blinded, evaluated) == split(vector["Output"]) == oprf.evaluate(secret, inputs, mode)
    return len(suite["vectors"])


@pytest.mark.parametrize("suite", SUITES, ids=["OPRF", "VOPRF"])
def test_rfc_9497_vectors_kept_here(suite: dict[str, Any]) -> None:
    check_suite(suite)


def test_rfc_9497_vectors_as_published() -> None:
    suites = json.loads(shared("data/vectors/rfc9497_ristretto255.json").read_text())
    checked = {suite["mode"]: check_suite(suite) for suite in suites if suite["mode"] in (0, 1)}
    assert checked == {0: 2, 1: 3}


@settings(max_examples=20, deadline=None)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=6))
def test_the_blinds_leave_no_trace(inputs: list[bytes]) -> None:
    blinded = oprf.blind(inputs, os.urandom)
    answer = oprf.blind_evaluate(SECRET, PUBLIC, blinded.elements, os.urandom)
    oprf.verify_proof(PUBLIC, blinded.elements, answer.elements, answer.proof)
    assert answer.composites == oprf.compute_composites(PUBLIC, blinded.elements, answer.elements)
    assert oprf.finalize(blinded, answer.elements) == oprf.evaluate(SECRET, inputs)
    assert oprf.blind(inputs, os.urandom).elements != blinded.elements


def test_every_altered_byte_is_refused() -> None:
    blinded = oprf.blind([b"one", b"two", b"three"], os.urandom).elements
    answer = oprf.blind_evaluate(SECRET, PUBLIC, blinded, os.urandom)
    for at in range(len(answer.proof)):
        proof = bytearray(answer.proof)
        proof[at] ^= 1
        with pytest.raises(WrongProof):
            oprf.verify_proof(PUBLIC, blinded, answer.elements, bytes(proof))
    for at in range(0, len(blinded), 5):
        altered = bytearray(answer.elements)
        altered[at] ^= 2
        with pytest.raises((WrongProof, BadElement)):
            oprf.verify_proof(PUBLIC, blinded, bytes(altered), answer.proof)


def test_another_order_key_batch_or_answer_is_refused() -> None:
    blinded = oprf.blind([b"one", b"two"], os.urandom).elements
    answer = oprf.blind_evaluate(SECRET, PUBLIC, blinded, os.urandom)
    other_secret, other = oprf.derive_key_pair(bytes(32), b"another")
    foreign = oprf.blind_evaluate(other_secret, other, blinded, os.urandom)
    swapped = answer.elements[32:] + answer.elements[:32]
    identity_key = oprf.blind_evaluate(b"\x01" + bytes(31), group.GENERATOR, blinded, os.urandom)
    assert identity_key.elements == blinded
    for public, asked, elements, proof in (
        (PUBLIC, blinded, swapped, answer.proof),
        (other, blinded, answer.elements, answer.proof),
        (PUBLIC, blinded[:32], answer.elements[:32], answer.proof),
        (PUBLIC, blinded, foreign.elements, foreign.proof),
        (PUBLIC, blinded, answer.elements, foreign.proof),
        (PUBLIC, blinded, identity_key.elements, identity_key.proof),
        (PUBLIC, blinded, answer.elements, b""),
        (PUBLIC, blinded, answer.elements, answer.proof + b"\x00"),
    ):
        with pytest.raises(WrongProof):
            oprf.verify_proof(public, asked, elements, proof)


def test_a_proof_scalar_that_is_not_reduced_is_refused() -> None:
    blinded = oprf.blind([b"one"], os.urandom).elements
    answer = oprf.blind_evaluate(SECRET, PUBLIC, blinded, os.urandom)
    s = int.from_bytes(answer.proof[32:], "little") + group.ORDER
    with pytest.raises(WrongProof):
        oprf.verify_proof(PUBLIC, blinded, answer.elements, answer.proof[:32] + s.to_bytes(32, "little"))


@pytest.mark.parametrize("bad", [group.IDENTITY, bytes(31) + b"\x80", b"\x01" + bytes(31), bytes(31)])
def test_a_holder_refuses_what_is_no_element(bad: bytes) -> None:
    good = oprf.blind([b"one"], os.urandom)
    with pytest.raises(BadElement):
        oprf.blind_evaluate(SECRET, PUBLIC, good.elements + bad, os.urandom)
    with pytest.raises(BadElement):
        oprf.finalize(good, bad)


def test_a_batch_has_the_rfcs_size() -> None:
    with pytest.raises(MalformedMessage):
        oprf.blind([], os.urandom)
    with pytest.raises(MalformedMessage):
        oprf.blind([b""] * (oprf.MAX_BATCH + 1), os.urandom)
    for elements in (b"", group.GENERATOR * (oprf.MAX_BATCH + 1)):
        with pytest.raises(MalformedMessage):
            oprf.blind_evaluate(SECRET, PUBLIC, elements, os.urandom)


def test_secrets_and_inputs_have_no_repr() -> None:
    blinded = oprf.blind([b"canary"], os.urandom)
    assert "canary" not in repr(blinded)
    assert "blinds" not in repr(blinded)


def test_modes_and_infos_give_different_keys() -> None:
    keys = {
        oprf.derive_key_pair(bytes(32), info, mode)
        for info in (b"", b"a")
        for mode in (oprf.Mode.OPRF, oprf.Mode.VOPRF)
    }
    assert len(keys) == 4
    with pytest.raises(ValueError, match="seed"):
        oprf.derive_key_pair(bytes(31), b"")
