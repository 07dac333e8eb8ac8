"""Plain JSON data: what it is, and when two pieces of it are the same."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Final

__all__ = ["different", "flaw", "same"]

_DEEP: Final = 100
_BITS: Final = 14_000
"""Integers with more bits have more than the 4300 digits that Python reads and writes."""


def flaw(value: object, where: str = "the result", depth: int = 0) -> str:
    """Why ``value`` is not plain JSON data; empty if it is. Tuples pass as arrays."""
    kind = type(value)  # and not what the value says that it is
    if value is None or issubclass(kind, bool | str | int | float):
        return _number(value, where)
    if depth > _DEEP:
        return f"the result is nested more than {_DEEP} deep, or holds itself"
    if isinstance(value, list | tuple) and issubclass(kind, list | tuple):
        return _first(flaw(item, f"{where}[{index}]", depth + 1) for index, item in enumerate(value))
    if isinstance(value, dict) and issubclass(kind, dict):
        names = _first(f"{where} has the key {key!r}" for key in value if not issubclass(type(key), str))
        return names or _first(flaw(item, f"{where}[{key!r}]", depth + 1) for key, item in value.items())
    return f"{where} is a {kind.__name__}"


def _number(value: object, where: str) -> str:
    if isinstance(value, int) and value.bit_length() >= _BITS:
        return f"{where} is an integer of thousands of digits"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{where} is {value}, which JSON does not have"
    return ""


def same(left: object, right: object, depth: int = 0) -> bool:
    """Whether two pieces of data are the same in value and type: ``1``, ``1.0`` and ``True`` are three things.

    What is nested deeper than plain data may be, as what holds itself is, is the same only if it is one and the same.
    """
    if depth > _DEEP:
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key], depth + 1) for key in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(same(*pair, depth + 1) for pair in zip(left, right, strict=True))
    return type(left) is type(right) and bool(left == right)


def different(values: Iterable[object]) -> int:
    """How many different pieces of plain data there are."""
    return len({json.dumps(value, sort_keys=True) for value in values})


def _first(texts: Iterable[str]) -> str:
    return next((text for text in texts if text), "")
