"""Runtimes that keep each rule of a hot swap by itself, and break one when several things come together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mutants import mutant
from mutants.hot import Managed
from oneiric_core import LifecycleManager
from oneiric_core.testing import CoreRuntime


@mutant("HOT-002", expects="an instance in use was cleaned up")
class HoldsForOneSwap(CoreRuntime):
    """Lets a call finish while its instance is replaced once, and cleans that up when the next one is replaced."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[object, tuple[Any, int]] = {}

    @asynccontextmanager
    async def lease(self, domain: str, key: str) -> AsyncIterator[Any]:  # type: ignore[override]  # which gives one, too
        async with super().lease(domain, key) as instance:
            call = object()
            self.held[call] = instance, 0
            try:
                yield instance
            finally:
                del self.held[call]

    async def swap(self, domain: str, key: str, provider: str | None = None) -> Any:
        answer = await super().swap(domain, key, provider)
        for call, (instance, swaps) in [*self.held.items()]:
            self.held[call] = instance, swaps + answer.ok
            if swaps + answer.ok == 2:
                await instance.cleanup()
        return answer


class _CountsLater(LifecycleManager):
    failed = 0

    async def _make(self, candidates: Any, stands: Any) -> Any:
        try:
            return await super()._make(candidates, stands)
        except BaseException:
            self.failed += 1
            raise

    def _publish(self, name: Any, attempt: Any) -> Any:
        self._slots[name].generation += min(self.failed, 1)
        self.failed = 0
        return super()._publish(name, attempt)


@mutant("HOT-002", expects="generation")
class CountsFailuresLater(Managed):
    """Counts a generation more at the next swap after one that failed."""

    manager = _CountsLater
