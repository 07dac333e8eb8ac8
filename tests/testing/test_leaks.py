"""What was left behind is told with where it is, where it was begun, and what to do."""

import json
import os
import re
import subprocess
import sys
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
import asyncio, json, multiprocessing, os, signal, socket, subprocess, threading
from dataclasses import asdict
from oneiric_core import ViolationError
from oneiric_core.testing import RuntimeHarness

kept, stop = [], threading.Event()

async def inner():
    await asyncio.Event().wait()

async def outer():
    await inner()

def wait():
    stop.wait()

async def leave():
    {leave}

runtime = RuntimeHarness()
runtime.run(leave())
try:
    runtime.close()
except ViolationError as error:
    print(json.dumps([str(error), *map(asdict, error.evidence["left"])]))
finally:
    stop.set()
    for child in kept:
        if hasattr(child, "kill"):
            child.kill()
            child.wait() if hasattr(child, "wait") else child.join()
"""
LINES = {name: at for at, line in enumerate(PROGRAM.splitlines(), 1) for name in re.findall(r"def (\w+)", line)}


def left_by(folder: Path, leave: str, **environment: str) -> tuple[str, list[dict[str, Any]]]:
    """The message and the leaks of a process in which nothing else comes and goes."""
    (folder / "program.py").write_text(PROGRAM.replace("{leave}", leave), encoding="utf-8")
    told = subprocess.run(
        [sys.executable, folder / "program.py"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert told.returncode == 0, told.stderr
    message, *leaks = json.loads(told.stdout)
    return message, leaks


def at(folder: Path, name: str, stack: list[str]) -> bool:
    """Whether the line after the one that defines ``name`` is in the stack."""
    return f"{folder / 'program.py'}:{LINES[name] + 1} in {name}" in stack


def test_a_task_is_told_with_all_that_it_waits_in(tmp_path: Path) -> None:
    message, (leak,) = left_by(tmp_path, "kept.append(asyncio.create_task(outer(), name='mine'))")
    assert leak["what"] == "task mine (outer)"
    assert re.search(r"asyncio/locks\.py:\d+ in wait$", leak["where"][0])
    assert at(tmp_path, "inner", leak["where"])
    assert at(tmp_path, "outer", leak["where"])
    assert leak["fix"] == f"{FIXES['task']}; with PYTHONASYNCIODEBUG=1 it is told where it was begun"
    assert all(f"        {line}\n" in message for line in leak["where"])
    assert f"      {leak['fix']}.\n" in message
    assert message.endswith("\nEnd each of them, or set leaks=False where that is somebody else's business.")


def test_in_debug_mode_a_task_is_told_with_where_it_was_begun(tmp_path: Path) -> None:
    _, (leak,) = left_by(tmp_path, "kept.append(asyncio.create_task(outer()))", PYTHONASYNCIODEBUG="1")
    assert at(tmp_path, "leave", leak["begun"])
    assert leak["fix"] == FIXES["task"]


@pytest.mark.parametrize("name", ["thread", "subclass"])
def test_a_thread_is_told_with_where_it_is_and_where_it_was_started(tmp_path: Path, name: str) -> None:
    made = {
        "thread": "threading.Thread(target=wait, name='mine')",
        "subclass": "type('Mine', (threading.Thread,), {'run': lambda self: wait()})(name='mine')",
    }
    message, (leak,) = left_by(tmp_path, f"{made[name]}.start()")
    assert leak["what"] == "thread mine"
    assert at(tmp_path, "wait", leak["where"])
    assert at(tmp_path, "leave", leak["begun"])
    assert leak["fix"] == FIXES["thread"]
    assert "\n      was begun at\n" in message


def test_a_file_is_told_with_its_path_and_who_opened_it(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    _, (leak,) = left_by(tmp_path, f"kept.append(open({str(tmp_path / 'link' / 'program.py')!r}))")
    assert re.fullmatch(rf"descriptor \d+ \({tmp_path / 'program.py'}\)", leak["what"])
    assert at(tmp_path, "leave", leak["begun"])
    assert leak["fix"] == FIXES["descriptor"]


def test_a_socket_is_told_with_its_addresses_and_who_made_it(tmp_path: Path) -> None:
    made = ["s := socket.create_server(('127.0.0.1', 0))", "socket.create_connection(s.getsockname())"]
    leave = "; ".join(f"kept.append({each})" for each in made)
    _, (server, client) = left_by(tmp_path, leave)
    port = re.search(r"AF_INET \('127\.0\.0\.1', (\d+)\)$", server["what"])
    assert port is not None
    assert re.search(rf"AF_INET \('127\.0\.0\.1', \d+\) to \('127\.0\.0\.1', {port[1]}\)$", client["what"])
    assert at(tmp_path, "leave", server["begun"])
    assert at(tmp_path, "leave", client["begun"])


def test_a_pipe_is_told_though_nobody_knows_who_made_it(tmp_path: Path) -> None:
    """Python tells audit hooks nothing of it."""
    _, leaks = left_by(tmp_path, "kept.append(os.pipe())")
    assert [bool(re.fullmatch(r"descriptor \d+ \(pipe:\[\d+\]\)", leak["what"])) for leak in leaks] == [True, True]
    assert [(leak["begun"], leak["fix"]) for leak in leaks] == [([], FIXES["descriptor"])] * 2


def test_a_process_is_told_with_its_command_and_who_started_it(tmp_path: Path) -> None:
    _, (leak,) = left_by(tmp_path, "kept.append(subprocess.Popen(['sleep', '600']))")
    assert re.fullmatch(r"process \d+ \(sleep 600\)", leak["what"])
    assert at(tmp_path, "leave", leak["begun"])
    assert leak["fix"] == FIXES["process"]


def test_a_fork_is_told_with_who_made_it(tmp_path: Path) -> None:
    leave = (
        "kept.append(p := multiprocessing.get_context('fork').Process(target=__import__('signal').pause)); p.start()"
    )
    _, leaks = left_by(tmp_path, leave)
    (leak,) = [each for each in leaks if each["what"].startswith("process")]
    assert "program.py" in leak["what"]
    assert at(tmp_path, "leave", leak["begun"])


def test_of_very_many_the_first_are_told(tmp_path: Path) -> None:
    message, leaks = left_by(tmp_path, "kept.extend(asyncio.create_task(outer()) for _ in range(25))")
    assert len(leaks) == 25
    assert message.count(FIXES["task"]) == 10
    assert "\n  and 15 more\n" in message
