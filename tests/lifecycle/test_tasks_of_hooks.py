"""Each async call into a component is in a task of its own, from its first step on, also where it never suspends."""

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest

from oneiric_core.errors import ActivationError

CACHE = ("adapter", "cache")


@pytest.mark.parametrize("pace", [0, 1])
async def test_a_hook_never_runs_in_the_task_that_asked_for_the_swap(kit: Any, pace: int) -> None:
    seen: list[object] = []

    async def look() -> bool:
        seen.append(asyncio.current_task())
        return True

    kit.offer(kit.ledger.factory(pace, init=look, health=look, cleanup=look))
    await kit.manager.activate(*CACHE)
    await kit.manager.swap(*CACHE)
    hooks = 5  # init and health twice, clean-up of the first
    assert len(seen) == hooks
    assert len({*map(id, seen)}) == hooks
    assert asyncio.current_task() not in seen


async def test_a_time_limit_that_a_hook_sets_ends_that_hook_and_nothing_else(kit: Any) -> None:
    """It is entered before the first suspension, and must have the hook's own task to cancel."""
    kit.offer(kit.ledger.factory())
    first = await kit.manager.activate(*CACHE)

    async def impatient() -> None:
        async with asyncio.timeout(0):
            await kit.hang()

    kit.offer(kit.ledger.factory(init=impatient), "hasty")
    with pytest.raises(ActivationError, match="TimeoutError"):
        await kit.manager.swap(*CACHE, "hasty")
    assert kit.manager.get_instance(*CACHE) is first
    assert kit.ledger.alive == {1}


async def test_a_context_variable_set_by_a_hook_stays_in_the_hook(kit: Any) -> None:
    mine: ContextVar[str] = ContextVar("mine", default="the application's")

    async def set_it() -> None:
        mine.set("the component's")

    kit.offer(kit.ledger.factory(init=set_it))
    await kit.manager.activate(*CACHE)
    assert mine.get() == "the application's"


async def test_a_swap_of_what_has_nothing_to_await_never_suspends(kit: Any) -> None:
    class Plain:
        def init(self) -> None: ...

        def health(self) -> bool:
            return True

        def cleanup(self) -> None:
            kit.ledger.cleanups[id(self)] += 1

    kit.offer(Plain)
    former = await kit.manager.activate(*CACHE)
    with pytest.raises(StopIteration):
        kit.manager.swap(*CACHE).send(None)
    assert kit.manager.get_instance(*CACHE) is not former
    assert [*kit.ledger.cleanups] == [id(former)]
