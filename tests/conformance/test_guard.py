"""A component that acts in the kit's own process cannot end it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

import pytest

from oneiric_conformance.judging.guard import ProcessExit, guard

WAYS: dict[str, Callable[[], object]] = {
    "os._exit(3)": lambda: os._exit(3),
    "os.abort()": lambda: os.abort(),  # noqa: PLW0108 - looked up when called, while the guard is up
    "os.exec of /bin/true": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606 - it is refused
    "os.kill with signal 9": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "os.kill with signal 2": lambda: os.kill(os.getpid(), signal.SIGINT),
    "os.killpg with signal 15": lambda: os.killpg(os.getpgrp(), signal.SIGTERM),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_end_of_the_process_is_refused(way: str) -> None:
    with guard() as attempts, pytest.raises(ProcessExit, match="would have ended the process"):
        WAYS[way]()
    [attempt] = attempts
    assert attempt.startswith(f"{way} at {__file__}:")


def test_an_attempt_is_known_even_if_its_exception_is_swallowed() -> None:
    with guard() as attempts, suppress(BaseException):  # as a component may do
        os._exit(3)
    assert len(attempts) == 1


def test_afterwards_everything_is_as_it_was() -> None:
    before = (os._exit, os.abort)
    with guard():
        assert os._exit is not before[0]
    assert (os._exit, os.abort) == before
    with pytest.raises(FileNotFoundError):
        os.execv("/nonexistent", ["nonexistent"])  # noqa: S606 - it is not there


def test_signals_somebody_waits_for_arrive() -> None:
    received: list[int] = []
    former = signal.signal(signal.SIGUSR2, lambda number, _: received.append(number))
    try:
        with guard() as attempts:
            os.kill(os.getpid(), signal.SIGUSR2)
            os.kill(os.getpid(), 0)
    finally:
        signal.signal(signal.SIGUSR2, former)
    assert received == [signal.SIGUSR2]
    assert attempts == []


def test_other_processes_may_be_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
    with guard():
        os.kill(child.pid, signal.SIGTERM)
    child.communicate()
    assert child.returncode == -signal.SIGTERM


def test_a_forked_child_may_end_itself() -> None:
    program = (
        "import os\n"
        "from oneiric_conformance.judging.guard import guard\n"
        "with guard():\n"
        "    child = os.fork()\n"
        "    if child == 0: os._exit(7)\n"
        "    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "7\n"


def test_guards_can_be_nested() -> None:
    with guard() as outer, guard() as inner:
        with pytest.raises(ProcessExit):
            os._exit(1)
        assert (len(inner), len(outer)) == (1, 0)
    assert os._exit is not None
