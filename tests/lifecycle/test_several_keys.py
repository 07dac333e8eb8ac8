"""Several keys that change as one."""

import asyncio
from typing import Any

import pytest

from oneiric_core.errors import LifecycleError, ResolutionError, SwapError
from oneiric_core.lifecycle import SlotStatus, State

KEYS = [("adapter", "a", None), ("adapter", "b", None), ("service", "c", None)]


def offer_all(kit: Any, pace: int = 1) -> None:
    for number, (domain, key, _) in enumerate(KEYS):
        kit.offer(kit.ledger.async_factory(pace=pace + number), domain=domain, key=key)


def published(kit: Any) -> list[Any]:
    return [kit.manager.get_instance(domain, key) for domain, key, _ in KEYS]


async def test_all_are_published_at_once(kit: Any) -> None:
    offer_all(kit)
    first = await kit.manager.swap_many(reversed(KEYS))
    assert [handle.candidate.key for handle in first] == ["a", "b", "c"]
    assert [handle.instance for handle in first] == published(kit)
    swapping = asyncio.create_task(kit.manager.swap_many(KEYS))
    seen = set()
    while not swapping.done():
        seen.add(tuple(kit.manager.status(domain, key).generation for domain, key, _ in KEYS))
        await asyncio.sleep(0)
    seen.add(tuple(kit.manager.status(domain, key).generation for domain, key, _ in KEYS))
    assert seen == {(1, 1, 1), (2, 2, 2)}
    await kit.steps(20)
    assert kit.ledger.cleaned == [1, 2, 3]


@pytest.mark.parametrize("failing", [0, 1, 2])
async def test_if_one_fails_none_is_swapped(kit: Any, failing: int) -> None:
    offer_all(kit)
    await kit.manager.swap_many(KEYS)
    before = published(kit)
    domain, key, _ = KEYS[failing]
    kit.offer(kit.ledger.async_factory(pace=4, init=kit.explode), domain=domain, key=key)
    with pytest.raises(SwapError, match="no such host") as caught:
        await kit.manager.swap_many(KEYS)
    assert list(caught.value.evidence["failures"]) == [f"{domain}/{key}/one"]
    assert published(kit) == before
    assert all(kit.manager.status(domain, key).generation == 1 for domain, key, _ in KEYS)
    assert all("no such host" in kit.manager.status(domain, key).error for domain, key, _ in KEYS)
    assert kit.ledger.alive == {1, 2, 3}


async def test_a_missing_candidate_is_refused_before_anything_is_made(kit: Any) -> None:
    offer_all(kit)
    with pytest.raises(ResolutionError):
        await kit.manager.swap_many([*KEYS, ("adapter", "d", None)])
    assert kit.ledger.made == 0
    assert kit.manager.all_statuses() == []


async def test_nothing_to_swap_is_nothing_done(kit: Any) -> None:
    assert await kit.manager.swap_many([]) == []


async def test_what_goes_is_gone_at_the_moment_when_others_come(kit: Any) -> None:
    offer_all(kit)
    await kit.manager.swap_many(KEYS)
    a, b, c = ((domain, key) for domain, key, _ in KEYS)
    swapping = asyncio.create_task(kit.manager.swap_many([KEYS[0]], retire=[b, c, ("adapter", "never seen")]))
    seen = set()
    while not swapping.done():
        seen.add((kit.manager.status(*a).generation, *(kit.manager.get_instance(*each) is None for each in (b, c))))
        await asyncio.sleep(0)
    seen.add((kit.manager.status(*a).generation, *(kit.manager.get_instance(*each) is None for each in (b, c))))
    assert seen == {(1, False, False), (2, True, True)}
    await kit.steps(20)
    assert kit.ledger.cleaned == [1, 2, 3]
    assert [status.key for status in kit.manager.all_statuses()] == ["a", "b", "c"], "no slot for what nobody asked for"


async def test_if_one_cannot_come_none_goes(kit: Any) -> None:
    offer_all(kit)
    await kit.manager.swap_many(KEYS)
    before = published(kit)
    kit.offer(kit.ledger.async_factory(init=kit.explode), domain="adapter", key="a")
    with pytest.raises(LifecycleError, match="no such host"):
        await kit.manager.swap_many([KEYS[0]], retire=[("adapter", "b")])
    assert published(kit) == before


async def test_some_may_go_where_none_comes(kit: Any) -> None:
    offer_all(kit)
    await kit.manager.swap_many(KEYS)
    assert await kit.manager.swap_many([], retire=[("adapter", "b")]) == []
    assert [each is None for each in published(kit)] == [False, True, False]


async def test_overlapping_sets_do_not_block_each_other_for_good(kit: Any) -> None:
    offer_all(kit)
    a, b, c = KEYS
    await asyncio.gather(*(kit.manager.swap_many(names) for names in ([a, b], [c, b], [c, a], [b, a, c])))
    await kit.manager.swap("adapter", "b")
    assert [kit.manager.status(domain, key).generation for domain, key, _ in KEYS] == [3, 4, 3]
    await kit.steps(20)
    assert len(kit.ledger.alive) == 3


async def test_a_key_that_waits_for_others_is_empty_until_its_turn(kit: Any) -> None:
    gate = asyncio.Event()
    kit.offer(kit.ledger.factory(init=gate.wait), key="a")
    kit.offer(kit.ledger.factory(), key="b")
    first = asyncio.create_task(kit.manager.swap("adapter", "a"))
    await kit.steps(3)
    both = asyncio.create_task(kit.manager.swap_many([("adapter", "a", None), ("adapter", "b", None)]))
    await kit.steps(3)
    a, b = kit.manager.all_statuses()
    assert (a.state, b) == (State.ACTIVATING, SlotStatus("adapter", "b"))
    gate.set()
    await asyncio.gather(first, both)
    assert [status.state for status in kit.manager.all_statuses()] == [State.ACTIVE, State.ACTIVE]
