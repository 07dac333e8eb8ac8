"""What all measurements share."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Figure:
    """One line of the page."""

    work: str
    value: str
    goal: str


def median_of(times: int, measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(times))


def quickest_of(times: int, *measures: Callable[[], float]) -> tuple[float, ...]:
    """The least of each, in turns: what else a machine does only ever adds, and lasts longer than one of them."""
    rounds = [[measure() for measure in measures] for _ in range(times)]
    return tuple(map(min, zip(*rounds, strict=True)))


def per_call(calls: int, work: Callable[[], object]) -> float:
    """Median seconds of one call, over seven rounds."""

    def measure() -> float:
        start = time.perf_counter()
        for _ in range(calls):
            work()
        return (time.perf_counter() - start) / calls

    return median_of(7, measure)
