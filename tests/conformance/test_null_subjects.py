"""Components that implement nothing, in every domain: no run of the kit ever certifies one of them."""

from dataclasses import replace

import pytest

from mutants import reference
from mutants.nulls import NULLS
from oneiric_conformance import PROFILES, ConformanceReport, Limits, Package, Result, Session, Status, Verdict
from oneiric_conformance.isolation.fingerprint import take_fingerprint
from oneiric_conformance.observing.watch import watching
from oneiric_conformance.run import report_of
from oneiric_core import Domain

pytestmark = pytest.mark.slow

QUICK = Limits(init=0.5, health=0.5, cleanup=0.5, drain=0.5)
UNFIT = {  # what a fresh process has to find out before any of it comes near the kit
    "raises everywhere": "init: RuntimeError: it never works",
    "raises at once": "factory: RuntimeError: it never works",
    "hangs": "health: did not end within 1.5 s",
    "hangs waiting": "init: TimeoutError: did not end within 0.5 s",
    "gives None": "factory: oneiric_core.errors.ActivationError: the factory returned None",
    "exits the process": "cleanup: ended the process with exit code 0",
    "leaves politely": "init: tried to end the process: SystemExit: 0",
    "patches the kit": "changes: it replaced oneiric_conformance.handling.bench.Bench.expect",
    "patches the kit when imported": "changes: it replaced oneiric_conformance.handling.bench.Bench.expect",
    "stops the clock": "changes: it replaced time.monotonic",
}


TEN_KINDS = (
    "does nothing",
    "accepts everything",
    "refuses everything",
    "raises everywhere",
    "claims everything",
    "claims nothing",
    "hangs",
    "exits the process",
    "patches the kit",
    "returns Mocks",
)
"""Those that stand for a kind; the others are variations of them."""

BAD = {Status.FAIL, Status.ERROR}


def judged(session: Session) -> ConformanceReport:
    """Every check of every component until one fails, which settles it; package and runtime count for no component."""
    results: list[Result] = []
    settled: set[str] = set()
    for item in session.plan():
        if item.judges == "component" and item.subject not in settled:
            results.append(session.judge(item))
            settled |= {item.subject} if results[-1].status in BAD else set()
    return report_of(session, results)


def test_the_nulls_stand_in_every_domain() -> None:
    for package in NULLS.values():
        assert {subject.domain for subject in package.subjects} == set(Domain)
        assert len(package.subjects) == len(reference.COMPONENTS)


@pytest.mark.long
def test_what_they_stand_in_for_is_certified() -> None:
    """The control: without it, a kit that certifies nobody would pass the test below."""
    with Session(reference.package(), profile=PROFILES["quick"], limits=QUICK) as session:
        report = judged(session)
    assert {component.id: component.verdict for component in report.components} == {
        subject.id: Verdict.CERTIFIED for subject in reference.package().subjects
    }


@pytest.mark.parametrize(("name", "number"), [(name, number) for number, name in enumerate(TEN_KINDS)], ids=TEN_KINDS)
def test_a_null_is_never_certified(name: str, number: int) -> None:
    """In one domain each, and over all of them in every domain."""
    package = NULLS[name]
    one = package.subjects[number % len(package.subjects)]
    never_certified(name, replace(package, subjects=(one,)))


@pytest.mark.long
@pytest.mark.parametrize("name", NULLS)
def test_a_null_is_never_certified_in_any_domain(name: str) -> None:
    never_certified(name, NULLS[name])


def never_certified(name: str, package: Package) -> None:
    """It fails, or conforms at best. It is never a defect of the kit, and the kit is as it was afterwards."""
    with watching():  # the first watch lets Python 3.11 announce its threads
        before = take_fingerprint()
    with Session(package, profile=PROFILES["quick"], limits=QUICK) as session:
        report = judged(session)
        unfit = [session.smoke(subject).failure for subject in package.subjects]
    assert not before.differences()
    assert len(report.components) == len(package.subjects)
    assert [f"{item.check} of {item.subject}: {item.reason}" for item in report.results if item.status == "error"] == []
    assert [
        f"{component.id} by {', '.join(result.check for result in component.results if result.behaviours)}"
        for component in report.components
        if component.verdict is Verdict.CERTIFIED
    ] == []
    if name in UNFIT:
        assert [failure[: len(UNFIT[name])] for failure in unfit] == [UNFIT[name]] * len(unfit)
    else:
        assert unfit == [""] * len(unfit)
