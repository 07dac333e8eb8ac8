"""Cancelled at every point there is: every instance ends published, or cleaned up exactly once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

A, B = ("adapter", "a"), ("service", "b")


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def coroutine(kit: Any) -> Callable[[], Any]:
    return kit.ledger.async_factory(pace=2)


def sync(kit: Any) -> Callable[[], Any]:
    return kit.ledger.factory(pace=2)


def future(kit: Any) -> Callable[[], Any]:
    def factory() -> asyncio.Future[Any]:
        made = asyncio.get_running_loop().create_future()
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, lambda: made.cancelled() or made.set_result(kit.ledger.make(1)))
        return made

    return factory


def task(kit: Any) -> Callable[[], Any]:
    return lambda: asyncio.ensure_future(kit.ledger.async_factory(pace=2)())


def stubborn(kit: Any) -> Callable[[], Any]:
    async def factory() -> Any:
        for _ in range(4):
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                continue
        return kit.ledger.make(1)

    return factory


def shielded(kit: Any) -> Callable[[], Any]:
    async def factory() -> Any:
        made = asyncio.ensure_future(kit.ledger.async_factory(pace=3)())
        while not made.done():
            try:
                await asyncio.shield(made)
            except asyncio.CancelledError:
                continue
        return made.result()

    return factory


async def interrupted(
    make_kit: Callable[[], Any],
    kind: Callable[[Any], Callable[[], Any]],
    before: Callable[[Any], Awaitable[object]],
    act: Callable[[Any], Awaitable[object]],
    again: int | None,
) -> AsyncIterator[tuple[Any, bool]]:
    """The act, cancelled after k turns of the loop (and once more after ``again`` turns), for every k."""
    for k in range(200):
        kit = make_kit()
        for domain, key in (A, B):
            kit.offer(kind(kit), domain=domain, key=key)
        await before(kit)
        acting = asyncio.ensure_future(act(kit))
        await turns(k)
        ended = acting.done()
        acting.cancel()
        if again is not None:
            await turns(again)
            acting.cancel()
        await asyncio.wait({acting})
        cancelled = acting.cancelled()
        await turns(40)
        yield kit, cancelled
        stopping = asyncio.ensure_future(kit.manager.stop())
        await kit.clock.advance(100)
        await stopping
        assert not kit.ledger.alive, f"cancelled after {k} turns: {kit.ledger.log}"
        assert set(kit.ledger.cleanups.values()) <= {1}, f"cancelled after {k} turns: {kit.ledger.log}"
        assert asyncio.all_tasks() == {asyncio.current_task()}
        if ended:
            assert k > 3, "the act ended before it could be interrupted"
            return
    pytest.fail("the act did not end within 200 turns")


async def nothing(kit: Any) -> None:
    pass


async def both_active(kit: Any) -> None:
    await kit.manager.swap_many([(*A, None), (*B, None)])


KINDS = [coroutine, sync, future, task, stubborn, shielded]


@pytest.mark.parametrize("again", [None, 0, 1, 2, 5], ids="again={}".format)
@pytest.mark.parametrize("kind", KINDS)
async def test_activation(make_kit: Callable[[], Any], kind: Any, again: int | None) -> None:
    async for kit, cancelled in interrupted(make_kit, kind, nothing, lambda kit: kit.manager.activate(*B), again):
        live = kit.manager.get_instance(*B)
        assert kit.ledger.alive == (set() if live is None else {live.number})
        assert cancelled is (live is None)
        assert kit.manager.status(*B).generation == (live is not None)


@pytest.mark.parametrize("again", [None, 0, 1, 2, 5], ids="again={}".format)
@pytest.mark.parametrize("kind", KINDS)
async def test_swap(make_kit: Callable[[], Any], kind: Any, again: int | None) -> None:
    swapped = set()
    async for kit, cancelled in interrupted(make_kit, kind, both_active, lambda kit: kit.manager.swap(*B), again):
        live = kit.manager.get_instance(*B)
        other = kit.manager.get_instance(*A)
        assert kit.ledger.alive == {live.number, other.number}
        assert kit.manager.status(*B).generation in {1, 2}
        assert kit.manager.status(*A).generation == 1
        swapped.add((cancelled, kit.manager.status(*B).generation))
    assert {(True, 1), (False, 2)} <= swapped


@pytest.mark.parametrize("again", [None, 0, 1, 2, 5], ids="again={}".format)
@pytest.mark.parametrize("kind", KINDS)
async def test_several_keys_at_once(make_kit: Callable[[], Any], kind: Any, again: int | None) -> None:
    async for kit, cancelled in interrupted(
        make_kit, kind, both_active, lambda kit: kit.manager.swap_many([(*A, None), (*B, None)]), again
    ):
        generations = [kit.manager.status(*name).generation for name in (A, B)]
        assert generations == ([1, 1] if cancelled else [2, 2])
        assert kit.ledger.alive == {kit.manager.get_instance(*name).number for name in (A, B)}


@pytest.mark.parametrize("again", [None, 0, 1, 2, 5], ids="again={}".format)
@pytest.mark.parametrize("kind", KINDS)
async def test_one_comes_while_another_goes(make_kit: Callable[[], Any], kind: Any, again: int | None) -> None:
    async for kit, cancelled in interrupted(
        make_kit, kind, both_active, lambda kit: kit.manager.swap_many([(*A, None)], retire=[B]), again
    ):
        assert kit.manager.status(*A).generation == (1 if cancelled else 2)
        assert (kit.manager.get_instance(*B) is None) is not cancelled
        live = [kit.manager.get_instance(*name) for name in (A, B)]
        assert kit.ledger.alive == {each.number for each in live if each is not None}


@pytest.mark.parametrize("again", [None, 1])
async def test_retirement(make_kit: Callable[[], Any], again: int | None) -> None:
    async for kit, _ in interrupted(make_kit, coroutine, both_active, lambda kit: kit.manager.retire(*B), again):
        live = [kit.manager.get_instance(*name) for name in (A, B)]
        assert kit.ledger.alive == {each.number for each in live if each is not None}


@pytest.mark.parametrize("again", [None, 1])
async def test_stopping(make_kit: Callable[[], Any], again: int | None) -> None:
    async for kit, _ in interrupted(make_kit, coroutine, both_active, lambda kit: kit.manager.stop(), again):
        del kit


@pytest.mark.parametrize("kind", KINDS)
async def test_stopping_in_the_middle_of_a_swap(make_kit: Callable[[], Any], kind: Any) -> None:
    """Stop works from every state, half-started included."""
    for k in range(60):
        kit = make_kit()
        for domain, key in (A, B):
            kit.offer(kind(kit), domain=domain, key=key)
        await kit.manager.activate(*A)
        swapping = asyncio.ensure_future(kit.manager.swap_many([(*A, None), (*B, None)]))
        await turns(k)
        ended = swapping.done()
        stopping = asyncio.ensure_future(kit.manager.stop())
        await kit.clock.advance(100)
        await stopping
        assert not kit.ledger.alive, f"stopped after {k} turns: {kit.ledger.log}"
        assert set(kit.ledger.cleanups.values()) == {1}
        assert swapping.done()
        assert swapping.cancelled() is False
        swapping.exception()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        if ended:
            return
    pytest.fail("the swap did not end within 60 turns")
