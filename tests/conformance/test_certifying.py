"""The certificate of a run: only for the bytes that were judged, by a key worth something, for a level reached."""

import base64
import importlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oneiric_conformance import (
    PROFILES,
    Card,
    ConformanceReport,
    EntryPointName,
    Finish,
    Package,
    Planned,
    RequirementSet,
    Result,
    Status,
    Subject,
    Waiver,
    imported_files,
    read_configuration,
    with_wheel,
)
from oneiric_conformance.certifying.issue import SigningKey, issue
from oneiric_core import CertificatePolicy, ConformanceError, FrozenClock, PublicKey
from oneiric_core.testing import key_pair, make_wheel, wheel_filename

ISSUER = key_pair("the issuer of tests")
NOW = datetime(2026, 6, 1, tzinfo=UTC)
POINTS = "[oneiric.tasks]\necho = certified_pkg.echo:Echo\n"
FILES = {
    "certified_pkg/__init__.py": '"""A package."""\n',
    "certified_pkg/echo.py": "class Echo:\n    pass\n",
    "certified_pkg/unused.py": "",
}


@dataclass
class Project:
    """A package on disk, imported from there, and the wheel that was built of it."""

    folder: Path
    package: Package

    def wheel(self, files: dict[str, str] = FILES, points: str = POINTS) -> Package:
        path = self.folder / wheel_filename("certified-pkg", "1.0")
        path.write_bytes(make_wheel(files, "certified-pkg", "1.0", entry_points=points))
        return with_wheel(self.package, path)

    def key(self) -> Path:
        path = self.folder / "key.pem"
        path.write_text(ISSUER.private_pem, encoding="utf-8")
        path.chmod(0o600)
        return path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    for name, text in FILES.items():
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "src"))
    importlib.invalidate_caches()
    importlib.import_module("certified_pkg.echo")
    point = EntryPointName("oneiric.tasks", "echo", "certified_pkg.echo:Echo")
    subjects = (Subject("task", "echo", "acme", "certified_pkg.echo:Echo", entry_point=point),)
    package = Package(
        "certified-pkg", "1.0", subjects, modules=frozenset({"certified_pkg"}), declared=(point,), installed=(point,)
    )
    yield Project(tmp_path, package)
    for name in [name for name in sys.modules if name.partition(".")[0] == "certified_pkg"]:
        del sys.modules[name]


def report(package: Package, *statuses: Status, profile: str = "gate") -> ConformanceReport:
    plan = [Planned(f"LIFE-00{number}", "task/echo/acme", "component") for number in (1, 2, 3)]
    asked = (*statuses, *[Status.PASS] * (len(plan) - len(statuses)))
    results = [
        Result(
            item.check,
            item.subject,
            item.judges,
            "must",
            status,
            behaviours=1,
            waiver=Waiver(item.check, item.subject, "old driver") if status is Status.WAIVED else None,
            card=Card(item.check, item.subject, "r", "s", "e", "", "m", "p") if status is Status.FAIL else None,
        )
        for item, status in zip(plan, asked, strict=True)
    ]
    requirements = RequirementSet("2026.1", frozenset(), "f" * 64)
    return ConformanceReport.from_results(
        package, plan, results, profile=PROFILES[profile], requirements=requirements, runtime="m:R"
    )


def certified(package: Package, *statuses: Status) -> str:
    return issue(report(package, *statuses), imported_files(package), SigningKey(ISSUER.private), now=NOW)


def statement(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.b64decode(json.loads(text)["payload"]))
    return found


def test_a_certificate_vouches_for_the_wheel(project: Project) -> None:
    package = project.wheel()
    assert package.wheel is not None
    policy = CertificatePolicy([PublicKey(ISSUER.public)])
    found = policy.check(certified(package).encode(), package.wheel.sha256, NOW)
    assert (found.package, found.version, found.levels, found.result) == ("certified-pkg", "1.0", ("core",), "PASSED")
    assert found.subjects == {package.wheel.name: package.wheel.sha256}
    assert found.expires_at - found.issued_at == timedelta(days=365)


def test_it_says_what_was_asked_and_what_it_proves(project: Project) -> None:
    predicate = statement(certified(project.wheel(), Status.WARN, Status.WAIVED))["predicate"]
    assert predicate["result"] == "WARNED"
    assert predicate["passedTests"] == ["task/echo/acme::LIFE-003"]
    assert predicate["warnedTests"] == ["task/echo/acme::LIFE-001", "task/echo/acme::LIFE-002"]
    assert predicate["failedTests"] == []
    assert predicate["configuration"][0]["digest"] == {"sha256": "f" * 64}
    said = predicate["urn:oneiric:conformance-certificate"]
    (waiver,) = said["waivers"]
    assert (waiver["check"], waiver["reason"]) == ("LIFE-002", "old driver")
    assert said["limits"] == {"init": 5.0, "health": 2.0, "cleanup": 5.0, "drain": 5.0}
    assert said["componentLimits"] == {}
    assert (said["profile"], said["components"]) == ("gate", {"task/echo/acme": "certified"})
    assert set(said["imported"]) == {"certified_pkg/__init__.py", "certified_pkg/echo.py"}
    assert any("honest" in sentence for sentence in said["doesNotProve"])
    assert len(said["proves"]) == 3


def test_it_says_which_component_was_given_other_times(project: Project) -> None:
    package = project.wheel()
    subjects = tuple(replace(subject, limits={"init": 20.0}) for subject in package.subjects)
    said = statement(certified(replace(package, subjects=subjects)))["predicate"]
    assert said["urn:oneiric:conformance-certificate"]["componentLimits"] == {"task/echo/acme": {"init": 20.0}}


def test_two_runs_of_the_same_at_the_same_time_give_the_same_bytes(project: Project) -> None:
    package = project.wheel()
    assert certified(package) == certified(package)


@pytest.mark.parametrize(
    ("name", "text"), [("certified_pkg/echo.py", "class Echo:\n    x = 1\n"), ("certified_pkg/__init__.py", "x = 1\n")]
)
def test_a_wheel_that_differs_from_what_was_imported_is_refused_by_the_first_file(
    project: Project, name: str, text: str
) -> None:
    package = project.wheel({**FILES, name: text})
    with pytest.raises(ConformanceError, match=rf"not what is in the wheel: {name} has SHA-256 .*Install the wheel"):
        certified(package)


def test_a_file_that_was_not_imported_may_differ(project: Project) -> None:
    assert certified(project.wheel({**FILES, "certified_pkg/unused.py": "x = 1\n"}))


def test_a_module_that_the_wheel_does_not_have_is_refused(project: Project) -> None:
    without = {name: text for name, text in FILES.items() if name != "certified_pkg/echo.py"}
    with pytest.raises(ConformanceError, match=r"certified_pkg/echo\.py was imported, and is not in the wheel"):
        certified(project.wheel(without))


def test_a_file_that_went_in_the_course_of_the_run_is_refused(project: Project) -> None:
    package = project.wheel()
    (project.folder / "src/certified_pkg/echo.py").unlink()
    with pytest.raises(ConformanceError, match=r"echo\.py was imported, and then was changed or removed"):
        certified(package)


def test_a_component_that_the_wheel_does_not_announce_is_refused(project: Project) -> None:
    with pytest.raises(ConformanceError, match=r"\[oneiric\.tasks\] echo = .* is not announced by the wheel"):
        certified(project.wheel(points=""))


def test_a_component_that_was_not_judged_is_refused(project: Project) -> None:
    """As after --oneiric-component, or where the wheel is newer than what is installed."""
    more = f"{POINTS}other = certified_pkg.unused:Other\n"
    with pytest.raises(ConformanceError, match=r"the wheel announces \[oneiric\.tasks\] other.*, which was not judged"):
        certified(project.wheel(points=more))


def test_nothing_imported_proves_nothing(project: Project) -> None:
    package = project.wheel()
    with pytest.raises(ConformanceError, match="no file of the package was imported"):
        issue(report(package), {}, SigningKey(ISSUER.private), now=NOW)


def test_a_wheel_that_changed_during_the_run_is_refused(project: Project) -> None:
    package = project.wheel()
    assert package.wheel is not None
    package.wheel.path.write_bytes(make_wheel(name="certified-pkg"))
    with pytest.raises(ConformanceError, match="was changed during the run"):
        certified(package)
    package.wheel.path.unlink()
    with pytest.raises(ConformanceError, match="cannot be read"):
        certified(package)


def test_a_wheel_that_no_runtime_takes_is_refused(project: Project) -> None:
    with pytest.raises(ConformanceError, match=r"no runtime takes .*evil"):
        certified(project.wheel({**FILES, "evil.pth": "import os\n"}))


@pytest.mark.parametrize("name", ["json", "Json", "sitecustomize", "oneiric_core"])
def test_a_wheel_that_hides_what_every_runtime_has_is_refused(project: Project, name: str) -> None:
    with pytest.raises(ConformanceError, match=rf"no runtime takes .*'{name}' .*(library|start-up|runtime)"):
        certified(project.wheel({**FILES, f"{name}/__init__.py": ""}))


def test_without_a_wheel_or_a_level_there_is_none(project: Project) -> None:
    with pytest.raises(ConformanceError, match="no wheel"):
        certified(project.package)
    with pytest.raises(ConformanceError, match=r"no level was reached .*LIFE-001"):
        certified(project.wheel(), Status.FAIL)
    package = project.wheel()
    with pytest.raises(ConformanceError, match="too quick"):
        issue(report(package, profile="quick"), imported_files(package), SigningKey(ISSUER.private), now=NOW)


class TestTheEndOfARun:
    @pytest.fixture
    def asked(self, project: Project) -> dict[str, Any]:
        return {
            "wheel": project.folder / wheel_filename("certified-pkg", "1.0"),
            "report": project.folder / "report.json",
            "certificate": project.folder / "certificate.json",
            "signing_key": project.key(),
        }

    def test_report_and_certificate_are_written(self, project: Project, asked: dict[str, Any]) -> None:
        package = project.wheel()
        end = Finish(read_configuration(None, **asked), clock=FrozenClock(NOW))
        done = end.finish(report(package), imported_files(package))
        assert done.refusal == ""
        assert done.written == {"report": asked["report"], "certificate": asked["certificate"]}
        assert asked["certificate"].read_text(encoding="utf-8") == certified(package)

    def test_where_the_run_can_be_looked_at_stands_on_the_certificate(
        self, project: Project, asked: dict[str, Any]
    ) -> None:
        package = project.wheel()
        url = "https://ci.example/acme/runs/7?attempt=2"
        Finish(read_configuration(None, **asked, run_url=url), clock=FrozenClock(NOW)).finish(
            report(package), imported_files(package)
        )
        said = statement(asked["certificate"].read_text(encoding="utf-8"))
        assert said["predicate"]["url"] == url
        assert "url" not in statement(certified(package))["predicate"]

    @pytest.mark.parametrize(
        "url",
        ["7", "ftp://a.example", "https://", "https://bot:hunter2@ci.example/7", "https://a.example/\n", "x" * 2000],
    )
    def test_what_is_no_address_of_a_page_is_refused_and_no_password_shown(self, url: str) -> None:
        with pytest.raises(ConformanceError, match="no address of a run that anybody could look at") as caught:
            read_configuration(None, run_url=url)
        assert "hunter2" not in str(caught.value)
        assert len(str(caught.value)) < 1200

    def test_a_certificate_of_an_earlier_run_goes_where_this_one_earns_none(
        self, project: Project, asked: dict[str, Any]
    ) -> None:
        """Else a gate that looks for the file would let a broken package pass."""
        package = project.wheel()
        asked["certificate"].write_text("of yesterday", encoding="utf-8")
        end = Finish(read_configuration(None, **asked))
        assert asked["certificate"].exists()
        done = end.finish(report(package, Status.FAIL), imported_files(package))
        assert "no level was reached" in done.refusal
        assert not asked["certificate"].exists()
        assert done.written == {"report": asked["report"]}

    def test_a_level_that_was_asked_for_and_not_reached_gives_no_lower_certificate(
        self, project: Project, asked: dict[str, Any]
    ) -> None:
        package = project.wheel()
        end = Finish(read_configuration(None, **asked, level="hardened"))
        done = end.finish(report(package), imported_files(package))
        assert "the level hardened was asked for and not reached" in done.refusal

    def test_a_certificate_needs_a_key_and_a_wheel_and_time(self, asked: dict[str, Any]) -> None:
        with pytest.raises(ConformanceError, match="no signing key given"):
            Finish(read_configuration(None, **{**asked, "signing_key": None}))
        with pytest.raises(ConformanceError, match="Give the wheel, too"):
            read_configuration(None, **{**asked, "wheel": None})
        with pytest.raises(ConformanceError, match="Choose the profile gate"):
            read_configuration(None, **asked, profile="quick")

    def test_one_file_cannot_be_two_things(self, asked: dict[str, Any]) -> None:
        with pytest.raises(ConformanceError, match="is to be the report and the certificate"):
            Finish(read_configuration(None, **{**asked, "certificate": asked["report"]}))

    def test_a_place_where_nobody_may_write_is_refused_before_the_run(self, asked: dict[str, Any]) -> None:
        with pytest.raises(ConformanceError, match="certificate cannot be written to '/sys/"):
            Finish(read_configuration(None, **{**asked, "certificate": Path("/sys/certificate.json")}))


def test_files_are_named_as_in_a_wheel_wherever_they_lie(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of a namespace package in several places, and a module that is a package of its own."""
    for place, name in (("one", "a"), ("two", "b")):
        file = project.folder / place / "certified_names" / f"{name}.py"
        file.parent.mkdir(parents=True)
        file.write_text("", encoding="utf-8")
        monkeypatch.syspath_prepend(os.fspath(project.folder / place))
        importlib.invalidate_caches()
    for name in ("a", "b"):
        importlib.import_module(f"certified_names.{name}")
    package = replace(project.package, modules=frozenset({"certified_names"}), subjects=())
    assert set(imported_files(package)) == {"certified_names/a.py", "certified_names/b.py"}
    for name in [name for name in sys.modules if name.partition(".")[0] == "certified_names"]:
        del sys.modules[name]
