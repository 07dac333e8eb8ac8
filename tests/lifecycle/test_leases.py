"""Calls in flight and the instances they began on."""

import asyncio
import gc
import weakref
from typing import Any

import pytest

CACHE = ("adapter", "cache")


async def test_a_leased_instance_is_cleaned_up_after_the_last_lease(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    await kit.manager.activate(*CACHE)
    first, second = kit.manager.lease(*CACHE), kit.manager.lease(*CACHE)
    old = await first.__aenter__()
    assert await second.__aenter__() is old
    assert kit.manager.status(*CACHE).leases == 2
    new = await kit.manager.swap(*CACHE)
    assert new is not old
    assert kit.manager.status(*CACHE).draining == 1
    for lease, cleaned in ((first, []), (second, [1])):
        assert kit.ledger.cleaned == []
        await lease.__aexit__(None, None, None)
        await kit.steps(5)
        assert kit.ledger.cleaned == cleaned
    assert kit.manager.status(*CACHE).draining == 0


async def test_a_lease_taken_after_the_swap_is_on_the_new_instance(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    await kit.manager.activate(*CACHE)
    asked_before = kit.manager.lease(*CACHE)
    new = await kit.manager.swap(*CACHE)
    async with asked_before as instance:
        assert instance is new


async def test_each_instance_on_its_way_out_is_counted(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    await kit.manager.activate(*CACHE)
    async with kit.manager.lease(*CACHE):
        await kit.manager.swap(*CACHE)
        async with kit.manager.lease(*CACHE):
            await kit.manager.swap(*CACHE)
            assert kit.manager.status(*CACHE).draining == 2
        await kit.steps(5)
        assert kit.manager.status(*CACHE).draining == 1
        assert kit.ledger.cleaned == [2]


async def test_leases_are_released_by_exceptions_and_cancellation(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    await kit.manager.activate(*CACHE)
    with pytest.raises(ValueError, match="mine"):
        async with kit.manager.lease(*CACHE):
            raise ValueError("mine")

    async def hold() -> None:
        async with kit.manager.lease(*CACHE):
            await kit.hang()

    holding = asyncio.create_task(hold())
    await kit.steps(3)
    assert kit.manager.status(*CACHE).leases == 1
    holding.cancel()
    await asyncio.wait({holding})
    assert kit.manager.status(*CACHE).leases == 0


async def test_a_lease_may_be_used_again_but_not_twice_at_once(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    await kit.manager.activate(*CACHE)
    lease = kit.manager.lease(*CACHE)
    for _ in range(2):
        async with lease:
            with pytest.raises(RuntimeError, match="held already"):
                await lease.__aenter__()
    assert kit.manager.status(*CACHE).leases == 0


async def test_the_drain_deadline_ends_the_wait_and_is_reported(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    await kit.manager.activate(*CACHE)
    async with kit.manager.lease(*CACHE):
        await kit.manager.swap(*CACHE)
        await kit.clock.advance(59)
        assert kit.ledger.cleaned == []
        await kit.clock.advance(1)
        assert kit.ledger.cleaned == [1]
        assert "1 calls still ran after 60 s" in kit.manager.status(*CACHE).warning
    await kit.steps(5)
    assert kit.ledger.cleaned == [1]


async def test_stop_waits_for_what_drains_already(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    await kit.manager.activate(*CACHE)
    async with kit.manager.lease(*CACHE):
        await kit.manager.retire(*CACHE)
        stopping = asyncio.create_task(kit.manager.stop())
        await kit.clock.advance(59)
        assert not stopping.done()
        assert kit.ledger.cleaned == []
        await kit.clock.advance(1)
        await stopping
        assert kit.ledger.cleaned == [1]


async def test_stop_counts_what_drains_already_and_what_it_retires(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    await kit.manager.activate(*CACHE)
    async with kit.manager.lease(*CACHE):
        await kit.manager.swap(*CACHE)
        async with kit.manager.lease(*CACHE):
            stopping = asyncio.create_task(kit.manager.stop())
            await kit.steps(3)
            assert kit.manager.status(*CACHE).draining == 2
    await stopping
    assert kit.manager.status(*CACHE).draining == 0


async def test_what_is_gone_is_kept_by_nobody(kit: Any) -> None:
    kit.offer(kit.ledger.async_factory())
    gone = weakref.ref(await kit.manager.activate(*CACHE))
    await kit.manager.swap(*CACHE)
    await kit.steps(5)
    assert kit.ledger.cleaned == [1]
    gc.collect()
    assert gone() is None


async def test_one_who_holds_a_lease_may_swap(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    await kit.manager.activate(*CACHE)
    async with kit.manager.lease(*CACHE) as old:
        await kit.manager.swap(*CACHE)
        assert kit.manager.get_instance(*CACHE) is not old
        assert kit.ledger.cleaned == []


async def test_no_call_is_lost_in_many_swaps_under_load(kit: Any) -> None:
    kit.offer(kit.ledger.async_factory())
    await kit.manager.activate(*CACHE)
    done = asyncio.Event()
    calls = 0

    async def call_until_done(pace: int) -> None:
        nonlocal calls
        while not done.is_set():
            async with kit.manager.lease(*CACHE) as instance:
                await kit.steps(pace)
                assert not kit.ledger.cleanups[instance.number]
                calls += 1

    callers = [asyncio.create_task(call_until_done(pace)) for pace in (1, 3, 7)]
    for _ in range(50):
        await kit.manager.swap(*CACHE)
    done.set()
    await asyncio.gather(*callers)
    await kit.steps(10)
    assert calls > 100
    assert kit.ledger.alive == {51}
