"""The group ristretto255 (RFC 9496), in batches on packed bytes, over libsodium.

A batch of n elements or scalars is n times 32 bytes, one after the other: what goes over the wire. So the wire needs
no translation, and another backend can take the place of this module without a change elsewhere. Work that is worth it
is spread over the cores (`cores` limits them): ctypes lets go of the interpreter lock during each call.

What it does not do: no protocol, no proofs, no randomness of its own. Scalars are taken as secret and treated in
constant time, except where a function says that it is for public values only. This is the only module that knows
libsodium.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Protocol, TypeVar

from sluis_protocol.errors import BadElement, ConfigError

ELEMENT_BYTES = 32
SCALAR_BYTES = 32
WIDE_BYTES = 64
"""Uniform bytes that become one uniform scalar or element."""

ORDER = 2**252 + 27742317777372353535851937790883648493
IDENTITY = bytes(ELEMENT_BYTES)
GENERATOR = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")

Random = Callable[[int], bytes]
"""Gives that many uniform bytes: the shape of `os.urandom`."""

T = TypeVar("T")


class _Call(Protocol):
    """A function of libsodium, called with addresses (or bytes where it only reads). 0 or None is success."""

    def __call__(self, *pointers: int | bytes) -> int | None: ...


@dataclass(frozen=True, slots=True)
class _Sodium:
    multiply: _Call
    base_multiply: _Call
    add: _Call
    from_hash: _Call
    is_valid: _Call
    scalar_reduce: _Call
    scalar_invert: _Call
    scalar_multiply: _Call
    scalar_add: _Call
    scalar_subtract: _Call


@cache
def _sodium() -> _Sodium:
    """The handles, with their argument types set: pysodium's own wrappers cost microseconds a call."""
    do = "install libsodium 1.0.18 or newer (on Debian: apt install libsodium23)"
    try:
        import pysodium
    except (ImportError, OSError, AttributeError, ValueError) as error:
        raise ConfigError("the library libsodium is not on this machine", do=do) from error
    library: ctypes.CDLL = pysodium.sodium

    def function(name: str, pointers: int, result: type[ctypes.c_int] | None = ctypes.c_int) -> _Call:
        # Indexing gives a handle of our own: pysodium's argument types stay as they are.
        handle = library[name]
        handle.argtypes = [ctypes.c_void_p] * pointers
        handle.restype = result
        return handle

    try:
        return _Sodium(
            multiply=function("crypto_scalarmult_ristretto255", 3),
            base_multiply=function("crypto_scalarmult_ristretto255_base", 2),
            add=function("crypto_core_ristretto255_add", 3),
            from_hash=function("crypto_core_ristretto255_from_hash", 2),
            is_valid=function("crypto_core_ristretto255_is_valid_point", 1),
            scalar_reduce=function("crypto_core_ristretto255_scalar_reduce", 2, None),
            scalar_invert=function("crypto_core_ristretto255_scalar_invert", 2),
            scalar_multiply=function("crypto_core_ristretto255_scalar_mul", 3, None),
            scalar_add=function("crypto_core_ristretto255_scalar_add", 3, None),
            scalar_subtract=function("crypto_core_ristretto255_scalar_sub", 3, None),
        )
    except AttributeError as error:
        raise ConfigError("libsodium is older than 1.0.18", do=do) from error


# Spreading a batch over the cores.

_CORES: ContextVar[int | None] = ContextVar("cores", default=None)
_LEAST, _MOST = 16, 256  # elements that a thread takes at a time: some milliseconds of work


@contextmanager
def cores(count: int) -> Iterator[None]:
    """Inside this block, batches use at most `count` threads. Without it: as many as the process has cores."""
    if count < 1:
        raise ValueError(f"{count} cores")
    before = _CORES.set(count)
    try:
        yield
    finally:
        _CORES.reset(before)


def _available_cores() -> int:
    if (limit := _CORES.get()) is not None:
        return limit
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _spread(count: int, step: Callable[[int, int], T]) -> list[T]:
    """Calls `step(start, stop)` for pieces of range(count), on all cores; the results, in no certain order.

    A step that works long in Python would keep the interpreter lock for 5 ms at a time and stall the other threads,
    so steps alternate Python and libsodium per element.
    """
    threads = min(_available_cores(), count // _LEAST)
    if threads <= 1:
        return [step(0, count)]
    piece = max(_LEAST, min(_MOST, count // (8 * threads)))
    left = iter(range(0, count, piece))

    def work() -> list[T]:
        return [step(start, min(start + piece, count)) for start in left]

    with ThreadPoolExecutor(threads, thread_name_prefix="group") as pool:
        workers = [pool.submit(work) for _ in range(threads)]
        return [result for worker in workers for result in worker.result()]


def _address(data: bytes) -> int:
    """Where the bytes lie. The caller keeps `data` alive for as long as it uses the address."""
    return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0


def _at_once(count: int, step: Callable[[int, int], T]) -> list[T]:
    """As `_spread`, for work that is too little to share out."""
    return [step(0, count)]


def _each(call: _Call, packed: bytes, size: int) -> bytes:
    """The results of `call(result, source)`, 32 bytes for each `size` bytes."""
    count = _count(packed, size)
    result = ctypes.create_string_buffer(count * ELEMENT_BYTES)
    target, source = ctypes.addressof(result), _address(packed)
    for index in range(count):
        call(target + index * ELEMENT_BYTES, source + index * size)
    return result.raw


def _pairs(
    call: _Call,
    left: bytes,
    right: bytes,
    count: int,
    share_out: Callable[[int, Callable[[int, int], None]], list[None]],
) -> bytes:
    """The results of `call(result, left, right)`, pair by pair; a side of 32 bytes goes with every pair."""
    for side in (left, right):
        if len(side) not in (SCALAR_BYTES, count * SCALAR_BYTES):
            raise ValueError(f"{len(side)} bytes for a batch of {count}")
    sodium, result = _sodium(), ctypes.create_string_buffer(count * ELEMENT_BYTES)
    target, first, second = ctypes.addressof(result), _address(left), _address(right)
    first_moves, second_moves = (int(len(side) == count * SCALAR_BYTES) for side in (left, right))

    def step(start: int, stop: int) -> None:
        for at in range(start * ELEMENT_BYTES, stop * ELEMENT_BYTES, ELEMENT_BYTES):
            operand = second + at * second_moves
            # A multiplication also fails when the product is the identity, which is a result like any other here.
            if call(target + at, first + at * first_moves, operand) and (
                call is sodium.add or sodium.is_valid(operand) != 1
            ):
                raise _bad(at // ELEMENT_BYTES)

    share_out(count, step)
    return result.raw


# Elements.


def _count(packed: bytes, size: int) -> int:
    if len(packed) % size:
        raise BadElement(f"{len(packed)} bytes are not a whole number of {size} bytes each")
    return len(packed) // size


def _check_bit_255(elements: bytes) -> int:
    """The count. libsodium 1.0.18 ignores the highest bit, which RFC 9496 (4.3.1) refuses."""
    count = _count(elements, ELEMENT_BYTES)
    highest = elements[ELEMENT_BYTES - 1 :: ELEMENT_BYTES]
    if count and max(highest) > 0x7F:
        raise _bad(next(index for index, byte in enumerate(highest) if byte > 0x7F))
    return count


def _bad(index: int) -> BadElement:
    return BadElement("not the canonical encoding of a group element", index=index)


def screen_elements(packed: bytes, count: int | None = None) -> int:
    """The part of `check_elements` that costs nothing: length, bit 255, identity. Returns the count.

    For elements that go into `multiply`, `add` or `weighted_sum` next: decoding there finds the rest.
    """
    found = _check_bit_255(packed)
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
    is_valid, source = _sodium().is_valid, _address(packed)

    def step(start: int, stop: int) -> None:
        for index in range(start, stop):
            if is_valid(source + index * ELEMENT_BYTES) != 1:
                raise _bad(index)

    _spread(found, step)
    return found


def expander(dst: bytes, start: bytes = b"") -> Callable[[bytes], bytes]:
    """expand_message_xmd (RFC 9380, 5.3.1) with SHA-512, to 64 uniform bytes, of messages that all begin with `start`.

    What the messages share is hashed once.
    """
    if len(dst) > 255:
        raise ValueError(f"a domain separation tag of {len(dst)} bytes")
    dst_prime = dst + len(dst).to_bytes(1, "big")
    begun = hashlib.sha512(bytes(128) + start)
    middle, last = WIDE_BYTES.to_bytes(2, "big") + b"\x00" + dst_prime, b"\x01" + dst_prime

    def expand(message: bytes) -> bytes:
        first = begun.copy()
        first.update(message + middle)
        return hashlib.sha512(first.digest() + last).digest()

    return expand


def hash_to_group(inputs: Sequence[bytes], dst: bytes) -> bytes:
    """HashToGroup of RFC 9497, 4.1: an element for each input."""
    sodium, expand = _sodium(), expander(dst)
    result = ctypes.create_string_buffer(len(inputs) * ELEMENT_BYTES)
    target, from_hash = ctypes.addressof(result), sodium.from_hash

    def step(start: int, stop: int) -> None:
        for index in range(start, stop):
            from_hash(target + index * ELEMENT_BYTES, expand(inputs[index]))

    _spread(len(inputs), step)
    return result.raw


def from_uniform_bytes(wide: bytes) -> bytes:
    """The one-way map of RFC 9496, 4.3.4: an element for each 64 bytes."""
    return _each(_sodium().from_hash, wide, WIDE_BYTES)


def multiply(scalars: bytes, elements: bytes) -> bytes:
    """Each element by its own scalar, or all by the one scalar. Constant time. Raises BadElement, with the index."""
    count = _check_bit_255(elements)
    return _pairs(_sodium().multiply, scalars, elements, count, _spread)


def base_multiply(scalars: bytes) -> bytes:
    """The generator by each scalar. Constant time."""
    return _each(_sodium().base_multiply, scalars, SCALAR_BYTES)


def add(left: bytes, right: bytes) -> bytes:
    """Element by element. Raises BadElement, with the index."""
    count = _check_bit_255(left)
    if _check_bit_255(right) != count:
        raise BadElement("two batches of different lengths")
    return _pairs(_sodium().add, left, right, count, _spread)


def weighted_sum(weights: Callable[[int], Sequence[int]], *columns: bytes) -> bytes:
    """Σ over i and j of weights(i)[j] · columns[j][i], one element. For PUBLIC values only.

    `weights` is called once for each index, in any order and on any thread, just before its products: whatever it
    hashes then runs while another thread multiplies. Weights are in range(ORDER). Raises BadElement, with the index.
    """
    counts = {_check_bit_255(column) for column in columns}
    if len(counts) != 1:
        raise BadElement("columns of different lengths")
    sodium, sources = _sodium(), [_address(column) for column in columns]
    product, plus = sodium.multiply, sodium.add

    def step(start: int, stop: int) -> bytes:
        # Two elements: the sum so far and the next product.
        buffer = ctypes.create_string_buffer(2 * ELEMENT_BYTES)
        total = target = ctypes.addressof(buffer)
        term = total + ELEMENT_BYTES
        for index in range(start, stop):
            for weight, source in zip(weights(index), sources, strict=True):
                element = source + index * ELEMENT_BYTES
                if product(target, weight.to_bytes(SCALAR_BYTES, "little"), element):
                    if sodium.is_valid(element) != 1:
                        raise _bad(index)
                elif target == term:
                    plus(total, total, term)
                else:
                    target = term  # the first product is the sum so far
        return buffer.raw[:ELEMENT_BYTES]

    total = IDENTITY
    for part in _spread(counts.pop(), step):
        total = add(total, part)
    return total


# Scalars.


def reduce_scalars(wide: bytes) -> bytes:
    """A scalar for each 64 bytes, little-endian, modulo the order. Constant time."""
    return _each(_sodium().scalar_reduce, wide, WIDE_BYTES)


def random_scalars(count: int, random: Random) -> bytes:
    """Uniform scalars other than zero, from 64 random bytes each (RFC 9497, 4.1: RandomScalar)."""
    scalars = reduce_scalars(random(count * WIDE_BYTES))
    if len(scalars) != count * SCALAR_BYTES:
        raise ValueError("the source of randomness gave another number of bytes than it was asked for")
    for index in range(count):
        if scalars[index * SCALAR_BYTES : (index + 1) * SCALAR_BYTES] == bytes(SCALAR_BYTES):
            return random_scalars(count, random)  # happens once in 2^252 draws
    return scalars


def is_scalar(data: bytes) -> bool:
    """Whether these are the 32 bytes of a number below the order (DeserializeScalar of RFC 9497, 4.1)."""
    return len(data) == SCALAR_BYTES and reduce_scalars(data + bytes(WIDE_BYTES - SCALAR_BYTES)) == data


def multiply_scalars(left: bytes, right: bytes) -> bytes:
    """Scalar by scalar, or all by the one on the right. Constant time."""
    return _pairs(_sodium().scalar_multiply, left, right, _count(left, SCALAR_BYTES), _at_once)


def add_scalars(left: bytes, right: bytes) -> bytes:
    """Scalar by scalar, or the one on the right to all. Constant time."""
    return _pairs(_sodium().scalar_add, left, right, _count(left, SCALAR_BYTES), _at_once)


def subtract_scalars(left: bytes, right: bytes) -> bytes:
    """Scalar by scalar, or the one on the right from all. Constant time."""
    return _pairs(_sodium().scalar_subtract, left, right, _count(left, SCALAR_BYTES), _at_once)


def invert_scalars(scalars: bytes) -> bytes:
    """All inverses with one inversion (Montgomery's trick). Constant time. Raises ValueError if one is zero."""
    count, sodium = _count(scalars, SCALAR_BYTES), _sodium()
    if not count:
        return b""
    source, times = _address(scalars), sodium.scalar_multiply
    products, result = (ctypes.create_string_buffer(count * SCALAR_BYTES) for _ in range(2))
    product, target = ctypes.addressof(products), ctypes.addressof(result)
    ctypes.memmove(product, source, SCALAR_BYTES)
    ends = range(SCALAR_BYTES, count * SCALAR_BYTES, SCALAR_BYTES)
    for at in ends:  # product[i] = s[0]·…·s[i]
        times(product + at, product + at - SCALAR_BYTES, source + at)
    rest = ctypes.create_string_buffer(SCALAR_BYTES)  # the inverse of product[i], going down
    inverse = ctypes.addressof(rest)
    if sodium.scalar_invert(inverse, product + (count - 1) * SCALAR_BYTES):
        raise ValueError("zero has no inverse")
    for at in reversed(ends):
        times(target + at, inverse, product + at - SCALAR_BYTES)
        times(inverse, inverse, source + at)
    ctypes.memmove(target, inverse, SCALAR_BYTES)
    return result.raw
