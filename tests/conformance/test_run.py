"""A whole run without pytest."""

import json
from pathlib import Path

import pytest

from mutants import reference
from oneiric_conformance import Package, Result, Status, Verdict, run_conformance
from oneiric_core import ConformanceError
from oneiric_core.testing import CoreRuntime

pytestmark = pytest.mark.slow


class Mine(CoreRuntime):
    """A runtime with a name of its own."""


def one_task() -> Package:
    return reference.package(reference.subject_of(reference.WordCount))


def test_a_runtime_is_named_by_its_path() -> None:
    with pytest.raises(ConformanceError, match="cannot be called"):
        run_conformance(one_task(), runtime="mutants.reference:TEXT_SCHEMA")


def test_configuration_is_that_of_the_repository(tmp_path: Path) -> None:
    section = "[tool.oneiric.conformance]\n"
    (tmp_path / "pyproject.toml").write_text(section + "profile = 'fast'", encoding="utf-8")
    with pytest.raises(ConformanceError, match="no profile 'fast'"):
        run_conformance(one_task(), rootdir=tmp_path)
    (tmp_path / "pyproject.toml").write_text(section + "report = 'no/where.json'", encoding="utf-8")
    with pytest.raises(ConformanceError, match="cannot be written"):
        run_conformance(one_task(), rootdir=tmp_path)


def test_nothing_to_judge_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConformanceError):
        run_conformance()
    with pytest.raises(ConformanceError, match="no distribution 'nobody-wrote-this'"):
        run_conformance("nobody-wrote-this")
    with pytest.raises(ConformanceError):
        run_conformance("adapter/nobody/wrote-this")


class EnoughError(Exception):
    """What was asked about has been judged."""


class Seen(list[Result]):
    """What was judged before the first check of the runtime, where the run is left."""

    def __call__(self, result: Result) -> None:
        if result.judges == "runtime":
            raise EnoughError
        self.append(result)


def test_a_component_is_named_by_its_path() -> None:
    seen = Seen()
    with pytest.raises(EnoughError):
        run_conformance("mutants.reference:Slugify", profile="quick", progress=seen)
    assert {result.subject for result in seen if result.judges == "component"} == {"action/slugify/reference"}
    assert Status.FAIL not in {result.status for result in seen}


def test_an_installed_package_is_judged_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its one entry point does not import: that is a failure of its own, and no crash."""
    info = tmp_path / "demo-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Demo\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[oneiric.tasks]\nbroken = nobody_there:task\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    seen = Seen()
    with pytest.raises(EnoughError):
        run_conformance("demo", profile="quick", progress=seen)
    assert {result.subject for result in seen if result.judges == "package"} == {"demo"}
    (broken,) = (result for result in seen if result.judges == "component")
    assert (broken.check, broken.status) == ("META-001", "fail")
    assert "No module named 'nobody_there'" in broken.reason


def test_what_the_repository_chose_is_certified_in_another_runtime_and_the_report_is_written(tmp_path: Path) -> None:
    section = "[tool.oneiric.conformance]\ncomponent = ['mutants.reference:Slugify']\nreport = 'report.json'\n"
    other = "[tool.oneiric.conformance.components.'adapter/other/acme']\nsettings = {}\n"
    (tmp_path / "pyproject.toml").write_text(section + other, encoding="utf-8")
    seen = list[Result]()
    report = run_conformance(rootdir=tmp_path, profile="quick", runtime=Mine, progress=seen.append)
    assert [component.id for component in report.components] == ["action/slugify/reference"]
    assert report.verdict is Verdict.CERTIFIED, [result for result in report.results if result.reason]
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == report.to_json()
    assert set(seen) == set(report.results)
    assert report.runtime.endswith(":Mine")
