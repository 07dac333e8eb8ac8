"""A run over one package: what is planned, what is run, and what is known without running."""

import asyncio
import gc
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oneiric_conformance import (
    CHECKS,
    EntryPointName,
    Limits,
    Package,
    Planned,
    RequirementSet,
    Result,
    Session,
    Status,
    Subject,
    requirement_set,
)
from oneiric_conformance.handling.bench import Bench
from oneiric_core import ConformanceError

Register = Callable[..., Any]
TEST_SET = RequirementSet("test", frozenset({"TST-001", "TST-002", "TST-003", "LIFE-002"}), "0" * 64)


def passing(bench: Bench) -> None:
    with bench.control("it is there"):
        pass
    bench.exercised()


@contextmanager
def session_of(package: Package, **changes: Any) -> Iterator[Session]:
    with Session(package, **{"requirements": TEST_SET, **changes}) as session:
        yield session


def scored(session: Session) -> list[Planned]:
    return [item for item in session.plan() if item.check in TEST_SET.checks]


def results_of(package: Package, **changes: Any) -> dict[str, Result]:
    with session_of(package, **changes) as session:
        return {item.check: session.judge(item) for item in scored(session) if item.check.startswith("TST")}


def test_package_components_and_runtime_are_planned_in_this_order(echo: Package, registered: Register) -> None:
    registered("TST-001", passing, judges="runtime")
    registered("TST-002", passing)
    registered("TST-003", passing, judges="package")
    with session_of(echo) as session:
        planned = [(item.check, item.subject, item.judges) for item in scored(session)]
    assert planned == [
        ("TST-003", "acme", "package"),
        ("LIFE-002", "task/echo/acme", "component"),
        ("TST-002", "task/echo/acme", "component"),
        ("TST-001", "acme", "runtime"),
    ]


def test_what_does_not_apply_is_known_before_anything_runs(echo: Package, registered: Register) -> None:
    """Rule 2: not applicable comes from the declaration alone."""
    registered("TST-001", passing, domains=frozenset({"service"}))
    registered("TST-002", passing, claims="kv")
    registered("TST-003", passing, applies=lambda subject: f"{subject.key} is too small")
    results = results_of(echo)
    assert {result.status for result in results.values()} == {Status.NOT_APPLICABLE}
    assert [result.reason for _, result in sorted(results.items())] == [
        "about service, not task",
        "does not claim kv",
        "echo is too small",
    ]


def test_a_check_outside_the_requirement_set_is_not_scored_and_not_run(echo: Package, registered: Register) -> None:
    def never(bench: Bench) -> None:
        raise AssertionError

    registered("TST-009", never)
    with session_of(echo) as session:
        item = next(item for item in session.plan() if item.check == "TST-009")
        result = session.judge(item)
    assert (result.status, result.reason) == (Status.NOT_SCORED, "not in requirement set test")


def test_a_component_that_cannot_be_loaded_fails_once_and_others_are_judged(
    echo: Package, registered: Register
) -> None:
    registered("TST-001", passing)
    point = EntryPointName("oneiric.tasks", "broken", "nobody:there")
    broken = Subject("task", "", "", entry_point=point, error="ModuleNotFoundError: No module named 'nobody'")
    package = replace(echo, subjects=(broken, *echo.subjects))
    with session_of(package) as session:
        of_broken = [item for item in session.plan() if item.subject == "oneiric.tasks/broken"]
        (result,) = (session.judge(item) for item in of_broken)
        others = {item.subject for item in session.plan() if item.check == "TST-001"}
    assert (result.check, result.status, result.judges) == ("META-001", Status.FAIL, "component")
    assert result.reason == "could not be loaded: ModuleNotFoundError: No module named 'nobody'"
    assert others == {"task/echo/acme"}


def test_after_a_failed_first_run_everything_else_fails_without_being_run(author: Any, registered: Register) -> None:
    """Rule 9. A SHOULD fails as well: nobody knows whether it would have been kept."""

    def never(bench: Bench) -> None:
        raise AssertionError

    registered("TST-001", never)
    registered("TST-002", never, level="should")
    package = author.package("class Sick:\n    def health(self): return False", "Sick")
    results = results_of(package)
    for result in results.values():
        assert result.status is Status.FAIL
        assert result.reason.startswith("prerequisite: health")
        assert result.card is not None


def test_the_first_run_is_judged_by_the_check_that_is_about_it(author: Any) -> None:
    package = author.package("class Sick:\n    def health(self): return False", "Sick")
    with session_of(package) as session:
        item = next(item for item in session.plan() if item.check == "LIFE-002")
        result = session.judge(item)
    assert result.status is Status.FAIL
    assert not result.reason.startswith("prerequisite")


def test_the_first_run_happens_once(echo: Package) -> None:
    with session_of(echo) as session:
        assert session.smoke(echo.subjects[0]) is session.smoke(echo.subjects[0])


def test_a_swallowed_attempt_to_end_the_process_is_a_failure(author: Any, registered: Register) -> None:
    source = """
        import os
        class Sly:
            def leave(self):
                try:
                    os._exit(0)
                except BaseException:
                    pass
    """

    def check(bench: Bench) -> None:
        passing(bench)
        with bench.sandbox() as box:
            bench.run(bench.build(box)).leave()

    registered("TST-001", check)
    result = results_of(author.package(source, "Sly"))["TST-001"]
    assert result.status is Status.FAIL
    assert result.reason.startswith("tried to end the process: os._exit")


def test_two_runs_give_the_same_results(echo: Package, registered: Register) -> None:
    def check(bench: Bench) -> None:
        passing(bench)
        strategy, nasty = bench.payloads()
        bench.for_all(strategy, lambda payload: bench.expect(len(payload) < 3, seen="large"), nasty=nasty)

    registered("TST-001", check)
    first, second = (replace(results_of(echo)["TST-001"], seconds=0.0) for _ in range(2))
    assert first == second
    assert first.card is not None
    assert first.card.example


def test_the_card_says_how_to_run_it_again(echo: Package, registered: Register) -> None:
    registered("TST-001", lambda bench: bench.expect(False, seen="no"))
    line = "pytest --oneiric-conformance --oneiric-profile gate pyproject.toml::task/echo/acme::TST-001"
    card = results_of(echo)["TST-001"].card
    assert card is not None
    assert card.replay == line
    card = results_of(echo, replay_line=lambda subject, check, _: f"again {subject} {check}")["TST-001"].card
    assert card is not None
    assert card.replay == "again task/echo/acme TST-001"


def test_a_wrong_runtime_that_raises_has_failed(echo: Package, registered: Register, author: Any) -> None:
    """An exception out of a runtime that is judged is its own failure; out of ours it is a defect of ours."""
    module = author.package("class Wrong:\n    async def start(self, *a): raise OSError('no')").subjects[0].factory
    name = module.partition(":")[0]
    wrong = __import__(name).Wrong

    def check(bench: Bench) -> None:
        async def begin() -> None:
            async with bench.runtime():
                pass

        bench.run(begin())

    registered("TST-001", check, judges="runtime")
    result = results_of(echo, runtime_factory=wrong)["TST-001"]
    assert (result.status, result.reason) == (Status.FAIL, "raised OSError: no")


def test_a_strange_item_is_refused(echo: Package) -> None:
    with session_of(echo) as session:
        for strange in (Planned("TST-777", "acme", "package"), Planned("LIFE-002", "task/x/y", "component")):
            with pytest.raises(ConformanceError, match="no part of this run"):
                session.judge(strange)


def held() -> tuple[int, int]:
    return threading.active_count(), len([*Path("/proc/self/fd").iterdir()])


@pytest.mark.parametrize("times", [1, 2])
def test_closing_leaves_nothing_behind_however_often(
    echo: Package, registered: Register, sweep: Callable[[], None], times: int
) -> None:
    async def busy() -> None:
        asyncio.get_running_loop().create_task(asyncio.Event().wait()).add_done_callback(lambda _: None)
        await asyncio.to_thread(int)

    def check(bench: Bench) -> None:
        passing(bench)
        bench.run(busy())

    registered("TST-001", check)
    results_of(echo)  # the server of first runs is started once, and stays
    sweep()
    before = held()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session = Session(echo, requirements=TEST_SET)
        result = session.judge(next(item for item in session.plan() if item.check == "TST-001"))
        for _ in range(times):
            session.close()
        gc.collect()
    assert result.status is Status.PASS
    assert held() == before


def test_what_one_check_leaves_running_the_next_one_does_not_meet(echo: Package, registered: Register) -> None:
    met: list[set[Any]] = []

    async def leave() -> None:
        met.append(asyncio.all_tasks() - {asyncio.current_task()})
        asyncio.get_running_loop().create_task(asyncio.Event().wait(), name="left behind").add_done_callback(repr)

    def check(bench: Bench) -> None:
        passing(bench)
        bench.run(leave())

    registered("TST-001", check)
    registered("TST-002", check)
    results_of(echo)
    assert [[task.get_name() for task in tasks if task.get_name() == "left behind"] for tasks in met] == [[], []]


def test_the_default_requirements_are_the_latest(echo: Package) -> None:
    with Session(echo) as session:
        assert session.requirements == requirement_set()
        assert {item.check for item in session.plan()} == set(CHECKS)


class Outrage(BaseException):
    pass


@pytest.mark.parametrize("error", [Outrage("no"), pytest.skip.Exception("not today"), GeneratorExit()])
def test_no_exception_ends_the_run_or_skips_a_check(echo: Package, registered: Register, error: BaseException) -> None:
    def raising(bench: Bench) -> None:
        passing(bench)
        raise error

    registered("TST-001", raising)
    result = results_of(echo)["TST-001"]
    assert (result.status, type(error).__name__ in result.reason) == (Status.ERROR, True)


def test_what_a_component_raises_is_its_failure_even_if_it_is_no_ordinary_exception(author: Any) -> None:
    package = author.package(
        """
        import pytest


        class Skips:
            async def run(self, payload):
                if payload:
                    pytest.skip("nothing to see")
                return {}
    """,
        "Skips",
    )
    with Session(package) as session:
        results = {item.check: session.judge(item) for item in session.plan() if item.check == "TASK-001"}
    assert results["TASK-001"].status is Status.FAIL
    assert "Skipped: nothing to see" in results["TASK-001"].reason


def test_a_control_that_comes_after_the_cases_is_none(echo: Package, registered: Register) -> None:
    def late(bench: Bench) -> None:
        bench.exercised(3)
        passing(bench)

    registered("TST-001", late)
    result = results_of(echo)["TST-001"]
    assert result.status is Status.ERROR
    assert result.reason.startswith("control too late: it had tried 3 cases")


SLOW = """
    import asyncio

    class Slow:
        async def init(self):
            await asyncio.sleep(0.2)

        async def run(self, payload):
            return {"got": payload, "names": len(payload)}
"""


def test_a_component_has_the_time_that_its_author_wrote(author: Any, registered: Register) -> None:
    """In the first run as in every other; what is not written for it is as for all."""
    seen: list[Limits] = []

    def looks(bench: Bench) -> None:
        passing(bench)
        seen.append(bench.limits)

    registered("TST-001", looks)
    tight = author.package(SLOW, "Slow", limits={"init": 0.05})
    result = results_of(tight)["TST-001"]
    assert (result.status, result.reason) == (
        Status.FAIL,
        "prerequisite: init: TimeoutError: did not end within 0.05 s",
    )
    ample = author.package(SLOW, "Slow", limits={"init": 2.0})
    assert results_of(ample, limits=Limits(init=0.05))["TST-001"].status is Status.PASS
    assert seen == [Limits(init=2.0)]
