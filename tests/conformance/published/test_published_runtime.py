"""The published ``oneiric`` as the runtime: what the kit says it breaks, keeps and lacks is what it really does."""

import logging
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest

from oneiric_conformance import CHECKS, PROFILES, Limits, Package, Result, Session, Status, Subject
from oneiric_conformance.finding.packages import find_component
from oneiric_conformance.handling.bench import Bench, Surroundings
from oneiric_conformance.isolation.smoke import SmokeReport
from oneiric_conformance.judging.loop import SharedLoop
from oneiric_conformance.judging.ownership import OwnFiles
from oneiric_conformance.judging.verdict import Judge

if sys.version_info < (3, 13):
    pytest.skip("the published oneiric needs Python 3.13", allow_module_level=True)
structlog = pytest.importorskip("structlog", reason="the published oneiric is not installed here")
pytest.importorskip("oneiric", reason="the published oneiric is not installed here")
Published: Final = import_module("tests.conformance.published.runtime").PublishedRuntime
mended: Final = import_module("tests.conformance.published.mended")

FOUND: Final = tomllib.loads((Path(__file__).parent / "findings.toml").read_text(encoding="utf-8"))
BREAKS: Final[dict[str, str]] = {each["rule"]: each["seen"] for each in FOUND["breaks"]}
KEEPS: Final[list[str]] = [rule for rules in FOUND["keeps"].values() for rule in rules]
OWN: Final = (
    "oneiric.adapters.cache.memory:MemoryCacheAdapter",
    "oneiric.adapters.storage.local:LocalStorageAdapter",
    "oneiric.actions.compression:CompressionAction",
)
WAITING: Final = {"HOT-009"}
"""Rules of which the kit waits for seconds to see them broken."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """What it logs about faults that were put there on purpose is nobody's to read."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def package() -> Package:
    """Its own components, unmodified, since its sync admits no others; the faulty ones the kit registers itself."""
    found = [find_component(path, Path()) for path in OWN]
    return Package("oneiric", "0.17.0", tuple(found), modules=frozenset({"oneiric"}))


Judged = Callable[..., tuple[Result, list[str]]]


@pytest.fixture
def judged(package: Package) -> Iterator[Judged]:
    """The result of one rule under a runtime, and the controls that were passed before it."""
    loop = SharedLoop()

    def judge(rule: str, runtime: Any = Published) -> tuple[Result, list[str]]:
        check = CHECKS[rule]
        subject: Subject | None = package.subjects[0] if check.judges == "component" else None
        around = Surroundings(package, PROFILES["quick"], Limits(), loop, runtime, lambda _: SmokeReport())
        bench = Bench(around, subject, rule)
        judge = Judge(OwnFiles(package, runtime), lambda *_: "", lambda *_: "")
        return judge.decide(check, package.id if subject is None else subject.id, bench), bench.tally.controls

    yield judge
    loop.close()


def slow(rules: Any) -> list[Any]:
    return [pytest.param(rule, marks=[pytest.mark.long] * (rule in WAITING)) for rule in rules]


@pytest.mark.parametrize("rule", slow(BREAKS))
def test_the_kit_sees_what_it_breaks(rule: str, judged: Judged) -> None:
    """For that reason, and after the control: what has to succeed does."""
    result, controls = judged(rule)
    assert (result.status, BREAKS[rule] in result.reason) == (Status.FAIL, True), result.reason
    assert controls
    assert not result.reason.startswith(("control:", "prerequisite:"))
    assert result.card is not None


@pytest.mark.parametrize("rule", KEEPS)
def test_what_it_keeps_passes(rule: str, judged: Judged) -> None:
    result, _ = judged(rule)
    assert (result.status, result.reason) == (Status.PASS, "")


@pytest.mark.long
@pytest.mark.parametrize("number", range(1, len(FOUND["behind"]) + 1))
def test_behind_each_defect_that_is_mended_there_is_another(number: int, judged: Judged) -> None:
    """The kit ends a rule at the first finding; with that mended it sees the next one, down to the last."""
    runtime = type("Mended", (mended.Mended,), {"__init__": lambda self: mended.Mended.__init__(self, number)})
    result, controls = judged("HOT-004", runtime)
    behind = FOUND["behind"][number - 1]
    assert behind["mended"] == mended.MENDS[number - 1]
    assert (result.status, behind["seen"] in result.reason) == (Status.FAIL, True), result.reason
    assert controls


def test_what_it_lacks_is_not_asked_of_it(package: Package) -> None:
    """No pass and no finding, but the reason."""
    with Session(package, runtime_factory=Published) as session:
        excused = {item.check: item.reason for item in session.plan() if item.reason.startswith("the runtime has no")}
        results = [session.judge(item) for item in session.plan() if item.check in excused]
    assert excused.keys() == {"HOT-002", "HOT-006", "HOT-010", "SIG-012", "SIG-013", "SIG-014"}
    assert {result.status for result in results} == {Status.NOT_APPLICABLE}
    assert {reason.partition(": ")[2] for reason in excused.values()} == set(Published.lacks.values())


def test_every_rule_about_a_runtime_is_accounted_for(package: Package) -> None:
    with Session(package, runtime_factory=Published) as session:
        asked = {item.check for item in session.plan() if item.judges == "runtime" and item.status is None}
    assert not asked - {*BREAKS, *KEEPS}
    assert not {*BREAKS} & {*KEEPS}


@pytest.mark.long
def test_nothing_else_is_found_of_it(package: Package) -> None:
    """A whole run, beside one in our own runtime: what fails here and not there is what it breaks, and nothing more."""
    theirs, ours = (_failed(package, runtime) for runtime in ({"runtime_factory": Published}, {}))
    about = {True: {package.id}, False: {subject.id for subject in package.subjects}}
    expected = {(subject, rule) for rule in BREAKS for subject in about[CHECKS[rule].judges == "runtime"]}
    assert theirs - ours == expected
    assert not ours & expected


class _Session(Session):
    """Without first runs in processes of their own: those are about the components, and import much each time."""

    def smoke(self, subject: Subject) -> SmokeReport:
        return SmokeReport()


def _failed(package: Package, runtime: dict[str, Any]) -> set[tuple[str, str]]:
    with _Session(package, profile=PROFILES["quick"], **runtime) as session:
        results = [session.judge(item) for item in session.plan()]
    return {(result.subject, result.check) for result in results if result.status in {Status.FAIL, Status.ERROR}}
