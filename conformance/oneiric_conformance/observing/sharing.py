"""What the instances of a component have in common in memory, and what of it each of them changes by working."""

import asyncio
import sys
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final, TypeAlias

__all__ = ["moved_by_each", "moved_by_new"]

Place: TypeAlias = tuple[Any, ...]
"""A name for people, and the keys that lead from there further inside."""

_CONTAINERS: Final = (dict, list, set, bytearray, deque)
_NUMBERS: Final = (bool, int, float)
_PLAIN: Final = (*_NUMBERS, str, bytes)
_UNDER_WAY: Final = (asyncio.Future, Future, threading.Thread)
"""Who starts one of these has to hold it until it is over, and a module is a good place for that."""

_MODULE: Final = "in the module"
_DEEP: Final = 4
_MOST: Final = 20_000


async def moved_by_each(
    act: Callable[[Any], Awaitable[object]], first: object, second: object, own: Collection[str]
) -> list[str]:
    """Names of what is another one after either of two instances did once more what both have done before.

    A cache stays as it is then, and is filled before, whoever used the component earlier; and what is there for each
    instance by itself, only that one changes.

    :param own: names of top-level modules; others are not looked into.
    """
    seen = []
    with suppress(Exception):  # whether it works is for others to say
        await act(first)
    for instance in (second, first, second):
        with suppress(Exception):
            await act(instance)
        seen.append(_Common(first, second, own))
    return _names(seen[0].moved(seen[1]) & seen[1].moved(seen[2]))


async def moved_by_new(
    act: Callable[[Any], Awaitable[object]], first: object, second: object, own: Collection[str]
) -> list[str]:
    """The same of an act that each of them does once only, and that may bring something new each time.

    A cache or a table of locks has another entry then. Nothing else in the class or in both of them changes; modules,
    in which such an act may stand as well, and objects are not looked into.
    """
    await act(first)
    before = _Common(first, second, own, inside=False)
    await act(second)
    later = _Common(first, second, own, inside=False)
    return _names(place for place in before.moved(later) if not before.is_table(place))


class _Common:
    """How everything is that two instances could both change: what their class, its module and both of them hold.

    Only classes and modules below one of the ``own`` names are looked at, and only objects of such classes are looked
    into; of a module only its containers and such objects, and of any other class its containers. An instance of the
    component is never looked into, and is passed over on a list: one of all that live is not shared state.

    :param inside: whether to look into modules and objects at all.
    """

    def __init__(self, first: object, second: object, own: Collection[str], *, inside: bool = True) -> None:
        self._own = own
        self._inside = inside
        self._instances = {type(first), type(second)}
        self.marks: dict[Place, tuple[Any, ...]] = {}
        self._kept: list[object] = []  # so that no other object takes the place in memory of one that is gone
        kinds = type(first).__mro__[:-1]
        for kind in kinds:
            for name, value in _open_names(vars(kind)):
                self._add((f"{kind.__name__}.{name}",), value, names=_home(kind) in own)
        for name, value in _of_both(first, second):
            self._add((name,), value)
        for module in dict.fromkeys(kind.__module__ for kind in kinds if inside and _home(kind) in own):
            for name, value in _open_names(getattr(sys.modules.get(module), "__dict__", {})):
                self._add((f"{module}.{name}", _MODULE), value)

    def moved(self, later: "_Common") -> set[Place]:
        """The places where something else is later on.

        Numbers in a module are left out: those of an own class or object take part in the work, while statistics of
        the process stand in modules.
        """
        there = self.marks.keys() & later.marks.keys()
        places = {place for place in there if self.marks[place] != later.marks[place]}
        return {place for place in places if _MODULE not in place or not self._is_number(place, later)}

    def is_table(self, place: Place) -> bool:
        """Whether only what keys it has can be said of it; how each of them is kept is another place."""
        return any(type(mark) is frozenset for mark in self.marks[place])

    def _is_number(self, place: Place, later: "_Common") -> bool:
        return all(type(mark) is str for mark in self.marks[place] + later.marks[place])

    def _add(self, place: Place, value: Any, *, names: bool = False) -> None:
        """Look at a value; what is no container counts only as one of the ``names`` of something, or inside of it."""
        kind = type(value)
        if len(self.marks) >= _MOST or len(place) > _DEEP + 2:
            return
        if issubclass(kind, dict):
            items = [item for item in dict.items(value) if not any(map(_is_under_way, item))]
            self.marks[place] = (frozenset(map(self._key, (key for key, _ in items))),)
            for key, part in items:
                self.marks[*place, self._key(key)] = (self._mark(part),)
                self._add((*place, self._key(key)), part)
        elif issubclass(kind, _CONTAINERS):
            parts = [part for part in list(value) if not (_is_under_way(part) or type(part) in self._instances)]
            marks = map(self._mark, parts)
            self.marks[place] = (frozenset(marks),) if issubclass(kind, set) else tuple(marks)
            for index, part in enumerate(parts):
                self._add((*place, index), part)
        elif self._opens(kind):
            for name, part in _open_names(getattr(value, "__dict__", {})):
                self._add((*place, name), part, names=True)
        elif names and kind in _PLAIN:
            self.marks[place] = (repr(value),)

    def _opens(self, kind: type) -> bool:
        """A descriptor keeps what it keeps for each instance by itself; a class or a function is code."""
        apart = kind in self._instances or hasattr(kind, "__get__")
        return self._inside and not apart and _home(kind) in self._own

    def _key(self, key: object) -> object:
        return key if type(key) in _PLAIN else self._mark(key)

    def _mark(self, value: object) -> object:
        """Text for a number; for anything else its identity, as a store keeps another object each time."""
        if type(value) in _NUMBERS:
            return repr(value)
        self._kept.append(value)
        return id(value)


def _is_under_way(value: object) -> bool:
    return issubclass(type(value), _UNDER_WAY)


def _names(places: Iterable[Place]) -> list[str]:
    return sorted({str(name) for name, *_ in places})


def _of_both(first: object, second: object) -> Iterator[tuple[str, Any]]:
    own, others = getattr(first, "__dict__", {}), getattr(second, "__dict__", {})
    return ((f"self.{name}", value) for name, value in dict(own).items() if others.get(name) is value)


def _open_names(names: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in list(names.items()) if not str(name).startswith("__")]


def _home(kind: type) -> str:
    return str(kind.__module__).partition(".")[0]
