"""When an act is due: at once when asked, after its period, and sooner after a failure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneiric_core.bridges import CallPolicy
from oneiric_core.runtime.acts import Act

CERTAIN = CallPolicy(base_delay=1, max_delay=60, multiplier=2)


def test_nothing_is_due_before_somebody_asks() -> None:
    assert Act("sync", period=5).due is None


def test_it_is_due_when_asked_and_then_once_every_period_from_beginning_to_beginning() -> None:
    act = Act("sync", period=60)
    act.ask(100)
    assert act.due == 100
    act.begin(100)
    act.succeeded()
    assert act.due == 160


def test_without_a_period_it_is_done_once() -> None:
    act = Act("sync")
    act.ask(100)
    act.begin(100)
    act.succeeded()
    assert act.due is None


def test_who_asks_while_it_is_done_is_heard() -> None:
    act = Act("sync")
    act.ask(100)
    act.begin(100)
    act.ask(101)
    act.succeeded()
    assert act.due == 101


def test_failures_are_tried_again_ever_later_until_it_succeeds() -> None:
    act = Act("sync", backoff=CERTAIN)
    waits = []
    for _ in range(9):
        act.begin(100)
        act.failed("no", 100)
        assert act.due is not None
        waits.append(act.due - 100)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert (act.failures, act.error) == (9, "no")
    act.begin(100)
    act.succeeded()
    assert (act.failures, act.error, act.due) == (0, "", None)


@given(st.floats(0.1, 1e6), st.integers(1, 50))
def test_a_failure_never_delays_the_next_period(period: float, failures: int) -> None:
    act = Act("sync", period=period)
    for _ in range(failures):
        act.begin(0)
        act.failed("no", 0)
    assert act.due is not None
    assert 0 < act.due <= period


def test_many_that_fail_together_do_not_come_back_together() -> None:
    waits = set()
    for _ in range(20):
        act = Act("sync")
        act.failed("no", 0)
        waits.add(act.due)
    assert len(waits) > 1
    assert all(wait is not None and pytest.approx(1, abs=0.26) == wait for wait in waits)
