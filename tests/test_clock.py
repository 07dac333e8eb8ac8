"""Time as it is, and time that stands still until told to move."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from oneiric_core.clock import SYSTEM_CLOCK, Clock, FrozenClock


async def test_the_system_clock_is_the_machines() -> None:
    clock: Clock = SYSTEM_CLOCK
    before = clock.monotonic()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=60)
    assert clock.now().tzinfo is UTC
    await clock.sleep(0)
    async with clock.timeout(None):
        assert clock.monotonic() >= before
    with pytest.raises(TimeoutError):
        async with clock.timeout(0):
            await asyncio.get_running_loop().create_future()


async def test_frozen_time_moves_only_when_told_to() -> None:
    clock = FrozenClock(datetime(2026, 5, 1, 12, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == datetime(2026, 5, 1, 10, tzinfo=UTC)
    assert (clock.now(), clock.monotonic()) == (clock.now(), 0)
    await clock.advance(90)
    assert clock.now() == datetime(2026, 5, 1, 10, 1, 30, tzinfo=UTC)
    assert clock.monotonic() == 90
    with pytest.raises(ValueError, match="forward"):
        await clock.advance(-1)


def test_a_start_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        FrozenClock(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


async def test_sleepers_wake_in_the_order_in_which_they_are_due() -> None:
    clock = FrozenClock()
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float, *more: float) -> None:
        for each in (seconds, *more):
            await clock.sleep(each)
            woken.append((name, clock.monotonic()))

    async with asyncio.TaskGroup() as group:
        group.create_task(sleeper("late", 5))
        group.create_task(sleeper("often", 1, 2, 0))
        group.create_task(sleeper("cancelled", 2)).cancel()
        await clock.advance(0.5)
        assert woken == []
        await clock.advance(10)
    assert woken == [("often", 1), ("often", 3), ("often", 3), ("late", 5)]
    assert clock.monotonic() == 10.5


async def test_a_sleeper_that_was_cancelled_does_not_stop_the_clock() -> None:
    clock = FrozenClock()
    sleeping = asyncio.create_task(clock.sleep(1))
    await asyncio.sleep(0)
    sleeping.cancel()
    await asyncio.wait({sleeping})
    await clock.advance(2)
    assert clock.monotonic() == 2


async def test_timeouts_fire_when_time_comes_and_not_when_they_were_left() -> None:
    clock = FrozenClock()

    async def wait_for(seconds: float | None) -> None:
        async with clock.timeout(seconds):
            await asyncio.get_running_loop().create_future()

    firing, never = asyncio.create_task(wait_for(3)), asyncio.create_task(wait_for(None))
    async with clock.timeout(1):
        pass
    await clock.advance(2)
    assert not firing.done()
    await clock.advance(1)
    with pytest.raises(TimeoutError):
        await firing
    await clock.advance(1000)
    assert not never.done()
    never.cancel()
    await asyncio.wait({never})


async def test_a_cancellation_from_outside_is_no_timeout() -> None:
    clock = FrozenClock()

    async def wait_long() -> None:
        async with clock.timeout(3):
            await asyncio.get_running_loop().create_future()

    waiting = asyncio.create_task(wait_long())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
