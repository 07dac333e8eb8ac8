"""A workflow whose graph cannot be run breaks one rule; the others are not tried, or go on without the graph."""

from dataclasses import replace
from typing import Any

import pytest

from mutants import reference
from oneiric_conformance import PROFILES, Package, Result, Status
from oneiric_conformance.handling.graphs import unrunnable
from oneiric_conformance.judging.session import Session

pytestmark = pytest.mark.slow

BROKEN: dict[str, Any] = {
    "a text": "draft -> final",
    "no nodes": {"nodes": []},
    "no id": {"nodes": [{"task": "word-count"}]},
    "no task": {"nodes": [{"id": "a"}]},
    "a circle": {"nodes": [{"id": "a", "task": "word-count", "depends_on": ["a"]}]},
    "two alike": {"nodes": [{"id": "a", "task": "word-count"}, {"id": "a", "task": "word-count"}]},
    "nobody": {"nodes": [{"id": "a", "task": "word-count", "depends_on": ["b"]}]},
}
NEED_IT = {"HOT-001", "HOT-007", "MAN-001", "MAN-005", "MAN-006", "WF-002", "WF-003"}
DO_NOT = {"LIFE-001", "MAN-002", "SIG-001", "SIG-009", "PATH-004"}


def package(dag: Any) -> Package:
    review = reference.subject_of(reference.Review)
    return reference.package(
        replace(review, metadata={**review.metadata, "dag": dag}), reference.subject_of(reference.WordCount)
    )


def judged(package: Package) -> dict[str, Result]:
    """By check; of components the workflow alone."""
    with Session(package, profile=PROFILES["quick"]) as session:
        planned = [item for item in session.plan() if not item.subject.startswith("task/")]
        return {item.check: session.judge(item) for item in planned if item.check in NEED_IT | DO_NOT | {"WF-001"}}


@pytest.mark.parametrize("kind", BROKEN)
def test_only_its_own_rule_is_broken_and_named(kind: str) -> None:
    results = judged(package(BROKEN[kind]))
    why = unrunnable(BROKEN[kind])
    assert why
    assert (results["WF-001"].status, results["WF-001"].untried) == (Status.FAIL, False)
    assert why in results["WF-001"].reason
    assert {results[check].reason for check in NEED_IT} == {f"prerequisite: WF-001: {why}"}
    assert all(results[check].untried for check in NEED_IT)
    assert {check: results[check].reason for check in DO_NOT if results[check].status is not Status.PASS} == {}


def test_where_the_graph_can_be_run_all_are_tried() -> None:
    results = judged(package(reference.Review.metadata.dag))
    assert {check: result.reason for check, result in results.items() if result.status is not Status.PASS} == {}
    assert unrunnable(reference.Review.metadata.dag) == ""
