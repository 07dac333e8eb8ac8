"""How long something takes, as people write it: in the settings and on the command line alike."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["seconds_of"]

_UNITS: Final[Mapping[str, float]] = MappingProxyType({"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800})
_DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([smhdw])")
_LONGEST: Final = 100 * 365 * 86400.0


def seconds_of(value: object) -> float:
    """A duration: seconds as a number, or a text such as ``"90s"``, ``"15m"``, ``"12h"``, ``"30d"``, ``"2w"``.

    A text has a unit: of ``--max-age 30`` nobody could tell whether seconds or days were meant.

    :raises ValueError: anything else, and what is not longer than nothing.
    """
    if isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
        value = float(match[1]) * _UNITS[match[2]]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _LONGEST:
        raise ValueError("write a duration over 0 as a number of seconds, or like '90s', '15m', '12h' or '30d'")
    return float(value)
