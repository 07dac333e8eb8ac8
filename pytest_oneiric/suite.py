"""The conformance suite of one run: found, planned, judged item by item. Registered only where it is asked for."""

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_oneiric.collect import MARK, AnchorFile, NotPassed, add_to_arguments
from pytest_oneiric.options import ANCHOR_INI

if TYPE_CHECKING:
    from oneiric_conformance.config import Configuration
    from oneiric_conformance.registry import Check
    from oneiric_conformance.results import Result
    from oneiric_conformance.session import Planned, Session
    from oneiric_conformance.subject import Package

__all__ = ["RESULT", "Suite"]

RESULT: Final = "oneiric_result"
"""The attribute of a pytest report that carries a result as plain data; such attributes cross process borders."""


class Suite:
    """What the kit found for this repository, and the session that judges it."""

    NAME = "oneiric-conformance-suite"

    def __init__(self, config: pytest.Config) -> None:
        self.rootdir = config.rootpath
        self.configuration, self.package, self.session = _open(config, self._replay_line)
        self.anchor = _anchor(config, self.package)
        config.addinivalue_line("markers", f"{MARK}: a rule of the Oneiric conformance suite")
        add_to_arguments(config, self.anchor)

    def pytest_report_header(self) -> list[str]:
        count = len(self.package.subjects)
        return [
            f"oneiric: judging {self.package.name} {self.package.version}, {count} component{'s' * (count != 1)}",
            *(f"oneiric: {line}" for line in self.configuration.header()),
        ]

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> AnchorFile | None:
        if file_path.resolve() != self.anchor:
            return None
        node: AnchorFile = AnchorFile.from_parent(parent, path=file_path)
        node.plan, node.judge = self._plan(), self._judge
        return node

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        result = item.stash.get(_result, None)
        if report.when == "call" and result is not None:
            setattr(report, RESULT, result.to_json())
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        self.session.close()

    def _plan(self) -> "Mapping[str, tuple[tuple[Planned, Check], ...]]":
        from oneiric_conformance import CHECKS  # noqa: PLC0415 - the kit is loaded only where it is asked for

        plan: dict[str, list[tuple[Planned, Check]]] = {}
        for planned in self.session.plan():
            plan.setdefault(planned.subject, []).append((planned, CHECKS[planned.check]))
        return {subject: tuple(checks) for subject, checks in plan.items()}

    def _judge(self, planned: "Planned", item: pytest.Item) -> None:
        result = self.session.judge(planned)
        item.stash[_result] = result
        _end(result)

    def _replay_line(self, subject: str, check: str) -> str:
        try:
            anchor = self.anchor.relative_to(self.rootdir).as_posix()
        except ValueError:
            anchor = str(self.anchor)
        return f"pytest --oneiric-conformance '{anchor}::{subject}::{check}'"


_result: "pytest.StashKey[Result]" = pytest.StashKey()


def _end(result: "Result") -> None:
    """End the item as pytest would show the result's status."""
    match result.status.value:
        case "pass" | "warn":
            return
        case "not-applicable" | "not-scored":
            pytest.skip(f"{result.status.value}: {result.reason}")
        case "error":
            raise NotPassed(f"KIT ERROR in {result.check}: {result.reason}")
        case _:
            raise NotPassed(result.card.render() if result.card else result.reason)


def _open(config: pytest.Config, replay: Any) -> "tuple[Configuration, Package, Session]":
    """Find and plan; every expected fault ends as one line and pytest's exit code for wrong usage."""
    try:
        from oneiric_conformance.config import read_configuration  # noqa: PLC0415 - as above
        from oneiric_conformance.finding import find_package  # noqa: PLC0415
        from oneiric_conformance.session import Session  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise pytest.UsageError(
            f"the conformance kit needs {error.name}. Install it with: pip install 'oneiric-core[conformance]'"
        ) from error
    from oneiric_core import ConformanceError  # noqa: PLC0415

    try:
        configuration = read_configuration(config.rootpath, profile=config.getoption("oneiric_profile"))
        package = find_package(config.rootpath, only=tuple(config.getoption("oneiric_component")))
        return configuration, package, Session(package, configuration=configuration, replay=replay)
    except ConformanceError as error:
        raise pytest.UsageError(str(error)) from error


def _anchor(config: pytest.Config, package: "Package") -> Path:
    """The file the suite hangs from: the one configured, else the first of the usual ones that exists."""
    configured = config.getini(ANCHOR_INI)
    if configured:
        path = (config.rootpath / configured).resolve()
        if not path.is_file():
            raise pytest.UsageError(f"{ANCHOR_INI} names {path}, which is no file. Name one that exists.")
        return path
    folders = [config.rootpath, *(config.rootpath / path for path in config.getini("testpaths")[:1])]
    usual = [folder / "oneiric-conformance.toml" for folder in folders] + [config.rootpath / "pyproject.toml"]
    found = next((path for path in [*usual, config.inipath] if path is not None and path.is_file()), None)
    if found is None:
        found = _module_file(package)
    if found is None:
        raise pytest.UsageError(
            f"no pyproject.toml in {config.rootpath} to hang the suite from. Add one; it may be empty."
        )
    return found.resolve()


def _module_file(package: "Package") -> Path | None:
    del package
    return None
