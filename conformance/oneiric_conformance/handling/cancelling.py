"""Cancelling something at each point where it waits, one after the other."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from inspect import isawaitable, iscoroutine
from typing import Any

__all__ = ["Stepped", "awaitable", "in_thread"]


class Stepped:
    """An awaitable that calls ``function``, counts the points where it waits, and cancels it at one of them.

    Cancelling happens as the loop does it: the task is told to, while it waits.

    :param cancel_at: the point, counted from 1; 0 cancels nowhere.
    """

    def __init__(self, function: Callable[..., Any], *arguments: Any, cancel_at: int = 0) -> None:
        self.points = 0
        self._function = function
        self._arguments = arguments
        self._cancel_at = cancel_at

    def __await__(self) -> Generator[Any, Any, Any]:
        answer = self._function(*self._arguments)
        if not isawaitable(answer):
            return answer
        return (yield from self._steps(answer.__await__()))

    def _steps(self, steps: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        try:
            waits_for = next(steps)
            while True:
                self.points += 1
                if self.points == self._cancel_at:
                    self._cancel_soon()
                try:
                    sent = yield waits_for
                except BaseException as error:  # noqa: BLE001 - whatever was thrown in belongs to what waits
                    waits_for = steps.throw(error)
                else:
                    waits_for = steps.send(sent)
        except StopIteration as ended:
            return ended.value

    @staticmethod
    def _cancel_soon() -> None:
        task = asyncio.current_task()
        if task is not None:
            asyncio.get_running_loop().call_soon(task.cancel)


async def awaitable(stepped: Awaitable[Any]) -> Any:
    """As a coroutine, which a task can be made of."""
    return await stepped


async def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call it as a runtime calls what declares ``blocking``: in a thread.

    No thread can be stopped: a cancellation waits for its end.
    """
    context = contextvars.copy_context()
    cancelled = False
    with ThreadPoolExecutor(1) as pool:
        call = asyncio.get_running_loop().run_in_executor(pool, context.run, partial(function, *arguments))
        while not call.done():
            try:
                await asyncio.wait({call})
            except asyncio.CancelledError:
                cancelled = True
    if cancelled:
        if call.exception() is None and iscoroutine(unawaited := call.result()):
            unawaited.close()
        raise asyncio.CancelledError
    answer = call.result()
    return await answer if isawaitable(answer) else answer
