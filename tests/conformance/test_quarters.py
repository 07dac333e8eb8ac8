"""Where one example lives after the other: as new for each, whatever the last one left or broke."""

import gc
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from oneiric_conformance import Package, RequirementSet, Session, Status
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.observing.quarters import Quarters
from oneiric_conformance.observing.sandbox import Sandbox


@pytest.fixture
def quarters() -> Iterator[Quarters]:
    made = Quarters()
    yield made
    made.close()


def test_home_and_tmpdir_are_replaced_and_put_back(quarters: Quarters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_KEPT", "as it was")
    monkeypatch.setenv("ACME_GONE", "as it was")
    before = (dict(os.environ), tempfile.gettempdir(), sys.dont_write_bytecode)
    with quarters.sandbox() as box:
        assert Path.home() == box.home
        assert tempfile.gettempdir() == str(box.tmp)
        assert {os.environ[name] for name in ("TMPDIR", "TEMP", "TMP")} == {str(box.tmp)}
        assert all(os.environ[name].startswith(str(box.home)) for name in os.environ if name.startswith("XDG_"))
        os.environ["ACME"] = "left behind"
        os.environ["ACME_KEPT"] = "as it is not"
        del os.environ["ACME_GONE"]
    assert (dict(os.environ), tempfile.gettempdir(), sys.dont_write_bytecode) == before


def test_each_example_has_a_box_of_its_own_that_is_empty_and_gone_afterwards(quarters: Quarters) -> None:
    with quarters.sandbox() as first, quarters.sandbox() as second:
        (first.path / "kept").touch()
        assert not any(second.path.iterdir())
    with quarters.sandbox() as third:
        assert not any(third.path.iterdir())
    assert len({first.path, second.path, third.path}) == 3
    assert not any(box.path.exists() for box in (first, second, third))


def test_a_box_is_made_when_somebody_asks_where_it_is(quarters: Quarters) -> None:
    with quarters.sandbox() as told, quarters.sandbox() as silent:
        before = {*told.root.iterdir()}
        assert told.path.is_dir()
        assert {*told.root.iterdir()} - before == {told.path}
    assert not silent.path.exists()


def test_where_nothing_was_left_home_and_tmpdir_serve_again(quarters: Quarters) -> None:
    with quarters.sandbox() as first, tempfile.NamedTemporaryFile() as passing:
        assert Path(passing.name).parent == first.tmp
    with quarters.sandbox() as second:
        assert (second.home, second.tmp) == (first.home, first.tmp)


def leave_at_home(box: Sandbox) -> None:
    (box.home / ".acme").write_text("x")


def leave_in_tmpdir(box: Sandbox) -> None:
    (box.tmp / "one" / "two").mkdir(parents=True)


def lock_tmpdir(box: Sandbox) -> None:
    box.tmp.chmod(0o500)


def remove_home(box: Sandbox) -> None:
    box.home.rmdir()


def replace_home(box: Sandbox) -> None:
    box.home.rename(box.path / "home")
    box.home.mkdir()


def lead_tmpdir_elsewhere(box: Sandbox) -> None:
    box.tmp.rmdir()
    box.tmp.symlink_to(box.path)


def leave_beside_the_box(box: Sandbox) -> None:
    (box.root / f"{box.path.name}-staging").mkdir()


def leave_deeper_than_python_goes(box: Sandbox) -> None:
    place = os.open(box.home, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=place)
        below = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(place)


def remove_everything(box: Sandbox) -> None:
    shutil.rmtree(box.root)


def put_a_file_in_its_place(box: Sandbox) -> None:
    remove_everything(box)
    box.root.touch()


@pytest.mark.parametrize(
    "act",
    [
        leave_at_home,
        leave_in_tmpdir,
        leave_beside_the_box,
        lock_tmpdir,
        remove_home,
        replace_home,
        lead_tmpdir_elsewhere,
        remove_everything,
        put_a_file_in_its_place,
    ],
    ids=lambda act: act.__name__,
)
def test_what_one_example_left_or_broke_is_new_for_the_next(quarters: Quarters, act: Callable[[Sandbox], None]) -> None:
    with quarters.sandbox() as first:
        act(first)
    with quarters.sandbox() as second:
        assert not first.root.exists()
        assert second.root != first.root
        assert os.access(second.tmp, os.R_OK | os.W_OK | os.X_OK)
        assert [*second.home.iterdir(), *second.tmp.iterdir(), *second.path.iterdir()] == []


def test_nothing_is_emptied_while_somebody_lives_there(quarters: Quarters) -> None:
    with quarters.sandbox() as outer:
        (outer.tmp / "held").touch()
        with quarters.sandbox() as inner:
            assert inner.tmp == outer.tmp
        with quarters.sandbox() as third:
            assert third.tmp == outer.tmp
        assert (outer.tmp / "held").exists()


def test_what_comes_late_is_not_there_for_the_next(quarters: Quarters) -> None:
    """From a thread, when its component is gone."""
    with quarters.sandbox() as first:
        pass
    leave_at_home(first)
    with quarters.sandbox() as second:
        assert not any(second.home.iterdir())


def test_who_removes_everything_takes_no_box_from_others(quarters: Quarters) -> None:
    with quarters.sandbox() as outer:
        remove_everything(outer)
        with quarters.sandbox() as inner:
            assert inner.path.is_dir()


def test_what_cannot_be_removed_is_nobodys_fault(quarters: Quarters) -> None:
    with quarters.sandbox() as first:
        leave_deeper_than_python_goes(first)
    with quarters.sandbox() as second:
        assert not any(second.home.iterdir())
    quarters.close()
    subprocess.run(["rm", "-rf", first.root], check=True)


def test_who_will_not_go_keeps_what_there_is_and_the_next_has_something_new(quarters: Quarters) -> None:
    """A component that holds the task it runs in is never told to leave."""
    with ExitStack() as held:
        first = held.enter_context(quarters.sandbox())
        remove_home(first)
        quarters.settle()
        with quarters.sandbox() as second:
            assert second.home.is_dir()
        quarters.settle()
    with quarters.sandbox() as third:
        assert third.root == second.root
    quarters.close()
    assert not first.root.exists()


def test_nobody_can_know_the_next_box(quarters: Quarters) -> None:
    with quarters.sandbox() as outer:
        names = {outer.path.name}
        for _ in range(3):
            with quarters.sandbox() as box:
                names.add(box.path.name)
    assert len({len(name) for name in names}) == 1
    assert len(names) == 4


def test_a_box_that_became_a_link_is_removed_and_what_it_leads_to_is_not(quarters: Quarters, tmp_path: Path) -> None:
    (tmp_path / "kept").touch(mode=0o640)
    mode = tmp_path.stat().st_mode
    with quarters.sandbox() as box:
        box.path.rmdir()
        box.path.symlink_to(tmp_path)
    assert not box.path.is_symlink()
    assert (tmp_path / "kept").exists()
    assert tmp_path.stat().st_mode == mode


def test_a_copy_of_the_process_removes_nothing(quarters: Quarters) -> None:
    """A component that forks has two processes leave the block; the one that judges goes on in the sandbox."""
    judging = os.getpid()
    try:
        with quarters.sandbox() as box:
            (box.path / "kept").touch()
            (box.tmp / "held").touch()
            copy = os.fork()
            if copy:
                os.waitpid(copy, 0)
                assert (box.path / "kept").exists()
                assert (box.tmp / "held").exists()
    finally:
        if os.getpid() != judging:
            os._exit(0)


def test_nothing_remains_of_quarters_that_nobody_closed() -> None:
    forgotten = Quarters()
    with forgotten.sandbox() as box:
        pass
    assert box.root.exists()
    del forgotten
    gc.collect()
    assert not box.root.exists()


def test_they_may_be_closed_twice_and_lived_in_again(quarters: Quarters) -> None:
    quarters.close()
    with quarters.sandbox() as first:
        pass
    quarters.close()
    quarters.close()
    assert not first.root.exists()
    with quarters.sandbox() as second:
        assert second.path.is_dir()


def test_who_does_not_leave_a_sandbox_spoils_it_for_no_other_check(
    echo: Package, registered: Callable[..., Any]
) -> None:
    """As a coroutine that is abandoned; at the end of the session all of it is gone."""
    held, seen = ExitStack(), []

    def holding(bench: Bench) -> None:
        with bench.control("it has a home"):
            seen.append(held.enter_context(bench.sandbox()))
            seen[0].home.rmdir()
        bench.exercised()

    def looking(bench: Bench) -> None:
        with bench.control("it has a home"), bench.sandbox() as box:
            seen.append(box)
            bench.expect(box.home.is_dir(), seen="there is none")
        bench.exercised()

    registered("TST-001", holding)
    registered("TST-002", looking)
    only = RequirementSet("test", frozenset({"TST-001", "TST-002"}), "0" * 64)
    with held, Session(echo, requirements=only) as session:
        judged = [session.judge(item) for item in session.plan() if item.check.startswith("TST")]
        assert [result.status for result in judged] == [Status.PASS] * 2
    assert not any(box.root.exists() for box in seen)
