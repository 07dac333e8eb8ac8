"""Where a component may write, and how it is known where it did."""

import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest

from oneiric_conformance.observing.quarters import Quarters, made_sandbox, watched_sandbox
from oneiric_conformance.observing.sandbox import Sandbox

SUBJECT = """
import os, tempfile, subprocess, sys
from pathlib import Path

held = []

def write(path):
    Path(path).write_text("x")

def below(box):
    (box.path / "folder").mkdir()
    write(box.path / "folder" / "one")
    (box.path / "folder" / "one").rename(box.path / "two")
    (box.path / "two").chmod(0o600)
    (box.path / "two").unlink()

def beside_the_box(box):
    staging = box.path.parent / f"{box.path.name}-staging"
    staging.mkdir()
    write(staging / "x")

def make(place):
    place.mkdir(parents=True, exist_ok=True)

def the_box_itself(box):
    make(box.path)

def temporary_file(box):
    with tempfile.NamedTemporaryFile("w") as made:
        made.write("x")

def temporary_directory(box):
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "one")
        (Path(folder) / "one").replace(Path(folder) / "two")

def unnamed_file(box):
    with tempfile.TemporaryFile() as made:
        made.write(b"x")

def exclusive_file(box):
    path = Path(tempfile.gettempdir()) / f"own-{os.getpid()}"
    path.open("x").close()
    path.replace(box.path / "kept")

def by_descriptor(folder, name):
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.close(os.open(name, os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=directory))
    os.close(directory)

def below_by_descriptor(box):
    by_descriptor(box.path, "acme.txt")

def working_directory_by_descriptor(box):
    by_descriptor(".", "acme.txt")

def home_by_descriptor(box):
    by_descriptor(Path.home(), "acme.txt")

def devnull(box):
    write("/dev/null")

def home(box):
    write(Path.home() / ".acme")

def cache(box):
    folder = Path(os.environ["XDG_CACHE_HOME"])
    folder.mkdir(parents=True)
    write(folder / "acme")

def predictable_file(box):
    path = Path(tempfile.gettempdir()) / "acme.lock"
    write(path)
    path.unlink()

def predictable_directory(box):
    (Path(tempfile.gettempdir()) / "acme").mkdir()
    (Path(tempfile.gettempdir()) / "acme").rmdir()

def leftover_file(box):
    held.append(tempfile.mkstemp()[0])

def leftover_directory(box):
    tempfile.mkdtemp()

def working_directory(box):
    write("acme.txt")

def by_link(box):
    (box.path / "out").symlink_to(Path.cwd())
    write(box.path / "out" / "acme.txt")

def by_dots(box):
    write(box.path / ".." / "acme.txt")

def by_another_process(box):
    program = "import pathlib; (pathlib.Path.home() / 'acme').write_text('x')"
    subprocess.run([sys.executable, "-c", program], check=True)

def removing(box):
    Path("theirs.txt").unlink()

def bytecode(box):
    write(Path(sys.pycache_prefix) / "acme.pyc")

def lock_away(box):
    folder = box.path / "locked"
    folder.mkdir()
    write(folder / "file")
    folder.chmod(0)
"""


@pytest.fixture
def subject(module_of: Callable[[str, str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Its module is in no sandbox, and neither is the working directory."""
    monkeypatch.chdir(tmp_path)
    return module_of("boxed_subject", SUBJECT)


def trespasses(act: Callable[[Sandbox], object]) -> list[str]:
    with watched_sandbox() as box:
        act(box)
        return box.trespasses()


@pytest.mark.parametrize(
    "name",
    [
        "below",
        "below_by_descriptor",
        "the_box_itself",
        "temporary_file",
        "temporary_directory",
        "unnamed_file",
        "exclusive_file",
        "devnull",
        "lock_away",
    ],
)
def test_what_is_allowed(subject: ModuleType, name: str) -> None:
    assert trespasses(getattr(subject, name)) == []


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("home", "in the home directory"),
        ("home_by_descriptor", "in the home directory"),
        ("working_directory_by_descriptor", "outside the sandbox"),
        ("cache", "in the home directory"),
        ("predictable_file", "a predictable name in TMPDIR"),
        ("predictable_directory", "a predictable name in TMPDIR"),
        ("leftover_file", "still there after clean-up"),
        ("leftover_directory", "still there after clean-up"),
        ("working_directory", "outside the sandbox"),
        ("by_link", "outside the sandbox"),
        ("beside_the_box", "outside the sandbox"),
        ("by_dots", "outside the sandbox"),
        ("by_another_process", "still there after clean-up"),
        ("removing", "outside the sandbox"),
    ],
)
def test_what_is_a_trespass(subject: ModuleType, tmp_path: Path, name: str, what: str) -> None:
    (tmp_path / "theirs.txt").touch()
    found = trespasses(getattr(subject, name))
    assert found
    assert all(what in line for line in found)
    while subject.held:
        os.close(subject.held.pop())


def test_a_trespass_names_the_path_and_the_line(subject: ModuleType, tmp_path: Path) -> None:
    [line] = trespasses(subject.working_directory)
    number = SUBJECT.splitlines().index('    Path(path).write_text("x")') + 1
    assert line == f"write {tmp_path / 'acme.txt'}: outside the sandbox (by {subject.__file__}:{number} in write)"


def test_the_same_trespass_is_told_once(subject: ModuleType) -> None:
    def twice(box: Sandbox) -> None:
        subject.working_directory(box)
        subject.working_directory(box)

    assert len(trespasses(twice)) == 1


def test_redirected_bytecode_is_allowed(subject: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pycache").mkdir()
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "pycache"))
    assert trespasses(subject.bytecode) == []


def test_the_kits_own_files_in_tmpdir_are_not_the_subjects(subject: ModuleType) -> None:
    """A runtime under judgement keeps its cache in a temporary directory while the sandbox is open."""
    with watched_sandbox() as box, tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "cache").mkdir()
        (Path(folder) / "cache" / "blob").write_text("x")
        subject.below(box)
        assert box.trespasses() == []


def test_instances_of_two_examples_may_overlap(subject: ModuleType) -> None:
    with watched_sandbox() as outer, watched_sandbox() as inner:
        subject.below(inner)
        subject.below(outer)
        assert outer.trespasses() == inner.trespasses() == []


@pytest.mark.parametrize(("end", "faults"), [("", []), ("-staging", ["outside the sandbox"])])
def test_the_box_of_another_example_is_allowed_and_what_is_named_after_it_is_not(
    subject: ModuleType, end: str, faults: list[str]
) -> None:
    """That example may still have an instance at work."""
    with closing(Quarters()) as quarters, quarters.sandbox() as other, watched_sandbox() as box:
        subject.make(other.path.with_name(other.path.name + end))
        assert [line.partition(": ")[2].partition(" (")[0] for line in box.trespasses()] == faults


def test_nothing_remains_but_the_answer(subject: ModuleType) -> None:
    with watched_sandbox() as box:
        subject.home(box)
        subject.lock_away(box)
    assert not box.root.exists()
    assert len(box.trespasses()) == 1


def test_a_sandbox_for_a_child_changes_nothing_here(subject: ModuleType) -> None:
    before = dict(os.environ)
    with made_sandbox() as box:
        assert dict(os.environ) == before
        assert box.environment({"PATH": "/bin"})["PATH"] == "/bin"
        assert box.environment({})["HOME"] == str(box.home)
        subject.home(box)
        assert box.record.events == []
    (Path.home() / ".acme").unlink()
