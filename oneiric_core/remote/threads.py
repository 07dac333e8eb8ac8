"""Work that blocks, in a thread."""

import asyncio
import contextvars
from collections.abc import Callable
from functools import partial
from typing import TypeVar

__all__ = ["in_thread"]

T = TypeVar("T")


async def in_thread(call: Callable[..., T], *arguments: object) -> T:
    """What ``call`` gives, from a worker thread of the loop, in a copy of the caller's context.

    A thread cannot be stopped. So a cancellation waits for its end, and nothing that was begun goes on behind the back
    of whoever cancelled it.
    """
    context = contextvars.copy_context()
    work = asyncio.get_running_loop().run_in_executor(None, partial(context.run, call, *arguments))
    cancelled = False
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError from work.exception()
    return work.result()
