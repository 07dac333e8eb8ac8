"""Making sandboxes, and taking them down: one for all that one child process does, one that is watched, one of many."""

import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeAlias

from oneiric_conformance.observing.sandbox import PREFIX, SHARED, SHARED_BOX, Sandbox
from oneiric_conformance.observing.watch import watching
from oneiric_core import ConformanceError

__all__ = ["Quarters", "made_sandbox", "remove", "watched_sandbox"]

_Mark: TypeAlias = tuple[int, int, int]
"""What makes a directory the one that was made: device, number, and who may do what in it."""

_HOUSEHOLD: Final = {"home", "tmp"}


class Quarters:
    """Sandboxes for one example after the other: a box of its own for each, one home and one TMPDIR for all.

    Making and removing all three takes a disk longer than most examples take. Home and TMPDIR are looked at before the
    next one moves in, if nobody lives there: where anything is in them or beside them, or they are not as they were
    made, it has new ones.
    """

    def __init__(self) -> None:
        self._house: _House | None = None
        self._left: list[_House] = []

    @contextmanager
    def sandbox(self, *, at_once: bool = False) -> Iterator[Sandbox]:
        """A sandbox for what this process does until the block ends: home and TMPDIR replaced, nothing watched.

        :param at_once: make its directory now, and not when its path is asked for, which may be while time is taken.
        :raises ConformanceError: if there is no room for a directory.
        """
        house = self._ready()
        box = _Box(house.root)
        if at_once:
            box.make()
        process, house.living = os.getpid(), house.living + 1
        try:
            with _redirected(box):
                yield box
        finally:
            house.living -= 1
            if os.getpid() == process:  # else it is a copy, which the component made, of the process that goes on
                box.remove()

    def settle(self) -> None:
        """Leave what is there to those who will not go, and have something new for the next."""
        if self._house is not None and self._house.living:
            self._left.append(self._house)
            self._house = None

    def close(self) -> None:
        """Remove everything; idempotent, and no end: who asks for a sandbox has one."""
        left = [*self._left, *([] if self._house is None else [self._house])]
        self._house, self._left = None, []
        for house in left:
            house.end()

    def _ready(self) -> "_House":
        house = self._house
        if house is not None and not house.living and not house.is_as_made():
            self._house = None
            house.end()
        if self._house is None:
            self._house = _House(_new_root(SHARED))
        return self._house


class _Box(Sandbox):
    """Its directory is made when somebody asks where it is: most components are never told."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, name=SHARED_BOX)
        self._open = True

    @property
    def path(self) -> Path:
        self.make()
        return self.root / self.name

    def make(self) -> None:
        """Draw a name for it; only once, and not after the end."""
        if self._open and self.name == SHARED_BOX:
            with _making_room():
                self.root.mkdir(exist_ok=True)  # whoever lives there already may have removed everything
                self.name = Path(tempfile.mkdtemp(prefix=SHARED_BOX, dir=self.root)).name

    def remove(self) -> None:
        self._open = False
        if self.name != SHARED_BOX:
            remove(self.path)


class _House:
    """A home and a TMPDIR, below a root that is gone when this is."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.living = 0
        self.end = weakref.finalize(self, _remove_own, root, os.getpid())
        self._marks = {place: _mark(place) for place in (root, *_homes(root))}

    def is_as_made(self) -> bool:
        try:
            untouched = all(_mark(place) == mark for place, mark in self._marks.items())
            there = set(os.listdir(self.root))  # noqa: PTH208 - once for every example
            return untouched and there == _HOUSEHOLD and not any(map(os.listdir, _homes(self.root)))
        except OSError:
            return False


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
    with suppress(OSError, RecursionError):  # it may be deeper than Python goes
        if root.is_symlink() or not root.is_dir():
            root.unlink()
            return
        shutil.rmtree(root, ignore_errors=True)
        for place, _, _ in os.walk(root):
            Path(place).chmod(0o700)
        shutil.rmtree(root, ignore_errors=True)


def _new_root(prefix: str = PREFIX) -> Path:
    with _making_room():
        root = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
        for place in _homes(root):
            place.mkdir()
    return root


@contextmanager
def _making_room() -> Iterator[None]:
    """That there is none says nothing about a component."""
    try:
        yield
    except OSError as error:
        fix = "Make room, or have TMPDIR lead to where there is some"
        raise ConformanceError(f"no directory for an example could be made: {error}", fix=fix) from error


def _homes(root: Path) -> tuple[Path, Path]:
    box = Sandbox(root)
    return box.tmp, box.home


def _mark(place: Path) -> _Mark:
    status = place.lstat()
    return status.st_dev, status.st_ino, status.st_mode


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
