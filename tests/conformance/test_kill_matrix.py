"""The kit proves itself: every check can fail, on something that is wrong in one way, and says why."""

from collections.abc import Collection, Iterator
from typing import Any

import pytest

from mutants import Mutant, load, reference, table
from oneiric_conformance import CHECKS, Package, Result, Status
from oneiric_conformance.judging.session import Session
from oneiric_conformance.profile import PROFILES
from oneiric_conformance.requirements import RequirementSet
from oneiric_conformance.runtime import RuntimeFactory
from oneiric_core.testing import CoreRuntime

MUTANTS = load()
KILLED = {Status.FAIL, Status.WARN}
FINE = {Status.PASS, Status.NOT_APPLICABLE}
SAMPLE = reference.subject_of(reference.WordCount).id
"""The one component of the reference package on which component checks are tried when the runtime is wrong."""

OF_ALL_TOGETHER = {
    "HOT-002": "whatever HOT-003 to HOT-009 look at one by one, in any order, among manifests good and bad",
    "HOT-010": "the same at once",
    "SIG-013": "every manifest that SIG-001 to SIG-012 say is to be refused, under work",
}
"""Checks that exist to fail where others do; a mutant need not name them."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
"""Some mutants drop files and coroutines; to notice that is the check's part, and not that of this suite's settings."""

SLOW_AREAS = {"BLOB", "EVT", "HOT", "KV", "LIFE", "MAN", "META", "PATH", "SEC", "SIG", "TASK", "TTL", "WF"}
"""Areas whose checks wait, repeat or have many mutants; these are tried in the long suite."""


def marked(value: str, slow: bool) -> Any:
    return pytest.param(value, marks=[pytest.mark.long] * slow)


def opened(package: Package, runtime: RuntimeFactory = CoreRuntime) -> Session:
    """A session in which every check counts, in whichever requirement set it is."""
    everything = RequirementSet("everything", frozenset(CHECKS), sha256="")
    return Session(package, profile=PROFILES["quick"], runtime_factory=runtime, requirements=everything)


def judged(
    package: Package,
    runtime: RuntimeFactory | None = None,
    *,
    subject: str = "",
    checks: Collection[str] = (),
    until: Mutant | None = None,
) -> Iterator[Result]:
    """The results of some checks (or all) of one subject (or all), one after the other, or up to a mutant's end."""
    with opened(package, runtime or CoreRuntime) as session:
        for planned in session.plan():
            if (not checks or planned.check in checks) and (not subject or planned.subject == subject):
                result = session.judge(planned)
                yield result
                if until is not None and kills(until, result):
                    return


def words(result: Result) -> str:
    return f"{result.reason}\n{result.card.render() if result.card else ''}".lower()


def test_every_check_has_a_mutant() -> None:
    assert not {*CHECKS} - {mutant.check for mutant in MUTANTS.values()}


def test_mutants_name_checks_that_exist() -> None:
    assert not {name for mutant in MUTANTS.values() for name in (mutant.check, *mutant.also)} - {*CHECKS}


def test_mutants_do_not_share_a_description() -> None:
    """What is wrong is said once: two mutants with one sentence are one mutant, or one of them is not described."""
    said = [(mutant.check, mutant.wrong) for mutant in MUTANTS.values()]
    assert len(said) == len(set(said))


@pytest.mark.parametrize("check", [marked(check, check.partition("-")[0] in SLOW_AREAS) for check in sorted(CHECKS)])
def test_the_check_kills_each_of_its_mutants_and_says_why(check: str) -> None:
    """Each fails, not as an error of the kit; at least one gets past the controls, so that the rule itself can fail."""
    killed: dict[str, Result] = {}
    survivors: dict[str, list[str]] = {}
    for name, mutant in sorted(MUTANTS.items()):
        if mutant.check != check:
            continue
        results = list(judged(mutant.package(), mutant.runtime(), checks={check}, until=mutant))
        if results and kills(mutant, results[-1]):
            killed[name] = results[-1]
        else:
            survivors[name] = [f"{result.status.value} {result.reason}" for result in results]
    assert survivors == {}
    assert [name for name, result in killed.items() if not result.reason.startswith(("control:", "prerequisite:"))]
    assert {result.card.rule for result in killed.values() if result.card} == {CHECKS[check].rule}


def kills(mutant: Mutant, result: Result) -> bool:
    return result.status in KILLED and mutant.expects.lower() in words(result)


@pytest.mark.parametrize(
    "subject",
    [reference.package().id, *(marked(each.id, each.id != SAMPLE) for each in reference.package().subjects)],
)
def test_reference_components_pass_everything(subject: str) -> None:
    """They conform, and do so by doing something."""
    results = list(judged(reference.package(), subject=subject))
    assert [(result.check, result.reason) for result in results if result.status not in FINE] == []
    if subject != reference.package().id:
        assert sum(result.behaviours for result in results) > 0


STORAGE_OF_THE_CLASS = """
class Store:
    kept = {}
    async def save(self, key, value): self.kept[key] = value
    async def read(self, key): return self.kept.get(key)
    set, get = save, read
"""


@pytest.mark.parametrize("claim", ["kv", "blob"])
def test_what_an_earlier_run_left_in_a_class_hides_nothing(author: Any, claim: str) -> None:
    """An author's own tests, and other checks, may have used the component in this process."""
    package = author.package(STORAGE_OF_THE_CLASS, "Store", domain="adapter", metadata={"capabilities": [claim]})
    for _ in range(2):
        *_, result = judged(package, checks={"LIFE-001"})
        assert (result.status, "Store.kept changed in all instances" in result.reason) == (Status.FAIL, True), result


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_no_other_check_kills_the_mutant(name: str) -> None:
    """It is wrong in one way: other checks pass, but for those it names with a reason, and those do fail. Checks of all
    rules together have no say.

    A check that was not run because the first run of the component had already failed says nothing about it.
    """
    mutant = MUTANTS[name]
    results = [result for result in _everything(mutant) if result.check not in {mutant.check, *OF_ALL_TOGETHER}]
    wrong = {result.check: result.reason for result in results if result.status not in FINE and not _unasked(result)}
    assert {check: reason for check, reason in wrong.items() if check not in mutant.also} == {}
    assert not {*mutant.also} - {*wrong}, "these pass after all, so that the mutant need not name them"


def _everything(mutant: Mutant) -> Iterator[Result]:
    """All that could be otherwise than for the reference package.

    What is wrong in a component's code alone no runtime check sees. Under a wrong runtime one component stands for all.
    """
    package, runtime = mutant.package(), mutant.runtime()
    subjects = [package.id, SAMPLE] if runtime else [each.id for each in package.subjects]
    if not runtime and not isinstance(mutant.make, type):
        subjects.append(package.id)
    for subject in subjects:
        yield from judged(package, runtime, subject=subject)


def _unasked(result: Result) -> bool:
    return result.reason.startswith("prerequisite:")


def test_the_table_in_the_readme_is_up_to_date() -> None:
    assert table.README.read_text(encoding="utf-8") == table.rendered(), "run: python -m mutants.table"


def test_plans_leave_nothing_out() -> None:
    """Every check is planned for the reference package, and applies to something in it: none is only ever skipped."""
    with opened(reference.package()) as session:
        applying = {planned.check for planned in session.plan() if planned.status is None}
    assert {*CHECKS} - applying == set()
