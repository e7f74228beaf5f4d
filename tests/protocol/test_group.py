"""RFC 9496's vectors, and the laws of the group on packed batches."""

from __future__ import annotations

import ctypes.util
import hashlib
import os
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sluis_protocol import group, libsodium
from sluis_protocol.errors import BadElement, ConfigError

# RFC 9496, A.1: 0 to 15 times the generator.
MULTIPLES = """
0000000000000000000000000000000000000000000000000000000000000000
e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76
6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919
94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259
da80862773358b466ffadfe0b3293ab3d9fd53c5ea6c955358f568322daf6a57
e882b131016b52c1d3337080187cf768423efccbb517bb495ab812c4160ff44e
f64746d3c92b13050ed8d80236a7f0007c3b3f962f5ba793d19a601ebb1df403
44f53520926ec81fbd5a387845beb7df85a96a24ece18738bdcfa6a7822a176d
903293d8f2287ebe10e2374dc1a53e0bc887e592699f02d077d5263cdd55601c
02622ace8f7303a31cafc63f8fc48fdc16e1c8c8d234b2f0d6685282a9076031
20706fd788b2720a1ed2a5dad4952b01f413bcf0e7564de8cdc816689e2db95f
bce83f8ba5dd2fa572864c24ba1810f9522bc6004afe95877ac73241cafdab42
e4549ee16b9aa03099ca208c67adafcafa4c3f3e4e5303de6026e3ca8ff84460
aa52e000df2e16f55fb1032fc33bc42742dad6bd5a8fc0be0167436c5948501f
46376b80f409b29dc2b5f6f0c52591990896e5716f41477cd30085ab7f10301e
e0c418f7c8d9c4cdd7395b93ea124f3ad99021bb681dfc3302a9d99a2e53e64e
"""

# RFC 9496, A.2: encodings to refuse.
BAD_ENCODINGS = {
    "not canonical": """
00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
0100000000000000000000000000000000000000000000000000000000000080
""",
    "negative": """
0100000000000000000000000000000000000000000000000000000000000000
01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20
c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562
c940e5a4404157cfb1628b108db051a8d439e1a421394ec4ebccb9ec92a8ac78
47cfc5497c53dc8e61c91d17fd626ffb1c49e2bca94eed052281b510b1117a24
f1c6165d33367351b0da8f6e4511010c68174a03b6581212c71c0e1d026c3c72
87260f7a2f12495118360f02c26a470f450dadf34a413d21042b43b9d93e1309
""",
    "x² is no square": """
26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371
4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f
de6a7b00deadc788eb6b6c8d20c0ae96c2f2019078fa604fee5b87d6e989ad7b
bcab477be20861e01e4a0e295284146a510150d9817763caf1a6f4b422d67042
2a292df7e32cababbd9de088d1d1abec9fc0440f637ed2fba145094dc14bea08
f4a9e534fc0d216c44b218fa0c42d99635a0127ee2e53c712f70609649fdff22
8268436f8c4126196cf64b3c7ddbda90746a378625f9813dd9b8457077256731
2810e5cbc2cc4d4eece54f61c6f69758e289aa7ab440b3cbeaa21995c2f4232b
""",
    "xy is negative": """
3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e
a45fdc55c76448c049a1ab33f17023edfb2be3581e9c7aade8a6125215e04220
d483fe813c6ba647ebbfd3ec41adca1c6130c2beeee9d9bf065c8d151c5f396e
8a2e1d30050198c65a54483123960ccc38aef6848e1ec8f5f780e8523769ba32
32888462f8b486c68ad7dd9610be5192bbeaf3b443951ac1a8118419d9fa097b
227142501b9d4355ccba290404bde41575b037693cef1f438c47f8fbf35d1165
5c37cc491da847cfeb9281d407efc41e15144c876e0170b499a96a22ed31e01e
445425117cb8c90edcbc7c1cc0e74f747f2c1efa5630a967c64f287792a48a4b
""",
    "s = -1": "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "bit 255 of a good encoding": "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2df6",
}

# RFC 9496, A.3: the element of SHA-512(label).
HASHED = {
    "Ristretto is traditionally a short shot of espresso coffee": (
        "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46"
    ),
    "made with the normal amount of ground coffee but extracted with": (
        "f26e5b6f7d362d2d2a94c5d0e7602cb4773c95a2e5c31a64f133189fa76ed61b"
    ),
    "about half the amount of water in the same amount of time": (
        "006ccd2a9e6867e6a2c5cea83d3302cc9de128dd2a9a57dd8ee7b9d7ffe02826"
    ),
}

scalars = st.integers(min_value=1, max_value=group.ORDER - 1)


def packed(*numbers: int) -> bytes:
    return b"".join((number % group.ORDER).to_bytes(32, "little") for number in numbers)


def elements(count: int) -> bytes:
    return group.hash_to_group([b"element %d" % index for index in range(count)], b"tests")


def test_small_multiples_of_the_generator() -> None:
    expected = bytes.fromhex(MULTIPLES)
    assert group.base_multiply(packed(*range(16))) == expected
    assert group.multiply(packed(*range(16)), group.GENERATOR * 16) == expected
    running = group.IDENTITY
    for multiple in MULTIPLES.split()[1:]:
        running = group.add(running, group.GENERATOR)
        assert running.hex() == multiple
    assert group.check_elements(expected[32:]) == 15


@pytest.mark.parametrize("why", BAD_ENCODINGS)
def test_bad_encodings_are_refused_everywhere(why: str) -> None:
    good = elements(2)
    for encoding in BAD_ENCODINGS[why].split():
        bad = good + bytes.fromhex(encoding)
        for use in (
            lambda: group.check_elements(bad),  # noqa: B023 - called at once
            lambda: group.multiply(packed(7), bad),  # noqa: B023
            lambda: group.multiply(packed(7, 8, 9), bad),  # noqa: B023
            lambda: group.add(bad, elements(3)),  # noqa: B023
            lambda: group.add(elements(3), bad),  # noqa: B023
            lambda: group.weighted_sum(lambda index: (1,), bad),  # noqa: B023
        ):
            with pytest.raises(BadElement) as refusal:
                use()
            assert refusal.value.where == {"index": "2"}


def test_the_one_way_map() -> None:
    wide = b"".join(hashlib.sha512(label.encode()).digest() for label in HASHED)
    assert group.from_uniform_bytes(wide).hex() == "".join(HASHED.values())


def test_the_identity_is_refused_at_its_index_and_lengths_are_checked() -> None:
    good = elements(3)
    with pytest.raises(BadElement) as refusal:
        group.check_elements(good + group.IDENTITY)
    assert refusal.value.where == {"index": "3"}
    for wrong in (good[:-1], good + b"\x00"):
        with pytest.raises(BadElement, match="whole number"):
            group.check_elements(wrong)
    with pytest.raises(BadElement, match="3 elements where 4"):
        group.check_elements(good, 4)
    with pytest.raises(BadElement, match="different lengths"):
        group.add(good, good[32:])
    with pytest.raises(BadElement, match="different lengths"):
        group.weighted_sum(lambda index: (1, 1), good, good[32:])
    with pytest.raises(ValueError, match="64 bytes"):
        group.multiply(packed(1, 2), good)
    # 32 zero bytes that lie across two elements are not the identity.
    straddling = b"\x02" + bytes(31) + bytes(31) + b"\x02"
    assert group.screen_elements(straddling) == 2


def test_products_that_are_the_identity_are_results() -> None:
    good = elements(2)
    assert group.multiply(packed(0, 1), good) == group.IDENTITY + good[32:]
    assert group.multiply(packed(5), group.IDENTITY) == group.IDENTITY
    assert group.weighted_sum(lambda index: (0,), good) == group.IDENTITY
    assert group.weighted_sum(lambda index: (index, 1), good, group.IDENTITY * 2) == good[32:]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(scalars, scalars), min_size=1, max_size=8))
def test_scalars_compute_modulo_the_order(pairs: list[tuple[int, int]]) -> None:
    left, right = packed(*(a for a, _ in pairs)), packed(*(b for _, b in pairs))
    assert group.multiply_scalars(left, right) == packed(*(a * b for a, b in pairs))
    assert group.add_scalars(left, right) == packed(*(a + b for a, b in pairs))
    assert group.subtract_scalars(left, right) == packed(*(a - b for a, b in pairs))
    assert group.invert_scalars(left) == packed(*(pow(a, -1, group.ORDER) for a, _ in pairs))
    one = right[:32]
    assert group.multiply_scalars(left, one) == packed(*(a * pairs[0][1] for a, _ in pairs))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(scalars, scalars), min_size=1, max_size=4))
def test_multiplication_is_linear(pairs: list[tuple[int, int]]) -> None:
    base = elements(len(pairs))
    a, b = packed(*(a for a, _ in pairs)), packed(*(b for _, b in pairs))
    both = group.add(group.multiply(a, base), group.multiply(b, base))
    assert both == group.multiply(group.add_scalars(a, b), base)
    total = group.weighted_sum(lambda index: pairs[index], base, base)
    assert total == group.weighted_sum(lambda index: (1,), both)
    assert group.multiply(group.invert_scalars(a), group.multiply(a, base)) == base


def test_zero_has_no_inverse() -> None:
    assert group.invert_scalars(b"") == b""
    with pytest.raises(ValueError, match="no inverse"):
        group.invert_scalars(packed(3, 0, 5))


def test_only_reduced_scalars_are_scalars() -> None:
    assert group.is_scalar(packed(0))
    assert group.is_scalar(packed(group.ORDER - 1))
    assert not group.is_scalar(group.ORDER.to_bytes(32, "little"))
    assert not group.is_scalar(bytes(31) + b"\x80")
    assert not group.is_scalar(bytes(31))


def test_random_scalars_are_reduced_from_64_bytes_and_never_zero() -> None:
    draws = [bytes(128), b"\x01" + bytes(63) + group.ORDER.to_bytes(64, "little"), bytes(range(128))]
    expected = packed(*(int.from_bytes(draws[2][at : at + 64], "little") for at in (0, 64)))
    assert group.random_scalars(2, lambda count: draws.pop(0)) == expected
    assert not draws
    with pytest.raises(ValueError, match="randomness"):
        group.random_scalars(2, lambda count: bytes(range(64)))


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 400])
def test_the_number_of_cores_changes_nothing(count: int) -> None:
    inputs = [b"input %d" % index for index in range(count)]
    results = []
    for cores in (1, 2, 5):
        with group.cores(cores):
            points = group.hash_to_group(inputs, b"tests")
            factors = packed(*range(1, count + 1))
            products = group.multiply(factors, points)
            total = group.weighted_sum(lambda index: (index + 1,), points)
            results.append((points, products, group.add(points, products), total))
    assert results[0] == results[1] == results[2]
    assert results[0][3] == group.weighted_sum(lambda index: (1,), results[0][1])


def test_batches_run_on_as_many_threads_as_allowed() -> None:
    seen: set[int] = set()

    def weight(index: int) -> tuple[int]:
        seen.add(threading.get_ident())
        return (1,)

    with group.cores(1):
        group.weighted_sum(weight, elements(200))
    assert seen == {threading.get_ident()}
    with pytest.raises(ValueError, match="0 cores"), group.cores(0):
        pass


def test_an_error_on_another_thread_is_raised_here() -> None:
    bad = elements(300) + b"\x01" + bytes(31)
    with group.cores(2), pytest.raises(BadElement) as refusal:
        group.multiply(group.random_scalars(1, os.urandom), bad)
    assert refusal.value.where == {"index": "300"}


def test_a_machine_without_libsodium_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    monkeypatch.delitem(sys.modules, "pysodium", raising=False)
    libsodium._sodium.cache_clear()
    for name in ("", *group.BACKENDS):
        with pytest.raises(ConfigError) as refusal:
            group.choose(name)
        assert "libsodium23" in refusal.value.diagnostics()
    monkeypatch.undo()
    assert group.choose("libsodium").backend.base_multiply(packed(1)) == group.GENERATOR
