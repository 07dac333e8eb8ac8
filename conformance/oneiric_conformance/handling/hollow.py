"""A twin of a component that has all its methods, and does nothing in any of them."""

from collections.abc import AsyncIterator, Callable, Iterator
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import Any

__all__ = ["hollow_twin"]


def hollow_twin(instance: object) -> object:
    """An object of the same class as far as ``isinstance`` can tell, with methods of the same names and kinds.

    A coroutine function becomes one that returns None, a generator one that yields nothing, anything else callable one
    that returns None; other attributes are None. Special methods of the component's own class are there, too, so that
    ``async with`` or ``len()`` find what they look for. Methods that exist only in ``__getattr__`` are found when they
    are asked for.
    """
    kind = type(instance)

    def missing(self: object, name: str) -> object:
        del self
        value = getattr(instance, name)
        return _hollow(value) if callable(value) else None

    special = {
        name: staticmethod(_hollow(getattr(instance, name)))
        for name in dir(kind)
        if name.startswith("__") and not hasattr(object, name) and callable(getattr(instance, name, None))
    }
    return type(kind.__name__, (), {**special, "__getattr__": missing, "__class__": property(lambda _: kind)})()


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
