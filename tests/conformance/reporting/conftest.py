"""Reports for tests: every status there is, with names and texts that a page has to survive."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from oneiric_conformance import (
    PROFILES,
    Card,
    ConformanceReport,
    Package,
    Planned,
    ReportDocument,
    Result,
    Status,
    Waiver,
    Wheel,
    requirement_set,
)

HOSTILE = '<img src=x onerror="alert(1)">|`**&amp;</script>'
CHECKS = ("HOT-004", "LIFE-001", "LIFE-002", "LIFE-008")
STATUSES = {
    "adapter/cache/acme": (Status.PASS, Status.PASS, Status.PASS, Status.WARN),
    "adapter/storage/acme": (Status.FAIL, Status.PASS, Status.ERROR, Status.PASS),
    "task/report/acme": (Status.NOT_APPLICABLE, Status.WAIVED, Status.PASS, Status.NOT_SCORED),
}
PLAIN = {"task/report/acme": (Status.PASS,) * 4}


def card(subject: str, check: str, status: Status, text: str = HOSTILE) -> Card | None:
    if status not in (Status.FAIL, Status.WARN, Status.WAIVED):
        return None
    line = f"pytest {subject}::{check}"
    return Card(check, subject, "the rule", text, "expected", text, "mend it", line, script=f"# {text}")


def report(
    statuses: dict[str, tuple[Status, ...]] = STATUSES, name: str = "acme-oneiric", text: str = HOSTILE
) -> ConformanceReport:
    """A run over components whose checks ended so, and one check of the runtime that passed."""
    planned, results = [], []
    for subject, ended in statuses.items():
        for check, status in zip(CHECKS, ended, strict=True):
            known = status if status in (Status.NOT_APPLICABLE, Status.NOT_SCORED) else None
            planned.append(Planned(check, subject, "component", known, "why" if known else ""))
            waiver = Waiver(check, subject, f"old driver {text}") if status is Status.WAIVED else None
            told = card(subject, check, status, text)
            reason = "" if status is Status.PASS else text
            results.append(
                Result(check, subject, "component", "must", status, reason, 3, 1, told, seconds=0.25, waiver=waiver)
            )
    planned.append(Planned("SIG-001", name, "runtime"))
    results.append(Result("SIG-001", name, "runtime", "must", Status.PASS, exercised=20, seconds=1.5))
    return ConformanceReport.from_results(
        Package(name, "1.0", (), wheel=Wheel(Path("acme_oneiric-1.0-py3-none-any.whl"), "ab" * 32)),
        planned,
        results,
        profile=PROFILES["gate"],
        requirements=requirement_set(),
        runtime="m:R",
        seconds=3.0,
    )


def document(**changes: object) -> ReportDocument:
    """The same, as read from its file."""
    return ReportDocument.of(report(**changes))  # type: ignore[arg-type]  # passed on


@pytest.fixture(scope="session")
def reports() -> SimpleNamespace:
    """What makes reports, and what they are made of."""
    return SimpleNamespace(report=report, document=document, mixed=STATUSES, plain=PLAIN, hostile=HOSTILE)
