"""Cancelling something at each point where it waits, one after the other."""

import asyncio
import contextvars
import gc
import sys
from collections.abc import Awaitable, Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from inspect import isawaitable, iscoroutine
from itertools import pairwise
from operator import attrgetter
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType
from typing import Any, Final, TypeAlias, TypeVar

__all__ = ["Place", "Stepped", "awaitable", "in_thread", "points_in", "spread"]

T = TypeVar("T")

Place: TypeAlias = tuple[tuple[str, int], ...]
"""Where something waits: file and line of each coroutine, outermost first."""

_REMEMBERED: Final = 1000
_DEEPEST: Final = 50
_WAITS: Final[dict[type, Callable[[Any], Any]]] = {
    CoroutineType: attrgetter("cr_frame", "cr_await"),
    GeneratorType: attrgetter("gi_frame", "gi_yieldfrom"),
    AsyncGeneratorType: attrgetter("ag_frame", "ag_await"),
}
"""The frame of what is suspended, and what it waits for in turn."""

_WAIT_FOR: Final = asyncio.wait_for.__code__ if sys.version_info < (3, 12) else None
"""It runs what it waits for as a task, and forgets that it was cancelled where that task has ended meanwhile."""
_SLEEP: Final = asyncio.sleep.__code__
_SERVERS: Final = (
    asyncio.SelectorEventLoop.create_server.__code__,
    asyncio.SelectorEventLoop.create_unix_server.__code__,
)
"""They listen already when they sleep, and nobody has got what would have to be closed."""


class Stepped:
    """An awaitable that calls ``function``, counts the points where it waits, and cancels it at one of them.

    Cancelling happens as the loop does it: the task is told to, while it waits. Where asyncio itself loses what is
    cancelled, or that it is, it is cancelled where it waits next.

    :param cancel_at: the point, counted from 1; 0 cancels nowhere.
    :ivar cancel_at: the point where it was cancelled, or will be if it waits once more.
    :ivar points: how often it has waited.
    :ivar places: where, the first thousand times.
    """

    def __init__(self, function: Callable[..., Any], *arguments: Any, cancel_at: int = 0) -> None:
        self.cancel_at = cancel_at
        self.points = 0
        self.places: list[Place] = []
        self._function = function
        self._arguments = arguments
        self._inner: asyncio.Future[Any] | None = None

    def __await__(self) -> Generator[Any, Any, Any]:
        answer = self._function(*self._arguments)
        if not isawaitable(answer):
            return answer
        steps = answer.__await__()
        return (yield from self._steps(steps, answer if iscoroutine(answer) else steps))

    def _steps(self, steps: Generator[Any, Any, Any], waiting: object) -> Generator[Any, Any, Any]:
        try:
            waits_for = next(steps)
            while True:
                self.points += 1
                if len(self.places) < _REMEMBERED:
                    self.places.append(_place_of(waiting))
                task = asyncio.current_task()
                if task is not None and self.points == self.cancel_at:
                    task.get_loop().call_soon(self._cancel, task, waiting)
                try:
                    sent = yield waits_for
                except BaseException as error:  # noqa: BLE001 - whatever was thrown in belongs to what waits
                    self._expect_heard()
                    waits_for = steps.throw(error)
                else:
                    self._expect_heard()
                    waits_for = steps.send(sent)
        except StopIteration as ended:
            return ended.value

    def _cancel(self, task: "asyncio.Task[Any]", waiting: object) -> None:
        frames = _frames_of(waiting)
        if any(outer.f_code in _SERVERS and inner.f_code is _SLEEP for outer, inner in pairwise(frames)):
            self.cancel_at += 1
            return
        self._inner = next((_awaited_by(frame) for frame in frames if frame.f_code is _WAIT_FOR), None)
        task.cancel()

    def _expect_heard(self) -> None:
        inner = self._inner
        if self.points == self.cancel_at and inner is not None and inner.done() and not inner.cancelled():
            self.cancel_at += 1


def _frames_of(waiting: object) -> list[FrameType]:
    """The frames of what waits for what, outermost first, also in tasks that are waited for."""
    found: list[FrameType] = []
    while len(found) < _DEEPEST and (look := _WAITS.get(type(waiting))) is not None:
        frame, waiting = look(waiting)
        if frame is None:
            break
        found.append(frame)
        if frame.f_code is _WAIT_FOR:
            waiting = _awaited_by(frame)
        if type(waiting) not in _WAITS:
            waiting = _wrapped_in(waiting)
    return found


def _awaited_by(wait_for: FrameType) -> "asyncio.Future[Any] | None":
    inner = wait_for.f_locals.get("fut")
    return inner if isinstance(inner, asyncio.Future) else None


def _wrapped_in(awaitable: object) -> object:
    """What a task runs, or the interpreter's own awaitables go on with: only the garbage collector can tell."""
    for each in [awaitable, *gc.get_referents(awaitable)]:
        within = each.get_coro() if isinstance(each, asyncio.Task) else each
        if type(within) in _WAITS:
            return within
    return None


def _place_of(waiting: object) -> Place:
    return tuple((frame.f_code.co_filename, frame.f_lineno) for frame in _frames_of(waiting))


def points_in(stepped: Stepped, most: int) -> list[int]:
    """Where to cancel it: once at each place in the code where it waits, at the last point, and in between.

    :param stepped: a run that was not cancelled.
    :param most: how many points, all there are if they are no more.
    """
    firsts: dict[Place, int] = {}
    for point, place in enumerate(stepped.places, 1):
        firsts.setdefault(place, point)
    chosen = {*spread([*firsts.values()], most - 1), *([stepped.points] if stepped.points else [])}
    others = [point for point in range(1, stepped.points + 1) if point not in chosen]
    return sorted({*chosen, *spread(others, most - len(chosen))})


def spread(items: Sequence[T], most: int) -> list[T]:
    """The first, the last and others between; all of them if they are no more than ``most``."""
    if len(items) <= most:
        return list(items)
    return [items[round(at * (len(items) - 1) / max(most - 1, 1))] for at in range(most)]


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
