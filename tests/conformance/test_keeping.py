"""What judges a component is the same afterwards, whatever the component did to it."""

import gc
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from oneiric_conformance import PROFILES, Package, Session, Status, Subject
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.judging import findings
from oneiric_conformance.judging.keeping import Keeper, Stillness, as_it_was
from oneiric_conformance.judging.verdict import Judge
from oneiric_core.testing import audit
from oneiric_core.trust.curve import is_point

PATCHES: dict[str, Any] = {
    "oneiric_conformance.judging.verdict.Judge.decide": lambda: setattr(Judge, "decide", lambda *_: None),
    "time.monotonic": lambda: setattr(time, "monotonic", lambda: 0.0),
    "threading.Thread.join": lambda: setattr(threading.Thread, "join", lambda *_: None),
}


@pytest.mark.parametrize("name", PATCHES)
def test_what_was_replaced_is_named_and_put_back(name: str) -> None:
    keeper = Keeper()
    before = (Judge.decide, time.monotonic, threading.Thread.join)
    PATCHES[name]()
    assert keeper.differences() == [name]
    keeper.restore()
    assert keeper.differences() == []
    assert before == (Judge.decide, time.monotonic, threading.Thread.join)


def believe(encoded: bytes) -> bool:
    """Whatever it is."""
    return True


def agree(*_: object, **named: object) -> None:
    """What every finding comes to."""


@pytest.mark.parametrize(
    ("part", "other"),
    [("__code__", agree.__code__), ("__kwdefaults__", {"expected": "anything", "example": ""})],
)
def test_what_an_old_function_does_anew_is_seen_and_taken_out(part: str, other: object) -> None:
    keeper, before = Keeper(), getattr(Bench.expect, part)
    setattr(Bench.expect, part, other)
    try:
        assert keeper.differences() == ["oneiric_conformance.handling.bench.Bench.expect"]
    finally:
        keeper.restore()
    assert getattr(Bench.expect, part) is before


def test_code_that_was_put_back_is_no_difference_and_what_comes_after_it_is() -> None:
    keeper, before = Keeper(), Bench.expect.__code__
    Bench.expect.__code__ = agree.__code__
    Bench.expect.__code__ = before
    assert keeper.differences() == []
    Bench.expect.__code__ = agree.__code__
    try:
        assert keeper.differences() == ["oneiric_conformance.handling.bench.Bench.expect"]
    finally:
        keeper.restore()


def test_new_code_is_seen_though_nobody_hears_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    keeper, before = Keeper(), Bench.expect.__code__
    monkeypatch.setattr(audit, "_eavesdroppers", ())
    Bench.expect.__code__ = agree.__code__
    try:
        assert keeper.differences() == ["oneiric_conformance.handling.bench.Bench.expect"]
    finally:
        keeper.restore()
    assert Bench.expect.__code__ is before
    assert keeper.differences() == []


def test_a_session_that_is_closed_hears_no_longer(echo: Package) -> None:
    before = audit._eavesdroppers
    with Session(echo, profile=PROFILES["quick"]) as session:
        session.judge(next(planned for planned in session.plan() if planned.check == "META-001"))
        assert len(audit._eavesdroppers) > len(before)
    assert audit._eavesdroppers == before


class Unwilling:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("compares with nothing")

    __hash__ = None


def test_a_default_that_will_not_be_compared_is_seen_too() -> None:
    keeper, before = Keeper(), Bench.exercised.__defaults__
    Bench.exercised.__defaults__ = (Unwilling(),)
    try:
        assert keeper.differences() == ["oneiric_conformance.handling.bench.Bench.exercised"]
    finally:
        keeper.restore()
    assert Bench.exercised.__defaults__ is before


class Agreeable:
    """Says that it equals anything, which is what a mock can be told to do."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __call__(self, *_: object, **named: object) -> None:
        """What every finding comes to."""


def test_what_claims_to_equal_what_it_replaced_is_seen_too(monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = Keeper()
    monkeypatch.setattr(Bench, "expect", Agreeable())
    monkeypatch.setattr(time, "sleep", Agreeable())
    assert sorted(keeper.differences()) == ["oneiric_conformance.handling.bench.Bench.expect", "time.sleep"]


class Hidden(str):
    """A name that ends whoever compares it with another one."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise StopIteration

    def __hash__(self) -> int:
        return str.__hash__(self)


def test_a_name_that_ends_the_look_at_all_others_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = Keeper()
    names, held = vars(findings), findings.cut
    del names["cut"]
    names[Hidden("cut")] = held
    monkeypatch.setattr(Bench, "expect", agree)
    try:
        seen = {"oneiric_conformance.judging.findings.cut", "oneiric_conformance.handling.bench.Bench.expect"}
        assert seen <= set(keeper.differences())
        keeper.restore()
        assert Bench.expect is not agree
    finally:
        kept = {name: value for name, value in names.items() if type(name) is str}
        names.clear()
        names.update(kept, cut=held)


def test_new_code_in_a_function_that_remembers_is_seen_and_what_it_said_forgotten() -> None:
    keeper, code = Keeper(), is_point.__wrapped__.__code__
    nowhere = b"\xff" * 32
    is_point.cache_clear()
    is_point.__wrapped__.__code__ = believe.__code__
    try:
        assert is_point(nowhere)
        assert "oneiric_core.trust.curve.is_point" in keeper.differences()
    finally:
        keeper.restore()
    assert is_point.__wrapped__.__code__ is code
    assert not is_point(nowhere)


def test_a_name_that_is_gone_is_seen_and_put_back() -> None:
    keeper, before = Keeper(), Bench.expect
    del Bench.expect
    assert keeper.differences() == ["oneiric_conformance.handling.bench.Bench.expect"]
    keeper.restore()
    assert Bench.expect is before


def test_what_belongs_to_the_process_is_put_back(tmp_path: Path) -> None:
    before = (Path.cwd(), sys.getrecursionlimit(), gc.isenabled())
    with as_it_was():
        os.chdir(tmp_path)
        sys.setrecursionlimit(5000)
        gc.disable()
    assert (Path.cwd(), sys.getrecursionlimit(), gc.isenabled()) == before


def test_from_the_first_judgement_on_the_collector_does_not_look_at_what_was_there_before(echo: Package) -> None:
    with Session(echo, profile=PROFILES["quick"]) as session:
        assert gc.get_freeze_count() == 0
        session.judge(next(planned for planned in session.plan() if planned.check == "META-001"))
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0


def test_what_the_host_has_kept_from_the_collector_stays_kept_with_what_came_since() -> None:
    gc.freeze()
    try:
        before, since = gc.get_freeze_count(), [[]]
        Stillness().close()
        assert gc.get_freeze_count() > before
        assert not any(each is since for each in gc.get_objects())
    finally:
        gc.unfreeze()


def test_what_somebody_keeps_from_the_collector_afterwards_is_not_given_back_twice() -> None:
    stillness = Stillness()
    stillness.close()
    gc.freeze()
    try:
        stillness.close()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


PATCHER = """
import asyncio
import threading

from oneiric_conformance.judging.verdict import Judge


calls = 0


class Patcher:
    async def run(self, payload):
        global calls
        calls += 1
        if calls == 30:  # the first run, in a process of its own, sees nothing of it
            patching = threading.Thread(target=self.patch)
            patching.start()
            patching.join()
        return {"keys": sorted(payload), "count": len(payload)}

    def patch(self):
        Judge._outcome = lambda *_: ("pass", "", None)
"""


def test_a_component_that_patches_the_kit_later_fails_and_the_next_is_judged_by_the_kit(author: Any) -> None:
    package: Package = author.package(PATCHER, "Patcher")
    broken = author.package(
        "class Broken:\n    async def run(self, payload):\n        return None\n    health = run", "Broken"
    )
    subjects: tuple[Subject, ...] = package.subjects + broken.subjects
    both = Package("acme", "1.0", subjects, modules=package.modules | broken.modules)
    with Session(both, profile=PROFILES["quick"]) as session:
        results = [session.judge(item) for item in session.plan() if item.judges == "component"]
    first = [result for result in results if result.subject == package.subjects[0].id and result.status is Status.FAIL]
    assert [result.reason for result in first] == ["it replaced oneiric_conformance.judging.verdict.Judge._outcome"]
    assert Status.PASS not in {
        result.status
        for result in results
        if result.subject == broken.subjects[0].id and result.check.startswith("LIFE")
    }
