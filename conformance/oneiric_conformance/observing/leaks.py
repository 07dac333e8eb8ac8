"""What grows: tasks, threads, descriptors and processes that are there after something ended, and were not before."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from oneiric_core.testing import Inventory, grown, growth, take_inventory

__all__ = ["grown", "growth", "held", "leaves", "own_executor", "settled", "still_held", "wears_out"]

_PATIENCE: Final = 0.5
"""Seconds that a thread, process or task which was told to end is given to be gone."""
_GLANCE: Final = 0.01
_EXECUTORS: Final = ("asyncio_", "AnyIO worker")
"""Threads that belong to the loop and end with it."""
_NOTHING: Final = Inventory(frozenset(), frozenset(), frozenset(), frozenset())


async def settled(before: Inventory) -> None:
    """Return when what was left to be done has been done: by timers, tasks and threads, within a bounded time."""
    loop = asyncio.get_running_loop()
    now = loop.time()
    timers = [handle.when() for handle in getattr(loop, "_scheduled", ()) if not handle.cancelled()]
    due = [when for when in timers if when <= now + _PATIENCE]
    if due:
        await asyncio.sleep(max(due) - now)
    await grown(before)


async def wears_out(act: Callable[[], Awaitable[object]], times: int) -> list[str]:
    """Do ``act`` again and again; what there is more of after ``times`` of it than before, one line each.

    What is set up once is not counted: there are two rounds before it is looked, and growth has to go on. The threads
    of the loop's own executor are not the component's: each round has an executor that is shut down at its end.
    """
    await _round(act, 2)
    return await leaves(act, times)


async def leaves(act: Callable[[], Awaitable[object]], times: int = 1) -> list[str]:
    """The same, where nothing was set up before: what there is more of each time."""
    more: list[str] = []
    for _ in range(2):
        before = take_inventory()
        await _round(act, times)
        more = await grown(before)
        if not more:
            break
    return more


def held() -> Inventory:
    """The threads, descriptors and processes there are, but for the threads of the loop's own executor."""
    return replace(take_inventory(but_threads=_EXECUTORS), tasks=frozenset())


async def still_held(lines: Collection[str], seconds: float) -> list[str]:
    """Of what an inventory has named, what is there even after so many seconds."""
    deadline = time.monotonic() + seconds
    while still := {*held().since(_NOTHING)}.intersection(lines):
        if time.monotonic() > deadline:
            break
        gc.collect()
        await asyncio.sleep(_GLANCE)
    return [line for line in lines if line in still]


@contextmanager
def own_executor() -> Iterator[None]:
    """The running loop has another executor during the block; its threads are gone at the end."""
    loop = asyncio.get_running_loop()
    executor = ThreadPoolExecutor()
    loop.set_default_executor(executor)
    try:
        yield
    finally:
        executor.shutdown(wait=True)
        # It starts no thread before it is used, and is named as the loop names its own.
        loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="asyncio"))


async def _round(act: Callable[[], Awaitable[object]], times: int) -> None:
    with own_executor():
        for _ in range(times):
            await act()
