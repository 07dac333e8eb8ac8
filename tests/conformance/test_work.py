"""What components are put to while checks look at something else, and what is not held against them."""

import sys
from dataclasses import replace
from typing import Any

import pytest

from oneiric_conformance import PROFILES, Package, Session, Status
from oneiric_conformance.handling import own

pytestmark = pytest.mark.slow

METER = """
    RUNS = []

    class Meter:
        def __init__(self):
            self.total = 0
        async def add(self, amount):
            self.total += amount
            return self.total

    def hold(meter):
        RUNS.append(id(meter))

    def hold_once(meter):
        RUNS.append(id(meter))
        raise AssertionError("not twice")
"""


def meter(author: Any, exercise: str) -> Package:
    package: Package = author.package(METER, "Meter", domain="adapter")
    (subject,) = package.subjects
    here = str(subject.factory).partition(":")[0]
    return replace(package, subjects=(replace(subject, exercise=exercise.replace("here:", f"{here}:")),))


def runs(package: Package) -> list[int]:
    found: list[int] = sys.modules[str(package.subjects[0].factory).partition(":")[0]].RUNS
    return found


def outcome(package: Package, check: str) -> tuple[Status, str]:
    with Session(package, profile=PROFILES["quick"]) as session:
        (planned,) = (item for item in session.plan() if item.check == check and item.judges == "component")
        result = session.judge(planned)
    return result.status, result.reason


@pytest.mark.parametrize("check", ["LIFE-004", "HOT-005"])
def test_an_exercise_is_run_in_each_life_and_on_no_instance_twice(author: Any, check: str) -> None:
    package = meter(author, "here:hold")
    assert outcome(package, check) == (Status.PASS, "")
    assert len(runs(package)) > PROFILES["quick"].repetitions


def test_one_that_takes_long_is_left_out_of_most_lives(author: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Yet not of all that are counted, before which it was run for the first time."""
    monkeypatch.setattr(own, "_SPENT", 1e-9)
    package = meter(author, "here:hold")
    assert outcome(package, "LIFE-004") == (Status.PASS, "")
    assert len(runs(package)) == 2


@pytest.mark.parametrize("check", ["LIFE-001", "LIFE-004", "HOT-005", "PATH-005"])
def test_one_that_fails_is_not_asked_again(author: Any, check: str) -> None:
    package = meter(author, "here:hold_once")
    assert outcome(package, check) == (Status.PASS, "")
    assert len(runs(package)) == 1


def test_one_that_is_not_there_is_for_another_rule(author: Any) -> None:
    assert outcome(meter(author, "here:nobody"), "LIFE-004") == (Status.PASS, "")


VAULT = """
    from pathlib import Path
    from pydantic import BaseModel

    class Settings(BaseModel):
        source: Path

    class Vault:
        '''Its source is no JSON.'''
        def __init__(self, settings):
            self.source = settings.source
        def init(self):
            if self.source.exists() and self.source.read_text().startswith("{"):
                raise ValueError("this is another format")
        def get_secret(self, name):
            return None
"""


def test_secrets_are_not_planted_where_they_do_harm(author: Any) -> None:
    """What an adapter cannot read is for SEC-001 to say; it comes up and goes as it would without it."""
    package = author.package(VAULT, "Vault", domain="adapter", metadata={"capabilities": ["secrets"]})
    (subject,) = package.subjects
    model = str(subject.factory).replace("Vault", "Settings")
    judged = replace(subject, settings_model=model, settings={"source": "{sandbox}/secrets.toml"})
    assert outcome(replace(package, subjects=(judged,)), "SEC-001")[0] == Status.FAIL
    assert outcome(replace(package, subjects=(judged,)), "LIFE-004") == (Status.PASS, "")
