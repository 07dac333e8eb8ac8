"""What components are put to while checks look at something else, and what is not held against them."""

import socket
from dataclasses import replace
from typing import Any

import pytest

from oneiric_conformance import PROFILES, Package, Session, Status
from oneiric_core.testing import import_object

pytestmark = pytest.mark.slow

METER = """
    RUNS = []

    class Meter:
        def __init__(self):
            self.total = 0
        async def add(self, amount):
            self.total += amount
            return self.total

    async def add(meter):
        assert await meter.add(2) == 2
        RUNS.append(1)

    def hold_once(meter):
        RUNS.append(1)
        raise AssertionError("not twice")
"""


def meter(author: Any, exercise: str) -> Package:
    package: Package = author.package(METER, "Meter", domain="adapter")
    (subject,) = package.subjects
    here = str(subject.factory).partition(":")[0]
    return replace(package, subjects=(replace(subject, exercise=exercise.replace("here:", f"{here}:")),))


def runs(package: Package) -> list[int]:
    found: list[int] = import_object(f"{str(package.subjects[0].factory).partition(':')[0]}:RUNS", None)
    return found


def outcome(package: Package, check: str) -> tuple[Status, str]:
    with Session(package, profile=PROFILES["quick"]) as session:
        (planned,) = (item for item in session.plan() if item.check == check and item.judges == "component")
        result = session.judge(planned)
    return result.status, result.reason


def whole_run(package: Package) -> list[str]:
    """The checks by which the exercise was done, once for each time, in order; all checks of the component are run."""
    done: list[str] = []
    with Session(package, profile=PROFILES["quick"]) as session:
        for planned in session.plan():
            if planned.judges == "component":
                before = len(runs(package))
                result = session.judge(planned)
                assert result.status is not Status.FAIL, result.reason
                done += [planned.check] * (len(runs(package)) - before)
    return done


def test_an_exercise_is_done_a_few_times_in_all_and_on_no_instance_twice(author: Any) -> None:
    """The documentation gives the number, for what an exercise costs may be money."""
    package = meter(author, "here:add")
    assert sorted(whole_run(package)) == sorted(["PATH-005", *["OWN-001", "LIFE-001", "LIFE-004", "HOT-005"] * 2])


def test_the_rule_that_needs_it_has_it_first(author: Any) -> None:
    """What is used up by then is missing where nobody minds."""
    assert whole_run(meter(author, "here:add"))[:2] == ["OWN-001"] * 2


def test_one_that_asks_a_service_elsewhere_is_done_once_more(author: Any) -> None:
    package = meter(author, "here:add")
    with socket.create_server(("127.0.0.1", 0)) as server:
        external = (f"tcp://127.0.0.1:{server.getsockname()[1]}",)
        package = replace(package, subjects=(replace(package.subjects[0], external=external),))
        assert whole_run(package) == ["OWN-001", "OWN-001", "PATH-005"]


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
