"""What this process is about to do, heard from an audit hook (PEP 578) and not by asking the code that does it.

An audit hook can never be removed, so there is one for the whole process; it is installed when first needed and does
nothing but look at empty tuples while nobody listens. What it cannot see is what a C library writes by itself, and
what another process does.
"""

import _thread
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final, TypeAlias

__all__ = ["THREADS", "Act", "Interceptor", "Listener", "intercepting", "listening", "overhearing", "possible_places"]


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that is about to happen.

    :param kind: ``write``, ``rename``, ``remove``, ``mkdir``, ``link``, ``attributes``, ``temporary`` (a name drawn by
        :mod:`tempfile`), ``connect``, ``process`` or ``thread``.
    :param target: absolute path with its directories resolved; an address; a command; a thread's name.
    :param exclusive: whether the file is opened so that opening fails if it exists.
    :param vague: the name, where it is relative and may be meant below a directory that only a descriptor knows: the
        hook is not told of ``dir_fd`` when a file is opened. ``target`` is then the one below the working directory.
    :param subject: what it is about, where there is more to it: the thread that is started; the arguments of a process
        that is, and its working directory (None for the same).
    """

    kind: str
    target: str
    exclusive: bool = False
    vague: str = ""
    subject: object = None


Listener: TypeAlias = Callable[[Act, FrameType], None]
"""Told of each act, with the frame of the code that called for it."""
Interceptor: TypeAlias = Callable[[str, tuple[Any, ...]], None]
Eavesdropper: TypeAlias = Callable[[str, tuple[Any, ...], FrameType], None]
"""Told of each event, with its arguments and the frame of the code that caused it."""

THREADS: Final = ("_thread.start_new_thread", "_thread.start_joinable_thread")
"""The events that tell of the start of a thread, one of which each version has."""
_WRITTEN: Final = frozenset("wax+")
"""The same in a mode: C code that has the interpreter open a stream tells of no flags."""
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell ``listener`` of what happens in this process, in all its threads, until the block ends."""
    _install()
    _change(add=listener, to="_listeners")
    try:
        yield
    finally:
        _change(remove=listener, to="_listeners")


@contextmanager
def intercepting(interceptor: Interceptor) -> Iterator[None]:
    """Let ``interceptor(event, args)`` see every act that would end or replace this process; it may raise to refuse."""
    _install()
    _change(add=interceptor, to="_interceptors")
    try:
        yield
    finally:
        _change(remove=interceptor, to="_interceptors")


@contextmanager
def overhearing(eavesdropper: Eavesdropper, events: frozenset[str]) -> Iterator[None]:
    """Tell ``eavesdropper`` of these events as Python tells of them: for what is no act, or must cost next to nothing.

    It must not raise, and nothing that it does may cause one of these events.
    """
    _install()
    entry = (events, eavesdropper)
    _change(add=entry, to="_eavesdroppers")
    try:
        yield
    finally:
        _change(remove=entry, to="_eavesdroppers")


def possible_places(act: Act) -> Iterator[str]:
    """Where it may lie; a vague act means the working directory, or any directory that is open."""
    yield act.target
    open_now = os.listdir("/proc/self/fd") if act.vague and os.path.isdir("/proc/self/fd") else ()
    for number in open_now:
        with suppress(OSError):
            place = os.readlink(f"/proc/self/fd/{number}")
            if os.path.isdir(place):
                yield os.path.normpath(os.path.join(place, act.vague))


_Seen: TypeAlias = "list[Act]"


def _open(args: tuple[Any, ...]) -> _Seen:
    path, mode, flags = args
    written = flags & _WRITING or (isinstance(mode, str) and not _WRITTEN.isdisjoint(mode))
    if isinstance(path, int) or not written:
        return []
    target = _resolved(path, follow=not flags & getattr(os, "O_NOFOLLOW", 0))  # such an open ends at a link
    if os.path.isdir(target):
        return []  # tempfile opens "its directory" through an opener that reports the real name itself
    name = os.fsdecode(path)
    vague = "" if mode is not None or os.path.isabs(name) else name
    return [Act("write", target, bool(flags & os.O_EXCL), vague)]


def _sqlite(args: tuple[Any, ...]) -> _Seen:
    name = os.fsdecode(args[0])
    if name in {"", ":memory:"} or (name.startswith("file:") and ("mode=memory" in name or ":memory:" in name)):
        return []
    return [Act("write", _resolved(name.removeprefix("file:").partition("?")[0]))]


def _paths(*acts: tuple[str, int, int | None]) -> Callable[[tuple[Any, ...]], _Seen]:
    """Acts on names: kind, position of the path, position of its directory's descriptor."""

    def seen(args: tuple[Any, ...]) -> _Seen:
        return [
            Act(kind, _resolved(args[at], args[fd] if fd is not None else -1, follow=kind in _FOLLOWING))
            for kind, at, fd in acts
            if not isinstance(args[at], int)
        ]

    return seen


_FOLLOWING: Final = {"write", "attributes"}


def _resolved(path: Any, directory: int = -1, *, follow: bool = True) -> str:
    name = os.fsdecode(path)
    if not os.path.isabs(name):
        name = os.path.join(os.getcwd() if directory < 0 else f"/proc/self/fd/{directory}", name)
    if follow:
        return os.path.realpath(name)
    parent, last = os.path.split(name.rstrip(os.sep))
    return os.path.join(os.path.realpath(parent), last)


def _bind(args: tuple[Any, ...]) -> _Seen:
    """A socket with a name makes it on the disk; one of Linux's abstract names, which begin with NUL, does not."""
    name = args[1]
    if not isinstance(name, str | bytes | os.PathLike) or os.fsencode(name)[:1] in {b"", b"\0"}:
        return []
    return [Act("write", _resolved(name, follow=False))]


def _sent(args: tuple[Any, ...]) -> _Seen:
    """A message that names no address goes to where the socket was connected, of which was told then."""
    return [] if args[1] is None else [Act("connect", _shown(args[1]))]


def _text(kind: str, *at: int) -> Callable[[tuple[Any, ...]], _Seen]:
    return lambda args: [Act(kind, " ".join(_shown(args[index]) for index in at))]


def _shown(value: Any) -> str:
    if isinstance(value, str | bytes | os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, list | tuple):
        return " ".join(_shown(item) for item in value)
    return type(value).__name__ if hasattr(value, "__dict__") else str(value)


def _started(args: tuple[Any, ...]) -> _Seen:
    thread = getattr(args[0], "__self__", None)
    if isinstance(thread, threading.Thread):
        return [Act("thread", thread.name, subject=thread)]
    return [Act("thread", "a bare thread")]


def _bare(kind: str, target: str) -> Callable[[tuple[Any, ...]], _Seen]:
    return lambda args: [Act(kind, target)]  # noqa: ARG005 - the shape is shared


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
    "os.removexattr": _paths(("attributes", 0, None)),
    "socket.bind": _bind,
    "tempfile.mkstemp": _paths(("temporary", 0, None)),
    "tempfile.mkdtemp": _paths(("temporary", 0, None)),
    "socket.connect": _text("connect", 1),
    "socket.sendto": _text("connect", 1),
    "socket.sendmsg": _sent,
    "socket.getaddrinfo": _text("connect", 0, 1),
    "socket.gethostbyname": _text("connect", 0),
    "subprocess.Popen": lambda args: [Act("process", _shown(args[1]), subject=(args[1], args[2]))],
    "os.system": lambda args: [Act("process", _shown(args[0]), subject=(args[0], None))],
    "os.posix_spawn": lambda args: [Act("process", _shown(args[1]), subject=(args[1], None))],
    "os.fork": _bare("process", "a fork"),
    "os.forkpty": _bare("process", "a fork"),
    **dict.fromkeys(THREADS, _started),
}
_ENDING: Final = {"os.exec", "os.kill", "os.killpg", "signal.pthread_kill"}

_listeners: tuple[Listener, ...] = ()
_interceptors: tuple[Interceptor, ...] = ()
_eavesdroppers: tuple[tuple[frozenset[str], Eavesdropper], ...] = ()
_lock: Final = threading.Lock()
_installed = threading.Event()


def _change(*, to: str, add: object = None, remove: object = None) -> None:
    """Whole tuples are exchanged, so that the hook, in any thread, never sees one that is half changed."""
    with _lock:
        kept = tuple(each for each in globals()[to] if each is not remove)
        globals()[to] = kept if add is None else (*kept, add)


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
    if not _listeners and not _interceptors and not _eavesdroppers:
        return
    for wanted, eavesdropper in _eavesdroppers:
        if event in wanted:
            eavesdropper(event, args, sys._getframe(1))  # noqa: SLF001 - as below
    if event in _SEEN:
        if not _listeners:
            return
        frame = sys._getframe(1)  # noqa: SLF001 - documented, and the only way to see who acts
        for act in _SEEN[event](args):
            for listener in _listeners:
                listener(act, frame)
    elif event in _ENDING:
        for interceptor in _interceptors:
            interceptor(event, args)


_hook.__cantrace__ = True  # type: ignore[attr-defined] # or coverage and debuggers could not see into it
