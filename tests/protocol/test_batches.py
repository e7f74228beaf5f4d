"""A batch shared by threads: all of it, in order, whoever is busy, and the first error of several."""

from __future__ import annotations

import hashlib
import threading

import pytest
from sluis_protocol.batches import on_threads

PIECES = [(at, at + 10) for at in range(0, 80, 10)]


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_every_piece_is_done_once_and_results_keep_their_order(threads: int) -> None:
    done: list[int] = []

    def step(start: int, stop: int) -> tuple[int, int]:
        done.append(start)
        return start, stop

    assert on_threads(threads, PIECES, step) == PIECES
    assert sorted(done) == [start for start, _ in PIECES]
    assert on_threads(threads, [], step) == []


def test_who_asks_waits_for_no_thread_that_is_busy_with_another_batch() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold(start: int, stop: int) -> None:
        if threading.current_thread() is not first:
            begun.set()
        assert go_on.wait(30)

    first = threading.Thread(target=lambda: on_threads(2, PIECES[:2], hold))
    first.start()
    try:
        assert begun.wait(30)  # the one helper is taken
        assert on_threads(2, PIECES, lambda start, stop: threading.get_ident()) == [threading.get_ident()] * len(PIECES)
    finally:
        go_on.set()
        first.join()


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_of_several_errors_the_first_is_raised(threads: int) -> None:
    both = threading.Barrier(2 if threads > 1 else 1)

    def step(start: int, stop: int) -> None:
        if start in (0, 10):
            both.wait(30)  # pieces that run at the same time: the second fails before the first
        if start >= 10:
            raise ValueError(start)

    def first_fails_last(start: int, stop: int) -> None:
        step(start, stop)
        if start == 0:
            raise ValueError(start)

    with pytest.raises(ValueError, match=r"^10$"):
        on_threads(threads, PIECES, step)
    with pytest.raises(ValueError, match=r"^0$"):
        on_threads(threads, PIECES, first_fails_last)
    assert on_threads(threads, PIECES, lambda start, stop: start) == [start for start, _ in PIECES]


def test_no_piece_outlives_the_call_even_if_another_fails() -> None:
    """Steps of libsodium's backend write by address, into a buffer that is gone when the call is."""
    begun, over = threading.Event(), threading.Event()

    def step(start: int, stop: int) -> None:
        if start == PIECES[0][0]:
            assert begun.wait(30)
            raise ValueError(start)
        begun.set()
        hashlib.pbkdf2_hmac("sha256", b"", b"", 200_000)  # a while, without the interpreter lock
        over.set()

    with pytest.raises(ValueError, match=r"^0$"):
        on_threads(2, PIECES[:2], step)
    assert over.is_set()
