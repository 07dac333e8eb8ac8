"""Examples as Python writes them."""

import math
from typing import Any, Final

__all__ = ["literal"]

_LONG: Final = 200
_PERIOD: Final = 300


def literal(value: Any) -> str:
    """An expression that gives the value again; long text that repeats itself is written once.

    :raises TypeError: it is, or holds, what has no such expression: an object of a type of its own, or a number that is
        none.
    """
    kind = type(value)
    if kind is float and not math.isfinite(value):
        raise TypeError(f"{value} has no literal")
    if value is None or kind in {bool, int, float}:
        return repr(value)
    if kind in {str, bytes}:
        return _text(value)
    if kind is list:
        return f"[{', '.join(map(literal, value))}]"
    if kind is tuple:
        return f"({', '.join(map(literal, value))}{',' * (len(value) == 1)})"
    if kind is dict:
        return f"{{{', '.join(f'{literal(key)}: {literal(item)}' for key, item in value.items())}}}"
    raise TypeError(f"a {kind.__name__} has no literal")


def _text(value: Any) -> str:
    if len(value) > _LONG:
        for period in range(1, _PERIOD):
            part = value[:period]
            times = -(-len(value) // period)
            if (part * times)[: len(value)] == value:
                return f"({part!r} * {times})[:{len(value)}]"
    return repr(value)
