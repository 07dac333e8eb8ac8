"""A workflow's graph, walked by a runtime with its own tasks, and with tasks that take their time or fail."""

import copy
from collections.abc import Mapping
from itertools import product
from typing import Any

from oneiric_conformance.handling.graphs import (
    FAILED,
    TASK,
    Graph,
    Node,
    disordered,
    malformed,
    node_factory,
    taskless,
    unfinished,
    unwalkable,
)
from oneiric_conformance.handling.plain import flaw
from oneiric_conformance.runtime import ComponentSpec
from oneiric_conformance.scripts.base import Broken, expect
from oneiric_conformance.scripts.hosting import Hosted, activated, hosted
from oneiric_core.testing import find_hook

__all__ = ["wf_001", "wf_002", "wf_003"]


async def wf_001(component: Hosted, example: Any, payloads: Any) -> None:
    """The graph has no cycle, ids of its own, and nodes and tasks that exist."""
    del example, payloads
    nodes = nodes_of(component)
    sound(unwalkable(nodes))
    sound(taskless(nodes, {each["key"] for each in component.beside}))


def nodes_of(component: Hosted) -> list[Mapping[str, Any]]:
    dag = component.metadata.get("dag")
    sound(malformed(dag))
    return [*(dag or {})["nodes"]]


def sound(fault: tuple[str, str]) -> None:
    expect(not fault[0], *fault)


async def wf_002(component: Hosted, turns: Any, contexts: Any) -> None:
    """Its own execute() gives plain data; its graph runs each node once, after those it depends on."""
    if turns is not None:
        await scheduled(component, nodes_of(component), turns)
        return
    instance = await component.opened()
    executes = find_hook(instance, (component.verb,)) is not None
    await component.closed(instance)
    if executes:
        await executed(component, contexts)
    if component.metadata.get("dag") is not None:
        nodes = nodes_of(component)
        await with_own_tasks(component, nodes, contexts)
        await scheduled(component, nodes, [0] * len(nodes))
    else:
        expect(executes, "it has neither execute() nor a dag", "one of them")


async def executed(component: Hosted, contexts: Any) -> None:
    results, refused = 0, ""
    async with hosted(component.runtime, component.limits) as runtime:
        await activated(runtime, component.spec())
        for context in contexts:
            try:
                result = await runtime.call(component.domain, component.key, copy.deepcopy(context))
            except Exception as error:  # noqa: BLE001 - any exception refuses it
                refused = repr(error)
                continue
            results += 1
            fault = flaw(result)
            expect(not fault, f"execute() of {context!r:.100}: {fault}", "plain JSON data")
    expect(results > 0, f"it executed no context; the last one ended with {refused}", "a context that it takes")


async def with_own_tasks(component: Hosted, nodes: list[Mapping[str, Any]], contexts: Any) -> None:
    """It runs with some of the contexts; with every one where it declares what it takes."""
    own = {spec.key: spec for spec in component.others()}
    refused: Exception | None = None
    taken = 0
    async with hosted(component.runtime, component.limits) as runtime:
        for key in sorted({str(node.get("task")) for node in nodes}):
            await activated(runtime, own.get(key) or stand_in(key, lambda: Node("", 0, [])))
        await activated(runtime, component.spec(Graph))
        for context in contexts:
            try:
                result = await runtime.call(component.domain, component.key, copy.deepcopy(context))
            except Exception as error:  # noqa: BLE001 - any exception refuses it
                refused = error
                continue
            taken += 1
            expect(isinstance(result, Mapping), f"a run gave {result!r:.80}", "results by node")
    if refused is not None and (not taken or "payload_schema" in str(component.metadata)):
        raise Broken(f"seen      a run with its own tasks raised {refused!r}\nexpected  results by node") from refused


def stand_in(key: str, factory: Any) -> ComponentSpec:
    return ComponentSpec("task", key, "conformance", factory)


async def scheduled(component: Hosted, nodes: list[Mapping[str, Any]], turns: list[int]) -> None:
    """A run in which each node takes as many turns of the loop as given."""
    log: list[str] = []
    await walked(component, nodes, turns, log)
    sound(disordered(nodes, log))


async def walked(
    component: Hosted, nodes: list[Mapping[str, Any]], turns: list[int], log: list[str], failing: str = ""
) -> None:
    renamed = [{**node, "task": TASK.format(index)} for index, node in enumerate(nodes)]
    async with hosted(component.runtime, component.limits) as runtime:
        for node, count in zip(renamed, turns, strict=True):
            factory = node_factory(node["id"], count, log, fails=node["id"] == failing)
            await activated(runtime, stand_in(node["task"], factory))
        dag = {**component.metadata["dag"], "nodes": renamed}
        await activated(runtime, component.spec(Graph, dag=dag, retry_policy=None))
        await runtime.call(component.domain, component.key, {})


async def wf_003(component: Hosted, case: Any, payloads: Any) -> None:
    """When a node fails those after it are not begun, all others come to their end, and the run raises."""
    del payloads
    kept = ("id", "task", "depends_on")
    nodes: list[Mapping[str, Any]] = [
        {name: node[name] for name in kept if name in node} for node in nodes_of(component)
    ]
    if case is None:
        await scheduled(component, nodes, [0] * len(nodes))
    for node, count in product(nodes, (0, 4)) if case is None else [case]:
        failing, log = node["id"], list[str]()
        try:
            await walked(component, nodes, [count if each["id"] == failing else 2 for each in nodes], log, failing)
        except Exception as error:
            if FAILED not in str(error):
                raise
        else:
            raise Broken(f"seen      node {failing!r} failed, and the run ended in a result\nexpected  an exception")
        sound(unfinished(nodes, failing, log))
