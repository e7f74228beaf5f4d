"""The native backends: the same bytes as libsodium in every step, and what happens when one isn't to be trusted."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest
from sluis_node.cli import app
from sluis_protocol import group, oprf, threshold
from sluis_protocol.batches import ORDER, Backend, Weighing
from sluis_protocol.errors import BadElement, ConfigError, WrongProof
from sluis_protocol.native import Native
from sluis_protocol.watch import Difference, Watch, self_test
from typer.testing import CliRunner

from native.differential import compare
from tests.protocol.test_group import BAD_ENCODINGS, HASHED, MULTIPLES
from tests.protocol.test_oprf import SUITES, check_suite
from tests.shared import ROOT, shared

NATIVE, PROBLEM = group.native_module()
NAMES = NATIVE.names() if NATIVE else []
REFERENCE = group.choose("libsodium").backend

needs_native = pytest.mark.skipif(NATIVE is None, reason=PROBLEM)


@pytest.fixture(params=["libsodium", *NAMES])
def each(request: pytest.FixtureRequest) -> Iterator[str]:
    with group.using(request.param):
        yield request.param


@pytest.fixture(params=NAMES or [pytest.param("", marks=pytest.mark.skip(reason=PROBLEM))])
def backend(request: pytest.FixtureRequest) -> Backend:
    return group.choose(request.param).backend


def test_rfc_9496_vectors_on_every_backend(each: str) -> None:
    expected = bytes.fromhex(MULTIPLES)
    numbers = b"".join(number.to_bytes(32, "little") for number in range(16))
    assert group.multiply(numbers, group.GENERATOR * 16) == expected == group.base_multiply(numbers)
    assert group.add(expected[:-32], group.GENERATOR * 15) == expected[32:]
    for encoding in " ".join(BAD_ENCODINGS.values()).split():
        for at in (0, 1, 7, 8, 16):  # in every lane, in the first vector and beyond
            bad = expected[32 : 32 + 32 * at] + bytes.fromhex(encoding) + expected[32:64]
            with pytest.raises(BadElement) as refusal:
                group.check_elements(bad)
            assert refusal.value.where == {"index": str(min(at, 15))}
    for label, encoding in HASHED.items():
        wide = hashlib.sha512(label.encode()).digest()
        assert group.from_uniform_bytes(wide * 9).hex() == encoding * 9


def test_rfc_9497_vectors_on_every_backend(each: str) -> None:
    for suite in SUITES:
        check_suite(suite)
    for suite in json.loads(shared("data/vectors/rfc9497_ristretto255.json").read_text()):
        if suite["mode"] in (0, 1):
            check_suite(suite)


@pytest.mark.parametrize("seed", range(24))
def test_nothing_differs_from_libsodium(backend: Backend, seed: int) -> None:
    assert compare([backend], REFERENCE, seed)[1] == []


def test_the_largest_numbers_and_all_lanes(backend: Backend) -> None:
    """Scalars whose digits are all at an end of their range, on points in every lane of full and broken vectors."""
    scalars = [int("78" * 32, 16), int("88" * 31 + "08", 16), 2**255 - 1, 2**256 - 1, ORDER - 1, ORDER, 0, 1, 128, 127]
    packed = b"".join(number.to_bytes(32, "little") for number in scalars)
    for count in (1, 3, 9, 10):
        elements = REFERENCE.from_uniform_bytes(bytes(range(64)) * count)
        piece = packed[: 32 * count]
        assert backend.multiply(piece, elements) == REFERENCE.multiply(piece, elements)
    many = [number % ORDER for number in scalars] * 20
    elements = REFERENCE.from_uniform_bytes(bytes(range(64))) * len(many)
    total = sum(many) % ORDER
    expected = REFERENCE.multiply(total.to_bytes(32, "little"), elements[:32])
    assert backend.weighted_sum(lambda at: (many[at],), (elements,)) == expected


def test_neither_threads_nor_backends_nor_batch_sizes_change_a_tag(each: str) -> None:
    secret, _ = oprf.derive_key_pair(bytes(32), b"native")
    joint, shares = threshold.split(secret, 2, 3, os.urandom)
    inputs = [b"input %d" % number * (number % 9) for number in range(301)]
    expected = oprf.evaluate(secret, inputs)
    for threads, size in ((1, 301), (2, 301), (3, 100), (1, 1)):
        made: list[bytes] = []
        with group.cores(threads):
            for at in range(0, len(inputs) if size > 1 else 9, size):
                blinded = threshold.blind(inputs[at : at + size], os.urandom)
                answers = [threshold.evaluate(shares[i - 1], (1, 3), blinded.elements, os.urandom) for i in (1, 3)]
                sums = threshold.combine(joint, (1, 3), blinded.elements, answers, os.urandom)
                made += threshold.finalize(joint, blinded, sums)
        assert made == expected[: len(made)]


def test_a_lie_in_a_large_batch_is_found_by_the_buckets(each: str) -> None:
    secret, _ = oprf.derive_key_pair(bytes(32), b"native")
    joint, shares = threshold.split(secret, 2, 3, os.urandom)
    blinded = threshold.blind([b"%d" % number for number in range(70)], os.urandom)
    first, second = (threshold.evaluate(shares[i - 1], (1, 2), blinded.elements, os.urandom) for i in (1, 2))
    for at in (0, 33, 69):
        elements = second.elements[: at * 32] + group.GENERATOR + second.elements[at * 32 + 32 :]
        with pytest.raises(WrongProof) as refusal:
            threshold.combine(joint, (1, 2), blinded.elements, [first, replace(second, elements=elements)], os.urandom)
        assert refusal.value.culprits == (2,)


@needs_native
def test_wrong_lengths_reach_no_memory() -> None:
    assert NATIVE is not None
    for name in NAMES:
        for call, arguments in (
            (NATIVE.multiply, (bytes(31), bytes(32))),
            (NATIVE.multiply, (bytes(64), bytes(32))),
            (NATIVE.add, (bytes(32), bytes(64))),
            (NATIVE.check, (bytes(33),)),
            (NATIVE.public_sum, (bytes(32), bytes(64))),
            (NATIVE.from_uniform, (bytes(63),)),
            (NATIVE.hash_to_group, (b"", (b"",), 0, 2, b"")),
            (NATIVE.hash_to_group, (b"", (b"", b""), 0, 2, bytes(32))),
            (NATIVE.hash_to_group, (bytes(256), (b"",), 0, 1, b"")),
            (NATIVE.weigh, (b"", b"", 65535, bytes(64), bytes(64))),
            (NATIVE.weigh, (b"", b"", sys.maxsize, bytes(32), bytes(32))),
            (NATIVE.evaluate, (bytes(31), b"", b"", 0, bytes(32))),
            (NATIVE.verify, (b"", (b"",), 0, bytes(64), bytes(32), (bytes(64),))),
            (NATIVE.verify, (b"", (), 0, b"", bytes(32), ())),
            (NATIVE.encode, (bytes(32), 0)),
            (NATIVE.encode, (SUMS[name], -1)),
            (NATIVE.encode, (SUMS[name], 8)),
            (NATIVE.finalize, ((b"",), 0, 1, bytes(32), group.GENERATOR, bytes(32))),
            (NATIVE.finalize, ((b"",), 0, 1, bytes(64), group.GENERATOR, SUMS[name])),
            (NATIVE.finalize, ((b"",), 0, 1, bytes(32), b"", SUMS[name])),
            (NATIVE.finalize, ((b"",), 0, 1, bytes(32), NO_ELEMENT, SUMS[name])),
            (NATIVE.finalize, ((b"",), 1, 1, bytes(32), group.GENERATOR, SUMS[name])),
            (NATIVE.finalize, ((bytes(65536),), 0, 1, bytes(32), group.GENERATOR, SUMS[name])),
        ):
            with pytest.raises(ValueError):  # noqa: PT011 - each has words of its own
                call(name, *arguments)
    with pytest.raises(ValueError, match="no backend"):
        NATIVE.check("none", b"")


def test_seeds_of_any_lengths_have_room(backend: Backend) -> None:
    hows = [Weighing(b"domain", bytes(length)) for length in (0, 65_535, 64)]
    elements = REFERENCE.from_uniform_bytes(bytes(range(128)))
    rho = REFERENCE.reduce_scalars(bytes(range(192)) * 2)
    given = (hows, rho, elements, [elements] * 3)
    assert backend.verify(*given)[0] == REFERENCE.verify(*given)[0]


# Who chooses, and why.


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(ConfigError, match="no group backend"):
        group.choose("gpu")


def test_without_the_module_libsodium_computes_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "native_module", lambda: (None, "there was no compiler"))
    chosen = group.choose()
    assert (chosen.name, chosen.why) == ("libsodium", "there was no compiler")
    with pytest.raises(ConfigError, match="there was no compiler"):
        group.choose("portable")


def test_what_the_cpu_cant_run_is_refused_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("none")
    monkeypatch.setattr(module, "names", lambda: ["portable"], raising=False)
    monkeypatch.setattr(group, "native_module", lambda: (module, ""))
    with pytest.raises(ConfigError, match="this CPU can't run ifma"):
        group.choose("ifma")


@needs_native
def test_a_backend_that_fails_its_self_test_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(self: Native, *given: bytes) -> bytes:
        return bytes(len(given[1]))

    monkeypatch.setattr(Native, "multiply", wrong)
    chosen = group.choose()
    assert chosen.name == "libsodium"
    assert "self-test" in chosen.why
    with pytest.raises(ConfigError, match="self-test"):
        group.choose(NAMES[0])


@needs_native
def test_a_backend_that_refuses_its_own_elements_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Native, *given: object) -> bytes:
        raise BadElement("not the canonical encoding of a group element", index=0)

    monkeypatch.setattr(Native, "evaluate", refuse)
    chosen = group.choose()
    assert chosen.name == "libsodium"
    assert "self-test (a good value refused" in chosen.why


def test_the_self_test_has_nothing_against_the_good_ones(backend: Backend) -> None:
    assert self_test(backend, REFERENCE) == ""


def test_the_doctor_says_which_and_why(each: str) -> None:
    said = CliRunner().invoke(app, ["doctor"])
    assert said.exit_code == 0
    assert f"group backend: {each} (SLUIS_GROUP asks for it)" in said.output
    assert all(name in said.output for name in NAMES)


# In service.


class _Found(Exception):
    pass


def _raise(difference: Difference) -> NoReturn:
    raise _Found(str(difference))


class _Wrong(ModuleType):
    """The extension module, but one of its functions gives nothing but zeros."""

    def __init__(self, wrong: str) -> None:
        super().__init__("wrong")
        self._wrong = wrong

    def __getattr__(self, name: str) -> object:
        real = getattr(NATIVE, name)

        def spoiled(*given: object) -> object:
            made = real(*given)
            return tuple(map(zeros, made)) if isinstance(made, tuple) else zeros(made)

        def zeros(made: object) -> object:
            if isinstance(made, list):
                return [zeros(one) for one in made]
            return bytes(len(made)) if isinstance(made, bytes) else -1  # -1: no element is bad

        return spoiled if name == self._wrong else real


HOW = Weighing(b"domain", b"seed")
SCALARS = b"\x07" + bytes(31) + b"\x09" + bytes(31)
ELEMENTS = REFERENCE.from_uniform_bytes(bytes(range(128)))
SUMS = {name: group.choose(name).backend.verify([HOW], SCALARS, ELEMENTS, [ELEMENTS])[1] for name in NAMES}
NO_ELEMENT = bytes.fromhex(next(iter(BAD_ENCODINGS.values())).split()[0])
USES: dict[str, tuple[str, Callable[[Backend], object]]] = {
    "map": ("from_uniform", lambda backend: backend.from_uniform_bytes(bytes(range(64)))),
    "hash": ("hash_to_group", lambda backend: backend.hash_to_group([b"a", b"b"], b"c")),
    "blind": ("hash_to_group", lambda backend: backend.blind([b"a", b"b"], b"c", SCALARS)),
    "multiply": ("multiply", lambda backend: backend.multiply(SCALARS, ELEMENTS)),
    "add": ("add", lambda backend: backend.add(ELEMENTS, ELEMENTS)),
    "check": ("check", lambda backend: backend.check_elements(NO_ELEMENT)),
    "sum": ("public_sum", lambda backend: backend.weighted_sum(lambda at: (at + 1,), (ELEMENTS,))),
    "evaluate": ("evaluate", lambda backend: backend.evaluate(SCALARS[:32], HOW, ELEMENTS)),
    "composites": ("weigh", lambda backend: backend.composites(HOW, ELEMENTS, ELEMENTS)),
    "verify": ("verify", lambda backend: backend.verify([HOW], SCALARS, ELEMENTS, [ELEMENTS])),
    "finalize": ("finalize", lambda backend: backend.finalize([b"a", b"b"], SCALARS, ELEMENTS[:32], SUMS[NAMES[-1]])),
    "reduce": ("reduce_scalars", lambda backend: backend.reduce_scalars(SCALARS)),
    "invert": ("invert_scalars", lambda backend: backend.invert_scalars(SCALARS)),
    "multiply_scalars": ("multiply_scalars", lambda backend: backend.multiply_scalars(SCALARS, SCALARS[:32])),
    "add_scalars": ("add_scalars", lambda backend: backend.add_scalars(SCALARS, SCALARS)),
    "subtract_scalars": ("subtract_scalars", lambda backend: backend.subtract_scalars(SCALARS, SCALARS[32:])),
}


@needs_native
@pytest.mark.parametrize("step", USES)
def test_a_wrong_result_is_found_in_service(step: str) -> None:
    wrong, use = USES[step]
    watch = Watch(NAMES[-1], REFERENCE, _raise)
    watch.one_in = 1
    with pytest.raises(_Found, match=f"libsodium differ: {step}") as found:
        use(Native(_Wrong(wrong), NAMES[-1], watch))
    assert SCALARS.hex()[:64] not in str(found.value)


@needs_native
def test_both_results_of_a_step_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """M of an evaluation, and the sums of a verification, where the other result is right."""
    assert NATIVE is not None
    for step, use in (("evaluate", USES["evaluate"][1]), ("verify", USES["verify"][1])):
        module, real = _Wrong(""), getattr(NATIVE, step)

        def other(*given: object, real: Callable[..., tuple[bytes, bytes, int]] = real, step: str = step) -> object:
            first, second, bad = real(*given)
            return (first, bytes(32), bad) if step == "evaluate" else (bytes(len(first)), second, bad)

        monkeypatch.setattr(module, step, other, raising=False)
        watch = Watch(NAMES[-1], REFERENCE, _raise)
        watch.one_in = 1
        with pytest.raises(_Found, match="differ: M," if step == "evaluate" else "differ: sum of answers,"):
            use(Native(module, NAMES[-1], watch))


@needs_native
def test_a_backend_that_goes_wrong_later_ends_the_process() -> None:
    """It passes the self-test, then one bit of one result is wrong: nothing after that is computed."""
    script = """
from types import ModuleType
from sluis_protocol import group, watch

real, _ = group.native_module()
class Wrong(ModuleType):
    def __getattr__(self, name):
        return getattr(real, name)

module = Wrong("wrong")
group.native_module = lambda: (module, "")
watch.ONE_IN = 4
print(group.choice().name, flush=True)
def multiply(*given):
    made, bad = real.multiply(*given)
    return made[:-1] + bytes([made[-1] ^ 1]), bad
print(len(group.multiply(bytes([7]) + bytes(31), group.GENERATOR)), flush=True)
module.multiply = multiply
for number in range(1, 250):
    group.multiply(bytes([number]) + bytes(31), group.GENERATOR)
print("went on")
"""
    environment = {name: value for name, value in os.environ.items() if name != group.VARIABLE}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == -signal.SIGABRT
    assert done.stdout.split() == [NAMES[0], "32"]
    assert f"SLUIS: the group backend {NAMES[0]} and libsodium differ: multiply, element 0, sha256 " in done.stderr


def test_every_result_has_its_chance_to_be_looked_at() -> None:
    watch = Watch("none", REFERENCE, _raise)
    watch.one_in = 16
    seen = {index for number in range(400) for index in watch.draw(b"%d" % number, 40)}
    assert seen == set(range(40))
    assert sum(len(watch.draw(b"%d" % number, 40)) for number in range(400)) == pytest.approx(1000, rel=0.1)


def test_a_difference_ends_the_process_with_the_evidence() -> None:
    script = "from sluis_protocol import group as g, watch as w; g.stop(w.Difference('ifma', 'multiply', 3, 'a', 'b'))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode < 0
    assert "ifma and libsodium differ: multiply, element 3" in done.stderr


# The bounds.


@pytest.mark.parametrize("field", ["portable", "avx2", "ifma"])
def test_no_limb_can_overflow(field: str, tmp_path: Path) -> None:
    compiler = shutil.which(os.environ.get("CC") or "cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    folder = ROOT / "native"
    command = [compiler, "-std=gnu11", "-O0", "-w", f"-I{folder / 'tests'}", f"-I{folder / 'src'}"]
    program = tmp_path / "interval"
    subprocess.run([*command, f'-DFIELD="field_{field}.h"', folder / "tests" / "interval.c", "-o", program], check=True)
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
