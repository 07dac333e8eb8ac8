"""A twin of a component that lives as it does, has all its methods, and does nothing in any of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from inspect import isasyncgenfunction, isclass, iscoroutinefunction, isgeneratorfunction
from typing import Any, Final

from oneiric_conformance.handling.work import ask
from oneiric_conformance.judging.watchdog import TimeIsUp, watchdog
from oneiric_core.testing import CLEANUP_HOOKS, HEALTH_HOOKS, INIT_HOOKS

__all__ = ["hollow_twin", "succeeds_as_well"]

_LIVES: Final = frozenset({*INIT_HOOKS, *HEALTH_HOOKS, *CLEANUP_HOOKS})
_ENTERS: Final = frozenset({"__enter__", "__aenter__"})
_LEAST: Final = 1.0
_TIMES_AS_LONG: Final = 10


def hollow_twin(instance: object) -> object:
    """An object of the same class as far as ``isinstance`` can tell, with methods of the same names and kinds.

    Its hooks (``init``, ``health``, ``cleanup`` and their other names) and whatever cannot be called are the
    instance's own: being well, or set up, is nothing that a component is for. Of its other methods a coroutine function
    becomes one that returns None, a generator one that yields nothing, anything else callable one that returns None.
    Special methods of the component's own class are there, too, so that ``len()`` finds what it looks for, and ``with``
    gives the twin. Methods that exist only in ``__getattr__`` are found when they are asked for.
    """
    kind = type(instance)

    def missing(self: object, name: str) -> object:
        del self
        value = getattr(instance, name)
        return _hollow(value) if callable(value) and not isclass(value) and name not in _LIVES else value

    special = {
        name: _entering(getattr(instance, name)) if name in _ENTERS else staticmethod(_hollow(getattr(instance, name)))
        for name in dir(kind)
        if name.startswith("__") and not hasattr(object, name) and callable(getattr(instance, name, None))
    }
    return type(kind.__name__, (), {**special, "__getattr__": missing, "__class__": property(lambda _: kind)})()


async def succeeds_as_well(exercise: Callable[[object], object], twin: object, took: float) -> bool:
    """Whether an exercise succeeds on a twin as it did on the component.

    It has told them apart as soon as it fails, however it does, and by waiting in vain for something to happen.

    :param took: the seconds that it took on the component.
    """
    patience = max(_LEAST, _TIMES_AS_LONG * took)
    try:
        with watchdog(patience):  # it may wait without letting the loop run
            async with asyncio.timeout(patience):
                await ask(exercise, twin)
    except (Exception, TimeIsUp):  # noqa: BLE001
        return False
    return True


def _entering(method: Callable[..., Any]) -> Callable[[object], object]:
    async def entered_later(self: object) -> object:
        return self

    return entered_later if iscoroutinefunction(method) else lambda self: self


def _hollow(method: Callable[..., Any]) -> Callable[..., Any]:
    if iscoroutinefunction(method):
        return _returns_nothing_later
    if isasyncgenfunction(method):
        return _yields_nothing_later
    return _yields_nothing if isgeneratorfunction(method) else _returns_nothing


def _returns_nothing(*arguments: object, **named: object) -> None:
    del arguments, named


async def _returns_nothing_later(*arguments: object, **named: object) -> None:
    del arguments, named


def _yields_nothing(*arguments: object, **named: object) -> Iterator[object]:
    del arguments, named
    return
    yield


async def _yields_nothing_later(*arguments: object, **named: object) -> AsyncIterator[object]:
    del arguments, named
    return
    yield
