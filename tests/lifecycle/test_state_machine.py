"""Any sequence of registrations, activations, swaps, failures, cancellations, leases and retirements, against a model.

The model knows, for each key, which instance is published, at which generation, and who holds leases on what. After
every step the manager has to agree with it, and every instance ever made is published, leased, or cleaned up once.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from oneiric_core.clock import FrozenClock
from oneiric_core.components import Candidate
from oneiric_core.errors import LifecycleError, OneiricError
from oneiric_core.lifecycle import LifecycleManager, Timeouts
from oneiric_core.resolver import Resolver

KEYS = [("adapter", "a"), ("adapter", "b"), ("service", "c")]
FAULTS = ["", "factory", "init", "health", "false", "none", "hang factory", "hang init", "hang health", "deaf factory"]

names = st.sampled_from(KEYS)
providers = st.sampled_from(["one", "two"])
faults = st.sampled_from(FAULTS) | st.just("")


@dataclass
class Model:
    """One key as it should be."""

    published: int | None = None
    generation: int = 0
    provider: str = ""
    leases: Counter[int] = field(default_factory=Counter)


class Instance:
    """Suspends once in every hook, so that cancellation finds a place."""

    def __init__(self, machine: "Swapping", fault: str) -> None:
        self.machine, self.fault = machine, fault
        machine.made += 1
        self.number = machine.made

    async def init(self) -> None:
        await self.machine.stage("init", self.fault)

    async def health(self) -> bool:
        await self.machine.stage("health", self.fault)
        return self.fault != "false"

    async def cleanup(self) -> None:
        self.machine.cleanups[self.number] += 1
        await asyncio.sleep(0)


class Swapping(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = FrozenClock()
        self.resolver = Resolver()
        self.manager = LifecycleManager(
            self.resolver, clock=self.clock, timeouts=Timeouts(activation=8, health=4, cleanup=2, drain=1_000_000)
        )
        self.model = {name: Model() for name in KEYS}
        self.faults: dict[tuple[str, str, str], str] = {}
        self.made = 0
        self.cleanups: Counter[int] = Counter()
        self.held: list[tuple[tuple[str, str], Any, int]] = []
        self.deaf = asyncio.Event()

    # what components do

    async def stage(self, name: str, fault: str) -> None:
        await asyncio.sleep(0)
        if fault == name:
            raise ValueError(name)
        if fault == f"hang {name}":
            await asyncio.get_running_loop().create_future()

    def factory(self, name: tuple[str, str], provider: str) -> Callable[[], Awaitable[Instance | None]]:
        async def factory() -> Instance | None:
            fault = self.faults[(*name, provider)]
            await self.stage("factory", fault)
            while fault == "deaf factory" and not self.deaf.is_set():
                try:
                    await self.deaf.wait()
                except asyncio.CancelledError:
                    continue
            return None if fault == "none" else Instance(self, fault)

        return factory

    # what the application does

    def perform(self, act: Awaitable[object], *, cancel_after: int | None = None, seconds: float = 100) -> object:
        """The result, or the error, of ``act``; time passes until it has ended."""

        async def within() -> object:
            task = asyncio.ensure_future(act)
            if cancel_after is not None:
                for _ in range(cancel_after):
                    await asyncio.sleep(0)
                task.cancel()
            await self.clock.advance(seconds)
            assert task.done(), "it neither succeeded nor failed in time"
            if task.cancelled():
                return asyncio.CancelledError()
            return task.exception() or task.result()

        return self.runner.run(within())

    def published(self, name: tuple[str, str], provider: str) -> None:
        model = self.model[name]
        handle = self.manager.handle(*name)
        assert handle is not None
        assert isinstance(handle.instance, Instance)
        assert handle.instance.number != model.published
        model.published, model.provider = handle.instance.number, provider
        model.generation += 1

    @rule(name=names, provider=providers, fault=faults)
    def offer(self, name: tuple[str, str], provider: str, fault: str) -> None:
        self.faults[(*name, provider)] = fault
        self.resolver.register(Candidate(*name, provider, self.factory(name, provider)))

    @rule(name=names, provider=providers, always=st.booleans())
    def change(self, name: tuple[str, str], provider: str, always: bool) -> None:
        candidate = self.resolver.resolve(*name, provider)
        model = self.model[name]
        running = self.manager.handle(*name)
        result = self.perform((self.manager.swap if always else self.manager.activate)(*name, provider))
        if candidate is None:
            assert isinstance(result, OneiricError)
        elif not always and running is not None and running.candidate == candidate:
            assert result is running.instance
        elif self.faults[(*name, provider)]:
            assert isinstance(result, LifecycleError)
            assert self.manager.status(*name).error
        else:
            assert isinstance(result, Instance)
            self.published(name, provider)
            assert self.manager.status(*name).error == ""
        assert self.manager.status(*name).generation == model.generation

    @rule(chosen=st.lists(names, unique=True, max_size=3), provider=providers)
    def change_several(self, chosen: list[tuple[str, str]], provider: str) -> None:
        missing = any(self.resolver.resolve(*name, provider) is None for name in chosen)
        result = self.perform(self.manager.swap_many([(*name, provider) for name in chosen]))
        if missing or any(self.faults[(*name, provider)] for name in chosen):
            assert isinstance(result, OneiricError)
        else:
            for name in chosen:
                self.published(name, provider)

    @rule(chosen=st.lists(names, unique=True, min_size=1, max_size=3), provider=providers, turns=st.integers(0, 25))
    def change_and_cancel(self, chosen: list[tuple[str, str]], provider: str, turns: int) -> None:
        result = self.perform(self.manager.swap_many([(*name, provider) for name in chosen]), cancel_after=turns)
        changed = [self.manager.status(*name).generation > self.model[name].generation for name in chosen]
        assert len(set(changed)) == 1, "some were swapped and some were not"
        assert changed[0] is not isinstance(result, asyncio.CancelledError | OneiricError)
        if changed[0]:
            for name in chosen:
                self.published(name, provider)

    @rule(name=names)
    def retire(self, name: tuple[str, str]) -> None:
        assert self.perform(self.manager.retire(*name)) is None
        self.model[name].published, self.model[name].provider = None, ""

    @rule(name=names)
    def lease(self, name: tuple[str, str]) -> None:
        lease = self.manager.lease(*name)
        result = self.perform(lease.__aenter__())
        published = self.model[name].published
        if published is None:
            assert isinstance(result, LifecycleError)
        else:
            assert isinstance(result, Instance)
            assert result.number == published
            self.held.append((name, lease, published))
            self.model[name].leases[published] += 1

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        name, lease, number = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        assert self.perform(lease.__aexit__(None, None, None)) is None
        self.model[name].leases[number] -= 1

    @rule()
    def let_the_deaf_deliver(self) -> None:
        self.deaf.set()
        self.perform(asyncio.sleep(0), seconds=0)
        self.deaf.clear()

    # what always holds

    @invariant()
    def agrees_with_the_model(self) -> None:
        for name, model in self.model.items():
            instance = self.manager.get_instance(*name)
            status = self.manager.status(*name)
            assert (None if instance is None else instance.number) == model.published  # type: ignore[attr-defined]
            assert (status.provider, status.generation) == (model.provider, model.generation)
            assert status.leases == (0 if model.published is None else model.leases[model.published])

    @invariant()
    def every_instance_is_in_use_or_was_cleaned_up_once(self) -> None:
        in_use = {model.published for model in self.model.values()} - {None}
        in_use |= {number for _, _, number in self.held}
        assert set(self.cleanups) == set(range(1, self.made + 1)) - in_use
        assert set(self.cleanups.values()) <= {1}

    def teardown(self) -> None:
        self.deaf.set()
        assert self.perform(self.manager.stop(), seconds=2_000_000) is None
        assert set(self.cleanups) == set(range(1, self.made + 1))
        assert set(self.cleanups.values()) <= {1}
        self.runner.close()


TestSwapping = Swapping.TestCase
TestSwapping.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
