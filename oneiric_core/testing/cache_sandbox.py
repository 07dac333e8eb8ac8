"""A cache directory under guard: what writes elsewhere fails the test, with the path and the stack."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final, Self

from oneiric_core.errors import MisuseError, ViolationError
from oneiric_core.remote.artifacts import ArtifactManager
from oneiric_core.testing.audit import Act, listening, overhearing, possible_places
from oneiric_core.testing.choosing import refuse_unless
from oneiric_core.testing.code_owners import Owner, acting, owner
from oneiric_core.testing.crashes import killed_before
from oneiric_core.testing.forks import Forks
from oneiric_core.testing.lookout import Lookout, places_of
from oneiric_core.testing.stacks import stack_of

__all__ = ["ON_DISK", "CacheSandbox", "Trespass"]

ON_DISK: Final = frozenset({"write", "rename", "remove", "mkdir", "link", "attributes"})
"""The kinds of acts that change something on a disk."""

_DEVICES: Final = ("/dev/", "/proc/")
_BYTECODE: Final = "__pycache__"
_FORKED: Final = "a fork of this one"
_MEMORY: Final = "/dev/shm/"  # noqa: S108 - a disk after all, and compared with only


@dataclass(frozen=True, slots=True)
class Trespass:
    """Something that happened outside of the cache.

    :param kind: ``write``, ``rename`` (to the path), ``remove``, ``mkdir``, ``link`` or ``attributes``.
    :param stack: ``file:line in function``, innermost first; of who started it if another process did it.
    :param by: the command of that process, empty if it was this one.
    """

    kind: str
    path: str
    stack: tuple[str, ...]
    by: str = ""

    def __str__(self) -> str:
        lines = [f"{self.kind} {self.path}{f' (by a process: {self.by})' if self.by else ''}"]
        return "\n    ".join([*lines, *self.stack])


class CacheSandbox:
    """A directory for a cache, and a watch over everything else while the block lasts.

    It is in a directory of its own, both with mode 0700, and both are removed at the end. Whose thread writes does not
    matter. Not judged: what pytest and its plugins write themselves, bytecode, and devices.

    It sees what Python is told of by an audit hook (PEP 578): opening for writing, renaming, removing, making
    directories, links, changing attributes, opening an SQLite database; in this process and in its forks. Of a program
    that is started here it looks at the working directory and at paths in the arguments, before and when it is checked.
    It cannot see what a C library writes without the interpreter, nor what a program writes elsewhere or later; see
    :meth:`watch`.

    :param allow: further paths at and below which writing is fine.
    """

    def __init__(self, *, allow: Iterable[Path | str] = ()) -> None:
        refuse_unless(not isinstance(allow, str | bytes | os.PathLike), "allow", allow, fix="Pass a list: allow=[path]")
        self._allowed = _real(allow)
        self._root: Path | None = None
        self._watching = ExitStack()
        self._lookout = Lookout()
        self._forks = Forks()
        self._seen: list[Trespass] = []
        self._pauses = 0
        self._over = False
        self._told: set[Trespass] = set()

    # --- coming and going ------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        if self._root is not None:
            raise MisuseError("the cache sandbox was entered before", fix="Make another one")
        self._root = Path(os.path.realpath(tempfile.mkdtemp(prefix="oneiric-cache-")))
        self.path.mkdir(mode=0o700)
        self._allowed.append(str(self.path))
        self._lookout.remember(str(self._root), ())
        self._forks.open()
        self._watching.enter_context(listening(self._hear))
        self._watching.enter_context(overhearing(self._hear_exec, frozenset({"os.exec"})))
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.check()
        finally:
            self._watching.close()
            _remove(self.root)
            self._over = True
            self._forks.close()

    @property
    def root(self) -> Path:
        """The directory around the cache; nothing may be written in it."""
        return self._refuse_outside()

    def _refuse_outside(self) -> Path:
        if self._root is None:
            raise MisuseError("the cache sandbox was not entered", fix="Use it in a with block")
        if self._over:
            raise MisuseError("the cache sandbox is no more", fix="Use it in the block, or the test, it belongs to")
        return self._root

    @property
    def path(self) -> Path:
        """The cache directory."""
        return self.root / "cache"

    # --- what was seen ---------------------------------------------------------------------------------------------

    @property
    def trespasses(self) -> tuple[Trespass, ...]:
        """What happened outside so far, each path once: how it was first touched."""
        self._hear_of_forks()
        first: dict[str, Trespass] = {}
        for each in (*self._seen, *self._found_later()):
            first.setdefault(each.path, each)
        return tuple(first.values())

    def check(self) -> None:
        """Look whether nothing was written outside.

        :raises ViolationError: if something was that was not told of before.
        :raises MisuseError: outside of its block, as all that follows.
        """
        self._refuse_outside()
        fresh = tuple(each for each in self.trespasses if each not in self._told)
        if fresh:
            self._told.update(fresh)
            told = "\n  ".join(str(each) for each in fresh)
            raise ViolationError(
                f"outside of the cache {self.path}:\n  {told}\n",
                fix="Keep to the cache; say allow(path) of what the test itself writes elsewhere",
                trespasses=fresh,
            )

    def allow(self, *paths: Path | str) -> None:
        """Writing at and below these is fine, from the beginning."""
        if self._root is not None:
            self._refuse_outside()
        self._allowed += _real(paths)
        self._seen = [each for each in self._seen if not self._may_write(each.path)]

    @contextmanager
    def unguarded(self) -> Iterator[None]:
        """Nothing is judged in this block; for what a test arranges."""
        self._refuse_outside()
        self._pauses += 1
        try:
            yield
        finally:
            self._pauses -= 1
            self._hear_of_forks()
            self._lookout.refresh()

    def watch(self, *directories: Path | str) -> None:
        """Remember what is in these, not below them, and find at the end what is different, whoever did it."""
        self._refuse_outside()
        for directory in _real(directories):
            self._lookout.remember(directory, ())

    # --- what a cache may meet -------------------------------------------------------------------------------------

    def plant_file(self, name: str, content: bytes = b"planted", *, mode: int = 0o600) -> Path:
        """A file in the cache, with any permissions; directories above it are made."""
        fix = "Pass bytes; encode() a text"
        refuse_unless(isinstance(content, bytes), "the content of a file", content, fix=fix)
        path = self._place(name)
        path.write_bytes(content)
        path.chmod(mode)
        return path

    def plant_directory(self, name: str, *, mode: int = 0o700) -> Path:
        """A directory in the cache, with any permissions; an empty name is the cache itself."""
        path = self._place(name)
        path.mkdir(exist_ok=True)
        path.chmod(mode)
        return path

    def plant_link(self, name: str, target: Path | str) -> Path:
        """A symbolic link in the cache, to anything."""
        path = self._place(name)
        path.symlink_to(target)
        return path

    def plant_fifo(self, name: str) -> Path:
        """A FIFO in the cache: whoever opens it without care waits for ever."""
        path = self._place(name)
        os.mkfifo(path, 0o600)
        return path

    def _place(self, name: str) -> Path:
        refuse_unless(isinstance(name, str | os.PathLike), "a name in the cache", name, fix="Pass it as text")
        path = Path(os.path.normpath(self.path / name))
        if not path.is_relative_to(self.path):
            raise MisuseError(f"{name!r} is not in the cache", fix="Name something below it", name=name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    # --- stopping it in the middle ---------------------------------------------------------------------------------

    def manager(self, **options: Any) -> ArtifactManager:
        """A manager on the cache that knows nothing of those before it, as after a restart."""
        return ArtifactManager(self.path, **options)

    def kill(self, action: Callable[[Path], object], *, before: int) -> str | None:
        """Do ``action(path)`` in a forked process that is killed before it changes something on the disk.

        :param before: before which act, from 1.
        :returns: the act that was not to be; None if the action ended before there were so many.
        :raises ViolationError: if the action raises.
        """
        return killed_before(lambda: action(self.path), before, ON_DISK)

    def crashes(self, action: Callable[[Path], object]) -> Iterator[str]:
        """Kill ``action(path)`` at each place in turn, on an empty cache each time; yields what it was about to do."""
        at = 1
        while (act := self._crash(action, at)) is not None:
            yield act
            at += 1

    def _crash(self, action: Callable[[Path], object], at: int) -> str | None:
        _remove(self.path)
        self.path.mkdir(mode=0o700)
        return self.kill(action, before=at)

    # --- listening -------------------------------------------------------------------------------------------------

    def _hear(self, act: Act, frame: FrameType) -> None:
        if self._pauses or (act.kind not in ON_DISK and act.kind != "process") or _is_machinery(frame):
            return
        if act.kind == "process":
            command, directory = act.subject if isinstance(act.subject, tuple) else ((), None)
            self._look_at(places_of(command, directory), f"{act.target:.200}", frame)
        elif act.vague:
            self._look_at((place for place in possible_places(act) if not self._may_write(place)), "", frame)
        elif not self._may_write(act.target) and not (act.kind == "mkdir" and Path(act.target).is_dir()):
            if self._forks.in_one:
                self._forks.tell({"kind": act.kind, "path": act.target, "stack": stack_of(frame)})
            else:
                self._seen.append(Trespass(act.kind, act.target, stack_of(frame)))

    def _hear_exec(self, _: str, args: tuple[Any, ...], frame: FrameType) -> None:
        """A fork, as a rule, that becomes another program."""
        if not self._pauses and not _is_machinery(frame):
            self._look_at(places_of(args[1], None), " ".join(map(os.fsdecode, args[1]))[:200], frame)

    def _look_at(self, places: Iterable[str], by: str, frame: FrameType) -> None:
        lookout = Lookout() if self._forks.in_one else self._lookout
        reason = (by, stack_of(frame))
        for place in places:
            lookout.remember(place, reason)
        if self._forks.in_one:
            self._forks.tell({"look": lookout.exported(), "by": by or _FORKED, "stack": reason[1]})

    def _hear_of_forks(self) -> None:
        for report in self._forks.heard():
            stack = tuple(report["stack"])
            if "look" in report:
                self._lookout.add(report["look"], (report["by"], stack))
            elif not self._may_write(report["path"]):
                self._seen.append(Trespass(report["kind"], report["path"], stack, _FORKED))

    def _found_later(self) -> Iterator[Trespass]:
        for path, what, reason in self._lookout.changes():
            if not self._may_write(path):
                by, stack = reason or ("", ())
                yield Trespass("remove" if what == "is gone" else "write", path, stack, by)

    def _may_write(self, path: str) -> bool:
        if path.startswith(_DEVICES) and not path.startswith(_MEMORY):
            return True
        return _is_bytecode(path) or any(path == place or path.startswith(place + os.sep) for place in self._allowed)


def _is_machinery(frame: FrameType) -> bool:
    actor = acting(frame)
    return actor is not None and owner(actor.f_code.co_filename) is Owner.MACHINERY


def _is_bytecode(path: str) -> bool:
    """Whether it is one of the files, or directories, that an import leaves behind."""
    above, name = os.path.split(path)
    if sys.pycache_prefix is not None and Path(path).is_relative_to(os.path.realpath(sys.pycache_prefix)):
        return True
    return name == _BYTECODE or (".pyc" in name and above.endswith(os.sep + _BYTECODE))


def _real(paths: Iterable[Path | str]) -> list[str]:
    several = list(paths)
    for path in several:
        refuse_unless(isinstance(path, str | os.PathLike), "a path", path, fix="Pass a Path, or a text")
    return [os.path.realpath(path) for path in several]


def _remove(place: Path) -> None:
    """Also where permissions were taken away."""
    shutil.rmtree(place, ignore_errors=True)
    if place.exists():
        for folder, _, _ in os.walk(place):
            Path(folder).chmod(0o700)
        shutil.rmtree(place)
