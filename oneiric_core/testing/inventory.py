"""What this process holds: tasks, threads, descriptors, children. Compared before and after, it shows what leaked."""

import asyncio
import gc
import os
import threading
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from oneiric_core.clock import SYSTEM_CLOCK

__all__ = ["KINDS", "Inventory", "Leftover", "grown", "growth", "outgrown", "take_inventory"]

_PATIENCE: Final = 0.5
"""Seconds that a thread, process or task which was told to end is given to be gone."""
_GLANCE: Final = 0.01
_STREAMS: Final = range(3)
"""The descriptors of the standard streams, which a test runner leads elsewhere now and then."""
KINDS: Final = ("a task", "a thread", "a descriptor", "a process")
"""What each field of an inventory has."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """One thing that was not there before.

    :param kind: one of :data:`KINDS`.
    :param what: the kind and which one, in one line.
    :param subject: the task, the thread, or the number of the descriptor or process.
    """

    kind: str
    what: str
    subject: Any


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was there at one moment.

    :param tasks: tasks of the loop that are not done, but for the one that looks.
    :param threads: threads that run, by their object.
    :param descriptors: open file descriptors and what each one is (``socket:[…]``, a path).
    :param children: processes that this one started and that still exist, zombies among them, and their commands.
    """

    tasks: frozenset["asyncio.Task[Any]"]
    threads: frozenset[threading.Thread]
    descriptors: frozenset[tuple[int, str]]
    children: frozenset[tuple[int, str]]

    def since(self, before: "Inventory") -> list[str]:
        """What is here now and was not before, one line each; empty if nothing was added."""
        return [left.what for left in self.leftovers(before)]

    def leftovers(self, before: "Inventory") -> list[Leftover]:
        """The same with what is meant by each line."""
        tasks = self.tasks - before.tasks
        threads = self.threads - before.threads
        descriptors = sorted(self.descriptors - before.descriptors)
        children = sorted(self.children - before.children)
        return [
            *(Leftover("a task", f"task {task.get_name()} ({_named(task)})", task) for task in tasks),
            *(Leftover("a thread", f"thread {thread.name}", thread) for thread in threads),
            *(Leftover("a descriptor", f"descriptor {number} ({what})", number) for number, what in descriptors),
            *(Leftover("a process", f"process {number} ({what})", number) for number, what in children),
        ]

    def more_than(self, before: "Inventory") -> list[Leftover]:
        """Of the kinds of which there are more; one that took the place of another is no growth."""
        kinds = zip(fields(Inventory), KINDS, strict=True)
        more = {kind for field, kind in kinds if len(getattr(self, field.name)) > len(getattr(before, field.name))}
        redirected = {number for number, _ in before.descriptors if number in _STREAMS}
        return [
            left
            for left in self.leftovers(before)
            if left.kind in more and not (left.kind == "a descriptor" and left.subject in redirected)
        ]


def take_inventory(loop: asyncio.AbstractEventLoop | None = None, *, but_threads: tuple[str, ...] = ()) -> Inventory:
    """Look at this process now.

    :param loop: whose tasks to list; None takes the running one, if there is one.
    :param but_threads: beginnings of the names of threads that are not counted.
    """
    threads = (thread for thread in threading.enumerate() if not thread.name.startswith(but_threads))
    return Inventory(_tasks(loop), frozenset(threads), _descriptors(), _children())


def _tasks(loop: asyncio.AbstractEventLoop | None) -> frozenset["asyncio.Task[Any]"]:
    if loop is None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return frozenset()
    return frozenset(asyncio.all_tasks(loop) - {asyncio.current_task(loop)})


def _named(task: "asyncio.Task[Any]") -> str:
    return str(getattr(task.get_coro(), "__qualname__", "a coroutine"))


def _descriptors() -> frozenset[tuple[int, str]]:
    found = set()
    for number in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208 - names, not paths, are wanted
        try:
            found.add((number, os.readlink(f"/proc/self/fd/{number}")))  # noqa: PTH115 - the text, not a path
        except FileNotFoundError:
            continue  # the descriptor of the listing itself
    return frozenset(found)


def _children() -> frozenset[tuple[int, str]]:
    """From the process table: the kernel's own list of children is not built in everywhere."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)  # waits for nobody and reaps nobody
    except ChildProcessError:
        return frozenset()  # there is none, which is the usual case and spares reading the table
    me, found = os.getpid(), set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended while we looked
        command, _, rest = stat.partition("(")[2].rpartition(")")
        if int(rest.split()[1]) == me:
            found.add((int(entry.name), command))
    return frozenset(found)


def growth(before: Inventory, after: Inventory) -> list[str]:
    """What there is more of, one line each; a thread or descriptor that took the place of another is no growth."""
    return [left.what for left in after.more_than(before)]


async def grown(before: Inventory, *, but_threads: tuple[str, ...] = ()) -> list[str]:
    """The same for now, once what is about to end has ended and what is unreachable was collected."""
    return [left.what for left in await outgrown(before, but_threads=but_threads)]


async def outgrown(before: Inventory, *, but_threads: tuple[str, ...] = ()) -> list[Leftover]:
    """The same with what is meant by each line."""
    deadline = SYSTEM_CLOCK.monotonic() + _PATIENCE
    while more := take_inventory(but_threads=but_threads).more_than(before):
        gc.collect()
        if SYSTEM_CLOCK.monotonic() > deadline:
            return more
        await SYSTEM_CLOCK.sleep(_GLANCE)
    return []
