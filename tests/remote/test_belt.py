"""Bytes from the loop to a thread: all of them in order, or an error; and nobody is left behind."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneiric_core.remote.belt import DEPTH, PIECE, through_thread


async def chunks_of(*pieces: bytes | BaseException) -> AsyncIterator[bytes]:
    for piece in pieces:
        if isinstance(piece, BaseException):
            raise piece
        yield piece


def workers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "oneiric-artifact"]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 3 * PIECE // 2).map(bytes), max_size=8))
async def test_everything_arrives_in_order_and_in_pieces_that_are_not_too_small(chunks: list[bytes]) -> None:
    got = await through_thread(chunks_of(*chunks), list)
    assert b"".join(got) == b"".join(chunks)
    assert all(len(piece) >= PIECE for piece in got[:-1])


async def test_the_thread_is_another_one_and_ends() -> None:
    seen = await through_thread(chunks_of(b"x"), lambda pieces: (list(pieces), threading.get_ident())[1])
    assert seen != threading.get_ident()
    await asyncio.sleep(0)
    assert workers() == []


async def test_an_error_on_the_loops_side_is_raised_after_the_thread_has_let_go() -> None:
    ended = threading.Event()

    def consume(pieces: Iterator[bytes]) -> None:
        try:
            list(pieces)
        finally:
            ended.set()

    with pytest.raises(ConnectionResetError):
        await through_thread(chunks_of(b"x" * PIECE, ConnectionResetError()), consume)
    assert ended.is_set()


@pytest.mark.parametrize("early", [True, False])
async def test_an_error_on_the_threads_side_ends_the_bringing(early: bool) -> None:
    brought = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal brought
        while True:
            brought += 1
            yield bytes(PIECE)
            await asyncio.sleep(0)

    def consume(pieces: Iterator[bytes]) -> None:
        if not early:
            next(pieces)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        await asyncio.wait_for(through_thread(endless(), consume), 30)
    assert brought <= 4 * DEPTH


async def test_whoever_is_slower_is_waited_for() -> None:
    """Memory stays flat: only so many pieces are on the belt."""
    brought, go = 0, threading.Event()

    async def many() -> AsyncIterator[bytes]:
        nonlocal brought
        for _ in range(50):
            brought += 1
            yield bytes(PIECE)

    def consume(pieces: Iterator[bytes]) -> int:
        go.wait(30)
        return sum(len(piece) for piece in pieces)

    work = asyncio.ensure_future(through_thread(many(), consume))
    for _ in range(100):
        await asyncio.sleep(0)
    assert brought <= DEPTH + 1
    go.set()
    assert await work == 50 * PIECE


async def test_a_cancellation_while_bytes_come_waits_for_the_thread() -> None:
    ended = threading.Event()

    async def never() -> AsyncIterator[bytes]:
        yield b"x" * PIECE
        await asyncio.Event().wait()

    def consume(pieces: Iterator[bytes]) -> None:
        try:
            list(pieces)
        finally:
            ended.set()

    work = asyncio.ensure_future(through_thread(never(), consume))
    await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert ended.is_set()


@pytest.mark.parametrize("fails", [True, False])
async def test_a_cancellation_while_the_thread_finishes_waits_for_it(fails: bool) -> None:
    """What it says then is worth more than the cancellation, if it is an error."""
    finishing, go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def consume(pieces: Iterator[bytes]) -> str:
        list(pieces)
        loop.call_soon_threadsafe(finishing.set)
        go.wait(30)
        if fails:
            raise OSError(5, "I/O error")
        return "done"

    work = asyncio.ensure_future(through_thread(chunks_of(b"x"), consume))
    await finishing.wait()
    work.cancel()
    await asyncio.sleep(0)
    assert not work.done()
    go.set()
    with pytest.raises(OSError if fails else asyncio.CancelledError):
        await work
