"""Observation by bypass: what really happened, seen by an audit hook and not by asking the code under test.

What the hook cannot see (a C library that writes by itself, another process) the sandbox finds on the disk.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final, TypeAlias
from weakref import WeakKeyDictionary

from oneiric_conformance.observing.beside import Beside
from oneiric_conformance.observing.frames import Account, account_of, thread_of
from oneiric_conformance.observing.handed import handed_to, handing_over
from oneiric_core.testing import Act, intercepting, listening, possible_places

__all__ = ["Event", "Record", "intercepting", "watching"]


Stamp: TypeAlias = tuple[int, int, int, int] | None
"""Which file it is, how long, and when it was changed; None if there is none."""

_MAKING: Final = frozenset({"mkdir", "write", "rename"})


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was about to happen.

    :param kind: ``write``, ``rename``, ``remove``, ``mkdir``, ``link``, ``attributes``, ``temporary`` (a name drawn by
        :mod:`tempfile`), ``connect``, ``process`` or ``thread``.
    :param target: absolute path with its directories resolved; an address; a command; a thread's target.
    :param origin: where in the subject's code, or by which of its threads or callbacks; empty if not the subject.
    :param exclusive: whether the file was opened so that opening fails if it exists.
    :param possible: where the file may be, if it was opened by a name relative to an unknown directory, and what was
        there before; ``target`` is then the one in the working directory.
    """

    kind: str
    target: str
    origin: str
    exclusive: bool = False
    possible: tuple[tuple[str, Stamp], ...] = ()

    @property
    def places(self) -> list[str]:
        """The target; or, where only a descriptor knows the directory, each possible place that is not as it was."""
        if not self.possible:
            return [self.target]
        return [place for place, former in self.possible if _stamp(place) != former]

    def __str__(self) -> str:
        return f"{self.kind} {self.target} (by {self.origin})" if self.origin else f"{self.kind} {self.target}"


@dataclass(slots=True, eq=False)
class Record:
    """What was seen while watching, in order of occurrence.

    :param beside: who uses the subject and is not it, as an author's exercise does: what it writes is not the
        subject's, nor is what the subject writes where that has made room for it.
    """

    events: list[Event] = field(default_factory=list)
    outside: frozenset[FrameType] = field(default_factory=frozenset, repr=False)
    beside: Beside | None = field(default=None, repr=False)
    _threads: WeakKeyDictionary[object, Account] = field(default_factory=WeakKeyDictionary, repr=False)
    _room: set[str] = field(default_factory=set, repr=False)

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

    def _hear(self, act: Act, frame: FrameType) -> None:
        account = self._account(frame)
        possible = tuple((place, _stamp(place)) for place in possible_places(act)) if act.vague else ()
        if account.beside and act.kind in _MAKING and _stamp(act.target) is None:
            self._room.add(act.target)
        origin = "" if self._has_room(act.target) else account.origin
        self.events.append(Event(act.kind, act.target, origin, act.exclusive, possible))
        if account != Account() and isinstance(act.subject, threading.Thread):
            self._threads[act.subject] = account

    def _has_room(self, path: str) -> bool:
        """Whether somebody beside the subject has made the file, or a directory above it."""
        return bool(self._room) and any(place in self._room for place in (path, *map(str, Path(path).parents)))

    def _account(self, frame: FrameType) -> Account:
        return account_of(frame, self.outside, self.beside, self._begun)

    def _begun(self, frame: FrameType) -> Account | None:
        if (handed := handed_to(frame, self._account)) is not None:
            return _told("work handed to a thread at", handed)
        thread = thread_of(frame)
        started = None if thread is None else self._threads.get(thread)
        return None if started is None else _told("a thread started at", started)


def _told(how: str, account: Account) -> Account:
    return Account(f"{how} {account.origin}") if account.origin else account


def _stamp(path: str) -> Stamp:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


@contextmanager
def watching() -> Iterator[Record]:
    """Record what happens in this process until the block ends.

    The caller's frames are no subject: only what runs inside the block, in its threads or on its loop, is on the
    subject's account.
    """
    record = Record(outside=_frames(sys._getframe(2)))  # noqa: SLF001 - documented; contextlib's frame is skipped
    with listening(record._hear), handing_over(record._account):  # noqa: SLF001 - its own module
        try:
            yield record
        finally:
            record.outside = frozenset()


def _frames(frame: FrameType | None) -> frozenset[FrameType]:
    found = set()
    while frame is not None:
        found.add(frame)
        frame = frame.f_back
    return frozenset(found)
