"""Reads and swaps that overlap could all have happened one after the other, each at one moment between call and return.

Histories of concurrent clients are recorded and searched for such an order (after Wing and Gong, 1993). The state is
what is published under two keys; a value is the number of the operation whose factory call made the instance.
"""

import asyncio
import itertools
import math
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

from oneiric_core.clock import FrozenClock
from oneiric_core.components import Candidate
from oneiric_core.errors import OneiricError
from oneiric_core.lifecycle import LifecycleManager, Timeouts
from oneiric_core.resolver import Resolver

KEYS = ("a", "b")
State = tuple[int, ...]
"""By key, the operation whose instance is published; 0 for nothing."""


@dataclass
class Operation:
    """One call. It requires ``reads``, and leaves ``writes``; an ``open`` one may also have had no effect."""

    number: int
    invoked: int
    returned: float = math.inf
    reads: dict[str, int] = field(default_factory=dict)
    writes: dict[str, int] = field(default_factory=dict)
    open: bool = False

    def after(self, state: State) -> State | None:
        """The state it leaves, or None if it cannot have happened in ``state``."""
        now = dict(zip(KEYS, state, strict=True))
        if any(now[key] != value for key, value in self.reads.items()):
            return None
        return tuple((now | self.writes).values())


def linearizable(history: list[Operation]) -> bool:
    """Whether there is an order that respects who ended before whom began, and in which every read is right."""
    start = (frozenset(range(len(history))), (0,) * len(KEYS))
    seen, waiting = {start}, [start]
    while waiting:
        left, state = waiting.pop()
        if all(history[each].open for each in left):
            return True
        first_end = min(history[each].returned for each in left)
        for each in left:
            after = history[each].after(state) if history[each].invoked < first_end else None
            step = None if after is None else (left - {each}, after)
            if step is not None and step not in seen:
                seen.add(step)
                waiting.append(step)
    return False


author: ContextVar[int] = ContextVar("author", default=0)


class Component:
    """Suspends in every hook; ``fault`` names the one that raises."""

    def __init__(self, fault: str) -> None:
        self.made_by, self.fault = author.get(), fault

    async def init(self) -> None:
        await asyncio.sleep(0)
        if self.fault == "init":
            raise ValueError

    async def health(self) -> bool:
        await asyncio.sleep(0)
        return self.fault != "health"

    async def cleanup(self) -> None:
        await asyncio.sleep(0)


@dataclass
class Recorder:
    """Clients of one manager, and the history of what they saw."""

    manager: LifecycleManager
    moments: Any = field(default_factory=itertools.count)
    history: list[Operation] = field(default_factory=list)

    async def act(self, action: str, key: str, patience: int) -> None:
        operation = Operation(len(self.history) + 1, next(self.moments))
        self.history.append(operation)
        author.set(operation.number)
        await getattr(self, f"_{action}")(operation, key, patience)
        if not operation.open and operation.returned == math.inf:
            operation.returned = next(self.moments)

    async def _read(self, operation: Operation, key: str, _: int) -> None:
        operation.reads = {key: made_by(self.manager.get_instance("adapter", key))}

    async def _read_all(self, operation: Operation, _key: str, _: int) -> None:
        operation.reads = {key: made_by(self.manager.get_instance("adapter", key)) for key in KEYS}

    async def _lease(self, operation: Operation, key: str, patience: int) -> None:
        try:
            async with self.manager.lease("adapter", key) as instance:
                operation.reads = {key: made_by(instance)}
                operation.returned = next(self.moments)
                for _ in range(patience):
                    await asyncio.sleep(0)
        except OneiricError:
            operation.reads = {key: 0}

    async def _swap(self, operation: Operation, key: str, patience: int) -> None:
        await self._write(operation, [key], lambda: self.manager.swap("adapter", key), patience)

    async def _swap_all(self, operation: Operation, _: str, patience: int) -> None:
        targets = [("adapter", key, None) for key in KEYS]
        await self._write(operation, KEYS, lambda: self.manager.swap_many(targets), patience)

    async def _retire(self, operation: Operation, key: str, _: int) -> None:
        operation.writes = {key: 0}
        await self.manager.retire("adapter", key)

    async def _write(
        self, operation: Operation, keys: Any, swap: Callable[[], Awaitable[object]], patience: int
    ) -> None:
        """Swap, and give up waiting after so many turns of the loop (0 for never)."""
        operation.writes = dict.fromkeys(keys, operation.number)
        swapping = asyncio.ensure_future(swap())
        if patience:
            for _ in range(patience):
                await asyncio.sleep(0)
            swapping.cancel()
        await asyncio.wait({swapping})
        if swapping.cancelled():
            operation.open = True
        elif swapping.exception() is not None:
            operation.writes = {}  # what failed changed nothing


def made_by(instance: Any) -> int:
    return 0 if instance is None else instance.made_by


actions = st.tuples(
    st.sampled_from(["read", "read_all", "lease", "swap", "swap_all", "retire"]),
    st.sampled_from(KEYS),
    st.sampled_from([0, 0, 0, 1, 2, 5, 9]),
)
clients = st.lists(st.lists(actions, max_size=8), min_size=2, max_size=4)
busy_clients = st.lists(st.lists(actions, min_size=6, max_size=8), min_size=3, max_size=4)
faults = st.lists(st.sampled_from(["", "", "", "init", "health"]), max_size=8)
many_faults = st.lists(st.sampled_from(["", "init", "health"]), min_size=8, max_size=8)


def recorded(plan: list[Any], planned_faults: list[str], kind: type[LifecycleManager]) -> list[Operation]:
    async def perform() -> list[Operation]:
        resolver = Resolver()
        faults_left = iter(planned_faults)
        for key in KEYS:
            resolver.register(Candidate("adapter", key, "one", lambda: Component(next(faults_left, ""))))
        clock = FrozenClock()
        recorder = Recorder(kind(resolver, clock=clock, timeouts=Timeouts(drain=1)))

        async def client(actions: list[Any]) -> None:
            for action in actions:
                await recorder.act(*action)
                await asyncio.sleep(0)

        running = [asyncio.ensure_future(client(actions)) for actions in plan]
        while not all(each.done() for each in running):
            await clock.advance(1)
        await asyncio.gather(*running)
        await recorder.manager.stop()
        return recorder.history

    return asyncio.run(perform())


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(clients, faults)
def test_every_recorded_history_has_an_order(plan: list[Any], planned_faults: list[str]) -> None:
    assert linearizable(recorded(plan, planned_faults, LifecycleManager))


# -- the checker can fail ------------------------------------------------------------------------------------------


class ServesTheFormer(LifecycleManager):
    """Readers get an instance once more after it was replaced."""

    def get_instance(self, domain: str, key: str) -> object | None:
        seen: dict[str, Any] = self.__dict__.setdefault("seen", {})
        former, seen[key] = seen.get(key), super().get_instance(domain, key)
        return seen[key] if former is None else former


class OneAfterTheOther(LifecycleManager):
    """Several keys are swapped as several, not as one."""

    async def swap_many(self, targets: Any) -> Any:
        return [await self.swap(*target) for target in targets]


class ReturnsTooSoon(LifecycleManager):
    """A swap returns before it is published."""

    async def swap(self, domain: str, key: str, provider: str | None = None) -> object:
        swapping = asyncio.ensure_future(super().swap(domain, key, provider))
        swapping.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self.get_instance(domain, key)


class RetiresBeforeItSwaps(LifecycleManager):
    """Nothing is published while the successor is made."""

    async def swap(self, domain: str, key: str, provider: str | None = None) -> object:
        await self.retire(domain, key)
        return await super().swap(domain, key, provider)


class RollsBackTooLate(LifecycleManager):
    """A failed swap leaves nothing published."""

    async def swap(self, domain: str, key: str, provider: str | None = None) -> object:
        try:
            return await super().swap(domain, key, provider)
        except OneiricError:
            await self.retire(domain, key)
            raise


@pytest.mark.parametrize(
    "wrong", [ServesTheFormer, OneAfterTheOther, ReturnsTooSoon, RetiresBeforeItSwaps, RollsBackTooLate]
)
def test_a_lifecycle_that_is_not_linearizable_is_found_out(wrong: type[LifecycleManager]) -> None:
    plan, planned_faults = find(
        st.tuples(busy_clients, many_faults),
        lambda drawn: not linearizable(recorded(*drawn, wrong)),
        settings=settings(
            max_examples=2000,
            derandomize=True,
            database=None,
            phases=[Phase.generate],  # any will do: it need not be the smallest
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert linearizable(recorded(plan, planned_faults, LifecycleManager)), "the right one has an order for the same"


def history(*operations: tuple[int, float, dict[str, int], dict[str, int]]) -> list[Operation]:
    return [Operation(number, *each) for number, each in enumerate(operations, 1)]


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([], True),
        ([(0, 1, {}, {"a": 1}), (2, 3, {"a": 1}, {})], True),
        ([(0, 1, {}, {"a": 1}), (2, 3, {"a": 0}, {})], False),
        ([(0, 3, {}, {"a": 1}), (1, 2, {"a": 0}, {})], True),
        ([(0, 3, {}, {"a": 1}), (1, 2, {"a": 1}, {})], True),
        ([(0, 9, {}, {"a": 1}), (1, 2, {"a": 1}, {}), (3, 4, {"a": 0}, {})], False),
        ([(0, 9, {}, {"a": 1, "b": 1}), (1, 2, {"a": 1, "b": 0}, {})], False),
        ([(0, 9, {}, {"a": 1}), (1, 9, {}, {"a": 2}), (2, 3, {"a": 2}, {}), (4, 5, {"a": 1}, {})], True),
        ([(0, 9, {}, {"a": 1}), (1, 3, {}, {"a": 2}), (4, 5, {"a": 1}, {}), (6, 7, {"a": 2}, {})], False),
    ],
)
def test_the_search_itself(operations: list[Any], expected: bool) -> None:
    assert linearizable(history(*operations)) is expected


def test_what_was_given_up_may_have_happened_or_not() -> None:
    for value in (0, 1):
        operations = history((0, math.inf, {}, {"a": 1}), (2, 3, {"a": value}, {}))
        operations[0].open = True
        assert linearizable(operations)
