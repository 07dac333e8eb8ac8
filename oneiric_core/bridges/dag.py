"""A workflow's graph: read, checked and run in topological order. No scheduler: ``graphlib`` says who is ready."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

from oneiric_core.bridges.policy import CallPolicy
from oneiric_core.components import Candidate
from oneiric_core.domains import DOMAINS, Domain
from oneiric_core.errors import ResolutionError

__all__ = ["Dag", "DagRun", "Node"]

_TASK: Final = Domain.TASK.value


@dataclass(frozen=True, slots=True)
class Node:
    """One step.

    :param task: the key of the task that is run.
    :param payload: what it is given; None for the workflow's context.
    :param policy: in place of what the task declares.
    """

    id: str
    task: str
    depends_on: tuple[str, ...] = ()
    payload: Any = None
    policy: CallPolicy | None = None


@dataclass(frozen=True, slots=True)
class DagRun:
    """How a run ended, by node.

    :param failures: what the nodes raised that failed.
    :param skipped: the nodes that were not begun, because something they depend on failed.
    """

    results: Mapping[str, Any] = field(default_factory=dict)
    failures: Mapping[str, BaseException] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dag:
    """A graph without cycles whose references all exist; nodes in a topological order."""

    nodes: tuple[Node, ...]

    @classmethod
    def of(cls, candidate: Candidate) -> "Dag | None":
        """The graph a candidate declares, or None.

        :raises ResolutionError: it is not of the form ``nodes: [{id, task, depends_on, payload}]``, an id appears
            twice, a reference dangles, or there is a cycle.
        """
        declared, name = candidate.metadata.get("dag"), candidate.name
        if not declared:
            return None
        entries = (
            declared.get("nodes") or declared.get(DOMAINS[Domain.TASK].plural)
            if isinstance(declared, Mapping)
            else None
        )
        if not isinstance(entries, list | tuple):
            raise _bad(name, f"its dag is {declared!r}", 'Write {"nodes": [{"id": …, "task": …, "depends_on": […]}]}')
        nodes: dict[str, Node] = {}
        for entry in entries:
            node = _parse_node(entry, candidate)
            if node.id in nodes:
                raise _bad(name, f"the node {node.id!r} appears twice", "Give each node an id of its own")
            nodes[node.id] = node
        _refuse_dangling(nodes, name)
        try:
            order = tuple(TopologicalSorter({node.id: node.depends_on for node in nodes.values()}).static_order())
        except CycleError as error:
            cycle = " -> ".join(reversed(error.args[1]))
            raise _bad(name, f"its nodes form a cycle: {cycle}", "Remove one of the dependencies") from error
        return cls(tuple(nodes[each] for each in order))

    def as_dict(self) -> dict[str, Any]:
        """Plain data for another engine: the nodes, each after all it depends on."""
        return {
            "nodes": [
                {"id": node.id, _TASK: node.task, "depends_on": list(node.depends_on), "payload": node.payload}
                for node in self.nodes
            ]
        }

    async def run(self, step: Callable[[Node], Awaitable[Any]]) -> DagRun:
        """Run ``step`` for each node as soon as all it depends on is done; a failure stops only its dependents."""
        results: dict[str, Any] = {}
        failures: dict[str, BaseException] = {}
        skipped: set[str] = set()
        ended: asyncio.Queue[str] = asyncio.Queue()

        async def perform(node: Node) -> None:
            try:
                results[node.id] = await step(node)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - told in the run's result
                failures[node.id] = error  # if it is the whole run that is cancelled, nobody reads this
            ended.put_nowait(node.id)

        nodes = {node.id: node for node in self.nodes}
        sorter = TopologicalSorter({node.id: node.depends_on for node in self.nodes})
        sorter.prepare()
        async with asyncio.TaskGroup() as group:
            while sorter.is_active():
                for name in sorter.get_ready():
                    if any(each in failures or each in skipped for each in nodes[name].depends_on):
                        skipped.add(name)
                        ended.put_nowait(name)
                    else:
                        group.create_task(perform(nodes[name]))
                sorter.done(await ended.get())
        return DagRun(_in_order(self.nodes, results), _in_order(self.nodes, failures), tuple(_ids(self.nodes, skipped)))


def _parse_node(entry: object, candidate: Candidate) -> Node:
    name = candidate.name
    if not isinstance(entry, Mapping):
        raise _bad(name, f"a node of its dag is {entry!r}", 'Write {"id": …, "task": …}')
    node_id, task = entry.get("id") or entry.get("key"), entry.get(_TASK)
    if not isinstance(node_id, str) or not isinstance(task, str) or not task:
        raise _bad(name, f"a node of its dag is {dict(entry)!r}", "Give it an id and a task, both texts")
    depends_on = entry.get("depends_on") or ()
    if not isinstance(depends_on, list | tuple) or not all(isinstance(each, str) for each in depends_on):
        raise _bad(name, f"the node {node_id!r} depends on {depends_on!r}", "Give a list of node ids")
    policy = None
    if entry.get("retry_policy") or entry.get("timeout_seconds"):
        policy = CallPolicy.declared_in(entry, candidate, f"{name}: node {node_id!r}")
    return Node(node_id, task, tuple(depends_on), entry.get("payload"), policy)


def _refuse_dangling(nodes: Mapping[str, Node], name: str) -> None:
    for node in nodes.values():
        for wanted in node.depends_on:
            if wanted not in nodes:
                near = get_close_matches(wanted, list(nodes), n=1)
                fix = f"Did you mean {near[0]}" if near else f"There is {', '.join(nodes)}"
                raise _bad(name, f"the node {node.id!r} depends on {wanted!r}, which does not exist", fix)


def _ids(nodes: tuple[Node, ...], among: set[str]) -> list[str]:
    return [node.id for node in nodes if node.id in among]


def _in_order(nodes: tuple[Node, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in _ids(nodes, set(values))}


def _bad(name: str, what: str, fix: str) -> ResolutionError:
    return ResolutionError(f"{name} cannot be run: {what}", fix=fix, name=name)
