"""The contexts that a graph is run with, when its own tasks do the work."""

from collections.abc import Mapping
from typing import Any

from mutants import reference
from oneiric_conformance import PROFILES, Result, Status
from oneiric_conformance.judging.session import Session


class Bare:
    """A workflow that is nothing but its graph."""


class NeedsText(reference.WordCount):
    """Refuses what has no text, and declares no schema that would say so."""

    metadata = reference.WordCount.metadata.model_copy(update={"capabilities": []})


class Echo(NeedsText):
    """Hands back what it is given."""

    async def run(self, payload: Mapping[str, Any]) -> Any:
        return payload


class RefusesAll(NeedsText):
    """Takes nothing."""

    async def run(self, payload: Mapping[str, Any]) -> Any:
        raise ValueError(f"{payload!r} is refused. Pass something else.")


def judged(task: Any, schema: Mapping[str, Any] | None = None) -> Result:
    """WF-002 of a graph with one node, whose task is given the context."""
    described = [{"name": "count", "payload_schema": dict(schema)}] if schema else []
    dag = {"nodes": [{"id": "only", "task": "word-count"}]}
    bare = reference.subject_of(
        reference.Review, factory=f"{__name__}:Bare", metadata={"dag": dag, "capabilities": described}
    )
    with Session(reference.package(bare, reference.subject_of(task)), profile=PROFILES["quick"]) as session:
        (planned,) = (item for item in session.plan() if (item.check, item.subject) == ("WF-002", bare.id))
        return session.judge(planned)


def test_one_node_is_seen_to_work_on_what_it_is_given() -> None:
    result = judged(reference.WordCount, reference.TEXT_SCHEMA)
    assert (result.status, result.behaviours > 1) == (Status.PASS, True), result.reason


def test_one_that_hands_back_its_context_is_not() -> None:
    result = judged(Echo)
    assert (result.status, result.behaviours) == (Status.PASS, 0), result.reason


def test_without_a_schema_one_context_has_to_be_taken() -> None:
    result = judged(RefusesAll)
    assert (result.status, "refused" in result.reason) == (Status.FAIL, True), result.reason


class NeedsSomething(Echo):
    """Refuses what is empty."""

    async def run(self, payload: Mapping[str, Any]) -> Any:
        if not payload:
            raise ValueError("the payload is empty. Pass an object with something in it.")
        return sorted(payload)


def test_without_a_schema_it_may_refuse_others() -> None:
    result = judged(NeedsSomething)
    assert (result.status, result.behaviours > 1) == (Status.PASS, True), result.reason
