"""Unusual but correct: what a component may declare of itself, and which must not fail anything."""

from typing import Any

import pytest
from hypothesis import strategies as st

from oneiric_conformance import PROFILES, Package, Session, Status

pytestmark = pytest.mark.slow

SOURCE = """
import time

from pydantic import BaseModel, Field


class Task:
    ready = False

    def __init__(self, settings=None):
        self.settings = settings

    async def init(self):
        self.ready = True

    async def health(self):
        return self.ready

    async def cleanup(self):
        self.ready = False

    async def run(self, payload):
        return {"is": repr(payload)}


class Slow(Task):
    def run(self, payload):
        time.sleep(1.2)
        return {"is": repr(payload)}


class InParts(Slow):
    def run(self, payload):
        return self.rest(super().run(payload))

    async def rest(self, answer):
        return answer


class Aliased(BaseModel):
    greeting: str = Field(alias="greetingText", default="hello")


class OnlyAliased(BaseModel):
    greeting: str = Field(alias="greetingText")


class WrittenOtherwise(BaseModel):
    greeting: str = Field(serialization_alias="greetingText")
"""
TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


def package_of(author: Any, name: str = "Task", model: str = "", **changes: Any) -> Package:
    package: Package = author.package(SOURCE, name, metadata={"payload_schema": TEXT}, **changes)
    if not model:
        return package
    module = str(package.subjects[0].factory).partition(":")[0]
    return author.package(SOURCE, name, settings_model=f"{module}:{model}", **changes)


def reasons(package: Package, *checks: str) -> dict[str, str]:
    """What was said against it, by check."""
    with Session(package, profile=PROFILES["quick"]) as session:
        planned = [item for item in session.plan() if item.judges == "component" and item.check in checks]
        results = [session.judge(item) for item in planned]
    assert len(results) == len(checks)
    return {result.check: result.reason for result in results if result.status is not Status.PASS}


@pytest.mark.parametrize("model", ["Aliased", "OnlyAliased", "WrittenOtherwise"])
def test_settings_may_have_aliases(author: Any, model: str) -> None:
    given = {"greeting" if model == "WrittenOtherwise" else "greetingText": "good morning"}
    assert reasons(package_of(author, model=model, settings=given), "META-005") == {}


@pytest.mark.long
@pytest.mark.parametrize("name", ["Slow", "InParts"])
def test_what_blocks_runs_in_a_thread_and_ends_when_that_does(author: Any, name: str) -> None:
    declared = {"payload_schema": {"enum": [1, 2]}, "blocking": True, "timeout_seconds": 10}
    package = author.package(SOURCE, name, metadata=declared)
    assert reasons(package, "TASK-001", "TASK-002", "TASK-003") == {}


def test_what_blocks_for_longer_than_it_declares_is_told(author: Any) -> None:
    declared = {"payload_schema": {"const": 1}, "blocking": True, "timeout_seconds": 1}
    assert "a run took 1.2" in reasons(author.package(SOURCE, "Slow", metadata=declared), "TASK-002")["TASK-002"]


NONE_OF = [
    {"type": "integer", "minimum": 5, "maximum": 3},
    {"type": "object", "properties": {"a": {"$ref": "https://example.org/a"}}, "required": ["a"]},
    {"type": "string", "pattern": "^\\p{L}+$"},
    {"type": "string", "pattern": "^[a-z]{40}$", "not": {"pattern": "a|b|c|d|e|f|g"}, "minLength": 40},
]


@pytest.mark.parametrize("schema", NONE_OF)
def test_that_no_payload_can_be_made_is_said_and_blames_nobody(author: Any, schema: dict[str, Any]) -> None:
    package = author.package(SOURCE, "Task", metadata={"payload_schema": schema})
    said = reasons(package, "META-002", "LIFE-001", "TASK-001")
    assert len(said) == 3
    assert len({*said.values()}) == 1
    assert said["TASK-001"].startswith("prerequisite: the kit can make no payload of the payload_schema")
    assert "[tool.oneiric.conformance.components.'task/task/acme']" in said["LIFE-001"]


def test_what_is_named_as_payloads_is_taken_instead(author: Any) -> None:
    named = {"metadata": {"payload_schema": NONE_OF[0]}, "payloads": f"{__name__}:numbers"}
    assert reasons(author.package(SOURCE, "Task", **named), "LIFE-001", "TASK-001") == {}


def numbers() -> st.SearchStrategy[int]:
    return st.integers(0, 9)
