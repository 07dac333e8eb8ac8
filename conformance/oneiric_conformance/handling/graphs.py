"""Graphs of workflows: their nodes, what may be wrong with them, and how a run of one has to have gone.

What is wrong is told as a pair, what was seen and what was expected; both are empty where nothing is.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final, TypeAlias

from oneiric_core import DOMAINS, Domain
from oneiric_core.testing import candidates_from, installed_entry_points

__all__ = [
    "FAILED",
    "SOUND",
    "TASK",
    "Fault",
    "Graph",
    "Node",
    "disordered",
    "installed_tasks",
    "malformed",
    "needs",
    "node_factory",
    "taskless",
    "unfinished",
    "unrunnable",
    "unwalkable",
]

Nodes: TypeAlias = Sequence[Mapping[str, Any]]
Fault: TypeAlias = tuple[str, str]

SOUND: Final = ("", "")
FAILED: Final = "this node was told to fail"
TASK: Final = "conformance-node-{}"
"""The key of the task that stands for a node, by the node's number."""


def malformed(dag: Any) -> Fault:
    """Whether it is a graph at all."""
    nodes = dag.get("nodes") if isinstance(dag, Mapping) else None
    if not isinstance(nodes, list | tuple) or not nodes:
        return f"dag is {dag!r}", "an object with a list of nodes, each {id, task, depends_on, payload}"
    for node in nodes:
        if not isinstance(node, Mapping) or not isinstance(node.get("id"), str) or not node["id"]:
            return f"a node is {node!r}", "an object with a text as id"
        named = node.get("depends_on")
        if named is not None and not (isinstance(named, list | tuple) and all(isinstance(name, str) for name in named)):
            return f"node {node['id']!r} has depends_on {named!r}", "a list of ids"
    return SOUND


def needs(node: Mapping[str, Any]) -> list[str]:
    return list(node.get("depends_on") or ())


def unwalkable(nodes: Nodes) -> Fault:
    """Whether ids are used twice or not there, and whether it goes in circles."""
    ids = Counter(node["id"] for node in nodes)
    twice = [name for name, count in ids.items() if count > 1]
    if twice:
        return f"two nodes have the id {twice[:1]}", "an id for each"
    for node in nodes:
        missing = [name for name in needs(node) if name not in ids]
        if missing:
            told = f"node {node['id']!r} depends on {', '.join(map(repr, missing))}, which is no node"
            return told, f"one of {', '.join(ids)}"
    try:
        TopologicalSorter({node["id"]: needs(node) for node in nodes}).prepare()
    except CycleError as error:
        return f"the graph has a cycle: {' → '.join(error.args[1])}", "a graph without cycles"
    return SOUND


def taskless(nodes: Nodes, own: set[str]) -> Fault:
    """Whether each node has a task that this package or another installed one offers.

    :param own: the keys of this package's tasks; where there are none, nobody can be asked.
    """
    for node in nodes:
        task = node.get("task")
        if not isinstance(task, str) or not task:
            return f"node {node['id']!r} has the task {task!r}", "the key of a task"
    wanted = {node["task"] for node in nodes}
    missing = wanted - own - installed_tasks() if own and not wanted <= own else set()
    if not missing:
        return SOUND
    expected = f"one of {', '.join(sorted(own))}, or another package that is installed"
    return f"no package here offers the task {', '.join(sorted(missing))}", expected


def unrunnable(dag: Any) -> str:
    """Why no runtime can run it, whatever tasks there are; empty if one can."""
    seen, _ = malformed(dag)
    if not seen:
        seen, _ = unwalkable(dag["nodes"])
    if not seen:
        seen, _ = taskless(dag["nodes"], set())
    return seen


def installed_tasks() -> set[str]:
    group = DOMAINS[Domain.TASK].group
    found = set()
    for point in installed_entry_points():
        if point.group == group:
            found |= {candidate.key for candidate in candidates_from(point.load(), Domain.TASK, point.distribution)}
    return found


class Graph:
    """Stands for the workflow: nothing but the graph it declares."""


class Node:
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
            raise RuntimeError(FAILED)
        self._log.append(f"end {self._name}")
        return {"node": self._name}


def node_factory(name: str, turns: int, log: list[str], *, fails: bool) -> Callable[[], object]:
    return lambda: Node(name, turns, log, fails=fails)


def disordered(nodes: Nodes, log: list[str]) -> Fault:
    """Whether each node was run once, after those it depends on."""
    for node in nodes:
        name = node["id"]
        times = log.count(f"begin {name}")
        if times != 1:
            return f"node {name!r} was run {times} times", "once"
        for other in needs(node):
            if log.index(f"begin {name}") < log.index(f"end {other}"):
                seen = f"node {name!r} began before {other!r} had ended, on which it depends"
                return seen, "the other way round"
    return SOUND


def unfinished(nodes: Nodes, failing: str, log: list[str]) -> Fault:
    """Whether, once a node had failed, those after it were not begun, and all others came to their end."""
    stopped = _after(nodes, failing)
    for name in (node["id"] for node in nodes):
        if log.count(f"begin {name}") and name in stopped:
            return f"node {failing!r} failed, and {name!r}, which depends on it, was begun all the same", "not begun"
        if not log.count(f"end {name}") and name not in {*stopped, failing}:
            seen = f"node {failing!r} failed, and {name!r}, which does not depend on it, did not come to its end"
            return seen, "its end"
    return SOUND


def _after(nodes: Nodes, name: str) -> set[str]:
    """The ids of those that depend on a node, directly or not."""
    found: set[str] = set()
    while more := {node["id"] for node in nodes if {name, *found} & {*needs(node)}} - found:
        found |= more
    return found
