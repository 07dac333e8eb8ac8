"""What counts as work of a component's own: results that follow from what it was given, and from nothing else alone."""

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from oneiric_conformance.handling.plain import different, flaw, same

__all__ = ["own_work"]

_TRIED: Final = 3
_AGAIN: Final = 3
_UNSTEADY: Final = object()


async def own_work(
    pairs: Sequence[tuple[Any, Any]],
    again: Callable[[Any], Awaitable[Any]],
    parts: Callable[[Any], Mapping[str, Any]] = lambda given: {"payload": given},
) -> int:
    """How many different things a component did with different inputs, given as (input, result).

    0 unless at least two results are plain data and differ from each other, from their inputs and from None, and do so
    each time they are asked for: who answers the same to everything, hands back what it was given, with whatever words
    around it, counts its calls, draws lots or tells the time did nothing of its own.

    :param again: gives the result for the same input once more.
    :param parts: what of an input a component could simply hand back, wherever it stands in a result, by name: results
        that differ in that alone do not differ, and one that is made of nothing else is none.
    """
    apart: list[tuple[Any, Any]] = []
    for given, result in pairs:
        if result is None or flaw(result) or _handed_back(result, parts(given)):
            continue
        if all(_differ(result, known, parts(given), parts(other)) for other, known in apart):
            apart.append((given, result))
    if len(apart) <= 1:
        return 0
    steady = [(await _steadily(given, result, again), parts(given)) for given, result in _spread(apart)]
    apart_again = any(_differ(one, other, its, the_others) for (one, its), (other, the_others) in _couples(steady))
    return different(result for _, result in apart) if apart_again else 0


def _handed_back(result: object, parts: Mapping[str, Any]) -> bool:
    """Whether a result is one of these parts, or a list or an object of nothing else."""
    if any(same(result, part) for part in parts.values()):
        return True
    inner = [*result.values()] if isinstance(result, dict) else result
    return isinstance(inner, list | tuple) and bool(inner) and all(_handed_back(item, parts) for item in inner)


def _spread(apart: Sequence[Any]) -> list[Any]:
    """The first, the last and one between."""
    chosen = {0, len(apart) // 2, len(apart) - 1}
    return [apart[index] for index in sorted(chosen)][:_TRIED]


def _couples(items: Sequence[Any]) -> "itertools.combinations[tuple[Any, Any]]":
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


def _differ(left: object, right: object, lefts: Mapping[str, Any], rights: Mapping[str, Any]) -> bool:
    """Whether two results differ in something that is steady in both and no part of what they were given."""
    if left is _UNSTEADY or right is _UNSTEADY:
        return False
    if any(same(left, lefts[name]) and same(right, rights[name]) for name in lefts.keys() & rights.keys()):
        return False
    if isinstance(left, dict) and isinstance(right, dict):
        lone = [name for name in left.keys() ^ right.keys() if {**left, **right}[name] is not _UNSTEADY]
        return bool(lone) or any(_differ(left[name], right[name], lefts, rights) for name in left.keys() & right.keys())
    if isinstance(left, list | tuple) and isinstance(right, list | tuple) and len(left) == len(right):
        return any(_differ(*pair, lefts, rights) for pair in zip(left, right, strict=True))
    return not same(left, right)
