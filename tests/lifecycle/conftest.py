"""Components that keep a ledger of what happens to them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from oneiric_core.clock import FrozenClock
from oneiric_core.components import Candidate
from oneiric_core.lifecycle import LifecycleManager, Timeouts
from oneiric_core.resolver import Resolver


async def steps(count: int) -> None:
    """Suspend ``count`` times."""
    for _ in range(count):
        await asyncio.sleep(0)


class Recorded:
    """A component whose every hook suspends ``pace`` times and then does what ``plan`` says."""

    def __init__(self, ledger: "Ledger", number: int, pace: int, plan: dict[str, Callable[[], Awaitable[Any]]]) -> None:
        self.ledger, self.number, self.pace, self.plan = ledger, number, pace, plan

    async def _do(self, stage: str) -> Any:
        self.ledger.log.append((stage, self.number))
        await steps(self.pace)
        return await self.plan[stage]() if stage in self.plan else None

    async def init(self) -> None:
        await self._do("init")

    async def start(self) -> None:
        await self._do("start")

    async def health(self) -> Any:
        answer = await self._do("health")
        return answer if "health" in self.plan else True

    async def stop(self) -> None:
        await self._do("stop")

    async def cleanup(self) -> None:
        self.ledger.cleanups[self.number] += 1
        await self._do("cleanup")


@dataclass
class Ledger:
    """Every instance ever delivered, by number from 1, and what was done to it in order."""

    log: list[tuple[str, int]] = field(default_factory=list)
    cleanups: Counter[int] = field(default_factory=Counter)
    made: int = 0

    def make(self, pace: int = 0, **plan: Callable[[], Awaitable[Any]]) -> Recorded:
        self.made += 1
        self.log.append(("made", self.made))
        return Recorded(self, self.made, pace, plan)

    def factory(self, pace: int = 0, **plan: Callable[[], Awaitable[Any]]) -> Callable[[], Recorded]:
        """A sync factory."""
        return lambda: self.make(pace, **plan)

    def async_factory(self, pace: int = 1, **plan: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Recorded]]:
        async def factory() -> Recorded:
            await steps(pace)
            return self.make(pace, **plan)

        return factory

    def stages(self, number: int) -> list[str]:
        return [stage for stage, of in self.log if of == number]

    @property
    def cleaned(self) -> list[int]:
        return sorted(self.cleanups.elements())

    @property
    def alive(self) -> set[int]:
        return set(range(1, self.made + 1)) - set(self.cleanups)


class Kit:
    """A resolver, a frozen clock, a manager on both, and the ledger."""

    def __init__(self) -> None:
        self.resolver = Resolver()
        self.clock = FrozenClock()
        self.timeouts = Timeouts(activation=30, health=5, cleanup=10, drain=60)
        self.ledger = Ledger()
        self.manager = self.another()
        self.steps = steps

    def another(self, **options: Any) -> LifecycleManager:
        return LifecycleManager(self.resolver, **{"clock": self.clock, "timeouts": self.timeouts} | options)

    def offer(
        self,
        factory: Any,
        provider: str = "one",
        *,
        domain: str = "adapter",
        key: str = "cache",
        health: Callable[[], object] | None = None,
        **metadata: Any,
    ) -> None:
        self.resolver.register(Candidate(domain, key, provider, factory, metadata, health=health))

    async def hang(self) -> None:
        await asyncio.get_running_loop().create_future()

    async def explode(self) -> None:
        raise ValueError("no such host")


@pytest.fixture
async def kit() -> AsyncIterator[Kit]:
    kit = Kit()
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: reported.append(context))
    yield kit
    await kit.manager.stop()
    assert reported == [], "the loop was told of what nobody took care of"
    assert asyncio.all_tasks() == {asyncio.current_task()}, "stopping left tasks behind"
    assert sorted(kit.ledger.cleaned) == sorted(set(kit.ledger.cleaned)), "an instance was cleaned up twice"


@pytest.fixture
def make_kit() -> Callable[[], Kit]:
    """For tests that need many."""
    return Kit


@pytest.fixture
def judge() -> Callable[[type[LifecycleManager], Callable[[Kit], Awaitable[None]]], Awaitable[None]]:
    """Runs a test on a lifecycle of any kind, and leaves nothing of it behind."""

    async def judged(kind: type[LifecycleManager], test: Callable[[Kit], Awaitable[None]]) -> None:
        kit = Kit()
        kit.manager = kind(kit.resolver, clock=kit.clock, timeouts=kit.timeouts)
        try:
            async with asyncio.timeout(20):
                await test(kit)
        finally:
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    return judged
