"""Limits short enough to be waited for, without taking a machine that stands still for a component that does."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.judging.findings import Finding
from oneiric_conformance.runtime import Limits

__all__ = ["tight_limits", "with_time_to_spare"]

_TIGHT: Final = 0.02
_LIVES: Final = 5
_SPARE: Final = 8
_AT_LEAST: Final = 0.4


def tight_limits(bench: Bench, lifetime: float) -> Limits:
    """The bench's limits, or as many lifetimes of the component as it keeps with ease, whichever is less.

    :param lifetime: seconds that it takes to come up, say that it is healthy, and be cleaned up.
    """
    seconds = max(_TIGHT, _LIVES * lifetime)
    return replace(bench.limits, init=min(bench.limits.init, seconds), health=min(bench.limits.health, seconds))


def with_time_to_spare(tight: Limits, judge: Callable[[Limits], None]) -> None:
    """Judge within ``tight``; where that finds something, what counts is found with eight times as much time, and with
    0.4 s at least.

    :raises Finding: the second time.
    """
    try:
        judge(tight)
    except Finding:
        init, health = (max(_AT_LEAST, _SPARE * seconds) for seconds in (tight.init, tight.health))
        judge(replace(tight, init=init, health=health))
