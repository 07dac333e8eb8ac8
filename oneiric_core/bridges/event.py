"""Events: an envelope goes to every handler that hears it, at most so many at a time, and no failure spreads."""

import asyncio
import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oneiric_core.bridges.base import Bridge
from oneiric_core.bridges.subscription import FanOut, Subscription
from oneiric_core.clock import SYSTEM_CLOCK, Clock
from oneiric_core.components import Candidate, EventEnvelope
from oneiric_core.domains import Domain
from oneiric_core.errors import ResolutionError
from oneiric_core.lifecycle import LifecycleManager
from oneiric_core.resolver import Resolver

__all__ = ["EventBridge", "HandlerResult"]


@dataclass(frozen=True, slots=True)
class HandlerResult:
    """What one handler made of an event.

    :param value: what it returned; None if it failed.
    :param error: what it raised, or None.
    :param seconds: from the emission to its end, waiting included.
    """

    key: str
    provider: str
    value: Any
    error: BaseException | None
    seconds: float

    @property
    def ok(self) -> bool:
        return self.error is None


class EventBridge(Bridge):
    """Access to event handlers."""

    domain = Domain.EVENT

    def __init__(self, resolver: Resolver, lifecycle: LifecycleManager, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(resolver, lifecycle, clock)
        self._gates: dict[tuple[str, int], asyncio.Semaphore] = {}

    async def emit(
        self, topic: str, payload: Mapping[str, Any], headers: Mapping[str, Any] | None = None
    ) -> list[HandlerResult]:
        """Hand an event to every handler that hears it; results in the order of priority.

        If one that hears it is ``exclusive``, the first such one by priority is alone in getting it. Each handler gets
        a copy of its own. A handler whose declaration cannot be read gets nothing, and its result says why.
        """
        envelope = EventEnvelope(topic, dict(payload), dict(headers or {}))
        heard, unreadable = self._hearing(envelope)
        async with asyncio.TaskGroup() as group:
            runs = [group.create_task(self._safely(each, copy.deepcopy(envelope))) for each in heard]
        return [*(run.result() for run in runs), *unreadable]

    async def handle(self, key: str, envelope: EventEnvelope) -> Any:
        """Hand an event to one handler, whatever its topics and filters; what it raises comes through as it is."""
        handle = await self.use(key)
        limit = Subscription.of(handle.candidate).max_concurrency
        gate = self._gates.setdefault((key, limit), asyncio.Semaphore(limit))
        async with gate:
            return await self._call(key, envelope)

    def _hearing(self, envelope: EventEnvelope) -> tuple[list[Candidate], list[HandlerResult]]:
        heard: list[tuple[Subscription, Candidate]] = []
        unreadable: list[HandlerResult] = []
        for candidate in self._serving():
            try:
                subscription = Subscription.of(candidate)
            except ResolutionError as error:
                unreadable.append(HandlerResult(candidate.key, candidate.provider, None, error, 0.0))
            else:
                if subscription.hears(envelope):
                    heard.append((subscription, candidate))
        heard.sort(key=lambda pair: (-pair[0].priority, pair[1].key))
        alone = [each for subscription, each in heard if subscription.fan_out is FanOut.EXCLUSIVE]
        return alone[:1] or [each for _, each in heard], unreadable

    def _serving(self) -> list[Candidate]:
        """By key, what runs, or would run."""
        candidates = {each.key: each for each in self._resolver.list_active(self.domain)}
        for key in candidates:
            handle = self._lifecycle.handle(self.domain, key)
            if handle is not None:
                candidates[key] = handle.candidate
        return list(candidates.values())

    async def _safely(self, candidate: Candidate, envelope: EventEnvelope) -> HandlerResult:
        began = self._clock.monotonic()
        value: Any = None
        failure: BaseException | None = None
        try:
            value = await self.handle(candidate.key, envelope)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - told, and never reaches another handler
            failure = error  # if it is the whole emission that is cancelled, nobody reads this
        return HandlerResult(candidate.key, candidate.provider, value, failure, self._clock.monotonic() - began)
