"""Where among its examples a check is, so that one which failed can be met again without all the others.

The lists and properties of a check are its series, numbered from 1 in the order in which it comes to them. Inside an
example no other one is counted: what a check does there belongs to that example.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

__all__ = ["NOTHING", "Place", "Route"]

T = TypeVar("T")

NOTHING: Final = object()
"""Stands for no example, where None could be one."""


@dataclass(frozen=True, slots=True)
class Place:
    """One example of a check.

    :param series: which list or property, from 1.
    :param index: which item of the list, from 0; None for an example that was generated.
    :param choices: what Hypothesis chose for a generated one, as ``reproduce_failure`` takes it.
    """

    series: int
    index: int | None = None
    choices: str = ""


class Route:
    """The way of one judgement through the examples of its check.

    :param only: in a replay the one example that is tried; all others are passed by.
    :ivar at: the example that is being tried, or that ended the check; None if none of them did.
    :ivar given: the example itself, :data:`NOTHING` if there is none.
    :ivar reached: in a replay, whether the check came to the example.
    """

    def __init__(self, only: Place | None = None) -> None:
        self.only: Final = only
        self.at: Place | None = None
        self.given: Any = NOTHING
        self.reached = False
        self._series = 0

    def begin(self) -> int:
        """The number of a series that begins here; 0 inside an example, where nothing is counted."""
        if self.at is not None:
            return 0
        self._series += 1
        return self._series

    def listed(self, series: int, items: Iterable[T]) -> Iterator[T]:
        """The items of a list, each of which is where the check is until the next one is asked for."""
        if not series:
            yield from items
            return
        for index, item in enumerate(items):
            place = Place(series, index)
            if self.only in (None, place):
                self.arrive(place, item)
                yield item
                self.leave()

    def generates(self, series: int) -> bool:
        """Whether examples of this series are generated: all of them, or the one that is replayed."""
        return self.only is None or not series or self.replays(series)

    def replays(self, series: int) -> bool:
        """Whether the one example to be replayed is a generated one of this series."""
        return self.only is not None and self.only.series == series and self.only.index is None

    def arrive(self, place: Place, given: object) -> None:
        """An example is going to be tried."""
        self.at, self.given, self.reached = place, given, True

    def leave(self) -> None:
        """The example held."""
        self.at, self.given = None, NOTHING
