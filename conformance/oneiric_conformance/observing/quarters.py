"""Making sandboxes, and taking them down: one for all that one child process does, one that is watched, one of many."""

import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TypeAlias

from oneiric_conformance.observing.sandbox import BOX, PREFIX, Sandbox
from oneiric_conformance.observing.watch import watching

__all__ = ["Quarters", "made_sandbox", "remove", "watched_sandbox"]

_Mark: TypeAlias = tuple[int, int, int]
"""What makes a directory the one that was made: device, number, and who may do what in it."""


class Quarters:
    """Sandboxes for one example after the other: a box of its own for each, one home and one TMPDIR for all.

    Making and removing all three takes a disk longer than most examples take. Home and TMPDIR are looked at before the
    next one moves in, if nobody lives there: where anything is in them, or they are not as they were made, it has new
    ones.
    """

    def __init__(self) -> None:
        self._root: Path | None = None
        self._made: dict[Path, _Mark] = {}
        self._numbers = count()
        self._living = 0
        self._end: weakref.finalize[[Path, int], Quarters] | None = None

    @contextmanager
    def sandbox(self) -> Iterator[Sandbox]:
        """A sandbox for what this process does until the block ends: home and TMPDIR replaced, nothing watched."""
        box = Sandbox(self._ready(), name=f"{BOX}-{next(self._numbers)}")
        box.path.mkdir(parents=True)  # whoever lives there already may have removed everything
        process, self._living = os.getpid(), self._living + 1
        try:
            with _redirected(box):
                yield box
        finally:
            self._living -= 1
            if os.getpid() == process:  # else it is a copy, which the component made, of the process that goes on
                remove(box.path)

    def close(self) -> None:
        """Remove everything; idempotent, and no end: who asks for a sandbox has one."""
        if self._end is not None:
            self._end()
        self._root, self._end, self._made = None, None, {}

    def _ready(self) -> Path:
        if not self._living and not all(_is_as_made(place, mark) for place, mark in self._made.items()):
            self.close()
        if self._root is None:
            self._root = _new_root()
            self._end = weakref.finalize(self, _remove_own, self._root, os.getpid())
            self._made = {place: _mark(place) for place in _homes(self._root)}
        return self._root


@contextmanager
def made_sandbox() -> Iterator[Sandbox]:
    """Directories only: nothing is redirected or watched in this process. For the sandbox of a child process."""
    box = Sandbox(_new_root())
    try:
        box.path.mkdir()
        yield box
    finally:
        remove(box.root)


@contextmanager
def watched_sandbox() -> Iterator[Sandbox]:
    """A sandbox with a record of every write in this process. For each it looks at the disk."""
    with made_sandbox() as box, _redirected(box), watching() as record:
        box.record = record
        try:
            yield box
        finally:
            box.end_watch()


def remove(root: Path) -> None:
    """A component may have taken permissions away; what then still cannot be removed is left to the system."""
    with suppress(OSError):  # most are empty, and gone after this
        root.rmdir()
        return
    if root.is_symlink():
        root.unlink()
        return
    shutil.rmtree(root, ignore_errors=True)
    if root.exists():
        for place, _, _ in os.walk(root):
            Path(place).chmod(0o700)
        shutil.rmtree(root, ignore_errors=True)


def _new_root() -> Path:
    root = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    for place in _homes(root):
        place.mkdir()
    return root


def _homes(root: Path) -> tuple[Path, Path]:
    box = Sandbox(root)
    return box.tmp, box.home


def _mark(place: Path) -> _Mark:
    status = place.lstat()
    return status.st_dev, status.st_ino, status.st_mode


def _is_as_made(place: Path, mark: _Mark) -> bool:
    try:
        return _mark(place) == mark and not os.listdir(place)  # noqa: PTH208 - once for every example
    except OSError:
        return False


def _remove_own(root: Path, process: int) -> None:
    if os.getpid() == process:
        remove(root)


@contextmanager
def _redirected(box: Sandbox) -> Iterator[None]:
    """What is elsewhere afterwards is put back; all else, which is nearly everything, is not touched."""
    former, former_tempdir, former_bytecode = dict(os.environ), tempfile.tempdir, sys.dont_write_bytecode
    os.environ.update(box.environment({}))
    tempfile.tempdir, sys.dont_write_bytecode = str(box.tmp), True
    try:
        yield
    finally:
        tempfile.tempdir, sys.dont_write_bytecode = former_tempdir, former_bytecode
        now = dict(os.environ)
        for name in now.keys() - former.keys():
            del os.environ[name]
        os.environ.update({name: value for name, value in former.items() if now.get(name) != value})
