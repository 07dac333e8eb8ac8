"""What counts as work of a component's own: results that follow from what it was given, and from nothing else alone."""

import itertools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from oneiric_conformance.handling.plain import different, flaw, same

__all__ = ["own_work"]

_TRIED: Final = 3
_AGAIN: Final = 3
_UNSTEADY: Final = object()


async def own_work(
    pairs: Sequence[tuple[Any, Any]],
    again: Callable[[Any], Awaitable[Any]],
    shown: Callable[[Any], Any] = lambda given: given,
) -> int:
    """How many different things a component did with different inputs, given as (input, result).

    0 unless at least two results are plain data and differ from each other, from their inputs and from None, and do so
    each time they are asked for: who answers the same to everything, hands back what it was given, counts its calls,
    draws lots or tells the time did nothing of its own.

    :param again: gives the result for the same input once more.
    :param shown: what of an input a component could simply hand back.
    """
    apart: list[tuple[Any, Any]] = []
    for given, result in pairs:
        empty = result is None or bool(flaw(result)) or same(result, shown(given))
        if not empty and not any(same(result, known) for _, known in apart):
            apart.append((given, result))
    if len(apart) <= 1:
        return 0
    steady = [await _steadily(given, result, again) for given, result in _spread(apart)]
    return different(result for _, result in apart) if any(itertools.starmap(_differ, _couples(steady))) else 0


def _spread(apart: Sequence[Any]) -> list[Any]:
    """The first, the last and one between."""
    chosen = {0, len(apart) // 2, len(apart) - 1}
    return [apart[index] for index in sorted(chosen)][:_TRIED]


def _couples(items: Sequence[object]) -> "itertools.combinations[tuple[object, object]]":
    return itertools.combinations(items, 2)


async def _steadily(given: Any, result: object, again: Callable[[Any], Awaitable[Any]]) -> object:
    """The parts of the result that are the same each time."""
    steady = result
    for _ in range(_AGAIN):
        try:
            steady = _common(steady, await again(given))
        except Exception:  # noqa: BLE001 - who refuses today what he took yesterday is not steady
            return _UNSTEADY
    return steady


def _common(first: object, second: object) -> object:
    if isinstance(first, dict) and isinstance(second, dict):
        names = [*first, *(name for name in second if name not in first)]
        return {
            name: _common(first[name], second[name]) if name in first and name in second else _UNSTEADY
            for name in names
        }
    if isinstance(first, list | tuple) and isinstance(second, list | tuple) and len(first) == len(second):
        return [_common(*pair) for pair in zip(first, second, strict=True)]
    return first if first is not _UNSTEADY and same(first, second) else _UNSTEADY


def _differ(left: object, right: object) -> bool:
    """Whether two results differ in something that is steady in both."""
    if left is _UNSTEADY or right is _UNSTEADY:
        return False
    if isinstance(left, dict) and isinstance(right, dict):
        lone = [name for name in left.keys() ^ right.keys() if {**left, **right}[name] is not _UNSTEADY]
        return bool(lone) or any(_differ(left[name], right[name]) for name in left.keys() & right.keys())
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        return any(map(_differ, left, right))
    return not same(left, right)
