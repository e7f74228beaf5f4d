"""The group ristretto255 (RFC 9496), in batches on packed bytes.

A batch of n elements or scalars is n times 32 bytes, one after the other: what goes over the wire. So the wire needs
no translation. Scalars are taken as secret and treated in constant time, except where a function says that it is for
public values only. Work that is worth it is spread over the cores (`cores` limits them).

What computes is a backend (`batches`): libsodium, which is always there and the reference, or the extension module
with AVX-512 IFMA, AVX2 or portable code. It is chosen on first use, the fastest that this CPU can run, unless
`SLUIS_GROUP` names one; `choice` says which it is and why. All give the same bytes.

What this module does not do: no protocol, no proofs, no randomness of its own.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import NoReturn

from sluis_protocol.batches import ELEMENT_BYTES as ELEMENT_BYTES
from sluis_protocol.batches import GENERATOR as GENERATOR
from sluis_protocol.batches import IDENTITY as IDENTITY
from sluis_protocol.batches import ORDER as ORDER
from sluis_protocol.batches import SCALAR_BYTES as SCALAR_BYTES
from sluis_protocol.batches import WIDE_BYTES as WIDE_BYTES
from sluis_protocol.batches import Backend, Points, Weighing, Weights, check_bit_255, count_of
from sluis_protocol.batches import available_cores as available_cores
from sluis_protocol.batches import cores as cores
from sluis_protocol.batches import expander as expander
from sluis_protocol.errors import BadElement, ConfigError
from sluis_protocol.libsodium import Libsodium
from sluis_protocol.native import Native
from sluis_protocol.watch import Difference, Watch, self_test

Random = Callable[[int], bytes]
"""Gives that many uniform bytes: the shape of `os.urandom`."""

VARIABLE = "SLUIS_GROUP"
NATIVE = ("ifma", "avx2", "portable")
BACKENDS = ("libsodium", *reversed(NATIVE))
REFERENCE = "libsodium"


# The choice of a backend.


@dataclass(frozen=True, slots=True)
class Choice:
    """Which backend computes, and why."""

    backend: Backend = field(repr=False)
    why: str

    @property
    def name(self) -> str:
        """One of `BACKENDS`."""
        return self.backend.name


_lock = threading.Lock()
_chosen: Choice | None = None


def choice() -> Choice:
    """The backend in use; chosen now if none is. Raises ConfigError."""
    global _chosen
    if _chosen is None:
        with _lock:
            if _chosen is None:
                _chosen = choose(os.environ.get(VARIABLE, ""))
    return _chosen


def _backend() -> Backend:
    return (_chosen or choice()).backend


def choose(name: str = "") -> Choice:
    """A backend by name, or the fastest that this machine has. Raises ConfigError if there is no such.

    Whatever is chosen, libsodium must be there: the others are held to it.
    """
    reference = Libsodium()
    if name not in ("", *BACKENDS):
        raise ConfigError(f"there is no group backend {name}", do=f"set {VARIABLE} to one of {', '.join(BACKENDS)}")
    if name == REFERENCE:
        return Choice(reference, f"{VARIABLE} asks for it")
    module, problem = native_module()
    names = module.names() if module else []
    wanted = name or (names[0] if names else "")
    if module and wanted in names:
        backend = Native(module, wanted, Watch(wanted, reference, lambda difference: stop(difference)))
        if not (problem := self_test(backend, reference)):
            return Choice(backend, f"{VARIABLE} asks for it" if name else "the fastest that this CPU can run")
        problem = f"{wanted} fails its self-test ({problem})"
    elif module:
        problem = f"this CPU can't run {name}"
    if name:
        raise ConfigError(f"the group backend {name} can't be used: {problem}", do=f"unset {VARIABLE}")
    return Choice(reference, problem)


def native_module() -> tuple[ModuleType | None, str]:
    """The extension module, or why there is none."""
    try:
        return import_module("sluis_protocol._native"), ""
    except ModuleNotFoundError:
        return (
            None,
            "there is no extension module: where Sluis was installed, a C compiler or Python's headers were missing",
        )
    except ImportError as error:
        return None, f"the extension module can't be loaded: {error}"


def stop(difference: Difference) -> NoReturn:
    """End the process, with the evidence on standard error: nothing that it computed can be trusted."""
    print(f"SLUIS: {difference}", file=sys.stderr, flush=True)  # noqa: T201 - the last words
    os.abort()


@contextmanager
def using(name: str) -> Iterator[Choice]:
    """Inside this block, another backend computes, in all threads: for tests and measurements."""
    global _chosen
    before, _chosen = _chosen, choose(name)
    try:
        yield _chosen
    finally:
        _chosen = before


# Elements.


def screen_elements(packed: bytes, count: int | None = None) -> int:
    """The part of `check_elements` that costs nothing: length, bit 255, identity. Returns the count.

    For elements that go into `multiply`, `add` or a sum next: decoding there finds the rest.
    """
    found = check_bit_255(packed)
    if count is not None and found != count:
        raise BadElement(f"{found} elements where {count} belong")
    if IDENTITY in packed:  # at any offset, which is rare: then look properly
        for index in range(found):
            if packed[index * ELEMENT_BYTES : (index + 1) * ELEMENT_BYTES] == IDENTITY:
                raise BadElement("the identity is not a valid element here", index=index)
    return found


def check_elements(packed: bytes, count: int | None = None) -> int:
    """Refuses what is not `count` canonical encodings other than the identity (RFC 9496, 4.3.1). Returns the count.

    Raises BadElement, with the index of the first bad element of a chunk.
    """
    found = screen_elements(packed, count)
    _backend().check_elements(packed)
    return found


def hash_to_group(inputs: Sequence[bytes], dst: bytes) -> bytes:
    """HashToGroup of RFC 9497, 4.1: an element for each input."""
    expander(dst)  # refuses a tag that is too long
    return _backend().hash_to_group(inputs, dst)


def from_uniform_bytes(wide: bytes) -> bytes:
    """The one-way map of RFC 9496, 4.3.4: an element for each 64 bytes."""
    return _backend().from_uniform_bytes(wide)


def multiply(scalars: bytes, elements: bytes) -> bytes:
    """Each element by its own scalar, or all by the one scalar. Constant time. Raises BadElement, with the index."""
    check_bit_255(elements)
    return _backend().multiply(scalars, elements)


def base_multiply(scalars: bytes) -> bytes:
    """The generator by each scalar. Constant time."""
    return _backend().base_multiply(scalars)


def add(left: bytes, right: bytes) -> bytes:
    """Element by element. Raises BadElement, with the index."""
    if check_bit_255(left) != check_bit_255(right):
        raise BadElement("two batches of different lengths")
    return _backend().add(left, right)


def weighted_sum(weights: Weights, *columns: bytes) -> bytes:
    """Σ over i and j of weights(i)[j] · columns[j][i], one element. For PUBLIC values only.

    `weights` is called once for each index, in any order and on any thread. Weights are in range(ORDER). Raises
    BadElement, with the index.
    """
    if len({check_bit_255(column) for column in columns}) != 1:
        raise BadElement("columns of different lengths")
    return _backend().weighted_sum(weights, columns)


# Scalars.


def reduce_scalars(wide: bytes) -> bytes:
    """A scalar for each 64 bytes, little-endian, modulo the order. Constant time."""
    return _backend().reduce_scalars(wide)


def random_scalars(count: int, random: Random) -> bytes:
    """Uniform scalars other than zero, from 64 random bytes each (RFC 9497, 4.1: RandomScalar)."""
    scalars = reduce_scalars(random(count * WIDE_BYTES))
    if len(scalars) != count * SCALAR_BYTES:
        raise ValueError("the source of randomness gave another number of bytes than it was asked for")
    zero = bytes(SCALAR_BYTES)
    if zero in scalars and any(scalars[at : at + SCALAR_BYTES] == zero for at in range(0, len(scalars), SCALAR_BYTES)):
        return random_scalars(count, random)  # happens once in 2^252 draws
    return scalars


def is_scalar(data: bytes) -> bool:
    """Whether these are the 32 bytes of a number below the order (DeserializeScalar of RFC 9497, 4.1)."""
    return len(data) == SCALAR_BYTES and reduce_scalars(data + bytes(WIDE_BYTES - SCALAR_BYTES)) == data


def multiply_scalars(left: bytes, right: bytes) -> bytes:
    """Scalar by scalar, or all by the one on the right. Constant time."""
    return _backend().multiply_scalars(left, right)


def add_scalars(left: bytes, right: bytes) -> bytes:
    """Scalar by scalar, or the one on the right to all. Constant time."""
    return _backend().add_scalars(left, right)


def subtract_scalars(left: bytes, right: bytes) -> bytes:
    """Scalar by scalar, or the one on the right from all. Constant time."""
    return _backend().subtract_scalars(left, right)


def invert_scalars(scalars: bytes) -> bytes:
    """All inverses with one inversion. Constant time. Raises ValueError if one is zero."""
    return _backend().invert_scalars(scalars)


# The protocol's steps in batches: what they are, stands in `batches.Backend`.


def blind(inputs: Sequence[bytes], dst: bytes, blinds: bytes) -> bytes:
    """HashToGroup of each input, plus the generator by its blind. Constant time."""
    expander(dst)
    if count_of(blinds, SCALAR_BYTES) != len(inputs):
        raise ValueError("not a blind for each input")
    return _backend().blind(inputs, dst, blinds)


def evaluate(secret: bytes, how: Weighing, elements: bytes) -> tuple[bytes, bytes]:
    """The secret times each element, in constant time, and the composite M = Σ d_i·C_i. Raises BadElement."""
    check_bit_255(elements)
    return _backend().evaluate(secret, how, elements)


def composites(how: Weighing, blinded: bytes, evaluated: bytes) -> bytes:
    """M ‖ Z of a proof, for who doesn't have the secret. Public. Raises BadElement."""
    if check_bit_255(blinded) != check_bit_255(evaluated):
        raise BadElement("two batches of different lengths")
    return _backend().composites(how, blinded, evaluated)


def verify(hows: Sequence[Weighing], rho: bytes, blinded: bytes, answers: Sequence[bytes]) -> tuple[bytes, Points]:
    """The right side of `threshold`'s equation, and the sums of the answers for `finalize`. Public. Raises BadElement.

    `rho` has two scalars for each answer.
    """
    counts = {check_bit_255(column) for column in (blinded, *answers)}
    if len(counts) != 1 or not len(hows) == len(answers) == count_of(rho, SCALAR_BYTES) / 2:
        raise BadElement("columns of different lengths")
    return _backend().verify(hows, rho, blinded, answers)


def finalize(inputs: Sequence[bytes], blinds: bytes, public: bytes, sums: Points) -> list[bytes]:
    """The outputs of what `verify` gave, each less the public key by its blind: 64 bytes each.

    Constant time. Blinds are reduced. Raises BadElement if the key is none, ValueError if lengths don't fit.
    """
    check_elements(public, 1)
    if count_of(blinds, SCALAR_BYTES) != len(inputs):
        raise ValueError("not a blind for each input")
    if (longest := max(map(len, inputs), default=0)) > 0xFFFF:
        raise ValueError(f"an input of {longest} bytes")
    return _backend().finalize(inputs, blinds, public, sums)
