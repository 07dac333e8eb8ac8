"""Graphs: refused when wrong, run in order, and failures that stop their dependents only."""

import asyncio
import itertools
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from oneiric_core.bridges import Dag, TaskBridge, WorkflowBridge, check_declaration
from oneiric_core.bridges.dag import Node
from oneiric_core.components import Candidate
from oneiric_core.errors import LifecycleError, ResolutionError


def declared(*nodes: Any) -> Candidate:
    return Candidate("workflow", "w", "acme", "a:b", {"dag": {"nodes": list(nodes)}})


def node(name: str, *depends_on: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "task": "step", "depends_on": list(depends_on), **more}


def graph(*nodes: Any) -> Dag:
    dag = Dag.of(declared(*nodes))
    assert dag is not None
    return dag


@pytest.mark.parametrize(
    ("dag", "message"),
    [
        ([], "its dag is"),
        ("nodes", "its dag is 'nodes'"),
        ({"nodes": {}}, "its dag is"),
        ({"nodes": ["a"]}, "a node of its dag is 'a'"),
        ({"nodes": [{"id": "a"}]}, "Give it an id and a task"),
        ({"nodes": [{"task": "t"}]}, "Give it an id and a task"),
        ({"nodes": [node("a"), node("a")]}, "appears twice"),
        ({"nodes": [node("first"), node("b", "frist")]}, "Did you mean first"),
        ({"nodes": [node("a"), node("b", "zzz")]}, "There is a, b"),
        ({"nodes": [{"id": "a", "task": "t", "depends_on": "b"}]}, "list of node ids"),
        ({"nodes": [{"id": "a", "task": "t", "depends_on": [1]}]}, "list of node ids"),
        ({"nodes": [node("a", "a")]}, "cycle: a -> a"),
        ({"nodes": [node("a", "b"), node("b", "c"), node("c", "a"), node("d")]}, "form a cycle"),
        ({"nodes": [node("a", retry_policy={"tries": 3})]}, "retry_policy of"),
    ],
    ids=str,
)
def test_graphs_that_cannot_run_are_refused(dag: Any, message: str) -> None:
    if dag == []:
        assert Dag.of(Candidate("workflow", "w", "acme", "a:b", {"dag": dag})) is None
        return
    with pytest.raises(ResolutionError, match=message):
        check_declaration(Candidate("workflow", "w", "acme", "a:b", {"dag": dag}))


def test_a_cycle_is_told_in_the_direction_of_its_dependencies() -> None:
    with pytest.raises(ResolutionError) as caught:
        graph(node("a", "b"), node("b", "c"), node("c", "a"))
    _, _, told = caught.value.what.partition("cycle: ")
    chain = told.split(" -> ")
    assert chain[0] == chain[-1]
    assert set(itertools.pairwise(chain)) == {("a", "b"), ("b", "c"), ("c", "a")}


def test_declarations_of_other_domains_are_checked_for_their_policies() -> None:
    check_declaration(Candidate("task", "t", "acme", "a:b", {"dag": "not looked at"}))
    with pytest.raises(ResolutionError):
        check_declaration(Candidate("task", "t", "acme", "a:b", {"timeout_seconds": -1}))


@st.composite
def graphs(draw: st.DrawFn) -> list[dict[str, Any]]:
    names = [f"n{number}" for number in range(draw(st.integers(1, 8)))]
    nodes = [
        node(name, *draw(st.lists(st.sampled_from(names[:at]), unique=True)) if at else ())
        for at, name in enumerate(names)
    ]
    return draw(st.permutations(nodes))


@given(nodes=graphs(), data=st.data())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_every_schedule_respects_the_dependencies_and_failures_stop_dependents_only(
    nodes: list[dict[str, Any]], data: st.DataObject
) -> None:
    names = [each["id"] for each in nodes]
    failing = set(data.draw(st.lists(st.sampled_from(names), max_size=2)))
    pace = {name: data.draw(st.integers(0, 4)) for name in names}
    depends_on = {each["id"]: set(each["depends_on"]) for each in nodes}
    ended: list[str] = []
    begun: list[str] = []

    async def step(each: Node) -> str:
        assert set(each.depends_on) <= set(ended), "a node began before what it depends on had ended"
        begun.append(each.id)
        for _ in range(pace[each.id]):
            await asyncio.sleep(0)
        ended.append(each.id)
        if each.id in failing:
            raise ValueError(each.id)
        return f"result of {each.id}"

    doomed: set[str] = set()
    for _ in names:
        doomed |= {name for name in names if depends_on[name] & (failing | doomed)}
    run = asyncio.run(graph(*nodes).run(step))
    assert set(run.skipped) == doomed
    assert set(run.failures) == failing - doomed
    assert run.results == {name: f"result of {name}" for name in names if name not in failing | doomed}
    assert sorted(begun) == sorted(set(names) - doomed)
    order = [each["id"] for each in graph(*nodes).as_dict()["nodes"]]
    assert all(order.index(before) < order.index(name) for name in names for before in depends_on[name])


async def test_independent_nodes_run_side_by_side() -> None:
    barrier = asyncio.Barrier(2)

    async def step(each: Node) -> None:
        if each.id != "end":
            await asyncio.wait_for(barrier.wait(), 30)

    run = await graph(node("a"), node("b"), node("end", "a", "b")).run(step)
    assert set(run.results) == {"a", "b", "end"}


def offer_workflow(house: Any, *nodes: Any, **metadata: Any) -> WorkflowBridge:
    async def run(payload: Any) -> Any:
        if payload == "fail":
            raise ValueError("told to")
        if payload == "cancel":
            raise asyncio.CancelledError
        return [payload]

    house.offer("task", "step", {"run": run})
    house.offer("workflow", "w", {}, dag={"nodes": list(nodes)}, **metadata)
    bridge: WorkflowBridge = house.bridge(WorkflowBridge)
    return bridge


async def test_nodes_get_their_payload_or_the_context_and_results_come_by_node(house: Any) -> None:
    workflows = offer_workflow(house, node("b", "a"), node("a", payload=0))
    assert await workflows.execute("w", {"x": 1}) == {"a": [0], "b": [{"x": 1}]}


async def test_a_failed_node_is_named_with_all_that_came_of_the_others(house: Any) -> None:
    workflows = offer_workflow(
        house, node("a", payload="fail"), node("b", "a"), node("c", payload=1), node("d", payload="cancel")
    )
    with pytest.raises(LifecycleError, match="a raised ValueError: told to; d raised CancelledError") as caught:
        await workflows.execute("w")
    assert caught.value.evidence["results"] == {"c": [1]}
    assert caught.value.evidence["skipped"] == ("b",)
    assert isinstance(caught.value.__cause__, ValueError)


async def test_a_workflow_is_not_cleaned_up_while_its_graph_runs(house: Any) -> None:
    gate, ended = asyncio.Event(), []
    workflows = offer_workflow(house, node("a"))
    house.offer("task", "step", {"run": lambda _: gate.wait()})
    house.offer("workflow", "w", {"cleanup": lambda: ended.append("cleanup")}, dag={"nodes": [node("a")]})
    executing = asyncio.create_task(workflows.execute("w"))
    await house.turns()
    await house.manager.swap("workflow", "w")
    await house.turns()
    assert ended == []
    gate.set()
    assert await executing == {"a": True}
    await house.turns()
    assert ended == ["cleanup"]


async def test_a_cancelled_run_cancels_its_nodes(house: Any) -> None:
    ended: list[str] = []

    async def run(payload: object) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("cancelled")

    workflows = offer_workflow(house, node("a"), node("b"), node("c", "a"))
    house.offer("task", "step", {"run": run})
    executing = asyncio.create_task(workflows.execute("w"))
    await house.turns()
    executing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await executing
    assert ended == ["cancelled", "cancelled"]


async def test_its_own_execute_comes_first_and_the_graph_can_be_run_all_the_same(house: Any) -> None:
    workflows = offer_workflow(house, node("a", payload=1))
    house.offer("workflow", "w", {"execute": lambda context: {"own": context}}, dag={"nodes": [node("a", payload=1)]})
    assert await workflows.execute("w", 7) == {"own": 7}
    assert (await workflows.run_dag("w", 7)).results == {"a": [1]}
    assert workflows.graph("w") == {"nodes": [{"id": "a", "task": "step", "depends_on": [], "payload": 1}]}


async def test_without_graph_and_execute_there_is_nothing_to_run(house: Any) -> None:
    house.offer("workflow", "empty", {})
    workflows = house.bridge(WorkflowBridge)
    with pytest.raises(LifecycleError, match="has no execute"):
        await workflows.execute("empty")
    for act in (workflows.run_dag, workflows.graph):
        with pytest.raises(ResolutionError, match="declares no dag"):
            await act("empty")


async def test_a_task_that_is_not_there_is_refused_before_anything_runs(house: Any) -> None:
    ran: list[object] = []
    workflows = offer_workflow(house, node("a"), {"id": "b", "task": "stop", "depends_on": []})
    house.offer("task", "step", {"run": ran.append})
    with pytest.raises(ResolutionError, match=r"task/stop\. Did you mean task/step"):
        await workflows.execute("w")
    assert ran == []


async def test_a_nodes_own_policy_takes_the_place_of_the_tasks(house: Any) -> None:
    calls: list[int] = []

    async def run(payload: object) -> int:
        calls.append(1)
        if len(calls) < 3:
            raise OSError("busy")
        return len(calls)

    workflows = offer_workflow(house, node("a", retry_policy={"attempts": 3}, timeout_seconds=9))
    house.offer("task", "step", {"run": run}, retry_policy={"attempts": 1})
    assert await workflows.execute("w") == {"a": 3}


async def test_the_workflows_timeout_bounds_its_graph(house: Any) -> None:
    async def hang(payload: object) -> None:
        await asyncio.get_running_loop().create_future()

    workflows = offer_workflow(house, node("a"), timeout_seconds=4)
    house.offer("task", "step", {"run": hang})
    executing = asyncio.create_task(workflows.execute("w"))
    await house.clock.advance(4)
    with pytest.raises(TimeoutError, match="workflow/w did not end within 4 s"):
        await executing
    assert house.manager.status("task", "step").leases == 0


def failing_until(calls: list[str], end: int, error: BaseException) -> dict[str, Any]:
    """A task that fails with ``error`` when given "fails", before its call number ``end``."""

    async def run(payload: str) -> int:
        calls.append(payload)
        if payload == "fails" and calls.count("fails") < end:
            raise error
        return calls.count(payload)

    return {"run": run}


FORK = [node("a", payload="fails"), node("b", "a", payload="after"), node("c", payload="beside")]


async def test_a_run_that_fails_is_tried_anew_as_a_whole(house: Any) -> None:
    calls: list[str] = []
    workflows = offer_workflow(house, *FORK, retry_policy={"attempts": 3, "base_delay": 5})
    house.offer("task", "step", failing_until(calls, 3, OSError("busy")))
    executing = asyncio.create_task(workflows.execute("w"))
    await house.turns()
    assert sorted(calls) == ["beside", "fails"]
    await house.clock.advance(5)
    assert not executing.done()
    await house.clock.advance(10)
    assert await executing == {"a": 3, "b": 1, "c": 3}


async def test_the_last_of_the_runs_is_the_one_that_is_told(house: Any) -> None:
    calls: list[str] = []
    workflows = offer_workflow(house, *FORK, retry_policy={"attempts": 2})
    house.offer("task", "step", failing_until(calls, 9, ValueError("told to")))
    with pytest.raises(LifecycleError, match=r"w did not come to its end: a raised ValueError: told to\. ") as caught:
        await workflows.execute("w")
    assert calls.count("fails") == 2
    assert caught.value.evidence["results"] == {"c": 2}
    assert caught.value.evidence["skipped"] == ("b",)
    assert isinstance(caught.value.__cause__, ValueError)


async def test_a_run_in_which_a_node_was_cancelled_is_not_tried_anew(house: Any) -> None:
    calls: list[str] = []
    workflows = offer_workflow(house, *FORK, retry_policy={"attempts": 3})
    house.offer("task", "step", failing_until(calls, 9, asyncio.CancelledError()))
    with pytest.raises(LifecycleError, match="a raised CancelledError"):
        await workflows.execute("w")
    assert calls.count("fails") == 1


async def test_cancelling_between_two_runs_ends_it(house: Any) -> None:
    calls: list[str] = []
    workflows = offer_workflow(house, *FORK, retry_policy={"attempts": 3, "base_delay": 5})
    house.offer("task", "step", failing_until(calls, 9, OSError("busy")))
    executing = asyncio.create_task(workflows.execute("w"))
    await house.turns()
    executing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await executing
    await house.clock.advance(60)
    assert calls.count("fails") == 1


async def test_a_bridge_for_tasks_can_be_given(house: Any) -> None:
    tasks = house.bridge(TaskBridge)
    offer_workflow(house, node("a", payload=1))
    workflows = WorkflowBridge(house.resolver, house.manager, house.clock, tasks=tasks)
    assert await workflows.execute("w") == {"a": [1]}
