"""One event loop for all checks of a session, that no component can keep busy after its judgement."""

import asyncio
import gc
from collections.abc import Awaitable
from contextlib import suppress
from typing import TypeVar

from oneiric_conformance.judging.findings import Finding, described

__all__ = ["SharedLoop"]

T = TypeVar("T")
_GRACE = 1.0
_BROKEN: list[object] = []
"""Loops that cannot run any more, and what is suspended on them: collecting that crashes some interpreters."""


class SharedLoop:
    """Runs coroutines from synchronous checks: 41 µs a call, where ``asyncio.run`` takes 224 µs.

    The host's event loop, its policy and its current loop are left as they are.
    """

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None

    def run(self, work: Awaitable[T], seconds: float) -> T:
        """The result of ``work``; a :class:`Finding` if it has not ended after ``seconds``.

        Work that does not give up when cancelled is left behind together with its loop.
        """
        runner = self._ready()
        task: asyncio.Task[T] | None = None

        async def bounded() -> bool:
            nonlocal task
            task = asyncio.ensure_future(_awaited(work))
            done, _ = await asyncio.wait({task}, timeout=seconds)
            if done:
                return True
            task.cancel()
            await asyncio.wait({task}, timeout=_GRACE)
            return False

        try:
            ended = runner.run(bounded())
        except (Exception, asyncio.CancelledError) as error:  # bounded() itself raises nothing
            self.sweep()
            raise Finding(f"broke the event loop it runs on: {described(error)}", "a loop that goes on") from error
        if task is None:  # pragma: no cover - bounded() always sets it first
            raise AssertionError
        if not task.done():
            self._abandon()
            raise Finding(f"did not end within {seconds:g} s, nor when it was cancelled")
        if task.cancelled():
            if ended:
                raise Finding("ended by CancelledError although nothing had cancelled it")
            raise Finding(f"did not end within {seconds:g} s")
        raised = task.exception()
        if raised is not None and ended:
            raise raised
        if not ended:
            raise Finding(f"did not end within {seconds:g} s")
        return task.result()

    def sweep(self) -> None:
        """Cancel every task the last check left behind, so that the next one starts clean."""
        if self._runner is None:
            return
        loop = self._runner.get_loop()
        left = {task for task in asyncio.all_tasks(loop) if not task.done()}
        if not left:
            return

        async def end() -> set["asyncio.Task[object]"]:
            for task in left:
                task.cancel()
            _, pending = await asyncio.wait(left, timeout=_GRACE)
            return pending

        try:
            remains = self._runner.run(end())
        except (Exception, asyncio.CancelledError):  # noqa: BLE001 - it runs no more
            _BROKEN.append((self._runner, left))
            self._runner = None
            return
        if remains:
            self._abandon()
        for task in left:
            if task.done() and not task.cancelled():
                task.exception()  # looked at, so that it is not reported again when collected

    def close(self) -> None:
        """End the loop and everything in it; idempotent."""
        self.sweep()
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()

    def _ready(self) -> asyncio.Runner:
        if self._runner is None:
            self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
            self._runner.get_loop().set_exception_handler(_silent)
        return self._runner

    def _abandon(self) -> None:
        """Give up a loop that holds something which cannot be stopped."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        loop = runner.get_loop()
        runner.run(loop.shutdown_asyncgens())
        loop.close()
        with suppress(RuntimeError):  # it wants to cancel what cannot be cancelled, on a loop that is closed
            runner.close()
        del runner, loop
        gc.collect()


async def _awaited(work: Awaitable[T]) -> T:
    return await work


def _silent(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """What a component leaves unretrieved is the checks' business, not the log's."""
    del loop, context
