"""One page that shows a report, or several: complete in itself, for a browser that has no network."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

import oneiric_conformance.checks  # noqa: F401 - importing it fills the registry
from oneiric_conformance.registry import CHECKS
from oneiric_conformance.reporting.document import ComponentDocument, ReportDocument, ResultDocument
from oneiric_conformance.reporting.templates import asset, content_hash, rendered
from oneiric_conformance.results import Status

__all__ = ["page"]

SIGNS: Final = {
    Status.PASS: "✓",
    Status.FAIL: "✗",
    Status.ERROR: "‼",
    Status.WARN: "!",
    Status.WAIVED: "~",
    Status.NOT_APPLICABLE: "·",
    Status.NOT_SCORED: "○",
}
"""What stands in a cell; its meaning is read out beside it, and never told by colour alone."""

_TOLD: Final = (Status.FAIL, Status.ERROR, Status.WARN, Status.WAIVED)
_SLOWEST: Final = 10


@dataclass(frozen=True, slots=True)
class Told:
    """A result that needs to be looked at.

    :param anchor: where on the page it is told.
    """

    anchor: str
    subject: str
    result: ResultDocument


@dataclass(frozen=True, slots=True)
class Cell:
    """A check of a component; None if it was not run.

    :param anchor: where on the page more is told; empty if nothing is.
    """

    check: str
    result: ResultDocument | None
    anchor: str


@dataclass(frozen=True, slots=True)
class Row:
    """A component and its cells, one for each rule that any component was judged by."""

    component: ComponentDocument
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A report, laid out.

    :param slowest: what took longest, as subject, check and seconds.
    """

    anchor: str
    report: ReportDocument
    checks: tuple[str, ...]
    rows: tuple[Row, ...]
    whole: tuple[Cell, ...]
    told: tuple[Told, ...]
    slowest: tuple[tuple[str, str, float], ...]


def page(reports: Sequence[ReportDocument]) -> str:
    """The page as HTML.

    :param reports: at least one.
    """
    style, script = asset("page.css"), asset("page.js")
    return rendered(
        "page.html",
        shown=[_shown(number, report) for number, report in enumerate(reports, start=1)],
        signs=SIGNS,
        statuses=[*SIGNS],
        rules={name: check.rule.replace("``", "") for name, check in CHECKS.items()},
        style=style,
        script=script,
        policy=f"default-src 'none'; style-src '{content_hash(style)}'; script-src '{content_hash(script)}'",
    )


def _shown(number: int, report: ReportDocument) -> Shown:
    told = tuple(_told(number, report))
    anchors = {(each.subject, each.result.check): each.anchor for each in told}
    checks = tuple(dict.fromkeys(result.check for component in report.components for result in component.results))
    rows = tuple(Row(component, tuple(_cells(component, checks, anchors))) for component in report.components)
    name = report.package.name
    return Shown(
        anchor=f"report-{number}",
        report=report,
        checks=tuple(sorted(checks)),
        rows=rows,
        whole=tuple(Cell(result.check, result, anchors.get((name, result.check), "")) for result in report.whole),
        told=told,
        slowest=_slowest(report),
    )


def _told(number: int, report: ReportDocument) -> Iterator[Told]:
    """Whatever is not as it should be, the worst first."""
    numbers = count(1)
    results = [(component.id, result) for component in report.components for result in component.results]
    results += [(report.package.name, result) for result in report.whole]
    for status in _TOLD:
        for subject, result in results:
            if result.status is status:
                yield Told(f"card-{number}-{next(numbers)}", subject, result)


def _cells(component: ComponentDocument, checks: Sequence[str], anchors: dict[tuple[str, str], str]) -> Iterator[Cell]:
    found = {result.check: result for result in component.results}
    for check in sorted(checks):
        yield Cell(check, found.get(check), anchors.get((component.id, check), ""))


def _slowest(report: ReportDocument) -> tuple[tuple[str, str, float], ...]:
    longest = sorted(report.timing.results.items(), key=lambda item: (-item[1], item[0]))[:_SLOWEST]
    return tuple((*name.rsplit("::", 1), seconds) for name, seconds in longest)  # type: ignore[misc]  # two parts
