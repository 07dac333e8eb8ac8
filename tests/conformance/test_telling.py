"""Statuses that say which of two states it is, with clocks and counts beside it, and such that do not."""

# ruff: noqa: ARG005 - each is given the same two things

from collections.abc import Callable
from typing import Any

import pytest

from oneiric_conformance import PROFILES, Session, Status
from oneiric_conformance.handling.telling import tells_apart

HONEST: dict[str, Callable[[bool, int], Any]] = {
    "a word": lambda runs, now: "running" if runs else "stopped",
    "a line with a clock": lambda runs, now: f"{'running' if runs else 'stopped'} at {now}",
    "a sign before a clock": lambda runs, now: f"{'>' if runs else '#'} {now}",
    "one more number": lambda runs, now: f"{now} since {now}" if runs else f"{now}",
    "beside a clock, further inside": lambda runs, now: {"worker": {"running": runs, "checked_at": now}},
    "rows with clocks": lambda runs, now: [{"n": n, "state": "up" if runs else "down", "at": now} for n in (1, 2)],
    "since when": lambda runs, now: {"since": now if runs else None},
    "since when, or nothing": lambda runs, now: {"name": "it", **({"since": now} if runs else {})},
    "when it ended": lambda runs, now: {"ended": None if runs else now},
    "how long": lambda runs, now: {"uptime": now / 10 if runs else 0.0},
    "workers": lambda runs, now: [f"worker-{now}"] if runs else [],
    "one worker more": lambda runs, now: ["main", *([f"worker-{now}"] if runs else [])],
    "a name of each run": lambda runs, now: f"running {'abcdefgh'[now % 8]}" if runs else "stopped",
    "truth": lambda runs, now: runs,
}
SILENT: dict[str, Callable[[bool, int], Any]] = {
    "a clock": lambda runs, now: now,
    "a clock inside": lambda runs, now: {"at": [{"now": now}]},
    "a clock in a text": lambda runs, now: f"it is {now}",
    "the same": lambda runs, now: {"name": "it"},
    "nothing": lambda runs, now: None,
    "how often it changed": lambda runs, now: {"changes": now // 10},
}


def said(status: Callable[[bool, int], Any]) -> tuple[list[Any], list[Any]]:
    """What is said three times while it runs, and three times when it does not; time goes on."""
    all_said = [(turn % 2 == 0, status(turn % 2 == 0, 10 * turn + each)) for turn in range(6) for each in (1, 2)]
    return [value for runs, value in all_said if runs], [value for runs, value in all_said if not runs]


@pytest.mark.parametrize("name", HONEST)
def test_a_status_may_hold_what_changes_by_itself(name: str) -> None:
    running, stopped = said(HONEST[name])
    assert tells_apart(running, stopped)
    assert tells_apart(stopped, running)
    assert tells_apart(running[:2], stopped[:2])


@pytest.mark.parametrize("name", SILENT)
def test_what_only_changes_by_itself_says_nothing(name: str) -> None:
    running, stopped = said(SILENT[name])
    assert not tells_apart(running, stopped)


def test_one_and_true_are_two_things() -> None:
    assert tells_apart([1, 1], [True, True])
    assert tells_apart([1.0], [1])


CLOCKS = """
    import time

    class Service:
        ready = runs = False

        async def init(self):
            self.ready = True

        async def start(self):
            self.runs = True

        async def stop(self):
            self.runs = False

        async def health(self):
            return self.ready

        async def cleanup(self):
            self.ready = self.runs = False

    class Inside(Service):
        async def status(self):
            return {"service": "it", "worker": {"running": self.runs, "checked_at": time.time_ns()}}

    class Line(Service):
        async def status(self):
            return f"{'running' if self.runs else 'stopped'} at {time.time_ns()}"

    class Rows(Service):
        async def status(self):
            return [{"worker": n, "state": "up" if self.runs else "down", "at": time.time_ns()} for n in range(2)]
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Inside", "Line", "Rows"])
def test_a_service_may_tell_the_time_in_its_status(author: Any, name: str) -> None:
    package = author.package(CLOCKS, name, domain="service")
    with Session(package, profile=PROFILES["quick"]) as session:
        (result,) = [session.judge(item) for item in session.plan() if item.check == "SVC-001"]
    assert (result.status, result.reason) == (Status.PASS, "")
