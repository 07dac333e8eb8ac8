"""WF: what a workflow promises."""

import asyncio
import copy
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from graphlib import CycleError, TopologicalSorter
from itertools import product
from typing import Any, Final

from hypothesis import strategies as st

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.evidence import own_work
from oneiric_conformance.handling.payloads import schemas_of
from oneiric_conformance.handling.work import answered, inputs, working
from oneiric_conformance.judging.findings import Finding, cut, described
from oneiric_conformance.registry import check
from oneiric_conformance.runtime import ComponentSpec, Runtime
from oneiric_conformance.subject import Subject
from oneiric_core import DOMAINS, Domain
from oneiric_core.testing import candidates_from, installed_entry_points

__all__: list[str] = []

_TURNS: Final = 4
_FAILED: Final = "this node was told to fail"
_TASK: Final = "conformance-node-{}"


def _unless_graph(subject: Subject) -> str:
    return "" if subject.metadata.get("dag") is not None else "declares no dag"


@check("WF-001", judges="component", level="must", since="2026.1", domains=[Domain.WORKFLOW], applies=_unless_graph)
def the_graph_can_be_walked(bench: Bench) -> None:
    """The graph has no cycle, every node has an id of its own, and the nodes and tasks that it refers to exist.

    A task exists if this package or another installed one offers it.

    Troubleshooting: a misspelt id in ``depends_on``, a misspelt key in ``task``, two nodes with one id, or a node that
    depends on itself through others.
    """
    with bench.control("the graph has nodes"):
        nodes = _nodes(bench.subject)
    ids = Counter(node["id"] for node in nodes)
    twice = [name for name, count in ids.items() if count > 1]
    bench.expect(not twice, seen=f"two nodes have the id {twice[:1]}", expected="an id for each")
    for node in nodes:
        missing = [name for name in _needs(node) if name not in ids]
        seen = f"node {node['id']!r} depends on {', '.join(map(repr, missing))}, which is no node"
        bench.expect(not missing, seen=seen, expected=f"one of {', '.join(ids)}")
        bench.exercised()
    try:
        TopologicalSorter({node["id"]: _needs(node) for node in nodes}).prepare()
    except CycleError as error:
        raise Finding(f"the graph has a cycle: {' → '.join(error.args[1])}", "a graph without cycles") from error
    _expect_tasks(bench, nodes)


def _nodes(subject: Subject) -> list[Mapping[str, Any]]:
    dag = subject.metadata.get("dag")
    nodes = dag.get("nodes") if isinstance(dag, Mapping) else None
    if not isinstance(nodes, list | tuple) or not nodes:
        raise Finding(f"dag is {dag!r}", "an object with a list of nodes, each {id, task, depends_on, payload}")
    for node in nodes:
        if not isinstance(node, Mapping) or not isinstance(node.get("id"), str) or not node["id"]:
            raise Finding(f"a node is {node!r}", "an object with a text as id")
        needs = node.get("depends_on")
        if needs is not None and not (isinstance(needs, list | tuple) and all(isinstance(name, str) for name in needs)):
            raise Finding(f"node {node['id']!r} has depends_on {needs!r}", "a list of ids")
    return list(nodes)


def _needs(node: Mapping[str, Any]) -> list[str]:
    return list(node.get("depends_on") or ())


def _expect_tasks(bench: Bench, nodes: Sequence[Mapping[str, Any]]) -> None:
    for node in nodes:
        task = node.get("task")
        seen = f"node {node['id']!r} has the task {task!r}"
        bench.expect(isinstance(task, str) and bool(task), seen=seen, expected="the key of a task")
    wanted = {node["task"] for node in nodes}
    own = {subject.key for subject in bench.package.subjects if subject.domain == Domain.TASK}
    if not own or wanted <= own:  # a workflow on its own, named on the command line, has nobody to look its tasks up at
        return
    missing = wanted - own - _installed_tasks()
    seen = f"no package here offers the task {', '.join(sorted(missing))}"
    bench.expect(
        not missing, seen=seen, expected=f"one of {', '.join(sorted(own))}, or another package that is installed"
    )


def _installed_tasks() -> set[str]:
    group = DOMAINS[Domain.TASK].group
    found = set()
    for point in installed_entry_points():
        if point.group == group:
            found |= {candidate.key for candidate in candidates_from(point.load(), Domain.TASK, point.distribution)}
    return found


@check("WF-002", judges="component", level="must", since="2026.1", domains=[Domain.WORKFLOW], exercises=True)
def runs_respect_dependencies(bench: Bench) -> None:
    """A run ends in a result, and its graph executes every node once, none before all it depends on have ended.

    That holds however long each node takes. The result of a workflow's own ``execute(context)`` is plain JSON data; its
    graph, if it declares one, is judged by itself as well, first with the package's own tasks.

    Troubleshooting: a payload that the node's task refuses, a dependency that is used but not declared in
    ``depends_on``, a context the workflow refuses (declare ``payload_schema``), or a task that is not installed.
    """
    with bench.control("it can be executed"), working(bench) as instance:
        executes = bench.verb(instance) is not None
        graph = bench.subject.metadata.get("dag") is not None
        bench.expect(executes or graph, seen="it has neither execute() nor a dag", expected="one of them")
    if executes:
        bench.run(_executed(bench))
    if graph:
        done = _judge_graph(bench, _nodes(bench.subject))
        bench.behaved(0 if executes else done)  # with execute() of its own, the graph is not what is run


async def _executed(bench: Bench) -> None:
    results, refused = [], ""
    with bench.sandbox() as box:
        async with bench.runtime() as runtime:
            await _activate(bench, runtime, bench.spec(box))
            for context in inputs(bench):
                try:
                    result = await _call(bench, runtime, context)
                except Exception as error:
                    if schemas_of(bench.subject):
                        raise Finding(f"execute() raised {described(error)}", "a result", cut(repr(context))) from error
                    refused = described(error)
                    continue
                answered(bench, "execute()", result)
                results.append((context, result))
                bench.exercised()
            bench.behaved(await own_work(results, partial(_call, bench, runtime)))
    seen = f"it executed no context; the last one ended with {refused}"
    bench.expect(bool(results), seen=seen, expected="a context that it takes")


def _judge_graph(bench: Bench, nodes: Sequence[Mapping[str, Any]]) -> int:
    """How many different things the package's own tasks did in runs of the graph."""
    done = bench.run(_with_own_tasks(bench, nodes))
    bench.exercised()
    schedules = st.lists(st.integers(0, _TURNS), min_size=len(nodes), max_size=len(nodes))
    slow_first = [_TURNS - min(index, _TURNS) for index in range(len(nodes))]
    bench.for_all(
        schedules,
        lambda turns: bench.run(_scheduled(bench, nodes, turns)),
        nasty=[[0] * len(nodes), slow_first, slow_first[::-1]],
        show=lambda turns: ", ".join(f"{node['id']} takes {n} turns" for node, n in zip(nodes, turns, strict=True)),
    )
    return done


class _Graph:
    """Stands for the workflow: nothing but the graph it declares."""


async def _activate(bench: Bench, runtime: Runtime, spec: ComponentSpec) -> None:
    verdict = await runtime.register(spec)
    bench.expect(verdict.ok, seen=f"registering {spec.key} was refused: {verdict.reason}", expected="a registration")
    verdict = await runtime.activate(spec.domain, spec.key, spec.provider)
    bench.expect(verdict.ok, seen=f"activating {spec.key} was refused: {verdict.reason}", expected="an activation")


async def _call(bench: Bench, runtime: Runtime, context: Any) -> Any:
    return await runtime.call(bench.subject.domain, bench.subject.key, copy.deepcopy(context))


async def _with_own_tasks(bench: Bench, nodes: Sequence[Mapping[str, Any]]) -> int:
    wanted = {node.get("task") for node in nodes}
    tasks = [each for each in bench.package.subjects if each.domain == Domain.TASK and each.key in wanted]
    with bench.sandbox() as box:
        async with bench.runtime() as runtime:
            for task in tasks:
                await _activate(bench, runtime, bench.of(task).spec(box))
            for key in sorted(str(name) for name in wanted - {task.key for task in tasks}):
                await _activate(bench, runtime, _stand_in(key, lambda: _Node("", 0, [])))
            await _activate(bench, runtime, bench.spec(box, factory=_Graph))
            with bench.asking("a run with its own tasks"):
                context = inputs(bench)[-1]
                result = await _call(bench, runtime, context)
            bench.expect(isinstance(result, Mapping), seen=f"a run gave {result!r:.80}", expected="results by node")
            own = [node for node in nodes if node.get("task") in {task.key for task in tasks}]

            async def again(node: Mapping[str, Any]) -> Any:
                return (await _call(bench, runtime, context))[node["id"]]

            done = [(node, result.get(node["id"])) for node in own]
            return await own_work(done, again, lambda node: node.get("payload", context))


class _Node:
    """Stands for a node's task: takes some turns of the loop, and writes down when it began and ended."""

    def __init__(self, name: str, turns: int, log: list[str], *, fails: bool = False) -> None:
        self._fails = fails
        self._name = name
        self._turns = turns
        self._log = log

    async def run(self, payload: object) -> dict[str, str]:
        del payload
        self._log.append(f"begin {self._name}")
        for _ in range(self._turns):
            await asyncio.sleep(0)
        if self._fails:
            raise RuntimeError(_FAILED)
        self._log.append(f"end {self._name}")
        return {"node": self._name}


def _stand_in(key: str, factory: Callable[[], object]) -> ComponentSpec:
    return ComponentSpec(Domain.TASK, key, "conformance", factory)


async def _scheduled(bench: Bench, nodes: Sequence[Mapping[str, Any]], turns: Sequence[int]) -> None:
    """The same graph, with a task for each node that takes as many turns as given."""
    log: list[str] = []
    await _run_graph(bench, nodes, turns, log)
    _expect_order(bench, nodes, log)


async def _run_graph(
    bench: Bench, nodes: Sequence[Mapping[str, Any]], turns: Sequence[int], log: list[str], failing: str = ""
) -> None:
    renamed = [{**node, "task": _TASK.format(index)} for index, node in enumerate(nodes)]
    with bench.sandbox() as box:
        async with bench.runtime() as runtime:
            for node, count in zip(renamed, turns, strict=True):
                maker = _maker(node["id"], count, log, fails=node["id"] == failing)
                await _activate(bench, runtime, _stand_in(node["task"], maker))
            dag = {**bench.subject.metadata["dag"], "nodes": renamed}
            metadata = {name: value for name, value in bench.subject.metadata.items() if name != "retry_policy"}
            await _activate(bench, runtime, bench.spec(box, factory=_Graph, metadata={**metadata, "dag": dag}))
            with bench.asking("a run"):
                await _call(bench, runtime, {})


def _maker(name: str, turns: int, log: list[str], *, fails: bool) -> Callable[[], object]:
    return lambda: _Node(name, turns, log, fails=fails)


def _expect_order(bench: Bench, nodes: Sequence[Mapping[str, Any]], log: list[str]) -> None:
    for node in nodes:
        name = node["id"]
        times = log.count(f"begin {name}")
        bench.expect(times == 1, seen=f"node {name!r} was run {times} times", expected="once")
        for other in _needs(node):
            early = log.index(f"begin {name}") < log.index(f"end {other}")
            seen = f"node {name!r} began before {other!r} had ended, on which it depends"
            bench.expect(not early, seen=seen, expected="the other way round")


@check("WF-003", judges="component", level="must", since="2026.1", domains=[Domain.WORKFLOW], applies=_unless_graph)
def a_failing_node_stops_only_its_dependents(bench: Bench) -> None:
    """Whichever node fails, those that depend on it, directly or not, are not begun, all others come to their end, and
    the run itself ends in an exception.

    Troubleshooting: this is a promise of the runtime to the graph; if it is broken, look at the runtime, and at nodes
    that use the results of others without naming them in ``depends_on``.
    """
    nodes = [
        {name: node[name] for name in ("id", "task", "depends_on") if name in node} for node in _nodes(bench.subject)
    ]
    with bench.control("it runs when no node fails"):
        bench.run(_scheduled(bench, nodes, [0] * len(nodes)))
    for node, turns in bench.each(product(nodes, (0, _TURNS))):
        bench.run(_failing(bench, nodes, node["id"], turns))
        bench.exercised()


async def _failing(bench: Bench, nodes: Sequence[Mapping[str, Any]], failing: str, turns: int) -> None:
    """One node fails after some turns, while each of the others takes a few."""
    log: list[str] = []
    try:
        await _run_graph(bench, nodes, [turns if node["id"] == failing else 2 for node in nodes], log, failing)
        raised = False
    except Finding as found:
        raised = True
        if _FAILED not in found.seen:
            raise
    seen = f"node {failing!r} failed, and the run ended in a result"
    bench.expect(raised, seen=seen, expected="an exception", example=f"{failing!r} fails")
    stopped = _after(nodes, failing)
    for name in (node["id"] for node in nodes):
        begun, ended = log.count(f"begin {name}"), log.count(f"end {name}")
        seen = f"node {failing!r} failed, and {name!r}, which depends on it, was begun all the same"
        bench.expect(not begun or name not in stopped, seen=seen, expected="not begun", example=f"{failing!r} fails")
        seen = f"node {failing!r} failed, and {name!r}, which does not depend on it, did not come to its end"
        bench.expect(
            bool(ended) or name in {*stopped, failing}, seen=seen, expected="its end", example=f"{failing!r} fails"
        )


def _after(nodes: Sequence[Mapping[str, Any]], name: str) -> set[str]:
    """The ids of those that depend on a node, directly or not."""
    found: set[str] = set()
    while more := {node["id"] for node in nodes if {name, *found} & {*_needs(node)}} - found:
        found |= more
    return found
