"""Plain JSON data: what it is, and when two pieces of it are the same."""

import json
import math
from collections.abc import Iterable, Mapping

__all__ = ["different", "flaw", "same"]


def flaw(value: object, where: str = "the result") -> str:
    """Why ``value`` is not plain JSON data; empty if it is. Tuples pass as arrays."""
    if value is None or isinstance(value, bool | int | str):
        return ""
    if isinstance(value, float):
        return "" if math.isfinite(value) else f"{where} is {value}, which JSON does not have"
    if isinstance(value, list | tuple):
        return _first(flaw(item, f"{where}[{index}]") for index, item in enumerate(value))
    if isinstance(value, dict):
        names = _first(f"{where} has the key {key!r}" for key in value if not isinstance(key, str))
        return names or _first(flaw(item, f"{where}[{key!r}]") for key, item in value.items())
    return f"{where} is a {type(value).__name__}"


def same(left: object, right: object) -> bool:
    """Whether two pieces of data are the same in value and type: ``1``, ``1.0`` and ``True`` are three things."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(same(*pair) for pair in zip(left, right, strict=True))
    return type(left) is type(right) and bool(left == right)


def different(values: Iterable[object]) -> int:
    """How many different pieces of plain data there are."""
    return len({json.dumps(value, sort_keys=True) for value in values})


def _first(texts: Iterable[str]) -> str:
    return next((text for text in texts if text), "")
