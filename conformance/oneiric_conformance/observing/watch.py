"""Observation by bypass: what really happened, seen by an audit hook and not by asking the code under test.

An audit hook can never be removed, so there is one for the whole process; it is installed when first needed and does
nothing but look at one empty tuple while nobody watches. What it cannot see (a C library that writes by itself, another
process) the sandbox finds on the disk.
"""

import _thread
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

from oneiric_conformance.observing.frames import subject_origin, thread_of

__all__ = ["Event", "Record", "intercepting", "watching"]

Interceptor: TypeAlias = Callable[[str, tuple[Any, ...]], None]

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was about to happen.

    :param kind: ``write``, ``rename``, ``remove``, ``mkdir``, ``link``, ``attributes``, ``temporary`` (a name drawn by
        :mod:`tempfile`), ``connect``, ``process`` or ``thread``.
    :param target: absolute path with its directories resolved; an address; a command; a thread's target.
    :param origin: where in the subject's code, or by which of its threads or callbacks; empty if not the subject.
    :param exclusive: whether the file was opened so that opening fails if it exists.
    """

    kind: str
    target: str
    origin: str
    exclusive: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.target} (by {self.origin})" if self.origin else f"{self.kind} {self.target}"


@dataclass(slots=True, eq=False)
class Record:
    """What was seen while watching, in order of occurrence."""

    events: list[Event] = field(default_factory=list)
    outside: frozenset[FrameType] = field(default_factory=frozenset, repr=False)
    _threads: WeakKeyDictionary[object, str] = field(default_factory=WeakKeyDictionary, repr=False)

    def of(self, *kinds: str) -> list[Event]:
        """The events of these kinds."""
        return [event for event in self.events if event.kind in kinds]

    @property
    def by_subject(self) -> list[Event]:
        """The events for which the subject is to answer."""
        return [event for event in self.events if event.origin]

    @property
    def writes(self) -> list[Event]:
        return self.of("write")

    @property
    def renames(self) -> list[Event]:
        return self.of("rename")

    @property
    def removes(self) -> list[Event]:
        return self.of("remove")

    @property
    def mkdirs(self) -> list[Event]:
        return self.of("mkdir")

    @property
    def connects(self) -> list[Event]:
        return self.of("connect")

    @property
    def processes(self) -> list[Event]:
        return self.of("process")

    @property
    def threads(self) -> list[Event]:
        return self.of("thread")

    def _note(self, event: str, args: tuple[Any, ...], frame: FrameType | None) -> None:
        seen = _SEEN[event](args)
        if not seen:
            return
        origin = self._origin(frame)
        for kind, target, exclusive in seen:
            self.events.append(Event(kind, target, origin, exclusive))
        thread = getattr(args[0], "__self__", None) if seen[0][0] == "thread" else None
        if origin and isinstance(thread, threading.Thread):
            self._threads[thread] = origin

    def _origin(self, frame: FrameType | None) -> str:
        origin = subject_origin(frame, self.outside)
        if origin or frame is None or not self._threads:
            return origin
        thread = thread_of(frame)
        started = "" if thread is None else self._threads.get(thread, "")
        return f"a thread started at {started}" if started else ""


@contextmanager
def watching() -> Iterator[Record]:
    """Record what happens in this process until the block ends.

    The caller's frames are no subject: only what runs inside the block, in its threads or on its loop, is on the
    subject's account.
    """
    _install()
    record = Record(outside=_frames(sys._getframe(2)))  # noqa: SLF001 - documented; contextlib's frame is skipped
    _change(add=record)
    try:
        yield record
    finally:
        _change(remove=record)
        record.outside = frozenset()


@contextmanager
def intercepting(interceptor: Interceptor) -> Iterator[None]:
    """Let ``interceptor(event, args)`` see every act that would end or replace this process; it may raise to refuse."""
    _install()
    _change(add=interceptor)
    try:
        yield
    finally:
        _change(remove=interceptor)


def _frames(frame: FrameType | None) -> frozenset[FrameType]:
    found = set()
    while frame is not None:
        found.add(frame)
        frame = frame.f_back
    return frozenset(found)


_Seen: TypeAlias = "list[tuple[str, str, bool]]"


def _open(args: tuple[Any, ...]) -> _Seen:
    path, _, flags = args
    if isinstance(path, int) or not flags & _WRITING:
        return []
    target = _resolved(path)
    # tempfile opens "its directory" through an opener that reports the real name itself
    return [] if Path(target).is_dir() else [("write", target, bool(flags & os.O_EXCL))]


def _sqlite(args: tuple[Any, ...]) -> _Seen:
    name = os.fsdecode(args[0])
    if name in {"", ":memory:"} or (name.startswith("file:") and ("mode=memory" in name or ":memory:" in name)):
        return []
    return [("write", _resolved(name.removeprefix("file:").partition("?")[0]), False)]


def _paths(*acts: tuple[str, int, int | None]) -> Callable[[tuple[Any, ...]], _Seen]:
    """Acts on names: kind, position of the path, position of its directory's descriptor."""

    def seen(args: tuple[Any, ...]) -> _Seen:
        return [
            (kind, _resolved(args[at], args[fd] if fd is not None else -1, follow=kind in _FOLLOWING), False)
            for kind, at, fd in acts
            if not isinstance(args[at], int)
        ]

    return seen


_FOLLOWING: Final = {"write", "attributes"}


def _resolved(path: Any, directory: int = -1, *, follow: bool = True) -> str:
    name = os.fsdecode(path)
    base = Path.cwd() if directory < 0 else Path(f"/proc/self/fd/{directory}")
    full = base / name
    return os.path.realpath(full) if follow else f"{os.path.realpath(full.parent)}{os.sep}{full.name}"


def _text(kind: str, *at: int) -> Callable[[tuple[Any, ...]], _Seen]:
    return lambda args: [(kind, " ".join(_shown(args[index]) for index in at), False)]


def _shown(value: Any) -> str:
    if isinstance(value, str | bytes | os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, list | tuple):
        return " ".join(_shown(item) for item in value)
    return type(value).__name__ if hasattr(value, "__dict__") else str(value)


def _started(args: tuple[Any, ...]) -> _Seen:
    thread = getattr(args[0], "__self__", None)
    return [("thread", thread.name if isinstance(thread, threading.Thread) else "a bare thread", False)]


def _bare(kind: str, target: str) -> Callable[[tuple[Any, ...]], _Seen]:
    return lambda args: [(kind, target, False)]  # noqa: ARG005 - the shape is shared


_SEEN: Final[dict[str, Callable[[tuple[Any, ...]], _Seen]]] = {
    "open": _open,
    "sqlite3.connect": _sqlite,
    "os.truncate": _paths(("write", 0, None)),
    "os.rename": _paths(("rename", 1, 3), ("remove", 0, 2)),
    "os.remove": _paths(("remove", 0, 1)),
    "os.rmdir": _paths(("remove", 0, 1)),
    "os.mkdir": _paths(("mkdir", 0, 2)),
    "os.link": _paths(("link", 1, 3)),
    "os.symlink": _paths(("link", 1, 2)),
    "os.chmod": _paths(("attributes", 0, 2)),
    "os.chown": _paths(("attributes", 0, 3)),
    "os.utime": _paths(("attributes", 0, 3)),
    "os.setxattr": _paths(("attributes", 0, None)),
    "tempfile.mkstemp": _paths(("temporary", 0, None)),
    "tempfile.mkdtemp": _paths(("temporary", 0, None)),
    "socket.connect": _text("connect", 1),
    "socket.sendto": _text("connect", 1),
    "socket.getaddrinfo": _text("connect", 0, 1),
    "socket.gethostbyname": _text("connect", 0),
    "subprocess.Popen": _text("process", 1),
    "os.system": _text("process", 0),
    "os.posix_spawn": _text("process", 0),
    "os.fork": _bare("process", "a fork"),
    "os.forkpty": _bare("process", "a fork"),
    "_thread.start_new_thread": _started,
    "_thread.start_joinable_thread": _started,
}
_ENDING: Final = {"os.exec", "os.kill", "os.killpg", "signal.pthread_kill"}

_records: tuple[Record, ...] = ()
_interceptors: tuple[Interceptor, ...] = ()
_lock: Final = threading.Lock()
_installed = threading.Event()


def _change(*, add: "Record | Interceptor | None" = None, remove: "Record | Interceptor | None" = None) -> None:
    global _records, _interceptors  # noqa: PLW0603 - one hook for the process, hence one list for the process
    with _lock:
        if isinstance(add or remove, Record):
            _records = _without(_records, remove) + ((add,) if add else ())
        else:
            _interceptors = _without(_interceptors, remove) + ((add,) if add else ())


def _without(items: tuple[Any, ...], gone: object) -> tuple[Any, ...]:
    return tuple(item for item in items if item is not gone)


def _install() -> None:
    with _lock:
        if not _installed.is_set():
            sys.addaudithook(_hook)
            if sys.version_info < (3, 12):
                _announce_threads()
            _installed.set()


def _announce_threads() -> None:
    """Python 3.11 starts threads without telling audit hooks; later versions tell them just this."""
    start = _thread.start_new_thread

    def start_new_thread(function: Callable[..., object], *args: Any) -> int:
        sys.audit("_thread.start_new_thread", function, *args)
        return start(function, *args)

    _thread.start_new_thread = start_new_thread
    threading._start_new_thread = start_new_thread  # type: ignore[attr-defined] # noqa: SLF001 - its own copy of it


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not _records and not _interceptors:
        return
    if event in _SEEN:
        frame = sys._getframe(1)  # noqa: SLF001 - documented, and the only way to see who acts
        for record in _records:
            record._note(event, args, frame)  # noqa: SLF001 - its own module
    elif event in _ENDING:
        for interceptor in _interceptors:
            interceptor(event, args)


_hook.__cantrace__ = True  # type: ignore[attr-defined] # or coverage and debuggers could not see into it
