"""Words for what was found, and an end to what does not end."""

import asyncio
import signal
import threading
from typing import Any

import pytest

from oneiric_conformance import Finding, Package, Subject
from oneiric_conformance.judging.findings import ControlFailed, Tally, asking, cut, described, shown, within
from oneiric_conformance.judging.loop import SharedLoop
from oneiric_conformance.judging.ownership import OwnFiles
from oneiric_conformance.judging.watchdog import TimeIsUp, watchdog


class Mute(Exception):  # noqa: N818 - a name for the test
    def __str__(self) -> str:
        raise RuntimeError


class Leaving(Exception):  # noqa: N818 - a name for the test
    def __str__(self) -> str:
        raise SystemExit


def test_an_exception_is_told_on_one_line() -> None:
    assert described(ValueError("a\n  b")) == "ValueError: a b"
    assert described(KeyError()) == "KeyError"
    assert described(Mute()) == "Mute"
    assert described(Leaving()) == "Leaving"
    assert len(described(ValueError("x" * 5000))) <= 300


def test_long_text_keeps_both_ends() -> None:
    assert cut("short") == "short"
    assert cut("a" * 500 + "z" * 500, 45) == "a" * 20 + " ... " + "z" * 20


class Shy:
    def __repr__(self) -> str:
        raise LookupError


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"a": 1}, "{'a': 1}"),
        ("a" * 500, "'" + "a" * 146 + " ... " + "a" * 146 + "'"),
        (1 << 20_000, "a int"),
        (Shy(), "a Shy"),
    ],
    ids=["plain", "long", "an integer that Python does not write", "shy"],
)
def test_whatever_a_component_made_can_be_shown(value: object, told: str) -> None:
    assert shown(value) == told


def test_a_finding_inside_is_kept_as_it_is() -> None:
    found = Finding("seen", "expected", "example")
    with pytest.raises(Finding) as caught, asking("init()"):
        raise found
    assert caught.value is found


def test_the_innermost_control_is_the_one_that_failed() -> None:
    tally = Tally()
    with pytest.raises(ControlFailed) as caught, tally.control("outer"), tally.control("inner"):
        raise Finding("no", example="x")
    assert (caught.value.reason, caught.value.example) == ("control: inner: no", "x")
    assert tally.controls == []


async def test_being_cancelled_from_outside_is_not_the_subjects_doing() -> None:
    async def work() -> None:
        with asking("init()"):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_comes_in_time_is_given_back() -> None:
    async def quick() -> int:
        return 7

    assert await within(5, "init()", quick()) == 7


def test_a_cancelled_error_without_a_loop_is_the_subjects_doing() -> None:
    with pytest.raises(Finding, match="although nothing had cancelled it"), asking("factory"):
        raise asyncio.CancelledError


def test_time_is_up_is_not_taken_for_an_end_of_the_process() -> None:
    with pytest.raises(TimeIsUp), Tally().control("it ends"):
        raise TimeIsUp("did not end within 1 s")


def test_the_hosts_alarm_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    rung = threading.Event()
    former = signal.signal(signal.SIGALRM, lambda *_: rung.set())
    signal.setitimer(signal.ITIMER_REAL, 60)
    try:
        with watchdog(1):
            assert signal.getitimer(signal.ITIMER_REAL)[0] < 10
        assert 10 < signal.getitimer(signal.ITIMER_REAL)[0] <= 60
        signal.raise_signal(signal.SIGALRM)
        assert rung.is_set()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def test_outside_the_main_thread_there_is_no_alarm() -> None:
    ran = []

    def guarded() -> None:
        with watchdog(1):
            ran.append(signal.getitimer(signal.ITIMER_REAL)[0])

    thread = threading.Thread(target=guarded)
    thread.start()
    thread.join()
    assert ran == [0.0]


def test_a_result_that_came_only_after_cancellation_came_too_late(loop: SharedLoop) -> None:
    async def late() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "done"
        return "never"

    with pytest.raises(Finding, match=r"did not end within 0\.01 s"):
        loop.run(late(), 0.01)


def test_tasks_that_fail_or_refuse_to_end_are_swept_away(loop: SharedLoop, caplog: pytest.LogCaptureFixture) -> None:
    kept: list[Any] = []

    async def fails() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("while ending")

    async def refuses() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue

    async def leave(*works: Any) -> None:
        kept.extend(asyncio.ensure_future(work()) for work in works)
        await asyncio.sleep(0)

    loop.run(leave(fails), 1)
    loop.sweep()
    assert kept[0].done()
    loop.run(leave(refuses), 1)
    loop.sweep()
    loop.run(leave(), 1)
    kept.clear()
    loop.close()
    assert caplog.text == ""


def test_own_files_are_those_of_the_package_and_nobody_elses(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "single.py").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    subjects = (Subject("task", "a", "p", "single:X"), Subject("task", "b", "p", Mute), Subject("task", "c", "p", len))
    own = OwnFiles(Package("p", "", subjects, modules=frozenset({"folder", "missing", ""})), SharedLoop)
    assert str(tmp_path / "single.py") in own
    assert str(tmp_path / "folder" / "deep" / "x.py") in own
    assert __file__ in own
    assert str(tmp_path / "other.py") not in own
    assert asyncio.__file__ not in own
    assert str(SharedLoop.run.__code__.co_filename) not in own


@pytest.mark.parametrize("breaking", ["stops", "cancels everything"])
def test_work_that_breaks_its_loop_is_found_and_the_loop_goes_on(loop: SharedLoop, breaking: str) -> None:
    async def work() -> None:
        running = asyncio.get_running_loop()
        for task in asyncio.all_tasks() if breaking != "stops" else ():
            task.cancel()
        if breaking == "stops":
            running.stop()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    with pytest.raises(Finding, match="broke the event loop it runs on"):
        loop.run(work(), 1.0)
    loop.sweep()
    assert loop.run(asyncio.sleep(0, "well"), 1.0) == "well"


def test_what_a_component_made_us_say_has_an_end(echo: Package, decide: Any) -> None:
    """A reason stands in the report once for each check, and an author's message may be of any length."""

    def body(bench: Any) -> None:
        bench.expect(False, seen="x" * 100_000, expected="y" * 100_000, example="z" * 100_000)

    result = decide(echo, body)
    assert len(result.reason) <= 2_000
    assert len(result.card.render()) < 7_000
