"""What a run says in the end."""

import json
import os
import stat
from collections import UserList
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from oneiric_conformance import (
    PROFILES,
    Card,
    ConformanceReport,
    OutputFile,
    Package,
    Planned,
    Profile,
    RequirementSet,
    Result,
    Status,
    Subject,
    Verdict,
)
from oneiric_core import ConformanceError

PACKAGE = Package("acme", "1.0", ())
FIRST, SECOND = "task/a/acme", "task/b/acme"
PLAN = (
    Planned("META-001", "acme", "package"),
    Planned("LIFE-001", FIRST, "component"),
    Planned("TASK-001", FIRST, "component"),
    Planned("LIFE-001", SECOND, "component"),
    Planned("TASK-001", SECOND, "component", Status.NOT_APPLICABLE, "why"),
    Planned("SIG-001", "acme", "runtime"),
)


def result(item: Planned, status: Status = Status.PASS, behaviours: int = 1, **changes: Any) -> Result:
    return Result(
        item.check,
        item.subject,
        item.judges,
        "must",
        item.status or status,
        exercised=2,
        behaviours=behaviours,
        **changes,
    )


def report(results: Sequence[Result], plan: Sequence[Planned] = PLAN, seconds: float = 1.0) -> ConformanceReport:
    requirements = RequirementSet("2026.1", frozenset(), "f" * 64)
    profile = PROFILES["gate"]
    return ConformanceReport.from_results(
        PACKAGE, plan, results, profile=profile, requirements=requirements, runtime="m:R", seconds=seconds
    )


def full(**status: Status) -> list[Result]:
    """A pass for everything but the planned items given by position, as ``_1=Status.FAIL``."""
    return [result(item, status.get(f"_{number}", Status.PASS)) for number, item in enumerate(PLAN)]


def verdicts(made: ConformanceReport) -> tuple[str, ...]:
    return (made.verdict.value, *(component.verdict.value for component in made.components))


def test_everything_passed_and_was_seen_to_do_something() -> None:
    made = report(full())
    assert verdicts(made) == ("certified", "certified", "certified")
    assert not made.failed
    assert (made.counts["executed"], made.counts["applicable"]) == (5, 5)
    assert made.counts["total"] == 6


@pytest.mark.parametrize("status", [Status.FAIL, Status.WAIVED])
def test_what_had_nothing_to_try_was_not_executed(status: Status) -> None:
    """It counts under its status all the same; a failure of any other kind was executed."""
    results = full(_1=status, _2=Status.FAIL)
    results[1] = replace(results[1], reason="prerequisite: init: OSError")
    results[2] = replace(results[2], reason="control: it runs: no prerequisite: this is another text")
    made = report(results)
    assert (made.counts["executed"], made.counts["applicable"], made.counts["total"]) == (4, 5, 6)
    assert made.counts["fail"] + made.counts["waived"] == 2
    assert made.to_json()["counts"] == made.counts


@pytest.mark.parametrize("status", [Status.FAIL, Status.ERROR])
def test_a_failure_or_an_error_anywhere_fails_the_run(status: Status) -> None:
    assert verdicts(report(full(_1=status))) == ("fails", "fails", "certified")
    for whole in (0, 5):
        made = report(full(**{f"_{whole}": status}))
        assert verdicts(made) == ("fails", "certified", "certified")
        assert made.failed


def test_a_warning_costs_no_verdict() -> None:
    assert verdicts(report(full(_1=Status.WARN))) == ("certified", "certified", "certified")


def test_a_component_that_was_never_seen_to_do_anything_is_not_certified() -> None:
    """Else a component that does nothing would be certified."""
    results = [replace(one, behaviours=0) if one.subject == FIRST else one for one in full()]
    assert verdicts(report(results)) == ("conforms", "conforms", "certified")


def test_behaviour_in_a_check_that_did_not_pass_is_not_enough() -> None:
    results = [replace(one, behaviours=int(one.check == "TASK-001")) for one in full(_2=Status.WARN)]
    assert verdicts(report(results))[1] == "conforms"


@pytest.mark.parametrize("position", range(len(PLAN)))
def test_a_level_needs_a_result_for_everything(position: int) -> None:
    results = full()
    left_out = results.pop(position)
    made = report(results)
    assert made.verdict is Verdict.INCOMPLETE
    assert made.missing == (f"{left_out.subject}::{left_out.check}",)
    assert not made.failed


def test_incomplete_is_about_the_component_it_is_about() -> None:
    assert verdicts(report([one for one in full() if one.subject != SECOND])) == (
        "incomplete",
        "certified",
        "incomplete",
    )


def test_a_failure_weighs_more_than_a_gap() -> None:
    assert verdicts(report(full(_1=Status.FAIL)[:2]))[:2] == ("fails", "fails")


def test_nothing_judged_is_not_certified() -> None:
    assert report([], ()).verdict is Verdict.INCOMPLETE


def test_results_nobody_planned_are_refused() -> None:
    with pytest.raises(ConformanceError, match="acme::META-001"):
        report(full(), PLAN[1:])


def test_order_and_origin_of_results_do_not_matter() -> None:
    back = [Result.from_json(json.loads(json.dumps(one.to_json()))) for one in reversed(full(_1=Status.FAIL))]
    assert report(back).to_json() == report(full(_1=Status.FAIL)).to_json()


def test_two_runs_are_equal_without_timing_and_environment() -> None:
    slow = [replace(one, seconds=9.0) for one in full()]
    first, second = report(full()).to_json(), report(slow, seconds=99.0).to_json()
    assert first != second
    for kept in (first, second):
        del kept["timing"], kept["environment"]
    assert first == second
    assert "seconds" not in json.dumps(first)


def test_the_report_says_what_was_asked_of_what() -> None:
    card = Card("LIFE-001", FIRST, "r", "s", "e", "x", "m", "p")
    made = report([replace(one, card=card) if one.subject == FIRST else one for one in full()]).to_json()
    assert made["schema"] == "oneiric-conformance-report/1"
    assert made["package"] == {"name": "acme", "version": "1.0", "wheel": None}
    assert made["requirements"] == {"id": "2026.1", "sha256": "f" * 64}
    assert (made["profile"], made["seed"], made["runtime"], made["verdict"]) == ("gate", 0, "m:R", "certified")
    assert (made["kit"], made["core"]) == (version("oneiric-core"), version("oneiric-core"))
    (first, second) = made["components"]
    assert (first["id"], first["verdict"]) == (FIRST, "certified")
    assert first["results"][0]["card"]["example"] == "x"
    assert [one["status"] for one in second["results"]] == ["pass", "not-applicable"]
    assert [one["check"] for one in made["whole"]] == ["META-001", "SIG-001"]


def test_a_report_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("before", encoding="utf-8")
    file = OutputFile(path, "report")
    assert path.read_text(encoding="utf-8") == "before"
    file.write(report(full()).to_text())
    assert json.loads(path.read_text(encoding="utf-8")) == report(full()).to_json()
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_report_that_could_not_be_written_is_refused_before_the_run(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing" / "report.json", Path("/proc/report.json")):
        with pytest.raises(ConformanceError, match="cannot be written"):
            OutputFile(path, "report")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_former_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.json"
    path.write_text("before", encoding="utf-8")
    file = OutputFile(path, "report")

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="No space"):
        file.write(report(full()).to_text())
    assert path.read_text(encoding="utf-8") == "before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_times_of_its_own_stand_with_the_component() -> None:
    slow = Subject("task", "a", "acme", limits={"init": 20.0})
    requirements = RequirementSet("2026.1", frozenset(), "f" * 64)
    made = ConformanceReport.from_results(
        replace(PACKAGE, subjects=(slow,)),
        PLAN,
        full(),
        profile=PROFILES["gate"],
        requirements=requirements,
        runtime="m:R",
    )
    limits = {component["id"]: component["limits"] for component in made.to_json()["components"]}
    assert limits == {FIRST: {"init": 20.0}, SECOND: {}}


class Counting(UserList[Planned]):
    """A plan that counts how often it is gone through."""

    times = 0

    def __iter__(self) -> Iterator[Planned]:
        self.times += 1
        return iter(self.data)


def test_hundreds_of_components_are_put_together_in_a_few_passes() -> None:
    plan = Counting([Planned("LIFE-001", f"task/{number:03}/acme", "component") for number in range(300)])
    made = report_of(PROFILES["gate"], plan)
    assert len(made.components) == len(made.missing) == 300
    assert 0 < plan.times < 20


def report_of(profile: Profile, plan: Sequence[Planned]) -> ConformanceReport:
    requirements = RequirementSet("2026.1", frozenset(), "f" * 64)
    return ConformanceReport.from_results(PACKAGE, plan, (), profile=profile, requirements=requirements, runtime="m:R")
