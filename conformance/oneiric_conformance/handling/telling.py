"""Whether what was said in two states tells them apart, though it also holds what changes by itself: clocks, counts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

__all__ = ["tells_apart"]

Place: TypeAlias = tuple[object, ...]

_DIGITS: Final = re.compile(r"\d+")
_WORD: Final = re.compile(r"[^\W\d_]+")
_THERE: Final = ("there",)


def tells_apart(some: Sequence[object], others: Sequence[object]) -> bool:
    """Whether something is the same in all of the one kind, and in each of the other it is different or missing.

    At any depth; in a text it may be a word, or what is left of the text without its numbers.
    """
    these, those = [dict(_told(each)) for each in some], [dict(_told(each)) for each in others]
    return _marked(these, those) or _marked(those, these)


def _marked(these: Sequence[Mapping[Place, object]], those: Sequence[Mapping[Place, object]]) -> bool:
    first, *rest = these
    return any(
        all(place in each and each[place] == value for each in rest)
        and all(place not in each or each[place] != value for each in those)
        for place, value in first.items()
    )


def _told(value: Any, place: Place = ()) -> Iterator[tuple[Place, object]]:
    """All that a piece of plain data says, by where it says so."""
    yield (*place, _THERE), True
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from _told(part, (*place, name))
    elif isinstance(value, list | tuple) and value:
        for index, part in enumerate(value):
            yield from _told(part, (*place, index))
    else:
        yield place, (type(value).__name__, repr(value))
        if isinstance(value, str):
            yield (*place, _DIGITS), _DIGITS.sub("0", value)
            for word in _WORD.findall(value):
                yield (*place, _WORD, word), True
