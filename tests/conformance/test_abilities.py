"""What a runtime says that it lacks: rules about it do not apply, with its reason, and no level is reached."""

from typing import Any, ClassVar

import pytest

from mutants import reference
from oneiric_conformance import CHECKS, PROFILES, Configuration, Package, Session, Status, check, runtime_of
from oneiric_conformance.abilities import Ability, lacks_of
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.judging.plan import plan_for
from oneiric_conformance.levels import lacking
from oneiric_conformance.requirements import requirement_set
from oneiric_conformance.run import report_of
from oneiric_core import ConformanceError
from oneiric_core.testing import CoreRuntime


class Fixed(CoreRuntime):
    lacks: ClassVar[dict[str, str]] = {"rotation": "its keys are in a file"}


def one_task() -> Package:
    return reference.package(reference.subject_of(reference.WordCount))


def test_rules_about_it_do_not_apply_for_its_reason() -> None:
    with Session(one_task(), runtime_factory=Fixed) as session:
        excused = {item.check: item.reason for item in session.plan() if item.reason.startswith("the runtime")}
    assert excused == {"SIG-012": "the runtime has no rotation: its keys are in a file"}


def test_our_own_runtime_lacks_nothing() -> None:
    assert lacks_of(CoreRuntime) == {}
    assert {ability for check in CHECKS.values() for ability in check.needs} == set(Ability)


@pytest.mark.parametrize("ability", Ability)
def test_every_ability_excuses_something(ability: Ability) -> None:
    package = one_task()
    whole = plan_for(package, requirement_set())
    less = plan_for(package, requirement_set(), {ability: "it is another design"})
    changed = [item for item, before in zip(less, whole, strict=True) if item != before]
    assert changed
    assert {item.status for item in changed} == {Status.NOT_APPLICABLE}


def test_it_reaches_no_level() -> None:
    with Session(one_task(), runtime_factory=Fixed) as session:
        results = [session.judge(item) for item in session.plan() if item.check == "SIG-012"]
        report = report_of(session, results)
    assert report.results[0].status is Status.NOT_APPLICABLE
    assert "not judged, for the runtime has no counterpart: SIG-012" in lacking(report, "core")


@pytest.mark.parametrize(
    ("lacks", "says"),
    [
        ({"signatures": "too slow"}, "lacks 'signatures', without which there is nothing to judge"),
        ({"rotation": " "}, "lacks rotation, and not why"),
        ({"rotation": None}, "lacks rotation, and not why"),
        (["rotation"], "lacks is a list"),
    ],
)
def test_nothing_else_can_be_lacked(lacks: object, says: str) -> None:
    made = type("Made", (CoreRuntime,), {"lacks": lacks})
    with pytest.raises(ConformanceError, match=says):
        Session(one_task(), runtime_factory=made)


def test_a_check_can_need_nothing_else() -> None:
    def body(bench: Bench) -> None:
        """It holds.

        Troubleshooting: mend it
        """

    about: dict[str, Any] = {"judges": "runtime", "level": "must", "since": "2026.1"}
    with pytest.raises(ConformanceError, match="it needs 'courage', which no runtime may lack"):
        check("TST-001", needs=["courage"], **about)(body)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("mutants.reference:TEXT_SCHEMA", "cannot be called"),
        ("mutants.reference:Missing", "there is no runtime 'mutants.reference:Missing'"),
        ("no_such_module:Runtime", "there is no runtime 'no_such_module:Runtime'"),
    ],
)
def test_a_runtime_is_named_by_its_path(path: str, says: str) -> None:
    with pytest.raises(ConformanceError, match=says):
        runtime_of(Configuration(PROFILES["quick"], runtime=path))
