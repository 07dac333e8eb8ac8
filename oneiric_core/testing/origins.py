"""Where things were begun: threads, sockets, files and processes, as an audit hook was told of them."""

import asyncio
import os
import socket
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final, TypeAlias

from oneiric_core.testing.audit import THREADS, overhearing
from oneiric_core.testing.code_owners import is_own
from oneiric_core.testing.stacks import Place, awaited_in, lines_of, places_on

__all__ = ["SOCKETS", "Origins"]

SOCKETS: Final = frozenset({"socket.__new__"})

_PROCESSES: Final = frozenset({"subprocess.Popen", "os.posix_spawn", "os.fork", "os.forkpty"})
_ALL: Final = frozenset({*THREADS, *SOCKETS, *_PROCESSES, "open"})
_MOST: Final = 4_096
"""Of each kind the latest that are remembered: who opens more files meanwhile is told of fewer of them."""

_CLOSED: Final = -1
_PATIENCE: Final = 1.0
"""Seconds that a loop is given to say what waits on it."""

_Stack: TypeAlias = tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class _Made:
    """A socket, with who made it and on which loop."""

    socket: weakref.ref[socket.socket]
    stack: _Stack
    loop: weakref.ref[asyncio.AbstractEventLoop] | None

    @property
    def number(self) -> int:
        made = self.socket()
        return _CLOSED if made is None else made.fileno()

    @property
    def port(self) -> int | None:
        made = self.socket()
        with suppress(OSError):  # closed, or not bound yet
            name = None if made is None else made.getsockname()
            return int(name[1]) if isinstance(name, tuple) else None
        return None


class Origins:
    """Remembers, from :meth:`listen` to :meth:`close`, which code began what. Costs microseconds each time.

    :param events: of which acts; all that are understood unless given.
    """

    def __init__(self, events: frozenset[str] = _ALL) -> None:
        self._events: Final = events
        self._listening: Final = ExitStack()
        self._threads: weakref.WeakKeyDictionary[threading.Thread, _Stack] = weakref.WeakKeyDictionary()
        self._sockets: deque[_Made] = deque(maxlen=_MOST)
        self._files: deque[tuple[str, _Stack]] = deque(maxlen=_MOST)
        self._processes: deque[tuple[tuple[str, ...], _Stack]] = deque(maxlen=_MOST)

    def listen(self) -> None:
        self._listening.enter_context(overhearing(self._hear, self._events))

    def close(self) -> None:
        """Listen no longer; what was heard is kept. Idempotent."""
        self._listening.close()

    def _hear(self, event: str, args: tuple[Any, ...], frame: FrameType) -> None:
        if event == "open":
            if not isinstance(args[0], int):
                self._files.append((os.fsdecode(args[0]), places_on(frame)))
        elif event in SOCKETS:
            loop = asyncio._get_running_loop()  # noqa: SLF001 - documented for such uses; the other one may raise
            on = None if loop is None else weakref.ref(loop)
            self._sockets.append(_Made(weakref.ref(args[0]), places_on(frame), on))
        elif event in THREADS:
            thread = getattr(args[0], "__self__", None)
            if isinstance(thread, threading.Thread):
                self._threads[thread] = places_on(frame)
        else:
            self._processes.append((_words(args[1]) if len(args) > 1 else (), places_on(frame)))

    # --- what was heard, as lines, innermost first; empty of what nobody heard of --------------------------------

    def of_thread(self, thread: threading.Thread) -> tuple[str, ...]:
        return lines_of(self._threads.get(thread, ()))

    def of_file(self, path: str) -> tuple[str, ...]:
        """Who last opened it, under any of its names."""
        return next((lines_of(stack) for name, stack in reversed(self._files) if _same(name, path)), ())

    def of_socket(self, descriptor: int) -> tuple[str, ...]:
        return next((lines_of(made.stack) for made in self._living() if made.number == descriptor), ())

    def of_connection(self, port: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Who made the socket that has this port on this machine; and if that was on a loop of asyncio, where the
        coroutines wait that are on it now, as far as they are somebody's own.
        """
        for made in self._living():
            if made.port == port:
                loop = None if made.loop is None else made.loop()
                return lines_of(made.stack), () if loop is None else _waiting_on(loop)
        return (), ()

    def _living(self) -> Iterator[_Made]:
        """The latest first."""
        return (made for made in reversed(tuple(self._sockets)) if made.number != _CLOSED)

    def of_process(self, command: tuple[str, ...], mine: tuple[str, ...]) -> tuple[str, ...]:
        """Who started the last one with this command; a fork has the command of this process, ``mine``."""
        wanted = () if command == mine else command
        return next((lines_of(stack) for words, stack in reversed(self._processes) if words == wanted), ())


def _words(command: Any) -> tuple[str, ...]:
    several = command if isinstance(command, list | tuple) else [command]
    return tuple(os.fsdecode(word) for word in several)


def _same(name: str, path: str) -> bool:
    return name == path or (os.path.basename(name) == os.path.basename(path) and os.path.realpath(name) == path)  # noqa: PTH119 - as texts


def _waiting_on(loop: asyncio.AbstractEventLoop) -> tuple[str, ...]:
    """Asked on the loop itself, between two steps: a coroutine that runs does not tell what it awaits."""
    answer: Future[tuple[str, ...]] = Future()
    with suppress(RuntimeError, TimeoutError):  # it was closed, or something blocks it
        loop.call_soon_threadsafe(lambda: answer.set_result(_own_stacks(loop)))
        return answer.result(timeout=_PATIENCE)
    return ()


def _own_stacks(loop: asyncio.AbstractEventLoop) -> tuple[str, ...]:
    stacks = [awaited_in(task.get_coro()) for task in asyncio.all_tasks(loop)]
    own = [stack for stack in stacks if any(is_own(line.rpartition(":")[0]) for line in stack)]
    return tuple(line for stack in own for line in stack)
