"""Handlers that come, change, fail and go while events are emitted, against a model of who hears what."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from oneiric_core.bridges import EventBridge, HandlerResult
from oneiric_core.clock import FrozenClock
from oneiric_core.components import Candidate
from oneiric_core.errors import LifecycleError
from oneiric_core.lifecycle import LifecycleManager, Timeouts
from oneiric_core.resolver import Resolver

KEYS, TOPICS, PACE = ("a", "b", "c"), ("paid", "sent"), 3
MAKING = ("factory", "init", "health")
"""Each suspends once, and may fail before or after."""


@dataclass(frozen=True)
class Handler:
    """One declaration, and where its component fails: ``(stage, number of suspensions before)``, or nowhere."""

    topics: frozenset[str]
    regions: frozenset[str]
    priority: int
    exclusive: bool
    limit: int
    fault: tuple[str, int] | None
    hangs: bool

    @property
    def failure(self) -> type[BaseException] | None:
        if self.fault is None:
            return None
        if self.fault[0] in MAKING:
            return LifecycleError
        return TimeoutError if self.hangs else ValueError

    def hears(self, topic: str, region: str) -> bool:
        return (not self.topics or topic in self.topics) and (not self.regions or region in self.regions)

    def metadata(self) -> dict[str, Any]:
        filters = [{"path": "payload.region", "any_of": sorted(self.regions)}] if self.regions else []
        return {
            "topics": sorted(self.topics),
            "filters": filters,
            "event_priority": self.priority,
            "fanout_policy": "exclusive" if self.exclusive else "broadcast",
            "max_concurrency": self.limit,
            "timeout_seconds": 5,
        }


class Component:
    def __init__(self, machine: "Emitting", key: str, handler: Handler) -> None:
        self.machine, self.key, self.handler = machine, key, handler
        machine.alive[self] += 1

    async def init(self) -> None:
        await self.machine.stage("init", self.handler, 1)

    async def health(self) -> bool:
        await self.machine.stage("health", self.handler, 1)
        return True

    async def handle(self, envelope: Any) -> Any:
        assert self.machine.alive[self] == 1, "it was cleaned up"
        self.machine.busy[self.key] += 1
        self.machine.peak[self.key] = max(self.machine.peak[self.key], self.machine.busy[self.key])
        assert "seen" not in envelope.payload, "another handler's copy"
        envelope.payload["seen"] = True
        try:
            await self.machine.stage("handle", self.handler, PACE)
        finally:
            self.machine.busy[self.key] -= 1
        return self.key, envelope.topic, sorted(envelope.payload)

    async def cleanup(self) -> None:
        self.machine.alive[self] -= 1
        await asyncio.sleep(0)


handlers = st.builds(
    Handler,
    topics=st.frozensets(st.sampled_from(TOPICS)),
    regions=st.frozensets(st.sampled_from("xy"), max_size=1),
    priority=st.integers(0, 2),
    exclusive=st.booleans(),
    limit=st.integers(1, 3),
    fault=st.none()
    | st.tuples(st.sampled_from(MAKING), st.integers(0, 1))
    | st.tuples(st.just("handle"), st.integers(0, PACE)),
    hangs=st.booleans(),
)


class Emitting(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = FrozenClock()
        self.resolver = Resolver()
        self.manager = LifecycleManager(self.resolver, clock=self.clock, timeouts=Timeouts(activation=8, health=4))
        self.bridge = EventBridge(self.resolver, self.manager, self.clock)
        self.offered: dict[str, Handler] = {}
        self.running: dict[str, Handler] = {}
        self.alive: Counter[Component] = Counter()
        self.busy: Counter[str] = Counter()
        self.peak: Counter[str] = Counter()

    async def stage(self, name: str, handler: Handler, suspensions: int) -> None:
        for passed in range(suspensions + 1):
            if handler.fault == (name, passed):
                if handler.hangs:
                    await asyncio.get_running_loop().create_future()
                raise ValueError(name)
            if passed < suspensions:
                await asyncio.sleep(0)

    def perform(self, act: Awaitable[Any], *, cancel_after: int | None = None) -> Any:
        async def within() -> Any:
            task = asyncio.ensure_future(act)
            if cancel_after is not None:
                for _ in range(cancel_after):
                    await asyncio.sleep(0)
                task.cancel()
            await self.clock.advance(100)
            assert task.done(), "it neither succeeded nor failed in time"
            return asyncio.CancelledError() if task.cancelled() else task.exception() or task.result()

        return self.runner.run(within())

    def heard_by(self, topic: str, region: str) -> list[str]:
        """The model: who is given the event, in order."""
        serving = self.offered | self.running
        hearing = [key for key, handler in serving.items() if handler.hears(topic, region)]
        hearing.sort(key=lambda key: (-serving[key].priority, key))
        return [key for key in hearing if serving[key].exclusive][:1] or hearing

    def check(self, results: list[HandlerResult], topic: str, region: str) -> None:
        heard = self.heard_by(topic, region)
        assert [each.key for each in results] == heard
        for each in results:
            handler = (self.offered | self.running)[each.key]
            if handler.failure is None:
                assert each.ok
                assert each.value == (each.key, topic, ["region", "seen"])
            else:
                assert isinstance(each.error, handler.failure)

    def activated(self, topic: str, region: str) -> None:
        for key in self.heard_by(topic, region):
            handler = self.offered[key] if key not in self.running else self.running[key]
            if handler.failure is not LifecycleError:
                self.running[key] = handler

    @rule(key=st.sampled_from(KEYS), handler=handlers)
    def offer(self, key: str, handler: Handler) -> None:
        async def factory() -> Component:
            await self.stage("factory", handler, 1)
            return Component(self, key, handler)

        self.resolver.register(Candidate("event", key, "one", factory, handler.metadata()))
        self.offered[key] = handler

    @rule(topic=st.sampled_from(TOPICS), region=st.sampled_from("xy"))
    def emit(self, topic: str, region: str) -> None:
        results = self.perform(self.bridge.emit(topic, {"region": region}))
        self.check(results, topic, region)
        self.activated(topic, region)

    @rule(topic=st.sampled_from(TOPICS), region=st.sampled_from("xy"), times=st.integers(2, 4))
    def emit_at_once(self, topic: str, region: str, times: int) -> None:
        self.peak.clear()

        async def together() -> Any:
            return await asyncio.gather(*(self.bridge.emit(topic, {"region": region}) for _ in range(times)))

        for results in self.perform(together()):
            self.check(results, topic, region)
        self.activated(topic, region)
        for key in self.heard_by(topic, region):
            if key in self.running:
                assert self.peak[key] <= self.running[key].limit
                if self.running[key].fault is None:
                    assert self.peak[key] == min(times, self.running[key].limit)

    @rule(topic=st.sampled_from(TOPICS), region=st.sampled_from("xy"), turns=st.integers(0, 20))
    def emit_and_cancel(self, topic: str, region: str, turns: int) -> None:
        result = self.perform(self.bridge.emit(topic, {"region": region}), cancel_after=turns)
        if not isinstance(result, asyncio.CancelledError):
            self.check(result, topic, region)
        for key in self.heard_by(topic, region):  # how far each got is for the manager to say
            if self.manager.handle("event", key) is not None and key not in self.running:
                self.running[key] = self.offered[key]
                assert self.offered[key].failure is not LifecycleError

    @rule(key=st.sampled_from(KEYS))
    def swap(self, key: str) -> None:
        if key in self.offered:
            result = self.perform(self.manager.swap("event", key))
            if self.offered[key].failure is LifecycleError:
                assert isinstance(result, LifecycleError)
            else:
                self.running[key] = self.offered[key]

    @rule(key=st.sampled_from(KEYS))
    def retire(self, key: str) -> None:
        assert self.perform(self.manager.retire("event", key)) is None
        self.running.pop(key, None)

    @invariant()
    def exactly_what_runs_is_alive_and_nothing_is_in_flight(self) -> None:
        assert set(self.alive.values()) <= {0, 1}
        alive = {each.key: each.handler for each, count in self.alive.items() if count}
        assert alive == self.running
        assert sum(self.alive.values()) == len(self.running)
        assert not +self.busy
        assert all(status.leases == status.draining == 0 for status in self.manager.all_statuses())

    def teardown(self) -> None:
        assert self.perform(self.manager.stop()) is None
        assert not +self.alive
        self.runner.close()


TestEmitting = Emitting.TestCase
TestEmitting.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
