"""A resolver, a manager and a frozen clock for bridges."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from oneiric_core.clock import FrozenClock
from oneiric_core.components import Candidate
from oneiric_core.lifecycle import LifecycleManager, Timeouts
from oneiric_core.resolver import Resolver


class House:
    """Everything a bridge stands on."""

    def __init__(self) -> None:
        self.clock = FrozenClock()
        self.resolver = Resolver()
        self.manager = LifecycleManager(self.resolver, clock=self.clock, timeouts=Timeouts(drain=60))

    def bridge(self, kind: Callable[..., Any]) -> Any:
        return kind(self.resolver, self.manager, self.clock)

    def offer(self, domain: str, key: str, instance: Any, provider: str = "acme", **metadata: Any) -> None:
        """A component that is a fresh namespace with the given methods, or ``instance`` itself if it is a class."""
        factory = instance if isinstance(instance, type) else lambda: SimpleNamespace(**instance)
        self.resolver.register(Candidate(domain, key, provider, factory, metadata))

    async def turns(self, count: int = 20) -> None:
        for _ in range(count):
            await asyncio.sleep(0)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    yield house
    await house.manager.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}
