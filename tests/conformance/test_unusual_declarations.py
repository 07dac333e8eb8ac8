"""Unusual but correct: what a component may declare of itself, and which must not fail anything."""

from typing import Any

import pytest

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
