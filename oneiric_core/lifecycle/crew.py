"""The owner of every task and thread the lifecycle starts, so that stopping leaves none behind."""

import asyncio
import contextvars
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from oneiric_core.clock import Clock

__all__ = ["Crew"]

T = TypeVar("T")


class Crew:
    """Starts work and sees it to its end.

    There are calls into components, which may be cancelled, and duties of our own (waiting for what comes late,
    retiring), which may not: who cancels a duty loses an instance.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: set[asyncio.Future[Any]] = set()
        self._duties: set[asyncio.Future[Any]] = set()
        self._threads: ThreadPoolExecutor | None = None

    def start(self, duty: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(duty)
        self._duties.add(task)
        task.add_done_callback(self._ended)
        return task

    def call(self, call: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A call in a task of its own. Where Python can, it runs to its first suspension before this returns."""
        task = _started(call)
        self.adopt(task)
        return task

    def adopt(self, call: asyncio.Future[Any]) -> None:
        """Own a call that somebody else has started."""
        if call.done():
            self._ended(call)
            return
        self._calls.add(call)
        call.add_done_callback(self._ended)

    async def see_off(self, task: asyncio.Future[Any], seconds: float) -> None:
        """Wait until ``task`` has ended, or ``seconds``; it is not disturbed."""
        if not task.done():
            with suppress(TimeoutError):
                async with self._clock.timeout(seconds):
                    await asyncio.wait({task})

    async def in_thread(self, call: Callable[[], object], *, deliver: bool = False) -> object:
        """``call`` in a worker thread. A thread cannot be stopped, so cancellation waits for its end.

        :param deliver: give what it returned even after a cancellation, rather than lose it.
        """
        if self._threads is None:
            self._threads = ThreadPoolExecutor(thread_name_prefix="oneiric-blocking")
        context = contextvars.copy_context()
        future = asyncio.get_running_loop().run_in_executor(self._threads, context.run, _outcome, call)
        cancelled = False
        while not future.done():
            try:
                await asyncio.wait({future})
            except asyncio.CancelledError:
                cancelled = True
        value, error = future.result()
        if cancelled and not deliver:
            raise asyncio.CancelledError
        if error is not None:
            raise error
        return value

    async def close(self, seconds: float) -> int:
        """Wait for all work, cancelling calls that take longer than ``seconds``; says how many could not be ended.

        What waits for such a call goes on waiting, to clean up what it delivers.
        """
        await self._settle(seconds)
        for call in [*self._calls]:
            call.cancel()
        await self._settle(seconds)
        left = len(self._calls)
        if self._threads is not None:
            self._threads.shutdown(wait=left == 0)
            self._threads = None  # what is delivered later may have to be cleaned up in a thread, too
        return left

    async def _settle(self, seconds: float) -> None:
        """Wait until there is no work, or ``seconds``."""
        me = asyncio.current_task()
        with suppress(TimeoutError):
            async with self._clock.timeout(seconds):
                while pending := [work for work in (*self._calls, *self._duties) if work is not me]:
                    await asyncio.wait(pending)

    def _ended(self, task: asyncio.Future[Any]) -> None:
        self._calls.discard(task)
        self._duties.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits for the task reports it; this only marks it as seen


if sys.version_info >= (3, 12):

    def _started(call: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        return asyncio.Task(call, loop=asyncio.get_running_loop(), eager_start=True)

else:

    def _started(call: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        return asyncio.create_task(call)


def _outcome(call: Callable[[], object]) -> tuple[object, BaseException | None]:
    try:
        return call(), None
    except BaseException as error:  # noqa: BLE001 - raised again on the loop's side; a future cannot hold StopIteration
        return None, error
