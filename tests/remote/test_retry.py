"""Which failures are tried again, when, and how often; and when nobody tries any more."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneiric_core import FetchLimits, FrozenClock
from oneiric_core.errors import (
    ArtifactTooLargeError,
    DigestMismatchError,
    FetchError,
    OneiricError,
    PathTraversalError,
    RefusedFetchError,
    SignatureError,
    TransientFetchError,
)
from oneiric_core.remote.breaker import Breaker, BreakerState
from oneiric_core.remote.fetcher import Tally
from oneiric_core.remote.retry import Retries
from oneiric_core.testing import ArtifactServer, Broken, Reply, WireFault

TRANSIENT = [408, 425, 429, 500, 501, 502, 503, 504, 599]
FINAL = [201, 202, 203, 204, 206, 300, 304, 305, 400, 401, 403, 404, 405, 406, 409, 410, 412, 416, 418, 421, 451, 499]


def failure(**evidence: object) -> TransientFetchError:
    return TransientFetchError("the server is tired", fix="Let it rest", **evidence)


class Trial:
    """Attempts that fail as told, at the times that a clock says."""

    def __init__(self, *errors: Exception | None, limits: FetchLimits, breaker: Breaker | None = None) -> None:
        self.clock = FrozenClock()
        self.breaker = breaker or Breaker(failures=1000, clock=self.clock)
        self.errors = [*errors]
        self.times: list[float] = []
        self._limits = limits

    async def _attempt(self) -> str:
        self.times.append(self.clock.monotonic())
        error = self.errors.pop(0) if len(self.errors) > 1 else self.errors[0]
        if error is not None:
            raise error
        return "done"

    async def run(self, seconds: float = 10**6) -> str:
        retries = Retries(self._limits, self.breaker, self.clock)
        task = asyncio.ensure_future(retries.run("origin", self._attempt, seconds))
        await self.clock.advance(0)
        while not task.done():
            await self.clock.advance(5)
        return await task

    @property
    def pauses(self) -> list[float]:
        return [later - earlier for earlier, later in zip(self.times, self.times[1:], strict=False)]


async def fetch(fetching: Any, url: str, **options: Any) -> Tally:
    """Fetch while time passes; what was counted, whatever came of it."""
    tally = Tally()
    fetcher = fetching.fetcher(**({"attempts": 3} | options))

    async def take(answer: Any) -> bytes:
        return b"".join([chunk async for chunk in answer.chunks])

    await fetching.passing(fetcher.fetch(fetcher.artifact(url), take, tally=tally), step=0.01)
    return tally


@pytest.mark.parametrize("status", TRANSIENT)
async def test_a_status_that_may_change_is_tried_again(status: int, server: ArtifactServer, fetching: Any) -> None:
    url = server.on("/a", Reply(status=status), Reply(status=status), Reply(b"x"))
    tally = await fetch(fetching, url, limits={"patience": 10**6, "seconds": 10**6})
    assert (tally.attempts, tally.bytes, len(server.requests)) == (3, 1, 3)


@pytest.mark.parametrize("status", FINAL)
async def test_a_status_that_will_not_is_asked_for_once(status: int, server: ArtifactServer, fetching: Any) -> None:
    url = server.on("/a", Reply(status=status), Reply(b"x"))
    with pytest.raises(RefusedFetchError, match=f"{status}|redirects|nothing has changed"):
        await fetch(fetching, url, limits={"patience": 10**6, "seconds": 10**6})
    assert len(server.requests) == 1


async def test_a_connection_that_broke_is_tried_again(server: ArtifactServer, fetching: Any) -> None:
    url = server.on("/a", Broken(WireFault.RESET), Broken(WireFault.SHORT, b"0123456789"), Reply(b"0123456789"))
    assert (await fetch(fetching, url, limits={"patience": 10**6, "seconds": 10**6})).attempts == 3


@pytest.mark.parametrize(
    "error",
    [
        RefusedFetchError("no", fix="x"),
        DigestMismatchError("no", fix="x"),
        ArtifactTooLargeError("no", fix="x"),
        PathTraversalError("no", fix="x"),
        SignatureError("no", fix="x"),
        FetchError("no", fix="x"),
        OSError(28, "No space left on device"),
        ValueError("no"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_is_wrong_for_good_is_tried_once(error: Exception) -> None:
    trial = Trial(error, limits=FetchLimits(attempts=9))
    with pytest.raises(type(error)) as caught:
        await trial.run()
    assert caught.value is error
    assert len(trial.times) == 1


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 8), st.integers(0, 10))
async def test_it_is_tried_as_often_as_allowed_and_the_last_error_is_raised(attempts: int, failures: int) -> None:
    errors = [failure(number=number) for number in range(failures)]
    trial = Trial(*errors, None, limits=FetchLimits(attempts=attempts, retry_seconds=10**6))
    if failures < attempts:
        assert await trial.run() == "done"
        assert len(trial.times) == failures + 1
    else:
        with pytest.raises(TransientFetchError) as caught:
            await trial.run()
        assert caught.value is errors[attempts - 1]
        assert len(trial.times) == attempts


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 8))
async def test_pauses_are_random_parts_of_a_time_that_doubles(attempts: int) -> None:
    trial = Trial(failure(), limits=FetchLimits(attempts=attempts, retry_seconds=10**6))
    with pytest.raises(TransientFetchError):
        await trial.run()
    for number, pause in enumerate(trial.pauses):
        assert 0 <= pause <= min(8.0, 0.5 * 2**number)


async def test_those_who_failed_together_do_not_come_back_together() -> None:
    seen = set()
    for _ in range(8):
        trial = Trial(failure(), None, limits=FetchLimits(attempts=2))
        await trial.run()
        seen.add(trial.times[1])
    assert len(seen) > 1


@settings(deadline=None, max_examples=20)
@given(st.floats(0, 25))
async def test_never_is_come_back_before_the_server_asked_for(seconds: float) -> None:
    trial = Trial(failure(retry_after=seconds), None, limits=FetchLimits(attempts=2, retry_seconds=30))
    await trial.run()
    assert trial.pauses[0] >= seconds - 0.001


@pytest.mark.parametrize("limits", [{"retry_seconds": 60.0}, {"retry_seconds": 10**6}])
async def test_who_asks_for_more_than_the_budget_or_the_deadline_has_gets_no_further_attempt(limits: Any) -> None:
    trial = Trial(failure(retry_after=3600.0), limits=FetchLimits(attempts=5, **limits))
    with pytest.raises(TransientFetchError):
        await trial.run(seconds=3000)
    assert trial.clock.monotonic() < 1, "it was slept upon"
    assert len(trial.times) == 1


async def test_all_pauses_together_keep_to_the_budget() -> None:
    trial = Trial(failure(retry_after=4.0), limits=FetchLimits(attempts=50, retry_seconds=10))
    with pytest.raises(TransientFetchError):
        await trial.run()
    assert sum(trial.pauses) <= 10


@pytest.mark.parametrize("form", ["seconds", "date", "nonsense", "no zone", "no year", "past"])
async def test_retry_after_is_read_in_both_forms(form: str, server: ArtifactServer, fetching: Any) -> None:
    now = fetching.clock.now()
    value = {
        "seconds": "7",
        "date": format_datetime((now + timedelta(seconds=7)).astimezone(UTC), usegmt=True),
        "nonsense": "soon",
        "no zone": f"Thu, 01 Jan 2026 00:00:00 +{'9' * 17}",
        "no year": f"01 Jan {'9' * 17} 00:00:00 GMT",
        "past": format_datetime(datetime(2000, 1, 1, tzinfo=UTC), usegmt=True),
    }[form]
    url = server.on("/a", Reply.busy(value))
    with pytest.raises(TransientFetchError) as caught:
        await fetch(fetching, url, attempts=1, limits={"patience": 10**6, "seconds": 10**6})
    expected = {"seconds": 7.0, "date": 7.0, "past": 0.0}.get(form)
    found = caught.value.evidence.get("retry_after")
    assert found is None if expected is None else found == pytest.approx(expected, abs=1)


# --- the breaker ---------------------------------------------------------------------------------------------------


async def failing(breaker: Breaker, origin: str, times: int) -> None:
    for _ in range(times):
        breaker.failed(origin, failure())


async def test_after_so_many_failures_nobody_asks_and_the_original_error_is_told() -> None:
    trial = Trial(failure(status=503), limits=FetchLimits(attempts=1), breaker=(breaker := Breaker(failures=3)))
    trial.breaker = breaker = Breaker(failures=3, seconds=30, clock=trial.clock)
    for _ in range(3):
        with pytest.raises(TransientFetchError):
            await trial.run()
    assert breaker.state("origin") is BreakerState.OPEN
    with pytest.raises(TransientFetchError, match=r"failed 3 times.*the server is tired") as caught:
        await trial.run()
    assert len(trial.times) == 3
    assert isinstance(caught.value.__cause__, TransientFetchError)
    assert caught.value.__cause__.evidence["status"] == 503


async def test_a_breaker_that_opens_ends_the_retries_with_the_error_itself() -> None:
    trial = Trial(error := failure(), limits=FetchLimits(attempts=9, retry_seconds=10**6))
    trial.breaker = Breaker(failures=2, clock=trial.clock)
    with pytest.raises(TransientFetchError) as caught:
        await trial.run()
    assert caught.value is error
    assert len(trial.times) == 2


async def test_when_its_time_is_over_one_tries_and_the_others_wait_for_what_comes_of_it() -> None:
    clock = FrozenClock()
    breaker, retries = Breaker(failures=1, seconds=30, clock=clock), None
    retries = Retries(FetchLimits(attempts=3), breaker, clock)
    await failing(breaker, "origin", 1)
    await clock.advance(30)
    assert breaker.state("origin") is BreakerState.HALF_OPEN
    go, asked = asyncio.Event(), []

    async def probe() -> str:
        asked.append(clock.monotonic())
        await go.wait()
        return "done"

    first = asyncio.ensure_future(retries.run("origin", probe, 60))
    await clock.advance(0)
    for _ in range(5):
        with pytest.raises(TransientFetchError, match="two at once"):
            await retries.run("origin", probe, 60)
    assert len(asked) == 1
    go.set()
    assert await first == "done"
    assert breaker.states() == {}
    assert await retries.run("origin", probe, 60) == "done"


@pytest.mark.parametrize("outcome", ["fails", "is cancelled", "is refused"])
async def test_a_try_that_does_not_work_leaves_the_breaker_as_it_should(outcome: str) -> None:
    clock = FrozenClock()
    breaker = Breaker(failures=2, seconds=30, clock=clock)
    retries = Retries(FetchLimits(attempts=3), breaker, clock)
    await failing(breaker, "origin", 2)
    await clock.advance(30)
    asked = 0

    async def probe() -> None:
        nonlocal asked
        asked += 1
        if outcome == "fails":
            raise failure()
        if outcome == "is refused":
            raise RefusedFetchError("404", fix="x")
        await asyncio.Event().wait()

    task = asyncio.ensure_future(retries.run("origin", probe, 60))
    await clock.advance(0)
    task.cancel()
    with pytest.raises((OneiricError, asyncio.CancelledError)):
        await task
    assert asked == 1
    expected = {"fails": BreakerState.OPEN, "is cancelled": BreakerState.HALF_OPEN, "is refused": BreakerState.CLOSED}
    assert breaker.state("origin") is expected[outcome]
    if outcome == "is cancelled":  # and somebody else may try
        assert breaker.admit("origin")


async def test_origins_fail_by_themselves() -> None:
    breaker = Breaker(failures=1)
    await failing(breaker, "one", 1)
    assert breaker.state("other") is BreakerState.CLOSED
    assert not breaker.admit("other")
    assert breaker.states() == {"one": BreakerState.OPEN}


async def test_a_success_between_failures_begins_the_count_anew() -> None:
    breaker = Breaker(failures=2)
    for _ in range(5):
        await failing(breaker, "origin", 1)
        breaker.succeeded("origin")
    assert breaker.state("origin") is BreakerState.CLOSED


@pytest.mark.parametrize("make", [lambda: Breaker(failures=0), lambda: Breaker(seconds=0)])
def test_a_breaker_that_would_always_or_never_be_open_cannot_be_made(make: Callable[[], Breaker]) -> None:
    with pytest.raises(ValueError, match="positive"):
        make()


async def test_what_is_refused_by_a_server_says_that_it_is_there(server: ArtifactServer, fetching: Any) -> None:
    """A 404 is no reason not to ask for other things."""
    fetcher = fetching.fetcher(breaker=Breaker(failures=1, clock=fetching.clock))
    url = server.on("/gone", Reply(status=404))

    async def take(answer: Any) -> None: ...

    for _ in range(3):
        with pytest.raises(RefusedFetchError):
            await fetcher.fetch(fetcher.artifact(url), take)
    assert fetcher.breaker.states() == {}
