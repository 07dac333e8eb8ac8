"""Invariants 8 to 14: several swaps, keys, lives. For each a test that the right lifecycle passes, and wrong ones fail.

The eleventh is about the loops that watch for changes, which are not the lifecycle's.
"""

import asyncio
from typing import Any

import pytest

from oneiric_core.components import CandidateSource
from oneiric_core.errors import LifecycleError
from oneiric_core.lifecycle import LifecycleManager

CACHE, OTHER = ("adapter", "cache"), ("adapter", "other")


# -- the tests ---------------------------------------------------------------------------------------------------------


async def swaps_of_one_key_come_one_after_the_other(kit: Any) -> None:
    kit.offer(kit.ledger.async_factory(pace=2))
    await asyncio.gather(*(kit.manager.swap(*CACHE) for _ in range(3)))
    making = [number for stage, number in kit.ledger.log if stage in {"made", "init", "health"}]
    assert making == sorted(making)
    assert kit.manager.status(*CACHE).generation == 3


async def swaps_of_different_keys_run_side_by_side(kit: Any) -> None:
    gate = asyncio.Event()
    kit.offer(kit.ledger.factory(init=gate.wait))
    kit.offer(kit.ledger.factory(), key="other")
    waiting = [asyncio.ensure_future(kit.manager.activate(*name)) for name in (CACHE, OTHER)]
    await kit.steps(20)
    done = [each.done() for each in waiting]
    gate.set()
    await asyncio.gather(*waiting)
    assert done == [False, True]


async def several_keys_change_all_or_none_and_at_once(kit: Any) -> None:
    targets = [(*CACHE, None), (*OTHER, None)]
    for key in ("cache", "other"):
        kit.offer(kit.ledger.async_factory(pace=2), key=key)
    swapping = asyncio.ensure_future(kit.manager.swap_many(targets))
    while not swapping.done():
        assert kit.manager.status(*CACHE).generation == kit.manager.status(*OTHER).generation
        await asyncio.sleep(0)
    kit.offer(kit.ledger.factory(health=kit.explode), key="other")
    swapping = asyncio.ensure_future(kit.manager.swap_many(targets))
    await asyncio.wait({swapping})
    assert isinstance(swapping.exception(), LifecycleError)
    assert [kit.manager.status(*name).generation for name in (CACHE, OTHER)] == [1, 1]


async def the_same_again_is_nothing_and_what_is_retired_is_gone(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    first = await kit.manager.activate(*CACHE)
    assert await kit.manager.activate(*CACHE) is first
    assert kit.ledger.made == 1
    await kit.manager.retire(*CACHE)
    assert kit.manager.get_instance(*CACHE) is None
    assert kit.ledger.cleaned == [1]


async def a_swap_back_works(kit: Any) -> None:
    for provider in ("one", "two"):
        kit.offer(kit.ledger.factory(), provider)
    for provider in ("one", "two", "one"):
        assert kit.resolver.resolve(*CACHE, provider) is not None
        await kit.manager.swap(*CACHE, provider)
        assert kit.manager.status(*CACHE).provider == provider


async def instances_of_any_kind_are_handled_alike(kit: Any) -> None:
    ended: list[str] = []

    class Falsy:
        def __len__(self) -> int:
            return 0

        def cleanup(self) -> None:
            ended.append("falsy")

    class Slotted:
        __slots__ = ()

        def cleanup(self) -> None:
            ended.append("slotted")

    class Hiding:
        def __getattr__(self, name: str) -> object:
            raise RuntimeError(name)

        def cleanup(self) -> None:
            ended.append("hiding")

    class Incomparable:
        def __eq__(self, other: object) -> bool:
            raise ValueError("incomparable")

        __hash__ = None  # type: ignore[assignment]  # that is the point

        def cleanup(self) -> None:
            ended.append("incomparable")

    for kind in (Falsy, Slotted, Hiding, Incomparable, lambda: (each for each in "ab")):
        kit.offer(kind)
        swapping = asyncio.ensure_future(kit.manager.swap(*CACHE))
        await asyncio.wait({swapping})
        assert swapping.exception() is None
        assert kit.manager.get_instance(*CACHE) is swapping.result()
    assert ended == ["falsy", "slotted", "hiding", "incomparable"]


async def stopping_stops(kit: Any) -> None:
    kit.offer(kit.ledger.async_factory(pace=3))
    kit.offer(kit.ledger.factory(init=kit.hang), key="other")
    await kit.manager.activate(*CACHE)
    half_started = asyncio.ensure_future(kit.manager.activate(*OTHER))
    await kit.steps(5)
    for _ in range(2):
        stopping = asyncio.ensure_future(kit.manager.stop())
        await kit.clock.advance(100)
        assert stopping.done()
        assert stopping.exception() is None
    assert isinstance(half_started.exception(), LifecycleError)
    assert kit.ledger.cleaned == [1, 2]
    assert asyncio.all_tasks() == {asyncio.current_task()}


# -- the mutants -------------------------------------------------------------------------------------------------------


class Unlocked(LifecycleManager):
    def _slot(self, name: Any) -> Any:
        slot = super()._slot(name)
        slot.lock = asyncio.Lock()
        return slot


class OneLockForAll(LifecycleManager):
    def _slot(self, name: Any) -> Any:
        slot = super()._slot(name)
        slot.lock = self.__dict__.setdefault("lock", asyncio.Lock())
        return slot


class OneAfterTheOther(LifecycleManager):
    async def swap_many(self, targets: Any) -> Any:
        return [await self.swap(*target) for target in targets]


class AlwaysBuilds(LifecycleManager):
    async def activate(self, domain: str, key: str, provider: str | None = None) -> object:
        return await self.swap(domain, key, provider)


class RetiresNothing(LifecycleManager):
    async def retire(self, domain: str, key: str) -> None:
        pass


class ForgetsTheFormerCandidate(LifecycleManager):
    async def swap(self, domain: str, key: str, provider: str | None = None) -> object:
        before = self.handle(domain, key)
        made = await super().swap(domain, key, provider)
        kept = [each for each in self._resolver.candidates() if before is None or each != before.candidate]
        self._resolver.replace_source(CandidateSource.LOCAL_PKG, "", kept)
        return made


class TestsForTruth(LifecycleManager):
    __test__ = False

    def get_instance(self, domain: str, key: str) -> object | None:
        return super().get_instance(domain, key) or None


class LooksAtEachAttribute(LifecycleManager):
    async def swap(self, domain: str, key: str, provider: str | None = None) -> object:
        made: Any = await super().swap(domain, key, provider)
        _ = made.__dict__, getattr(made, "stop", None)
        return made


class ForgetsToStop(LifecycleManager):
    async def stop(self) -> None:
        for name in [*self._published]:
            del self._published[name]


class StopsOnce(LifecycleManager):
    async def stop(self) -> None:
        if self._stopping is not None:
            raise LifecycleError("it was stopped", fix="Do not stop it again")
        await super().stop()


class LeavesATaskBehind(LifecycleManager):
    def _publish(self, name: Any, attempt: Any) -> Any:
        self.__dict__.setdefault("beats", []).append(asyncio.ensure_future(asyncio.sleep(3600)))
        return super()._publish(name, attempt)


INVARIANTS: dict[int, list[tuple[Any, list[type[LifecycleManager]]]]] = {
    8: [
        (swaps_of_one_key_come_one_after_the_other, [Unlocked]),
        (swaps_of_different_keys_run_side_by_side, [OneLockForAll]),
    ],
    9: [(several_keys_change_all_or_none_and_at_once, [OneAfterTheOther])],
    10: [(the_same_again_is_nothing_and_what_is_retired_is_gone, [AlwaysBuilds, RetiresNothing])],
    12: [(a_swap_back_works, [ForgetsTheFormerCandidate])],
    13: [(instances_of_any_kind_are_handled_alike, [TestsForTruth, LooksAtEachAttribute])],
    14: [(stopping_stops, [ForgetsToStop, StopsOnce, LeavesATaskBehind])],
}

ROWS = [(number, test, mutants) for number, rows in INVARIANTS.items() for test, mutants in rows]


def test_every_invariant_is_in_the_table() -> None:
    assert set(INVARIANTS) == set(range(8, 15)) - {11}
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
