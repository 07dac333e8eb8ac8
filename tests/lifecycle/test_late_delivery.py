"""Factories and hooks that do not end when they are told to."""

import asyncio
import threading
from typing import Any

import pytest

from oneiric_core.errors import ActivationError, HealthError, LifecycleError
from oneiric_core.lifecycle import State

CACHE = ("adapter", "cache")


def deaf_factory(kit: Any, gate: asyncio.Event, result: Any = None) -> Any:
    """Waits for the gate, however often it is cancelled, and delivers."""

    async def factory() -> Any:
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue
        return kit.ledger.make() if result is None else result

    return factory


async def test_what_a_timed_out_factory_delivers_late_is_cleaned_up(kit: Any) -> None:
    gate = asyncio.Event()
    kit.offer(deaf_factory(kit, gate))
    activating = asyncio.create_task(kit.manager.activate(*CACHE))
    await kit.clock.advance(30 + 19)
    assert not activating.done()
    await kit.clock.advance(1)
    assert activating.done()
    with pytest.raises(ActivationError, match="factory of adapter/cache/one did not end within 30 s"):
        await activating
    assert kit.ledger.made == 0
    gate.set()
    await kit.steps(10)
    assert kit.ledger.stages(1) == ["made", "cleanup"]


async def test_the_next_swap_need_not_wait_for_the_late_one(kit: Any) -> None:
    gate = asyncio.Event()
    kit.offer(deaf_factory(kit, gate))
    activating = asyncio.create_task(kit.manager.activate(*CACHE))
    await kit.clock.advance(50)
    await asyncio.wait({activating})
    activating.exception()
    kit.offer(kit.ledger.factory())
    live = await kit.manager.activate(*CACHE)
    gate.set()
    await kit.steps(10)
    assert kit.manager.get_instance(*CACHE) is live
    assert kit.ledger.cleaned == [2]


async def test_a_late_class_is_no_instance_to_be_cleaned_up(kit: Any) -> None:
    gate = asyncio.Event()
    called: list[str] = []

    class Late:
        @staticmethod
        def cleanup() -> None:
            called.append("cleanup")

    kit.offer(deaf_factory(kit, gate, Late))
    activating = asyncio.create_task(kit.manager.activate(*CACHE))
    await kit.clock.advance(50)
    gate.set()
    with pytest.raises(ActivationError):
        await activating
    await kit.steps(10)
    assert called == []


async def test_an_init_that_ignores_its_cancellation_holds_nobody_up_for_long(kit: Any) -> None:
    gate = asyncio.Event()

    async def deaf() -> None:
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue

    kit.offer(kit.ledger.factory(init=deaf))
    activating = asyncio.create_task(kit.manager.activate(*CACHE))
    await kit.clock.advance(30 + 9)
    assert kit.ledger.cleaned == []
    assert not activating.done()
    await kit.clock.advance(1)
    assert kit.ledger.cleaned == [1]
    with pytest.raises(ActivationError, match="init of"):
        await activating
    gate.set()


async def test_what_is_given_up_and_cannot_be_stopped_is_cleaned_up_all_the_same(kit: Any) -> None:
    kit.offer(kit.ledger.factory(health=kit.explode, stop=kit.explode), domain="service", key="web")
    with pytest.raises(HealthError):
        await kit.manager.activate("service", "web")
    assert kit.ledger.stages(1) == ["made", "init", "start", "health", "stop", "cleanup"]


@pytest.mark.parametrize("begun", [1, 35], ids=["under way", "given up"])
async def test_stop_goes_without_a_deaf_factory_but_what_it_delivers_is_cleaned_up(
    kit: Any, begun: int, caplog: pytest.LogCaptureFixture
) -> None:
    gate = asyncio.Event()
    kit.offer(deaf_factory(kit, gate))
    activating = asyncio.create_task(kit.manager.activate(*CACHE))
    await kit.clock.advance(begun)
    stopping = asyncio.create_task(kit.manager.stop())
    await kit.clock.advance(20 + 19)
    assert not stopping.done()
    await kit.clock.advance(1)
    await stopping
    assert caplog.messages == ["1 calls into components ignored their cancellation and still run"]
    await kit.clock.advance(20)
    with pytest.raises(ActivationError):
        await activating
    gate.set()
    await kit.steps(10)
    assert kit.ledger.stages(1) == ["made", "cleanup"]


async def test_stop_tells_what_did_not_heed_the_first_cancellation_once_more(kit: Any) -> None:
    told: list[int] = []

    async def factory() -> Any:
        while True:
            try:
                await kit.hang()
            except asyncio.CancelledError:
                told.append(1)
                if len(told) > 1:
                    raise

    kit.offer(factory)
    activating = asyncio.create_task(kit.manager.activate(*CACHE))
    await kit.steps(5)
    stopping = asyncio.create_task(kit.manager.stop())
    await kit.clock.advance(19)
    assert len(told) == 1
    await kit.clock.advance(1)
    assert len(told) == 2
    await stopping
    with pytest.raises(ActivationError):
        await activating


async def test_stop_does_not_wait_for_what_is_being_made(kit: Any) -> None:
    kit.offer(kit.ledger.factory(init=kit.hang))
    activating = asyncio.create_task(kit.manager.activate(*CACHE))
    await kit.steps(5)
    stopping = asyncio.create_task(kit.manager.stop())
    await kit.steps(20)
    assert stopping.done()
    with pytest.raises(ActivationError, match="init of adapter/cache/one was cancelled, because the manager was stop"):
        await activating
    assert kit.ledger.stages(1) == ["made", "init", "cleanup"]


async def test_after_stop_no_further_stage_begins(kit: Any) -> None:
    async def deaf_once() -> None:
        try:
            await kit.hang()
        except asyncio.CancelledError:
            return

    kit.offer(kit.ledger.factory(init=deaf_once))
    activating = asyncio.create_task(kit.manager.activate(*CACHE))
    await kit.steps(5)
    await kit.manager.stop()
    with pytest.raises(HealthError, match="health of adapter/cache/one was not begun"):
        await activating
    assert kit.ledger.stages(1) == ["made", "init", "cleanup"]


async def test_a_blocking_component_works_in_a_thread(kit: Any) -> None:
    threads: dict[str, threading.Thread] = {}

    class Blocking:
        def __init__(self) -> None:
            threads["factory"] = threading.current_thread()

        def init(self) -> None:
            threads["init"] = threading.current_thread()

        async def health(self) -> bool:
            await asyncio.sleep(0)
            threads["health"] = threading.current_thread()
            return True

        def cleanup(self) -> None:
            threads["cleanup"] = threading.current_thread()

    kit.offer(Blocking, blocking=True)
    await kit.manager.activate(*CACHE)
    await kit.manager.stop()
    assert threads["health"] == threading.current_thread()
    workers = [threads[each] for each in ("factory", "init", "cleanup")]
    assert all(worker.name.startswith("oneiric-blocking") for worker in workers)
    assert not any(worker.is_alive() for worker in workers)


async def test_what_a_thread_delivers_after_its_cancellation_is_cleaned_up(kit: Any) -> None:
    gate = threading.Event()
    entered = asyncio.Event()
    loop = asyncio.get_running_loop()

    def factory() -> Any:
        loop.call_soon_threadsafe(entered.set)
        gate.wait(30)
        return kit.ledger.make()

    kit.offer(factory, blocking=True)
    activating = asyncio.create_task(kit.manager.activate(*CACHE))
    await asyncio.wait_for(entered.wait(), 30)
    activating.cancel()
    await kit.steps(5)
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await activating
    assert kit.ledger.cleaned == [1]


async def test_stop_goes_without_a_thread_that_does_not_end(kit: Any) -> None:
    gate, entered = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    in_time: list[bool] = []

    def factory() -> Any:
        loop.call_soon_threadsafe(entered.set)
        in_time.append(gate.wait(30))
        return kit.ledger.make()

    kit.offer(factory, blocking=True)
    activating = asyncio.create_task(kit.manager.activate(*CACHE))
    await asyncio.wait_for(entered.wait(), 30)
    stopping = asyncio.create_task(kit.manager.stop())
    await kit.clock.advance(40)
    assert stopping.done()
    gate.set()
    with pytest.raises(ActivationError):
        await activating
    while not kit.ledger.cleaned:
        await kit.steps(1)
    assert in_time == [True]


async def test_what_a_thread_raises_is_the_reason(kit: Any) -> None:
    def factory() -> Any:
        raise StopIteration("of all things")

    kit.offer(factory, blocking=True)
    with pytest.raises(ActivationError, match="StopIteration"):
        await kit.manager.activate(*CACHE)


async def test_a_call_in_a_thread_outlives_its_cancellation_but_not_its_caller(kit: Any) -> None:
    gate, entered = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    ended: list[bool] = []

    def work() -> None:
        loop.call_soon_threadsafe(entered.set)
        gate.wait(30)
        ended.append(True)

    calling = asyncio.create_task(kit.manager.in_thread(work))
    await asyncio.wait_for(entered.wait(), 30)
    calling.cancel()
    await kit.steps(5)
    assert not calling.done()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert ended == [True]
    assert await kit.manager.in_thread(lambda: 7) == 7


async def test_after_stop_everything_is_refused_and_stop_is_idempotent(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    async with kit.manager as manager:
        await manager.activate(*CACHE)
    await manager.stop()
    await asyncio.gather(manager.stop(), manager.stop())
    assert manager.get_instance(*CACHE) is None
    for act in (manager.activate, manager.swap):
        with pytest.raises(LifecycleError, match="was stopped"):
            await act(*CACHE)
    await manager.retire(*CACHE)
    assert kit.ledger.cleaned == [1]
    assert manager.status(*CACHE).state is State.RETIRED
    assert manager.status(*CACHE).draining == 0


async def test_stop_cleans_up_the_latest_activated_first_and_one_after_the_other(kit: Any) -> None:
    for key in ("a", "b", "c"):
        kit.offer(kit.ledger.factory(pace=2), domain="service", key=key)
        await kit.manager.activate("service", key)
    kit.ledger.log.clear()
    await kit.manager.stop()
    assert kit.ledger.log == [(stage, number) for number in (3, 2, 1) for stage in ("stop", "cleanup")]


async def test_stop_waits_for_leases_until_the_drain_deadline(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    await kit.manager.activate(*CACHE)
    async with kit.manager.lease(*CACHE):
        stopping = asyncio.create_task(kit.manager.stop())
        await kit.clock.advance(59)
        assert kit.ledger.cleaned == []
        await kit.clock.advance(1)
        await stopping
        assert kit.ledger.cleaned == [1]
