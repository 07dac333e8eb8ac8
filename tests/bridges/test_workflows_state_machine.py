"""Graphs that come and change while their tasks fail and are swapped, against a model of what each node gives."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from oneiric_core.bridges import DagRun, WorkflowBridge
from oneiric_core.clock import FrozenClock
from oneiric_core.components import Candidate
from oneiric_core.errors import LifecycleError, ResolutionError
from oneiric_core.lifecycle import LifecycleManager, Timeouts
from oneiric_core.resolver import Resolver

TASKS, NODES, PACE = ("s", "t", "u"), ("n0", "n1", "n2", "n3", "n4"), 2
MAKING = ("factory", "init", "health")


@dataclass(frozen=True)
class Task:
    """Where a task fails: ``(stage, number of suspensions before)``, or nowhere; and how."""

    fault: tuple[str, int] | None
    hangs: bool

    @property
    def failure(self) -> type[BaseException] | None:
        if self.fault is None:
            return None
        if self.fault[0] in MAKING:
            return LifecycleError
        return TimeoutError if self.hangs else ValueError


class Component:
    def __init__(self, machine: "Executing", key: str, task: Task) -> None:
        self.machine, self.key, self.task = machine, key, task
        machine.alive[self] += 1

    async def init(self) -> None:
        await self.machine.stage("init", self.task, 1)

    async def health(self) -> bool:
        await self.machine.stage("health", self.task, 1)
        return True

    async def run(self, payload: Any) -> Any:
        assert self.machine.alive[self] == 1, "it was cleaned up"
        self.machine.events.append(("begin", payload))
        await self.machine.stage("run", self.task, PACE)
        self.machine.events.append(("end", payload))
        return self.key, payload

    async def cleanup(self) -> None:
        self.machine.alive[self] -= 1
        await asyncio.sleep(0)


class Workflow:
    """Has nothing but its graph."""


tasks = st.builds(
    Task,
    fault=st.none()
    | st.none()
    | st.tuples(st.sampled_from(MAKING), st.integers(0, 1))
    | st.tuples(st.just("run"), st.integers(0, PACE)),
    hangs=st.booleans(),
)
edges = st.sets(st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)), max_size=6)
"""Pairs (node, what it depends on)."""


class Executing(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = FrozenClock()
        self.resolver = Resolver()
        self.manager = LifecycleManager(self.resolver, clock=self.clock, timeouts=Timeouts(activation=8, health=4))
        self.bridge = WorkflowBridge(self.resolver, self.manager, self.clock)
        self.offered: dict[str, Task] = {}
        self.running: dict[str, Task] = {}
        self.graph: dict[str, tuple[str, frozenset[str]]] = {}
        self.alive: Counter[Component] = Counter()
        self.events: list[tuple[str, str]] = []

    async def stage(self, name: str, task: Task, suspensions: int) -> None:
        for passed in range(suspensions + 1):
            if task.fault == (name, passed):
                if task.hangs:
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
            await self.clock.advance(200)
            assert task.done(), "it neither succeeded nor failed in time"
            return asyncio.CancelledError() if task.cancelled() else task.exception() or task.result()

        self.events.clear()
        return self.runner.run(within())

    def expected(self) -> tuple[dict[str, Any], dict[str, type[BaseException]], set[str]]:
        """The model: results, failures and what is skipped, by node."""
        results, failures, skipped = {}, {}, set()
        for name, (key, depends_on) in self.graph.items():  # each after all it depends on
            failure = (self.offered | self.running)[key].failure
            if depends_on & (failures.keys() | skipped):
                skipped.add(name)
            elif failure is not None:
                failures[name] = failure
            else:
                results[name] = (key, name)
        return results, failures, skipped

    @property
    def complete(self) -> bool:
        return all(key in self.offered for key, _ in self.graph.values())

    @rule(key=st.sampled_from(TASKS), task=tasks)
    def offer_task(self, key: str, task: Task) -> None:
        async def factory() -> Component:
            await self.stage("factory", task, 1)
            return Component(self, key, task)

        self.resolver.register(Candidate("task", key, "one", factory, {"timeout_seconds": 5}))
        self.offered[key] = task

    @rule(chosen=st.dictionaries(st.sampled_from(NODES), st.sampled_from(TASKS), min_size=1), wanted=edges)
    def offer_graph(self, chosen: dict[str, str], wanted: set[tuple[str, str]]) -> None:
        depends_on = {node: sorted(to for each, to in wanted if each == node) for node in chosen}
        nodes = [
            {"id": node, "task": task, "depends_on": depends_on[node], "payload": node} for node, task in chosen.items()
        ]
        self.resolver.register(Candidate("workflow", "w", "one", Workflow, {"dag": {"nodes": nodes}}))
        self.perform(self.manager.retire("workflow", "w"))
        self.graph = {}
        left = {node: set(many) for node, many in depends_on.items()}
        while free := sorted(node for node, many in left.items() if not many):  # worn away from its ends
            self.graph |= {node: (chosen[node], frozenset(depends_on[node])) for node in free}
            left = {node: many - set(free) for node, many in left.items() if node not in free}
        if left:  # what is left goes round in circles, or hangs in the air
            self.graph = {}
            assert isinstance(self.perform(self.bridge.run_dag("w")), ResolutionError)
            return
        order = [node["id"] for node in self.bridge.graph("w")["nodes"]]
        assert sorted(order) == sorted(chosen)
        assert all(order.index(to) < order.index(node) for node in order for to in depends_on[node])

    @precondition(lambda self: self.graph)
    @rule()
    def execute(self) -> None:
        run = self.perform(self.bridge.run_dag("w"))
        if not self.complete:
            assert isinstance(run, ResolutionError)
            assert self.events == []
            return
        assert isinstance(run, DagRun)
        results, failures, skipped = self.expected()
        assert run.results == results
        assert run.failures.keys() == failures.keys()
        assert all(isinstance(run.failures[node], kind) for node, kind in failures.items())
        assert set(run.skipped) == skipped
        for node, (_, depends_on) in self.graph.items():
            for each in depends_on:
                if ("begin", node) in self.events:
                    assert self.events.index(("end", each)) < self.events.index(("begin", node))
        assert max(Counter(self.events).values(), default=1) == 1, "a node ran twice"
        for node in {*results, *failures}:
            self.settle(self.graph[node][0])

    @precondition(lambda self: self.graph)
    @rule(turns=st.integers(0, 30))
    def execute_and_cancel(self, turns: int) -> None:
        run = self.perform(self.bridge.run_dag("w"), cancel_after=turns)
        if isinstance(run, DagRun):
            assert run.results == self.expected()[0]
        for key, _ in self.graph.values():  # how far each got is for the manager to say
            if self.manager.handle("task", key) is not None:
                self.settle(key)

    @precondition(lambda self: self.offered)
    @rule(key=st.sampled_from(TASKS))
    def swap(self, key: str) -> None:
        if key in self.offered:
            result = self.perform(self.manager.swap("task", key))
            failed = self.offered[key].failure is LifecycleError
            assert isinstance(result, LifecycleError) is failed
            if not failed:
                self.running[key] = self.offered[key]

    @rule(key=st.sampled_from(TASKS))
    def retire(self, key: str) -> None:
        assert self.perform(self.manager.retire("task", key)) is None
        self.running.pop(key, None)

    def settle(self, key: str) -> None:
        if key not in self.running and self.offered[key].failure is not LifecycleError:
            self.running[key] = self.offered[key]

    @invariant()
    def exactly_what_runs_is_alive_and_nothing_is_in_flight(self) -> None:
        assert set(self.alive.values()) <= {0, 1}
        assert {each.key: each.task for each, count in self.alive.items() if count} == self.running
        assert sum(self.alive.values()) == len(self.running)
        assert all(status.leases == status.draining == 0 for status in self.manager.all_statuses())

    def teardown(self) -> None:
        assert self.perform(self.manager.stop()) is None
        assert not +self.alive
        self.runner.close()


TestExecuting = Executing.TestCase
TestExecuting.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
