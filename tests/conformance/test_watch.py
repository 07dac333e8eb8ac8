"""What is seen of a component without asking it, and what is put on whose account."""

import asyncio
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from oneiric_conformance.observing.frames import Whose, whose_code
from oneiric_conformance.observing.inventory import take_inventory
from oneiric_conformance.observing.watch import Record, intercepting, watching
from oneiric_core.testing import import_object

SUBJECT = """
import asyncio, os, socket, sqlite3, subprocess, sys, threading, _thread
from pathlib import Path

def write(path):
    path.write_text("x")

def write_low(path):
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL))

def read(path):
    path.read_text()

def rename(path):
    path.rename(path.with_suffix(".new"))

def remove(path):
    path.unlink()

def mkdir(path):
    path.mkdir()

def link(path):
    path.symlink_to("/dev/null")

def chmod(path):
    path.chmod(0o600)

def truncate(path):
    os.truncate(path, 0)

def database(path):
    sqlite3.connect(path).close()

def database_uri(path):
    sqlite3.connect(f"file:{path}?mode=rwc", uri=True).close()

def connect(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.connect(str(path))

def look_up(path):
    socket.getaddrinfo("127.0.0.1", 80)

def process(path):
    subprocess.run([sys.executable, "-c", ""], check=True)

def thread(path):
    made = threading.Thread(target=path.write_text, args=("x",), name="their own")
    made.start()
    made.join()

def bare_thread(path):
    done = threading.Lock()
    done.acquire()
    _thread.start_new_thread(done.release, ())
    done.acquire()

def through_library(path):
    made = path.parent / "source"
    import shutil
    shutil.copy(path, made)

async def callback(path):
    asyncio.get_running_loop().call_soon(path.write_text, "x")
    await asyncio.sleep(0.01)

async def executor(path):
    await asyncio.to_thread(path.write_text, "x")

async def task(path):
    async def later():
        path.write_text("x")
    await asyncio.create_task(later())

def relative(path):
    open(path.name, "w").close()

def below_descriptor(path):
    folder = os.open(path.parent, os.O_RDONLY)
    os.mkdir(path.name, dir_fd=folder)
    os.close(folder)
"""


@pytest.fixture
def subject(module_of: Callable[[str, str], ModuleType]) -> ModuleType:
    return module_of("watched_subject", SUBJECT)


def seen(act: Callable[[Path], object], path: Path) -> Record:
    with watching() as record:
        result = act(path)
        if asyncio.iscoroutine(result):
            asyncio.run(result)
    return record


@pytest.mark.parametrize(
    ("name", "kind", "exists"),
    [
        ("write", "write", False),
        ("write_low", "write", False),
        ("truncate", "write", True),
        ("database", "write", False),
        ("database_uri", "write", False),
        ("remove", "remove", True),
        ("mkdir", "mkdir", False),
        ("below_descriptor", "mkdir", False),
        ("link", "link", False),
        ("chmod", "attributes", True),
        ("thread", "write", False),
        ("callback", "write", False),
        ("executor", "write", False),
        ("task", "write", False),
    ],
)
def test_whatever_changes_the_disk_is_seen(
    subject: ModuleType, tmp_path: Path, name: str, kind: str, exists: bool
) -> None:
    path = tmp_path / "file"
    if exists:
        path.write_text("before")
    record = seen(getattr(subject, name), path)
    assert (kind, str(path)) in {(event.kind, event.target) for event in record.by_subject}


def test_the_origin_is_the_subjects_innermost_line(subject: ModuleType, tmp_path: Path) -> None:
    """Through any library: the line to mend is in the author's own code."""
    (tmp_path / "file").touch()
    [event] = seen(subject.through_library, tmp_path / "file").writes
    number = SUBJECT.splitlines().index("    shutil.copy(path, made)") + 1
    assert event.origin == f"{subject.__file__}:{number} in through_library"


def test_reading_is_nobodys_concern(subject: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert seen(subject.read, tmp_path / "file").events == []


def test_a_rename_takes_from_one_name_and_gives_to_another(subject: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    record = seen(subject.rename, tmp_path / "file")
    assert [event.target for event in record.renames] == [str(tmp_path / "file.new")]
    assert [event.target for event in record.removes] == [str(tmp_path / "file")]


def test_relative_names_are_resolved_where_they_are_used(
    subject: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert [event.target for event in seen(subject.relative, Path("file")).writes] == [str(tmp_path / "file")]


def test_links_do_not_hide_where_a_write_goes(subject: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert [event.target for event in seen(subject.write, tmp_path / "link" / "file").writes] == [
        str(tmp_path / "real" / "file")
    ]


def test_databases_in_memory_are_no_writes() -> None:
    with watching() as record:
        for name in (":memory:", ""):
            sqlite3.connect(name).close()
        sqlite3.connect("file:shared?mode=memory", uri=True).close()
    assert record.writes == []


@pytest.mark.parametrize(
    ("name", "kind"), [("process", "processes"), ("bare_thread", "threads"), ("look_up", "connects")]
)
def test_processes_threads_and_look_ups_are_seen(subject: ModuleType, tmp_path: Path, name: str, kind: str) -> None:
    record = seen(getattr(subject, name), tmp_path / "file")
    events = getattr(record, kind)
    assert events
    assert all(name in event.origin for event in events)


def test_connections_are_seen_with_their_address(subject: ModuleType, tmp_path: Path) -> None:
    address = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(address))
        server.listen()
        record = seen(subject.connect, address)
    assert [event.target for event in record.connects] == [str(address)]


def test_a_threads_work_is_on_the_account_of_whoever_started_it(subject: ModuleType, tmp_path: Path) -> None:
    """Nothing of the subject is on that thread's stack: it runs a function of the standard library."""
    record = seen(subject.thread, tmp_path / "file")
    [started], [written] = record.threads, record.writes
    assert started.target == "their own"
    assert written.origin == f"a thread started at {started.origin}"


def test_what_the_caller_does_is_not_the_subjects(tmp_path: Path) -> None:
    """A test that uses the kit stands on the stack too, but it opened the record."""
    with watching() as record:
        (tmp_path / "file").write_text("x")
        shutil.copy(tmp_path / "file", tmp_path / "copy")
        worker = threading.Thread(target=(tmp_path / "third").write_text, args=("x",))
        worker.start()
        worker.join()
    assert len(record.writes) == 3
    assert record.by_subject == []


def test_nothing_is_recorded_before_and_after(tmp_path: Path) -> None:
    with watching() as record:
        pass
    (tmp_path / "file").write_text("x")
    assert record.events == []


def test_two_records_see_the_same_while_both_are_open(subject: ModuleType, tmp_path: Path) -> None:
    with watching() as outer:
        subject.write(tmp_path / "one")
        with watching() as inner:
            subject.write(tmp_path / "two")
        subject.write(tmp_path / "three")
    assert [Path(event.target).name for event in outer.writes] == ["one", "two", "three"]
    assert [Path(event.target).name for event in inner.writes] == ["two"]


def test_one_hook_however_often_one_watches() -> None:
    """A hook can never be removed; a hundred of them would stay."""
    program = (
        "import sys; added = []\n"
        "sys.addaudithook(lambda event, args: event == 'sys.addaudithook' and added.append(1))\n"
        "from oneiric_conformance.observing.watch import watching\n"
        "before = len(added)\n"
        "for _ in range(100):\n"
        "    with watching(): pass\n"
        "print(before, len(added))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["0", "1"]


def test_an_interceptor_can_refuse() -> None:
    def refuse(event: str, args: tuple[object, ...]) -> None:
        raise PermissionError(event)

    with intercepting(refuse), pytest.raises(PermissionError, match=r"os\.exec"):
        os.execv("/nonexistent", ["nonexistent"])  # noqa: S606 - it is not there
    with pytest.raises(FileNotFoundError):
        os.execv("/nonexistent", ["nonexistent"])  # noqa: S606 - it is not there


@pytest.mark.parametrize(
    ("filename", "whose"),
    [
        (os.__file__, Whose.LIBRARY),
        ("<frozen importlib._bootstrap>", Whose.LIBRARY),
        ("<string>", Whose.LIBRARY),
        (pytest.__file__, Whose.KIT),
        (take_inventory.__code__.co_filename, Whose.KIT),
        (import_object.__code__.co_filename, Whose.KIT),
        (__file__, Whose.SUBJECT),
        ("/usr/lib/python3/site-packages/acme/cache.py", Whose.SUBJECT),
        (str(Path(import_object.__code__.co_filename).parents[1] / "builtin" / "cache.py"), Whose.SUBJECT),
    ],
)
def test_code_belongs_to_the_subject_unless_it_is_known_to_be_anothers(filename: str, whose: Whose) -> None:
    assert whose_code(filename) is whose


async def test_an_inventory_shows_what_came_since(tmp_path: Path) -> None:
    before = take_inventory()
    ended = asyncio.Event()
    stop = threading.Event()
    task = asyncio.create_task(ended.wait(), name="waiting")
    thread = threading.Thread(target=stop.wait, name="working")
    thread.start()
    child = subprocess.Popen(  # noqa: ASYNC220 - it is only started
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    with (tmp_path / "open").open("w"):
        lines = take_inventory().since(before)
    assert any(line == "task waiting (Event.wait)" for line in lines)
    assert any(line == "thread working" for line in lines)
    assert any(line.startswith(f"process {child.pid} (") for line in lines)
    assert any(line.endswith(f"({tmp_path / 'open'})") for line in lines)
    ended.set()
    stop.set()
    await task
    thread.join()
    child.communicate()
    assert take_inventory().since(before) == []


def test_an_inventory_outside_a_loop_has_no_tasks() -> None:
    assert take_inventory().tasks == frozenset()


def test_temporary_names_are_told_apart(tmp_path: Path) -> None:
    with watching() as record, tempfile.NamedTemporaryFile(dir=tmp_path):
        pass
    [drawn] = record.of("temporary")
    [opened] = record.writes
    assert opened.target == drawn.target
    assert opened.exclusive
