"""WF: what a workflow promises."""

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any, Final

from hypothesis import strategies as st

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.effects import effects_of
from oneiric_conformance.handling.evidence import own_work
from oneiric_conformance.handling.graphs import (
    FAILED,
    TASK,
    Fault,
    Graph,
    Node,
    disordered,
    malformed,
    node_factory,
    taskless,
    unfinished,
    unwalkable,
)
from oneiric_conformance.handling.payloads import schemas_of
from oneiric_conformance.handling.work import answered, inputs, verb_of, working
from oneiric_conformance.judging.findings import Finding, described, shown
from oneiric_conformance.registry import check
from oneiric_conformance.runtime import ComponentSpec, Runtime
from oneiric_conformance.subject import Subject
from oneiric_core import Domain

__all__: list[str] = []

_TURNS: Final = 4
_CONTEXTS: Final = 20


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
    _expect_sound(bench, unwalkable(nodes))
    own = {subject.key for subject in bench.package.subjects if subject.domain == Domain.TASK}
    _expect_sound(bench, taskless(nodes, own))
    bench.exercised(len(nodes))


def _nodes(subject: Subject) -> list[Mapping[str, Any]]:
    dag: Any = subject.metadata.get("dag")
    seen, expected = malformed(dag)
    if seen:
        raise Finding(seen, expected)
    return list(dag["nodes"])


def _expect_sound(bench: Bench, fault: Fault, example: str = "") -> None:
    seen, expected = fault
    bench.expect(not seen, seen=seen, expected=expected, example=example)


@check("WF-002", judges="component", level="must", since="2026.1", domains=[Domain.WORKFLOW], exercises=True)
def runs_respect_dependencies(bench: Bench) -> None:
    """A run ends in a result, and its graph executes every node once, none before all it depends on have ended.

    That holds however long each node takes. The result of a workflow's own ``execute(context)`` is plain JSON data; its
    graph, if it declares one, is judged by itself as well, first with the package's own tasks and every context that
    its schema allows. Without a schema it may refuse contexts, but not all.

    Troubleshooting: a payload that the node's task refuses, a dependency that is used but not declared in
    ``depends_on``, a context the workflow refuses (declare ``payload_schema``), or a task that is not installed.
    """
    with bench.control("it can be executed"), working(bench) as instance:
        executes = bench.verb(instance) is not None
        graph = bench.subject.metadata.get("dag") is not None
        bench.expect(executes or graph, seen="it has neither execute() nor a dag", expected="one of them")
    if executes:
        own, contexts = bench.run(_executed(bench))
        bench.behaved(own or effects_of(bench, partial(verb_of, bench), contexts))
    if graph:
        done = _judge_graph(bench, _nodes(bench.subject))
        bench.behaved(0 if executes else done)  # with execute() of its own, the graph is not what is run


async def _executed(bench: Bench) -> tuple[int, list[Any]]:
    """How many different things it did, and the contexts that it took."""
    results, refused = [], ""
    with bench.sandbox() as box:
        async with bench.runtime() as runtime:
            await _activate(bench, runtime, bench.spec(box))
            for context in inputs(bench):
                try:
                    result = await _call(bench, runtime, context)
                except Exception as error:
                    if schemas_of(bench.subject):
                        raise Finding(f"execute() raised {described(error)}", "a result", shown(context)) from error
                    refused = described(error)
                    continue
                answered(bench, "execute()", result)
                results.append((context, result))
                bench.exercised()
            own = await own_work(results, partial(_call, bench, runtime))
    seen = f"it executed no context; the last one ended with {refused}"
    bench.expect(bool(results), seen=seen, expected="a context that it takes")
    return own, [context for context, _ in results]


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
                await _activate(bench, runtime, _stand_in(key, lambda: Node("", 0, [])))
            await _activate(bench, runtime, bench.spec(box, factory=Graph))
            own = [node for node in nodes if node.get("task") in {task.key for task in tasks}]
            done = [
                ((node, context), result.get(node["id"]))
                for context, result in await _runs(bench, runtime, nodes)
                for node in own
            ]

            async def again(given: tuple[Mapping[str, Any], Any]) -> Any:
                node, context = given
                return (await _call(bench, runtime, context))[node["id"]]

            return await own_work(done, again, lambda given: {"payload": _payload(*given)})


async def _runs(
    bench: Bench, runtime: Runtime, nodes: Sequence[Mapping[str, Any]]
) -> list[tuple[Any, Mapping[str, Any]]]:
    """Each context that a run was given, and its results by node; one does where no node is given the context.

    Without a schema some may be refused.
    """
    contexts = inputs(bench)[:_CONTEXTS] if any(node.get("payload") is None for node in nodes) else inputs(bench)[-1:]
    strict = bool(schemas_of(bench.subject))
    done: list[tuple[Any, Mapping[str, Any]]] = []
    refused = Finding("it has no context to run with")
    for context in contexts:
        try:
            with bench.asking("a run with its own tasks"):
                result = await _call(bench, runtime, context)
        except Finding as found:
            refused = Finding(found.seen, found.expected, shown(context))
            if strict:
                raise refused from found
            continue
        bench.expect(isinstance(result, Mapping), seen=f"a run gave {result!r:.80}", expected="results by node")
        done.append((context, result))
    if not done:
        raise refused
    return done


def _payload(node: Mapping[str, Any], context: Any) -> Any:
    """What a node's task is given."""
    return context if node.get("payload") is None else node["payload"]


def _stand_in(key: str, factory: Callable[[], object]) -> ComponentSpec:
    return ComponentSpec(Domain.TASK, key, "conformance", factory)


async def _scheduled(bench: Bench, nodes: Sequence[Mapping[str, Any]], turns: Sequence[int]) -> None:
    """The same graph, with a task for each node that takes as many turns as given."""
    log: list[str] = []
    await _run_graph(bench, nodes, turns, log)
    _expect_sound(bench, disordered(nodes, log))


async def _run_graph(
    bench: Bench, nodes: Sequence[Mapping[str, Any]], turns: Sequence[int], log: list[str], failing: str = ""
) -> None:
    renamed = [{**node, "task": TASK.format(index)} for index, node in enumerate(nodes)]
    with bench.sandbox() as box:
        async with bench.runtime() as runtime:
            for node, count in zip(renamed, turns, strict=True):
                maker = node_factory(node["id"], count, log, fails=node["id"] == failing)
                await _activate(bench, runtime, _stand_in(node["task"], maker))
            dag = {**bench.subject.metadata["dag"], "nodes": renamed}
            metadata = {name: value for name, value in bench.subject.metadata.items() if name != "retry_policy"}
            await _activate(bench, runtime, bench.spec(box, factory=Graph, metadata={**metadata, "dag": dag}))
            with bench.asking("a run"):
                await _call(bench, runtime, {})


@check("WF-003", judges="component", level="must", since="2026.1", domains=[Domain.WORKFLOW], applies=_unless_graph)
def a_failing_node_stops_only_its_dependents(bench: Bench) -> None:
    """Whichever node fails, those that depend on it, directly or not, are not begun, all others come to their end, and
    the run itself ends in an exception.

    Troubleshooting: this is a promise of the runtime to the graph; if it is broken, look at the runtime, and at nodes
    that use the results of others without naming them in ``depends_on``.
    """
    bench.refuse_unrunnable()
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
        if FAILED not in found.seen:
            raise
    seen = f"node {failing!r} failed, and the run ended in a result"
    bench.expect(raised, seen=seen, expected="an exception", example=f"{failing!r} fails")
    _expect_sound(bench, unfinished(nodes, failing, log), f"{failing!r} fails")
