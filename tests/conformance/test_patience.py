"""Limits that can be waited for, and a second look where they were too short."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from oneiric_conformance import CHECKS, PROFILES, Finding, Limits, Package
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.patience import tight_limits, with_time_to_spare

TIGHT = Limits(init=0.02, health=0.01)


def test_what_holds_at_once_is_not_looked_at_again() -> None:
    given: list[Limits] = []
    with_time_to_spare(TIGHT, given.append)
    assert given == [TIGHT]


def test_a_finding_counts_only_if_it_is_there_with_time_to_spare() -> None:
    given: list[Limits] = []

    def judge(limits: Limits) -> None:
        given.append(limits)
        if limits.init < 0.1:
            raise Finding("too slow")

    with_time_to_spare(TIGHT, judge)
    first, second = given
    assert first == TIGHT
    assert second.init > first.init
    assert second.health > first.health

    def never(limits: Limits) -> None:
        raise Finding(f"not within {limits.init:g} s")

    with pytest.raises(Finding, match=r"within 0\.4 s"):
        with_time_to_spare(TIGHT, never)


def test_a_slow_component_runs_out_of_time_at_each_stage_while_the_check_still_has_some() -> None:
    slow, given = Limits(init=2.0, health=2.0), []  # of a component that takes four tenths of a second

    def judge(limits: Limits) -> None:
        given.append(limits)
        if len(given) == 1:
            raise Finding("the machine stood still")

    with_time_to_spare(slow, judge)
    assert 2 * given[1].init + given[1].health < PROFILES["gate"].seconds


def test_what_is_no_finding_is_not_tried_again() -> None:
    tried: list[Limits] = []

    def broken(limits: Limits) -> None:
        tried.append(limits)
        raise KeyError(limits)

    with pytest.raises(KeyError):
        with_time_to_spare(TIGHT, broken)
    assert len(tried) == 1


def test_a_slow_component_is_given_its_lifetimes_and_never_more_than_the_limits(
    bench_of: Callable[..., Bench], echo: Package
) -> None:
    bench = bench_of(echo, limits=Limits(init=3.0, health=1.0))
    quick, slow = tight_limits(bench, 0.0), tight_limits(bench, 0.4)
    assert 0 < quick.init < 0.2
    assert slow.init > 0.4
    assert slow.health == 1.0
    assert tight_limits(bench, 60.0).init == 3.0
    assert quick.cleanup == bench.limits.cleanup


MOODY = """
    import os

    ASKED, UNWELL = [], []
    GONE, LEAVING, LEFT = [], [], []

    class Moody:
        def health(self):
            ASKED.append(1)
            return len(ASKED) not in UNWELL

        def cleanup(self):
            GONE.append(1)
            if len(GONE) in LEAVING:
                LEFT.append(open(os.devnull))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("check", "calls", "moods"),
    [("HOT-004", "ASKED", "UNWELL"), ("LIFE-004", "GONE", "LEAVING"), ("HOT-005", "GONE", "LEAVING")],
)
def test_what_is_looked_at_again_counts_once(
    author: Any, bench_of: Callable[..., Bench], check: str, calls: str, moods: str
) -> None:
    """How often a machine stood still is no part of what was tried."""
    package = author.package(MOODY, "Moody")
    moody = import_module(str(package.subjects[0].factory).partition(":")[0])

    def tried() -> tuple[int, int]:
        """How many cases were, and with how many calls."""
        getattr(moody, calls).clear()
        bench = bench_of(package, repetitions=10, seconds=60.0)
        CHECKS[check].body(bench)
        return bench.tally.exercised, len(getattr(moody, calls))

    cases, needed = tried()
    getattr(moody, moods).append(needed - 1)
    again, more = tried()
    for left in moody.LEFT:
        left.close()
    assert more > needed
    assert again == cases > 0
