"""A belt from the loop to a thread: bytes arrive here, and are hashed and written there, at the same time.

A few megabytes lie on it at most. Whoever is slower is waited for. A failure on one side ends the other, and nobody
goes away before the thread has ended: what it holds open is closed by then.
"""

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final, TypeVar

__all__ = ["through_thread"]

T = TypeVar("T")
PIECE: Final = 1 << 20
DEPTH: Final = 4


class _AbandonedError(Exception):
    """Whoever brought the bytes has failed; it raises why itself."""


class _Belt:
    """Pieces on their way. Put on by the loop, taken off by one thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pieces: queue.SimpleQueue[bytes | _AbandonedError | None] = queue.SimpleQueue()
        self._room = asyncio.Semaphore(DEPTH)
        self._gone = False

    # --- on the loop -----------------------------------------------------------------------------------------------

    async def put(self, piece: bytes) -> bool:
        """Whether there is still somebody to take it."""
        await self._room.acquire()
        self._pieces.put(piece)
        return not self._gone

    def end(self) -> None:
        self._pieces.put(None)

    def abandon(self) -> None:
        self._pieces.put(_AbandonedError())

    def nobody_takes(self) -> None:
        self._gone = True
        self._room.release()

    # --- in the thread ---------------------------------------------------------------------------------------------

    def pieces(self) -> Iterator[bytes]:
        while (piece := self._pieces.get()) is not None:
            if isinstance(piece, _AbandonedError):
                raise piece
            yield piece
            self._loop.call_soon_threadsafe(self._room.release)


async def through_thread(chunks: AsyncIterator[bytes], consume: Callable[[Iterator[bytes]], T]) -> T:
    """What ``consume``, in a thread of its own, makes of ``chunks``, which it gets in bigger pieces.

    :raises BaseException: what ``chunks`` or ``consume`` raise; with a cancellation, after the thread has ended.
    """
    belt = _Belt(asyncio.get_running_loop())
    work, thread = _start(lambda: consume(belt.pieces()))
    work.add_done_callback(lambda _: belt.nobody_takes())
    try:
        async for piece in _pieces_of(chunks):
            if not await belt.put(piece):
                break
        belt.end()
    except BaseException:
        belt.abandon()
        await _ended(work, thread)
        work.exception()  # that it was abandoned, or what it would have said about bytes that never came
        raise
    if await _ended(work, thread) and work.exception() is None:
        raise asyncio.CancelledError
    return work.result()


async def _pieces_of(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of a megabyte, so that there are fewer of them to hand over."""
    waiting: list[bytes] = []
    size = 0
    async for chunk in chunks:
        waiting.append(chunk)
        size += len(chunk)
        if size >= PIECE:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def _start(work: Callable[[], T]) -> tuple[asyncio.Future[T], threading.Thread]:
    """A thread of its own, not one of a pool: those who wait for a slow server must not keep others from the disk."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - it is raised on the loop's side
            loop.call_soon_threadsafe(future.set_exception, error)
        else:
            loop.call_soon_threadsafe(future.set_result, result)

    thread = threading.Thread(target=run, name="oneiric-artifact")
    thread.start()
    return future, thread


async def _ended(future: asyncio.Future[T], thread: threading.Thread) -> bool:
    """Wait until it has ended, whatever happens; whether a cancellation came meanwhile."""
    cancelled = False
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError:
            cancelled = True
    thread.join()  # it has nothing left to do
    return cancelled
