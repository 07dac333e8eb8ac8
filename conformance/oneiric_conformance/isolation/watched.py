"""Whose functions a component has to leave as they are, and what of a function that means.

Two look: one in the process made for a component, which nobody else is using, and one beside everything else here.
"""

from collections.abc import Set as AbstractSet
from functools import lru_cache
from inspect import isfunction
from operator import attrgetter, is_
from types import FunctionType
from typing import Final

__all__ = ["EVERYWHERE", "OURS", "REMEMBERS", "code_of", "function_in", "is_of", "same_code"]

OURS: Final = frozenset({"oneiric_core", "oneiric_conformance", "pytest_oneiric"})
_SYSTEM: Final = frozenset({"asyncio", "gc", "os", "posix", "signal", "threading", "time"})
EVERYWHERE: Final = OURS | _SYSTEM | {"hypothesis"}
"""Top-level names of what judges a component, and of what that stands on."""

_OURS_TO_EXTEND: Final = "oneiric_core.builtin"

REMEMBERS: Final = type(lru_cache(len))
"""What :func:`functools.lru_cache` makes of a function."""

code_of: Final = attrgetter("__code__", "__defaults__", "__kwdefaults__")
"""All that decides what a function does, but for what it reaches by name."""


def is_of(names: AbstractSet[str], module: str) -> bool:
    """Whether a module is one of those below the top-level names, and not among what others add to."""
    if module == _OURS_TO_EXTEND or module.startswith(f"{_OURS_TO_EXTEND}."):
        return False
    return module.partition(".")[0] in names


def function_in(value: object) -> FunctionType | None:
    """The function that a value is or wraps: a method of whatever kind, a property, what remembers its answers."""
    if type(value) is FunctionType:
        return value
    inner = getattr(value, "__func__", value) if isinstance(value, staticmethod | classmethod) else value
    inner = inner.fget if isinstance(inner, property) else inner
    inner = inner.__wrapped__ if isinstance(inner, REMEMBERS) else inner
    return inner if isfunction(inner) else None


def same_code(now: tuple[object, ...], before: tuple[object, ...]) -> bool:
    """Whether it is the very same: what takes a place may claim to equal anything."""
    return len(now) == len(before) and all(map(is_, now, before))
