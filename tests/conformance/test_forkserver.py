"""First runs are copies of one process that has loaded the kit: each is as fresh as a process just started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from oneiric_conformance import Limits
from oneiric_conformance.isolation.forkserver import Forked, ForkServer
from oneiric_conformance.isolation.smoke import SmokeReport, smoke
from oneiric_core.testing import take_inventory

pytestmark = pytest.mark.slow

QUICK = Limits(init=0.4, health=0.4, cleanup=0.4, drain=0.4)
GOOD = "class Good:\n    async def run(self, payload): return payload"


def run(author: Any, source: str) -> SmokeReport:
    return smoke(author.package(source, "Good").subjects[0], QUICK)


def in_a_thread_of_its_own(act: Callable[[], object]) -> Any:
    """Each thread has a server of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(act).result()


def descriptors() -> dict[int, str]:
    found = {}
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers, not paths
        try:
            found[int(number)] = os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115 - of the kernel
        except FileNotFoundError:
            continue
    return found


def test_the_server_is_nobodys_child(author: Any) -> None:
    """A component that waits for its children must not wait for the kit's."""

    def children_since() -> list[str]:
        before = take_inventory()
        assert run(author, GOOD).ok
        return [line for line in take_inventory().since(before) if line.startswith("process")]

    assert in_a_thread_of_its_own(children_since) == []


def test_one_that_was_begun_early_is_the_one_that_serves(author: Any) -> None:
    def same() -> bool:
        ForkServer.begin()
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - no file, but the null device
            begun = ForkServer.mine(nowhere)
            assert run(author, GOOD).ok
            return ForkServer.mine(nowhere) is begun

    assert in_a_thread_of_its_own(same)


def test_where_none_could_be_begun_the_first_run_starts_one(author: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def runs() -> bool:
        with monkeypatch.context() as broken:
            broken.setattr(sys, "executable", "/nowhere/python")
            ForkServer.begin()
        return run(author, GOOD).ok

    assert in_a_thread_of_its_own(runs)


def test_what_one_changed_the_next_does_not_see(author: Any) -> None:
    changes = "import os, string, sys\nos.environ['MARK'] = string.mark = 'x'\nsys.path.append('/mark')\n"
    assert run(author, changes + GOOD).ok
    sees = "import os, string, sys\nassert 'MARK' not in os.environ\nassert not hasattr(string, 'mark')\n"
    assert run(author, f"{sees}assert '/mark' not in sys.path\n{GOOD}").failure == ""


def test_what_changed_here_it_does_see(author: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server was started before; what it copies for a component is this process as it is now."""
    assert run(author, GOOD).ok
    monkeypatch.setenv("ACME_URL", "here")
    monkeypatch.syspath_prepend(str(author.folder / "late"))
    (author.folder / "late").mkdir()
    (author.folder / "late" / "late_module.py").write_text("", encoding="utf-8")
    assert run(author, f"import os, late_module\nassert os.environ['ACME_URL'] == 'here'\n{GOOD}").failure == ""


def test_no_two_draw_the_same_random_numbers(author: Any) -> None:
    """What a copy of a process has to see to: else two components would meet under one temporary name."""
    drawn = [run(author, f"import random\nraise ValueError(random.random())\n{GOOD}").reason for _ in range(2)]
    assert drawn[0].startswith("ValueError: 0.")
    assert drawn[0] != drawn[1]


def test_who_ends_the_process_that_started_it_has_failed(author: Any) -> None:
    report = run(author, f"import os\nos.kill(os.getppid(), 9)\n{GOOD}")
    assert report.failure.endswith("ended the process that started it")
    assert run(author, GOOD).ok, "the next one gets a server of its own"


def test_who_ends_both_has_failed(author: Any) -> None:
    report = run(author, f"import os\nos.kill(os.getppid(), 9)\nos.kill(os.getpid(), 9)\n{GOOD}")
    assert report.failure == "import: ended the process that started it"
    assert run(author, GOOD).ok


def test_a_component_that_closes_descriptors_here_does_not_end_the_first_runs(author: Any, tmp_path: Path) -> None:
    """Nor is anything sent to what has the number afterwards."""

    def close_and_go_on() -> tuple[SmokeReport, SmokeReport, bytes]:
        before = descriptors()
        assert run(author, GOOD).ok
        opened = [number for number, what in descriptors().items() if before.get(number) != what]
        assert len(opened) == 1, "the connection to the server"
        os.close(opened[0])
        closed = run(author, GOOD)
        again = [number for number, what in descriptors().items() if before.get(number) != what]
        os.close(again[0])
        with (tmp_path / "file").open("w+b", buffering=0) as file:
            os.dup2(file.fileno(), again[0])
            taken = run(author, GOOD)
            os.close(again[0])
            file.seek(0)
            return closed, taken, file.read()

    closed, taken, written = in_a_thread_of_its_own(close_and_go_on)
    assert closed.ok
    assert taken.ok
    assert written == b""


def test_who_is_interrupted_while_waiting_takes_no_answer_for_another(
    author: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the middle of a first run: how that one ended is not the number of the next."""

    def interrupted_and_on() -> SmokeReport:
        assert run(author, GOOD).ok
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(Forked, "wait", interrupt)
            with pytest.raises(KeyboardInterrupt):
                run(author, "class Good:\n    def __init__(self):\n        raise SystemExit")
        return run(author, GOOD)

    def interrupt(*_: object) -> int:
        raise KeyboardInterrupt

    assert in_a_thread_of_its_own(interrupted_and_on).failure == ""


def test_threads_do_not_wait_for_each_others(author: Any) -> None:
    """One goes on until the other, which began later, has been told of."""
    waits = f"""
        import pathlib, time
        class Good:
            def __init__(self):
                pathlib.Path({str(author.folder / "begun")!r}).touch()
                while not pathlib.Path({str(author.folder / "told")!r}).exists():
                    time.sleep(0.01)
    """
    waiting = author.package(waits, "Good").subjects[0]
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(smoke, waiting, Limits(init=60.0))
        while not (author.folder / "begun").exists():
            assert not other.done(), other.result().failure
            time.sleep(0.01)  # polling another process
        assert run(author, GOOD).ok
        assert not other.done()
        (author.folder / "told").touch()
        assert other.result().failure == ""


KILLED = """
import sys
sys.path.insert(0, sys.argv[1])
from oneiric_conformance import Limits, Subject
from oneiric_conformance.isolation.smoke import smoke
smoke(Subject("task", "good", "acme", "hanging:Good"), Limits(init=600))
"""
HANGS = """
import os, pathlib, time
class Good:
    def __init__(self):
        place = pathlib.Path(__file__).parent
        (place / "new").write_text(f"{os.getpid()} {os.getppid()}")
        (place / "new").rename(place / "numbers")
        time.sleep(600)
"""


def test_all_of_it_ends_with_the_run_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "hanging.py").write_text(HANGS, encoding="utf-8")
    run_of_kit = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)])
    deadline = time.monotonic() + 60
    while not (tmp_path / "numbers").exists():
        assert run_of_kit.poll() is None, "it ended before it had a component at work"
        assert time.monotonic() < deadline
        time.sleep(0.01)  # polling another process
    numbers = (tmp_path / "numbers").read_text(encoding="utf-8").split()
    assert all(is_there(number) for number in numbers)
    run_of_kit.send_signal(signal.SIGKILL)
    run_of_kit.wait()
    while any(is_there(number) for number in numbers):
        assert time.monotonic() < deadline
        time.sleep(0.01)  # likewise


def is_there(number: str) -> bool:
    """A process that has ended and that nobody has asked about is not."""
    try:
        stat = Path(f"/proc/{number}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
