"""What a check can do with a bench, and what its outcome is allowed to mean."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from oneiric_conformance import Finding, Package, Result, Status
from oneiric_conformance.handling.bench import Bench
from oneiric_core import ConformanceError

Decide = Callable[..., Result]
BenchOf = Callable[..., Bench]


def passing(bench: Bench) -> None:
    with bench.control("it is there"):
        pass
    bench.exercised()


def test_a_check_that_proves_something_passes(decide: Decide, echo: Package) -> None:
    result = decide(echo, passing)
    assert (result.status, result.reason, result.exercised, result.card) == (Status.PASS, "", 1, None)


def test_no_control_is_an_error(decide: Decide, echo: Package) -> None:
    """Rule 1: a refusal means nothing unless the same subject succeeds when nothing is wrong."""
    result = decide(echo, lambda bench: bench.exercised(9))
    assert result.status is Status.ERROR
    assert result.reason.startswith("no control")


def test_fewer_cases_than_the_floor_are_an_error(decide: Decide, echo: Package) -> None:
    """Rule 3: no vacuous pass."""
    result = decide(echo, passing, floor=2)
    assert result.status is Status.ERROR
    assert result.reason == "vacuous: it tried 1 cases of the 2 without which a pass means nothing"


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(3), Finding("broken")])
def test_anything_that_fails_in_a_control_is_a_failed_control(
    decide: Decide, echo: Package, error: BaseException
) -> None:
    def check(bench: Bench) -> None:
        with bench.control("the good one is accepted"):
            raise error

    result = decide(echo, check)
    assert result.status is Status.FAIL
    assert result.reason.startswith("control: the good one is accepted: ")
    assert result.card is not None
    assert result.card.seen == result.reason


def test_a_failure_is_a_card_with_everything_on_it(decide: Decide, echo: Package) -> None:
    """Rule 7."""

    def check(bench: Bench) -> None:
        bench.expect(False, seen="seven", expected="eight", example="[7]")

    result = decide(echo, check)
    assert (result.status, result.reason) == (Status.FAIL, "seven")
    assert result.card is not None
    card = result.card
    assert (card.rule, card.seen, card.expected, card.example) == ("The rule holds.", "seven", "eight", "[7]")
    assert (card.mend, card.replay) == ("mend it", "replay task/echo/acme TST-001")


def test_a_broken_recommendation_is_a_warning(decide: Decide, echo: Package) -> None:
    result = decide(echo, lambda bench: bench.expect(False, seen="no"), level="should")
    assert result.status is Status.WARN
    assert result.card is not None
    assert result.card.expected == "The rule holds."


def test_advice_is_a_warning_though_the_check_is_a_must(decide: Decide, echo: Package) -> None:
    def check(bench: Bench) -> None:
        with bench.control("it is there"):
            pass
        bench.exercised()
        bench.advise(True, seen="nothing")
        bench.advise(False, seen="a claim is missing", expected="a claim")

    result = decide(echo, check)
    assert (result.status, result.reason) == (Status.WARN, "a claim is missing")
    assert result.card is not None
    assert result.card.expected == "a claim"


def test_advice_in_a_control_is_a_failed_control(decide: Decide, echo: Package) -> None:
    def check(bench: Bench) -> None:
        with bench.control("it is there"):
            bench.advise(False, seen="it is not")

    assert decide(echo, check).status is Status.FAIL


def test_a_note_is_the_reason_of_a_pass(decide: Decide, echo: Package) -> None:
    def check(bench: Bench) -> None:
        passing(bench)
        bench.note("unjudged: a")
        bench.note("unjudged: b")

    result = decide(echo, check)
    assert (result.status, result.reason) == (Status.PASS, "unjudged: a; unjudged: b")


def test_an_exception_out_of_the_subjects_files_is_its_failure(decide: Decide, author: Any) -> None:
    package = author.package("class Broken:\n    def run(self): raise KeyError('mine')", "Broken")

    def check(bench: Bench) -> None:
        with bench.sandbox() as box:
            bench.run(bench.build(box)).run()

    result = decide(package, check)
    assert (result.status, result.reason) == (Status.FAIL, "raised KeyError: 'mine'")


def test_any_other_exception_is_a_defect_of_the_kit(decide: Decide, echo: Package) -> None:
    """Rule 8: told apart from a failure, and naming the place."""

    def check(bench: Bench) -> None:
        raise KeyError("ours")

    result = decide(echo, check)
    assert result.status is Status.ERROR
    assert result.reason.startswith("KIT ERROR: KeyError: 'ours' (")
    assert f"{Path(__file__)}:" in result.reason


def test_ending_the_process_is_the_subjects_failure(decide: Decide, echo: Package) -> None:
    def check(bench: Bench) -> None:
        raise SystemExit(0)

    assert decide(echo, check).reason == "tried to end the process: SystemExit: 0"


def test_keyboard_interrupt_passes_through(decide: Decide, echo: Package) -> None:
    def check(bench: Bench) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decide(echo, check)


def test_a_coroutine_that_does_not_end_is_a_failure(decide: Decide, echo: Package) -> None:
    def check(bench: Bench) -> None:
        bench.run(asyncio.Event().wait(), seconds=0.01)

    assert decide(echo, check).reason == "did not end within 0.01 s"


def test_a_coroutine_that_will_not_be_cancelled_costs_only_its_own_check(decide: Decide, echo: Package) -> None:
    async def stubborn() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue

    def check(bench: Bench) -> None:
        bench.run(stubborn(), seconds=0.01)

    counted: list[int] = []

    async def count() -> None:
        counted.append(len(asyncio.all_tasks()))

    def ordinary(bench: Bench) -> None:
        passing(bench)
        bench.run(count())

    decide(echo, ordinary)
    assert decide(echo, check).reason == "did not end within 0.01 s, nor when it was cancelled"
    assert decide(echo, ordinary).status is Status.PASS
    assert counted[0] == counted[1]


def test_blocking_code_is_stopped_by_the_watchdog(
    decide: Decide, echo: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oneiric_conformance.judging.watchdog._SLACK", 0.0)

    def check(bench: Bench) -> None:
        async def blocked() -> None:
            time.sleep(30)  # noqa: ASYNC251 - blocking is what is stopped

        with bench.asking("init()"):
            bench.run(blocked())

    began = time.monotonic()
    assert decide(echo, check, seconds=0.1).reason == "init() did not end within 0.1 s"
    assert time.monotonic() - began < 10


def test_cancelling_oneself_is_a_finding(decide: Decide, echo: Package) -> None:
    async def cancelled() -> None:
        raise asyncio.CancelledError

    result = decide(echo, lambda bench: bench.run(cancelled()))
    assert result.reason == "ended by CancelledError although nothing had cancelled it"


def test_tasks_left_behind_do_not_reach_the_next_check(bench_of: BenchOf, echo: Package, loop: Any) -> None:
    ended = []

    async def leave() -> None:
        async def forever() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(True)

        bench.left = asyncio.create_task(forever())
        await asyncio.sleep(0)

    bench: Any = bench_of(echo)
    bench.run(leave())
    assert not ended
    loop.sweep()
    assert ended


def test_the_hosts_event_loop_is_left_alone(bench_of: BenchOf, echo: Package, loop: Any) -> None:
    policy, mine = asyncio.get_event_loop_policy(), asyncio.new_event_loop()
    asyncio.set_event_loop(mine)
    try:
        bench_of(echo).run(asyncio.sleep(0))
        loop.close()
        assert asyncio.get_event_loop_policy() is policy
        assert policy.get_event_loop() is mine
    finally:
        asyncio.set_event_loop(None)
        mine.close()


def test_the_smallest_failing_example_is_on_the_card(decide: Decide, echo: Package) -> None:
    def check(bench: Bench) -> None:
        passing(bench)
        bench.for_all(st.integers(0, 10**6), lambda n: bench.expect(n < 17, seen="too big"), show=lambda n: f"n={n}")

    result = decide(echo, check, examples=100)
    assert result.card is not None
    assert (result.card.seen, result.card.example) == ("too big", "n=17")


def test_examples_that_hold_are_counted(decide: Decide, echo: Package) -> None:
    def check(bench: Bench) -> None:
        with bench.control("it is there"):
            pass
        bench.for_all(st.integers(), lambda _: None, nasty=[1, 2])

    assert decide(echo, check).exercised == 12


def test_an_exception_of_the_subject_keeps_its_example(decide: Decide, author: Any) -> None:
    package = author.package("class Broken:\n    def run(self, n):\n        if n > 4: raise ValueError(n)", "Broken")

    def check(bench: Bench) -> None:
        with bench.sandbox() as box:
            instance = bench.run(bench.build(box))
            bench.for_all(st.integers(0, 100), instance.run)

    result = decide(package, check, examples=100)
    assert result.card is not None
    assert (result.card.seen, result.card.example) == ("raised ValueError: 5", "5")


def test_a_package_check_has_no_single_component(bench_of: BenchOf, echo: Package) -> None:
    bench = bench_of(echo, whole=True)
    with pytest.raises(ConformanceError, match=r"bench\.of"):
        bench.subject  # noqa: B018 - asking is the test
    one = bench.of(echo.subjects[0])
    one.exercised(3)
    one.behaved()
    assert (bench.tally.exercised, bench.tally.behaviours) == (3, 1)


def test_a_fresh_runtime_knows_its_workdir_and_is_stopped(bench_of: BenchOf, echo: Package) -> None:
    bench = bench_of(echo)

    async def through() -> tuple[Path, str]:
        with bench.sandbox() as box:
            async with bench.runtime() as runtime:
                await runtime.register(bench.spec(box))
                verdict = await runtime.activate("task", "echo")
                assert verdict.ok, verdict.reason
                assert await runtime.call("task", "echo", {"a": 1}) == {"got": {"a": 1}, "names": 1}
                return bench.workdir(runtime), (await runtime.status("task", "echo")).provider

    workdir, provider = bench.run(through())
    assert provider == "acme"
    assert not workdir.exists()
