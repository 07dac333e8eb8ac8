"""What was left behind is told with where it is, where it was begun, and what to do."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

FIXES = {
    "task": "Cancel it and await it in cleanup(), or in the test that began it",
    "thread": "Tell it to end and join() it in cleanup(), or in the test that began it",
    "descriptor": "Close it in cleanup(), or in the test that began it",
    "process": "End it and wait() for it in cleanup(), or in the test that began it",
}
PROGRAM = """
import asyncio, json, multiprocessing, os, signal, socket, subprocess, sys, threading
from dataclasses import asdict
from oneiric_core import ViolationError
from oneiric_core.testing import RuntimeHarness

async def inner():
    await asyncio.Event().wait()

async def outer():
    await inner()

def wait():
    stop.wait()

async def leave():
    {leaves}

def ended(thing):
    if hasattr(thing, "kill"):
        thing.kill()
        thing.wait() if hasattr(thing, "wait") else thing.join()
    elif hasattr(thing, "ident"):
        thing.join()
    elif hasattr(thing, "close"):
        thing.close()
    elif isinstance(thing, tuple):
        for number in thing:
            os.close(number)

told = {}
for case in json.loads(sys.argv[1]):
    kept, stop, runtime = [], threading.Event(), RuntimeHarness()
    runtime.run(leave())
    try:
        runtime.close()
    except ViolationError as error:
        told[case] = [str(error), *map(asdict, error.evidence["left"])]
    stop.set()
    for thing in kept:
        ended(thing)
print(json.dumps(told))
"""
CONNECTED = (
    "kept.append(s := socket.create_server(('127.0.0.1', 0))); kept.append(socket.create_connection(s.getsockname()))"
)
FORKED = "kept.append(p := multiprocessing.get_context('fork').Process(target=signal.pause)); p.start()"
LEAVES = {
    "a task": "kept.append(asyncio.create_task(outer(), name='mine'))",
    "many tasks": "kept.extend(asyncio.create_task(outer()) for _ in range(25))",
    "a thread": "kept.append(t := threading.Thread(target=wait, name='mine')); t.start()",
    "a thread of a subclass": (
        "kept.append(t := type('Mine', (threading.Thread,), {'run': lambda self: wait()})(name='mine')); t.start()"
    ),
    "a file": "kept.append(open(os.path.join(os.path.dirname(__file__), 'link', 'program.py')))",
    "a socket": CONNECTED,
    "a pipe": "kept.append(os.pipe())",
    "a process": "kept.append(subprocess.Popen(['sleep', '600']))",
    "a fork": FORKED,
}


class Left:
    """What a process told in which nothing else comes and goes: by case the message and the leaks."""

    def __init__(self, folder: Path, cases: Iterable[str], **environment: str) -> None:
        self.program = folder / "program.py"
        (folder / "link").symlink_to(folder)
        branches = [f"if case == {case!r}:\n        {leave}" for case, leave in LEAVES.items()]
        text = PROGRAM.replace("{leaves}", "\n    ".join(branches))
        self.program.write_text(text, encoding="utf-8")
        self.lines = {
            name: at for at, line in enumerate(text.splitlines(), 1) for name in re.findall(r"def (\w+)", line)
        }
        told = subprocess.run(
            [sys.executable, self.program, json.dumps([*cases])],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert told.returncode == 0, told.stderr
        self._told = json.loads(told.stdout)

    def by(self, case: str) -> tuple[str, list[dict[str, Any]]]:
        message, *leaks = self._told[case]
        return message, leaks

    def at(self, name: str, stack: list[str], *, after: int = 1) -> bool:
        """Whether the line so many after the one that defines ``name`` is in the stack."""
        return f"{self.program}:{self.lines[name] + after} in {name}" in stack

    def left(self, case: str, stack: list[str]) -> bool:
        """Whether the line that leaves it behind is in the stack."""
        return self.at("leave", stack, after=2 * ([*LEAVES].index(case) + 1))


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Left:
    return Left(tmp_path_factory.mktemp("left"), LEAVES)


def test_a_task_is_told_with_all_that_it_waits_in(left: Left) -> None:
    message, (leak,) = left.by("a task")
    assert leak["what"] == "task mine (outer)"
    assert re.search(r"asyncio/locks\.py:\d+ in wait$", leak["where"][0])
    assert left.at("inner", leak["where"])
    assert left.at("outer", leak["where"])
    assert leak["fix"] == f"{FIXES['task']}; with PYTHONASYNCIODEBUG=1 it is told where it was begun"
    assert all(f"        {line}\n" in message for line in leak["where"])
    assert f"      {leak['fix']}.\n" in message
    assert message.endswith("\nEnd each of them, or set leaks=False where that is somebody else's business.")


def test_in_debug_mode_a_task_is_told_with_where_it_was_begun(tmp_path: Path) -> None:
    left = Left(tmp_path, ["a task"], PYTHONASYNCIODEBUG="1")
    _, (leak,) = left.by("a task")
    assert left.left("a task", leak["begun"])
    assert leak["fix"] == FIXES["task"]


@pytest.mark.parametrize("case", ["a thread", "a thread of a subclass"])
def test_a_thread_is_told_with_where_it_is_and_where_it_was_started(left: Left, case: str) -> None:
    message, (leak,) = left.by(case)
    assert leak["what"] == "thread mine"
    assert left.at("wait", leak["where"])
    assert left.left(case, leak["begun"])
    assert leak["fix"] == FIXES["thread"]
    assert "\n      was begun at\n" in message


def test_a_file_is_told_with_its_path_and_who_opened_it(left: Left) -> None:
    _, (leak,) = left.by("a file")
    assert re.fullmatch(rf"descriptor \d+ \({left.program}\)", leak["what"])
    assert left.left("a file", leak["begun"])
    assert leak["fix"] == FIXES["descriptor"]


def test_a_socket_is_told_with_its_addresses_and_who_made_it(left: Left) -> None:
    _, (server, client) = left.by("a socket")
    port = re.search(r"AF_INET \('127\.0\.0\.1', (\d+)\)$", server["what"])
    assert port is not None
    assert re.search(rf"AF_INET \('127\.0\.0\.1', \d+\) to \('127\.0\.0\.1', {port[1]}\)$", client["what"])
    assert left.left("a socket", server["begun"])
    assert left.left("a socket", client["begun"])


def test_a_pipe_is_told_though_nobody_knows_who_made_it(left: Left) -> None:
    """Python tells audit hooks nothing of it."""
    _, leaks = left.by("a pipe")
    assert [bool(re.fullmatch(r"descriptor \d+ \(pipe:\[\d+\]\)", leak["what"])) for leak in leaks] == [True, True]
    assert [(leak["begun"], leak["fix"]) for leak in leaks] == [([], FIXES["descriptor"])] * 2


def test_a_process_is_told_with_its_command_and_who_started_it(left: Left) -> None:
    _, (leak,) = left.by("a process")
    assert re.fullmatch(r"process \d+ \(sleep 600\)", leak["what"])
    assert left.left("a process", leak["begun"])
    assert leak["fix"] == FIXES["process"]


def test_a_fork_is_told_with_who_made_it(left: Left) -> None:
    _, leaks = left.by("a fork")
    (leak,) = [each for each in leaks if each["what"].startswith("process")]
    assert "program.py" in leak["what"]
    assert left.left("a fork", leak["begun"])


def test_of_very_many_the_first_are_told(left: Left) -> None:
    message, leaks = left.by("many tasks")
    assert len(leaks) == 25
    assert message.count(FIXES["task"]) == 10
    assert "\n  and 15 more\n" in message
