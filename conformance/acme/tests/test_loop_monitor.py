import asyncio
from typing import Any

import pytest

from acme_oneiric.loop_monitor import LoopMonitor, LoopMonitorSettings


async def opened(window: int = 100) -> LoopMonitor:
    monitor = LoopMonitor(LoopMonitorSettings(interval=0.001, window=window))
    await monitor.init()
    return monitor


async def until_it_has_measured(monitor: LoopMonitor, samples: int) -> None:
    async with asyncio.timeout(10):
        while (await monitor.status())["samples"] < samples:  # noqa: ASYNC110 - it is measuring the real loop
            await asyncio.sleep(0.001)


def others() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


def test_it_measures_from_start_to_stop() -> None:
    async def scenario() -> None:
        monitor = await opened()
        assert await monitor.status() == {"running": False, "interval": 0.001, "samples": 0, "mean": 0.0, "worst": 0.0}
        await monitor.start()
        await monitor.start()
        assert len(others()) == 1
        await until_it_has_measured(monitor, 3)
        await monitor.stop()
        status = await monitor.status()
        assert status["running"] is False
        assert status["samples"] >= 3
        assert status["worst"] >= status["mean"] > 0
        assert not others()

    asyncio.run(scenario())


def test_it_can_be_started_again() -> None:
    async def scenario() -> None:
        monitor = await opened()
        await monitor.start()
        await monitor.stop()
        await monitor.start()
        assert (await monitor.status())["running"] is True
        await until_it_has_measured(monitor, 1)
        await monitor.cleanup()

    asyncio.run(scenario())


def test_it_remembers_no_more_than_its_window() -> None:
    async def scenario() -> None:
        monitor = await opened(window=2)
        await monitor.start()
        await until_it_has_measured(monitor, 2)
        await asyncio.sleep(0.02)
        assert (await monitor.status())["samples"] == 2
        await monitor.cleanup()

    asyncio.run(scenario())


def test_a_stop_that_is_cancelled_leaves_no_task() -> None:
    async def scenario() -> None:
        monitor = await opened()
        await monitor.start()
        stopping = asyncio.create_task(monitor.stop())
        await asyncio.sleep(0)
        stopping.cancel()
        await asyncio.wait([stopping])
        await monitor.cleanup()
        await asyncio.sleep(0)
        assert not others()

    asyncio.run(scenario())


def test_it_is_not_healthy_when_its_task_has_died() -> None:
    async def scenario() -> None:
        monitor = await opened()
        await monitor.start()
        assert await monitor.health() is True
        for task in others():
            task.cancel()
            await asyncio.wait([task])
        assert await monitor.health() is False
        assert (await monitor.status())["running"] is False
        await monitor.cleanup()

    asyncio.run(scenario())


def test_it_is_usable_and_healthy_only_between_init_and_cleanup() -> None:
    async def scenario() -> None:
        monitor = LoopMonitor()
        await monitor.cleanup()
        assert await monitor.health() is False
        with pytest.raises(RuntimeError, match="closed"):
            await monitor.start()
        await monitor.init()
        assert await monitor.health() is True
        await monitor.start()
        await monitor.cleanup()
        await monitor.cleanup()
        assert await monitor.health() is False
        assert not others()

    asyncio.run(scenario())
