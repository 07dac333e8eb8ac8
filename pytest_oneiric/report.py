"""What an author sees: the header, the verdicts at the end, and the report where a path was given.

Built from pytest's own reports alone, so that it is the same whether or not other processes ran the checks.
"""

from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from _pytest.terminal import TerminalReporter

    from oneiric_conformance import ComponentReport, ConformanceReport, Finished, Result
    from pytest_oneiric.suite import Suite

__all__ = ["IMPORTED", "RESULT", "Reporter"]

RESULT: Final = "oneiric_result"
"""The attribute of a pytest report that carries a result as plain data; such attributes cross process borders."""

IMPORTED: Final = "oneiric_imported"
"""What a worker of xdist says at its end of the files it has imported."""

_COLOURS: Final = {"certified": "green", "conforms": "yellow", "incomplete": "yellow", "fails": "red"}

_MOST: Final = 8
"""How many components are named; with :data:`_MOST_TOLD` and the lines around them, it makes twenty lines at most."""
_MOST_TOLD: Final = 3


class Reporter:
    """Gathers results as they come in, from this process or from workers.

    :raises ConformanceError: at once, if anything could not be written where it is wanted.
    """

    def __init__(self, suite: "Suite") -> None:
        from oneiric_conformance import Finish  # noqa: PLC0415 - loaded only where asked for

        self._suite = suite
        self._results: list[Result] = []
        self._finish = Finish(suite.configuration)
        self._finished: Finished | None = None
        self._imported: dict[str, set[str]] = {}
        self._started = _seconds()
        self._made: ConformanceReport | None = None

    def pytest_report_header(self) -> list[str]:
        package = self._suite.package
        count = len(package.subjects)
        named = " ".join(word for word in (package.name, package.version) if word)
        return [
            f"oneiric: judging {named}, {count} component{'s' * (count != 1)}",
            *(f"oneiric: {line}" for line in self._suite.configuration.header()),
            *(f"oneiric: warning: {line}" for line in self._finish.warnings),
        ]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = getattr(report, RESULT, None)
        if data is not None:
            from oneiric_conformance import Result  # noqa: PLC0415 - loaded only where asked for

            self._results.append(Result.from_json(data))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object, error: object) -> None:
        """Of xdist: a worker has ended."""
        del error
        self._add_imported(getattr(node, "workeroutput", {}).get(IMPORTED, {}))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if session.config.getoption("collectonly"):
            return
        self._made = report = self._report()
        self._finished = self._finish.finish(report, self._all_imported())
        wanting = self._is_wanting(report, "level", missed=self._suite.configuration.level not in ("", *report.levels))
        wanting |= self._is_wanting(report, "certificate", missed=bool(self._finished.refusal))
        if wanting and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: "TerminalReporter") -> None:
        report = self._made
        if report is None:
            return
        terminalreporter.ensure_newline()
        terminalreporter.section("oneiric conformance")
        judged = [component for component in report.components if component.results]
        shown = sorted(judged, key=lambda component: component.verdict.urgency)[:_MOST]
        width = max((len(component.id) for component in shown), default=0)
        for component in judged if len(judged) <= _MOST else shown:
            verdict = component.verdict.value
            why = _because(component)
            terminalreporter.write(f"{component.id:{width}}  ")
            terminalreporter.write(f"{verdict:10}  {why}\n" if why else f"{verdict}\n", **{_COLOURS[verdict]: True})
        if rest := Counter(each.verdict for each in judged) - Counter(each.verdict for each in shown):
            told = ", ".join(f"{rest[verdict]} {verdict}" for verdict in sorted(rest, key=lambda each: each.urgency))
            terminalreporter.write_line(f"and {rest.total()} more: {told}")
        left_out = len(report.components) - len(judged)
        if left_out:
            terminalreporter.write_line(f"{left_out} component{'s' * (left_out != 1)} not judged")
        self._say_the_rest(terminalreporter, report)
        if self._finished is not None:
            if self._finished.refusal:
                terminalreporter.write_line(self._finished.refusal)
            for what, path in self._finished.written.items():
                terminalreporter.write_line(f"{what}: {path}")

    def _say_the_rest(self, terminal: "TerminalReporter", report: "ConformanceReport") -> None:
        told = [
            f"{result.subject}: {result.status.value} {result.check}: {result.reason}"
            for result in report.whole
            if result.status.value in {"fail", "error", "warn", "waived"}
        ]
        told += _warnings(report)
        for line in told[:_MOST_TOLD]:
            terminal.write_line(line)
        if len(told) > _MOST_TOLD:
            terminal.write_line(f"and {len(told) - _MOST_TOLD} more to look at")
        counts = report.counts
        terminal.write_line(
            f"{counts['executed']} executed of {counts['applicable']} applicable of {counts['total']} checks,"
            f" requirements {report.requirements.id}, profile {report.profile.name}"
        )
        for line in self._levels(report):
            terminal.write_line(line)
        terminal.write("verdict: ")
        terminal.write(f"{report.verdict.value}\n", bold=True, **{_COLOURS[report.verdict.value]: True})

    def _is_wanting(self, report: "ConformanceReport", what: str, *, missed: bool) -> bool:
        """Whether something that was asked for, and is not there, fails the run.

        A run that was narrowed, and in which nothing failed, lacks nothing that only the configuration asks for: else
        no single check could be repeated.
        """
        asked_now = self._suite.configuration.sources[what].startswith("--")
        return missed and (asked_now or report.verdict.value != "incomplete")

    def _all_imported(self) -> dict[str, str]:
        """What this process and all workers have imported; a file of which they saw several contents has none."""
        if not self._finish.wants_certificate:
            return {}
        self._add_imported(self._suite.imported())
        return {name: next(iter(found)) if len(found) == 1 else "" for name, found in self._imported.items()}

    def _add_imported(self, found: "Mapping[str, str]") -> None:
        for name, digest in found.items():
            self._imported.setdefault(name, set()).add(digest)

    def _levels(self, report: "ConformanceReport") -> "Iterator[str]":
        from oneiric_conformance.levels import LEVELS, lacking  # noqa: PLC0415 - loaded only where asked for

        if report.levels:
            yield f"level: {report.levels[-1]}"
        for level in LEVELS[len(report.levels) :]:
            if level == self._suite.configuration.level:
                yield f"level {level} was asked for and not reached: {'; '.join(lacking(report, level))}"

    def _report(self) -> "ConformanceReport":
        from oneiric_conformance import ConformanceReport  # noqa: PLC0415 - loaded only where asked for

        session = self._suite.session
        return ConformanceReport.from_results(
            self._suite.package,
            session.plan(),
            self._results,
            profile=session.profile,
            requirements=session.requirements,
            runtime=session.runtime,
            limits=session.limits,
            seconds=_seconds() - self._started,
        )


def _seconds() -> float:
    from oneiric_core import SYSTEM_CLOCK  # noqa: PLC0415 - loaded only where asked for

    return SYSTEM_CLOCK.monotonic()


def _because(component: "ComponentReport") -> str:
    """What led to the verdict, on the rest of the line."""
    found = {status: _ids(component, status) for status in ("fail", "error", "warn", "waived")}
    told = [f"{status} {ids}" for status, ids in found.items() if ids]
    untried = sum(result.untried for result in component.results)
    if untried:
        told.append(f"{untried} not tried")
    if component.verdict.value == "conforms":
        told.insert(0, "not certifiable: nothing of its own was seen to work; an exercise can show it")
    return "; ".join(told)


def _warnings(report: "ConformanceReport") -> list[str]:
    """What each warning is about, once for all components that were told the same."""
    found = [result for component in report.components for result in component.results]
    return sorted({f"warn {result.check}: {result.reason}" for result in found if result.status.value == "warn"})


def _ids(component: "ComponentReport", status: str) -> str:
    found = (result for result in component.results if result.status.value == status)
    return ", ".join(result.check for result in found if not result.untried)
