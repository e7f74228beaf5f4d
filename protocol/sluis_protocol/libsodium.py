"""The group over libsodium, element by element: the reference that every other backend is held to.

Constant time in scalars, as libsodium is. This is the only module that knows libsodium.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol, TypeVar

from sluis_protocol.batches import (
    ELEMENT_BYTES,
    IDENTITY,
    SCALAR_BYTES,
    WIDE_BYTES,
    Backend,
    Weights,
    available_cores,
    bad_element,
    count_of,
    expander,
    on_threads,
)
from sluis_protocol.errors import ConfigError

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


_LEAST, _MOST = 16, 256  # elements that a thread takes at a time: some milliseconds of work


def _spread(count: int, step: Callable[[int, int], T]) -> list[T]:
    """Calls `step(start, stop)` for pieces of range(count), on all cores.

    A step that works long in Python would keep the interpreter lock for 5 ms at a time and stall the other threads,
    so steps alternate Python and libsodium per element.
    """
    threads = min(available_cores(), count // _LEAST)
    if threads <= 1:
        return [step(0, count)]
    piece = max(_LEAST, min(_MOST, count // (8 * threads)))
    return on_threads(threads, [(at, min(at + piece, count)) for at in range(0, count, piece)], step)


def _address(data: bytes) -> int:
    """Where the bytes lie. The caller keeps `data` alive for as long as it uses the address."""
    return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0


def _at_once(count: int, step: Callable[[int, int], T]) -> list[T]:
    """As `_spread`, for work that is too little to share out."""
    return [step(0, count)]


def _each(call: _Call, packed: bytes, size: int) -> bytes:
    """The results of `call(result, source)`, 32 bytes for each `size` bytes."""
    count = count_of(packed, size)
    result = ctypes.create_string_buffer(count * ELEMENT_BYTES)
    target, source = ctypes.addressof(result), _address(packed)
    for index in range(count):
        call(target + index * ELEMENT_BYTES, source + index * size)
    return result.raw


def _pairs(
    sodium: _Sodium,
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
    result = ctypes.create_string_buffer(count * ELEMENT_BYTES)
    target, first, second = ctypes.addressof(result), _address(left), _address(right)
    first_moves, second_moves = (int(len(side) == count * SCALAR_BYTES) for side in (left, right))

    def step(start: int, stop: int) -> None:
        for at in range(start * ELEMENT_BYTES, stop * ELEMENT_BYTES, ELEMENT_BYTES):
            operand = second + at * second_moves
            # A multiplication also fails when the product is the identity, which is a result like any other here.
            if call(target + at, first + at * first_moves, operand) and (
                call is sodium.add or sodium.is_valid(operand) != 1
            ):
                raise bad_element(at // ELEMENT_BYTES)

    share_out(count, step)
    return result.raw


class Libsodium(Backend):
    """libsodium through ctypes, which lets go of the interpreter lock during each call."""

    name = "libsodium"

    def __init__(self) -> None:
        """Raises ConfigError if there is no libsodium, or an old one."""
        self._sodium = _sodium()

    def check_elements(self, elements: bytes) -> None:
        """Decodes all."""
        is_valid, source = self._sodium.is_valid, _address(elements)

        def step(start: int, stop: int) -> None:
            for index in range(start, stop):
                if is_valid(source + index * ELEMENT_BYTES) != 1:
                    raise bad_element(index)

        _spread(count_of(elements, ELEMENT_BYTES), step)

    def from_uniform_bytes(self, wide: bytes) -> bytes:
        """One by one."""
        return _each(self._sodium.from_hash, wide, WIDE_BYTES)

    def hash_to_group(self, inputs: Sequence[bytes], dst: bytes) -> bytes:
        """Hashes with hashlib."""
        expand = expander(dst)
        result = ctypes.create_string_buffer(len(inputs) * ELEMENT_BYTES)
        target, from_hash = ctypes.addressof(result), self._sodium.from_hash

        def step(start: int, stop: int) -> None:
            for index in range(start, stop):
                from_hash(target + index * ELEMENT_BYTES, expand(inputs[index]))

        _spread(len(inputs), step)
        return result.raw

    def multiply(self, scalars: bytes, elements: bytes) -> bytes:
        """Constant time."""
        return _pairs(
            self._sodium, self._sodium.multiply, scalars, elements, count_of(elements, ELEMENT_BYTES), _spread
        )

    def base_multiply(self, scalars: bytes) -> bytes:
        """With libsodium's table of the generator."""
        return _each(self._sodium.base_multiply, scalars, SCALAR_BYTES)

    def add(self, left: bytes, right: bytes) -> bytes:
        """One by one."""
        return _pairs(self._sodium, self._sodium.add, left, right, count_of(left, ELEMENT_BYTES), _spread)

    def weighted_sum(self, weights: Weights, columns: Sequence[bytes]) -> bytes:
        """What `weights` hashes runs while another thread multiplies."""
        sodium, sources = self._sodium, [_address(column) for column in columns]
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
                            raise bad_element(index)
                    elif target == term:
                        plus(total, total, term)
                    else:
                        target = term  # the first product is the sum so far
            return buffer.raw[:ELEMENT_BYTES]

        total = IDENTITY
        for part in _spread(count_of(columns[0], ELEMENT_BYTES), step):
            total = self.add(total, part)
        return total

    def reduce_scalars(self, wide: bytes) -> bytes:
        """Constant time."""
        return _each(self._sodium.scalar_reduce, wide, WIDE_BYTES)

    def multiply_scalars(self, left: bytes, right: bytes) -> bytes:
        """Constant time."""
        return _pairs(self._sodium, self._sodium.scalar_multiply, left, right, count_of(left, SCALAR_BYTES), _at_once)

    def add_scalars(self, left: bytes, right: bytes) -> bytes:
        """Constant time."""
        return _pairs(self._sodium, self._sodium.scalar_add, left, right, count_of(left, SCALAR_BYTES), _at_once)

    def subtract_scalars(self, left: bytes, right: bytes) -> bytes:
        """Constant time."""
        return _pairs(self._sodium, self._sodium.scalar_subtract, left, right, count_of(left, SCALAR_BYTES), _at_once)

    def invert_scalars(self, scalars: bytes) -> bytes:
        """All with one inversion (Montgomery's trick). Constant time."""
        count, sodium = count_of(scalars, SCALAR_BYTES), self._sodium
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
