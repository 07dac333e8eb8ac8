"""Invariants 1 to 7: one key, one swap. For each a test that the right lifecycle passes and wrong ones fail."""

import asyncio
from contextlib import nullcontext
from typing import Any

import pytest

from oneiric_core.errors import LifecycleError
from oneiric_core.lifecycle import LifecycleManager

CACHE = ("adapter", "cache")


# -- the tests ---------------------------------------------------------------------------------------------------------


async def a_reader_never_gets_nothing(kit: Any) -> None:
    kit.offer(kit.ledger.async_factory(pace=2))
    await kit.manager.activate(*CACHE)
    swapping = asyncio.ensure_future(kit.manager.swap(*CACHE))
    while not swapping.done():
        instance = kit.manager.get_instance(*CACHE)
        assert instance is not None
        assert not kit.ledger.cleanups[instance.number]
        await asyncio.sleep(0)


async def a_leased_instance_is_never_one_that_was_cleaned_up(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    await kit.manager.activate(*CACHE)
    async with kit.manager.lease(*CACHE) as leased:
        await kit.manager.swap(*CACHE)
        await kit.steps(10)
        assert not kit.ledger.cleanups[leased.number]


async def one_instance_is_published_whoever_asks(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    for generation in (1, 2, 3):
        made = await kit.manager.swap(*CACHE)
        async with kit.manager.lease(*CACHE) as leased:
            assert leased is made
        assert kit.manager.handle(*CACHE).instance is made
        assert kit.manager.get_instance(*CACHE) is made
        assert kit.manager.handle(*CACHE).generation == generation


async def clean_up_comes_once_and_last(kit: Any) -> None:
    published_meanwhile: list[Any] = []

    async def look() -> None:
        published_meanwhile.append(kit.manager.get_instance(*CACHE))

    kit.offer(kit.ledger.factory(cleanup=look))
    await kit.manager.activate(*CACHE)
    async with kit.manager.lease(*CACHE) as former:
        await kit.manager.swap(*CACHE)
        assert kit.ledger.cleaned == []
    await kit.steps(10)
    await kit.manager.swap(*CACHE)
    await kit.steps(10)
    assert kit.ledger.cleaned == [1, 2]
    assert [each.number for each in published_meanwhile] == [2, 3]
    assert former.number == 1


async def every_instance_is_published_or_cleaned_up(kit: Any) -> None:
    for hook in ("init", "health"):
        for how in (kit.hang, kit.explode):
            kit.offer(kit.ledger.factory(**{hook: how}))
            swapping = asyncio.ensure_future(kit.manager.swap(*CACHE))
            await kit.steps(5)
            swapping.cancel()
            await kit.clock.advance(50)
            assert swapping.done()
            assert swapping.cancelled() or swapping.exception()
    assert kit.ledger.made == 4
    assert kit.ledger.cleaned == [1, 2, 3, 4]


async def what_a_late_factory_delivers_is_cleaned_up(kit: Any) -> None:
    gate = asyncio.Event()

    async def late() -> Any:
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue
        return kit.ledger.make()

    kit.offer(late)
    activating = asyncio.ensure_future(kit.manager.activate(*CACHE))
    await kit.clock.advance(60)
    assert isinstance(activating.exception(), LifecycleError)
    gate.set()
    await kit.steps(10)
    assert kit.ledger.cleaned == [1]


async def a_failure_changes_nothing_but_the_status(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    live = await kit.manager.activate(*CACHE)
    kit.offer(kit.ledger.factory(init=kit.explode))
    with pytest.raises(LifecycleError):
        await kit.manager.swap(*CACHE)
    status = kit.manager.status(*CACHE)
    assert kit.manager.get_instance(*CACHE) is live
    assert status.generation == 1
    assert "no such host" in status.error


async def a_failing_clean_up_is_reported_and_unpublishes_nothing(kit: Any) -> None:
    def broken(_status: object) -> None:
        raise ValueError("observer down")

    kit.offer(kit.ledger.factory(cleanup=kit.explode))
    await kit.manager.activate(*CACHE)
    kit.manager.observe(broken)
    made = await kit.manager.swap(*CACHE)
    assert kit.manager.get_instance(*CACHE) is made
    assert "no such host" in kit.manager.status(*CACHE).warning
    assert "observer down" in kit.manager.status(*CACHE).warning


async def only_true_is_healthy(kit: Any) -> None:
    for answer in (None, 0, "unhealthy", False, 1):

        async def health(answer: object = answer) -> object:
            return answer

        kit.offer(kit.ledger.factory(health=health))
        activating = asyncio.ensure_future(kit.manager.activate(*CACHE))
        await asyncio.wait({activating})
        assert isinstance(activating.exception(), LifecycleError), answer
        assert kit.manager.get_instance(*CACHE) is None


# -- the mutants -------------------------------------------------------------------------------------------------------


class RetiresFirst(LifecycleManager):
    async def swap(self, domain: str, key: str, provider: str | None = None) -> object:
        await self.retire(domain, key)
        return await super().swap(domain, key, provider)


class HoldsNothing(LifecycleManager):
    def lease(self, domain: str, key: str) -> Any:
        return nullcontext(self.get_instance(domain, key))


class ServesTheFormer(LifecycleManager):
    def get_instance(self, domain: str, key: str) -> object | None:
        seen: dict[str, Any] = self.__dict__.setdefault("seen", {})
        former, seen[key] = seen.get(key), super().get_instance(domain, key)
        return seen[key] if former is None else former


class CleansTwice(LifecycleManager):
    async def swap(self, domain: str, key: str, provider: str | None = None) -> object:
        former: Any = self.get_instance(domain, key)
        made = await super().swap(domain, key, provider)
        if former is not None:
            await former.cleanup()
        return made


class CleansBeforePublication(LifecycleManager):
    async def _make(self, candidates: Any, stands: Any) -> Any:
        made = await super()._make(candidates, stands)
        for name in candidates:
            former = self._published.get(name)
            if former is not None:
                retiring = self._retirer.retire(self._slots[name], former)
                assert retiring is not None
                await asyncio.wait({retiring})
                del self._published[name]
        return made


class NeverGivesUp(LifecycleManager):
    """Lets go of nothing that was not published."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._maker.give_up = self._forget  # type: ignore[method-assign]  # wrong on purpose

    async def _forget(self, attempt: Any) -> None:
        if attempt.task is not None:
            attempt.task.cancel()


class CountsFailures(LifecycleManager):
    async def _make(self, candidates: Any, stands: Any) -> Any:
        try:
            return await super()._make(candidates, stands)
        except BaseException:
            for name in candidates:
                self._slots[name].generation += 1
            raise


class KeepsSilent(LifecycleManager):
    def _notify(self, slot: Any) -> None:
        slot.error = slot.warning = ""


class UnpublishesWhatFails(LifecycleManager):
    async def _make(self, candidates: Any, stands: Any) -> Any:
        try:
            return await super()._make(candidates, stands)
        except BaseException:
            for name in candidates:
                self._published.pop(name, None)
            raise


class UnpublishesAfterWarnings(LifecycleManager):
    async def swap(self, domain: str, key: str, provider: str | None = None) -> object:
        made = await super().swap(domain, key, provider)
        if self.status(domain, key).warning:
            await self.retire(domain, key)
        return made


class TakesTruth(LifecycleManager):
    """Publishes whatever does not answer False."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        perform = self._maker._perform

        async def lenient(attempt: Any, stage: str, *others: Any) -> object:
            answer = await perform(attempt, stage, *others)
            return answer is not False if stage == "health" else answer

        self._maker._perform = lenient  # type: ignore[method-assign]  # wrong on purpose


INVARIANTS: dict[int, list[tuple[Any, list[type[LifecycleManager]]]]] = {
    1: [
        (a_reader_never_gets_nothing, [RetiresFirst]),
        (a_leased_instance_is_never_one_that_was_cleaned_up, [HoldsNothing]),
    ],
    2: [(one_instance_is_published_whoever_asks, [ServesTheFormer])],
    3: [(clean_up_comes_once_and_last, [HoldsNothing, CleansTwice, CleansBeforePublication])],
    4: [
        (every_instance_is_published_or_cleaned_up, [NeverGivesUp]),
        (what_a_late_factory_delivers_is_cleaned_up, [NeverGivesUp]),
    ],
    5: [(a_failure_changes_nothing_but_the_status, [CountsFailures, KeepsSilent, UnpublishesWhatFails])],
    6: [(a_failing_clean_up_is_reported_and_unpublishes_nothing, [UnpublishesAfterWarnings, KeepsSilent])],
    7: [(only_true_is_healthy, [TakesTruth])],
}

ROWS = [(number, test, mutants) for number, rows in INVARIANTS.items() for test, mutants in rows]


def test_every_invariant_is_in_the_table() -> None:
    assert set(INVARIANTS) == set(range(1, 8))
    assert all(mutants for _, _, mutants in ROWS)


@pytest.mark.parametrize(
    ("number", "test"), [row[:2] for row in ROWS], ids=lambda each: getattr(each, "__name__", each)
)
async def test_the_lifecycle_keeps_it(judge: Any, number: int, test: Any) -> None:
    await judge(LifecycleManager, test)


@pytest.mark.parametrize(
    ("number", "test", "wrong"),
    [(number, test, wrong) for number, test, mutants in ROWS for wrong in mutants],
    ids=lambda each: getattr(each, "__name__", each),
)
async def test_its_test_kills(judge: Any, number: int, test: Any, wrong: type[LifecycleManager]) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await judge(wrong, test)
