"""Workflows whose graph cannot be walked, and runtimes that walk it wrongly."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar

from mutants import mutant, reference
from oneiric_conformance.subject import Package
from oneiric_core import Domain, WorkflowBridge
from oneiric_core.testing import CoreRuntime

_TEXT: Mapping[str, Any] = {"text": "some text"}


def _with(*nodes: Mapping[str, Any]) -> Package:
    """The reference workflow with these nodes, and the reference task."""
    review = reference.subject_of(reference.Review)
    review = reference.subject_of(reference.Review, metadata={**review.metadata, "dag": {"nodes": list(nodes)}})
    return reference.package(review, reference.subject_of(reference.WordCount))


def _node(name: str, *depends_on: str, task: str = "word-count", payload: Any = _TEXT) -> dict[str, Any]:
    return {"id": name, "task": task, "depends_on": list(depends_on), "payload": payload}


@mutant("WF-001", expects="cycle")
def goes_in_circles() -> Package:
    """Two nodes depend on each other."""
    return _with(_node("draft", "final"), _node("final", "draft"))


@mutant("WF-001", expects="'drift', which is no node")
def depends_on_nobody() -> Package:
    """A node depends on one that does not exist."""
    return _with(_node("draft"), _node("final", "drift"))


@mutant("WF-001", expects="two nodes have the id")
def names_two_alike() -> Package:
    """Two nodes have one id."""
    return _with(_node("draft"), _node("draft"))


@mutant("WF-001", expects="has the task None")
def names_no_task() -> Package:
    """A node says nothing of the task that it runs."""
    return _with({"id": "draft"})


@mutant("WF-001", expects="control: the graph has nodes: dag is 'draft -> final'")
def is_drawn() -> Package:
    """Its graph is a text."""
    review = reference.subject_of(reference.Review)
    return reference.package(replace(review, metadata={**review.metadata, "dag": "draft -> final"}))


@mutant("WF-001", expects="no package here offers the task word-cuont")
def misspells_its_task() -> Package:
    """A node runs a task that nobody offers."""
    return _with(_node("draft"), _node("final", "draft", task="word-cuont"))


@mutant("WF-002", expects="a run with its own tasks")
def hands_over_the_wrong_payload() -> Package:
    """A node's payload is refused by its task."""
    return _with(_node("draft"), _node("final", "draft", payload={"txt": "misspelt"}))


class _NotEmpty(reference.WordCount):
    """Wants a text of one character at least, as its schema says."""

    schema: ClassVar[Mapping[str, Any]] = {
        **reference.TEXT_SCHEMA,
        "properties": {"text": {"type": "string", "minLength": 1}},
    }
    metadata = reference.WordCount.metadata.model_copy(
        update={"capabilities": [{"name": "count", "payload_schema": schema}]}
    )

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        counted = await super().run(payload)
        if not payload["text"]:
            raise ValueError("the text is empty. Pass one of a character at least.")
        return counted


@mutant("WF-002", expects="a run with its own tasks")
def promises_more_than_its_tasks_take() -> Package:
    """Its schema allows a context that the task of a node refuses."""
    review = reference.subject_of(reference.Review)
    metadata = {
        **review.metadata,
        "capabilities": [{"name": "review", "payload_schema": dict(reference.TEXT_SCHEMA)}],
        "dag": {"nodes": [_node("draft", payload=None)]},
    }
    return reference.package(replace(review, metadata=metadata), reference.subject_of(_NotEmpty))


@mutant("WF-002", expects="the result is a Review")
class ReturnsItself(reference.Review):
    """Its result is an object instead of data."""

    async def execute(self, context: Any) -> Any:
        return reference.Review()


class _Unordered(WorkflowBridge):
    def _dag(self, candidate: Any) -> Any:
        dag = super()._dag(candidate)
        free = [type(node)(node.id, node.task, (), node.payload, node.policy) for node in dag.nodes]
        return type(dag)(tuple(free))


class _Twice(WorkflowBridge):
    async def _step(self, context: Any, node: Any) -> Any:
        await super()._step(context, node)
        return await super()._step(context, node)


class _Bridged(CoreRuntime):
    bridge: type[WorkflowBridge] = WorkflowBridge

    def _make_verbs(self, resolver: Any, lifecycle: Any) -> Any:
        return {**super()._make_verbs(resolver, lifecycle), Domain.WORKFLOW: self.bridge(resolver, lifecycle).execute}


@mutant("WF-002", expects="began before")
class RunsAllAtOnce(_Bridged):
    """Runs all nodes of a graph at once."""

    bridge = _Unordered


@mutant("WF-002", expects="was run 2 times")
class RunsTwice(_Bridged):
    """Runs each node of a graph twice."""

    bridge = _Twice


class _Careless(WorkflowBridge):
    async def _step(self, context: Any, node: Any) -> Any:
        with suppress(RuntimeError):
            return await super()._step(context, node)


class _Impatient(WorkflowBridge):
    async def run_dag(self, key: str, context: Any = None) -> Any:
        self.failed = False
        return await super().run_dag(key, context)

    async def _step(self, context: Any, node: Any) -> Any:
        if self.failed:
            raise RuntimeError("this node was told to fail, as all are once one has")
        try:
            return await super()._step(context, node)
        except RuntimeError:
            self.failed = True
            raise


@mutant("WF-003", expects="the run ended in a result")
class OverlooksFailures(_Bridged):
    """Takes a node that failed for one that has no result."""

    bridge = _Careless


@mutant("WF-003", expects="which does not depend on it, did not come to its end")
class GivesUpAtOnce(_Bridged):
    """Begins no further node once one has failed."""

    bridge = _Impatient
