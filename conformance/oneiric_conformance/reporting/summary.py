"""A report in Markdown, for the summary of a CI job (GitHub Flavored Markdown)."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from oneiric_conformance.reporting.document import ReportDocument, ResultDocument
from oneiric_conformance.results import Status

__all__ = ["summary"]

_MOST: Final = 20
"""How many components, and how many cards, are told of in full: a job's summary has its limits, and its readers too."""

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~$@])")
_SIGNS: Final = {Status.FAIL: "❌", Status.ERROR: "🛑", Status.WARN: "⚠️", Status.WAIVED: "🏷️"}


def summary(reports: Sequence[ReportDocument]) -> str:
    """The reports, one after the other. Nothing that stands in them is taken for markup."""
    return "\n".join(line for report in reports for line in _lines(report)) + "\n"


def _lines(report: ReportDocument) -> Iterator[str]:
    package, counts = report.package, report.counts
    yield f"## {_plain(package.name)} {_plain(package.version)}: {report.verdict.value}"
    yield ""
    level = f"level **{_plain(report.levels[-1])}**" if report.levels else "no level reached"
    yield (
        f"{level}, requirements {_plain(report.requirements.id)}, profile {_plain(report.profile)}:"
        f" {counts['executed']} executed of {counts['applicable']} applicable of {counts['total']} checks"
        f" in {report.timing.seconds:.1f} s"
    )
    yield ""
    yield "| component | verdict | fail | error | warn | waived |"
    yield "|---|---|--:|--:|--:|--:|"
    ordered = sorted(report.components, key=lambda component: (component.verdict.urgency, component.id))
    for component in ordered[:_MOST]:
        numbers = [str(sum(result.status is status for result in component.results)) for status in _SIGNS]
        yield f"| {' | '.join([_plain(component.id), component.verdict.value, *numbers])} |"
    yield ""
    if len(ordered) > _MOST:
        yield from (f"and {len(ordered) - _MOST} more components", "")
    for level, reasons in [*report.lacking.items()][:1]:  # those of the next one say the same again
        yield f"Not {_plain(level)}: {_plain('; '.join(reasons))}"
        yield ""
    yield from _cards(report)


def _cards(report: ReportDocument) -> Iterator[str]:
    results = [(component.id, result) for component in report.components for result in component.results]
    results += [(report.package.name, result) for result in report.whole]
    told = [(subject, result) for status in _SIGNS for subject, result in results if result.status is status]
    for subject, result in told[:_MOST]:
        yield from _card(subject, result)
    if len(told) > _MOST:
        yield f"and {len(told) - _MOST} more: see the page or the report"
        yield ""


def _card(subject: str, result: ResultDocument) -> Iterator[str]:
    yield f"<details><summary>{_SIGNS[result.status]} {result.check} {_plain(subject)}</summary>"
    yield ""
    card = result.card
    told = {"reason": result.reason} if card is None else {"rule": card.rule, "seen": card.seen, "mend": card.mend}
    if result.waiver is not None:
        told["waived"] = result.waiver.reason
    for label, text in told.items():
        yield f"- {label}: {_plain(text)}"
    if card is not None:
        yield ""
        yield from _fenced(card.replay)
    yield ""
    yield "</details>"
    yield ""


def _fenced(text: str) -> Iterator[str]:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (fence, text, fence)


def _plain(text: str) -> str:
    """The text on one line, with whatever Markdown or HTML would take for markup escaped."""
    escaped = _SPECIAL.sub(r"\\\1", " ".join(text.split()))
    return escaped.replace("&", "&amp;").replace("\\<", "&lt;").replace("\\>", "&gt;")
