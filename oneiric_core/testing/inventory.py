"""What this process holds: tasks, threads, descriptors, children. Compared before and after, it shows what leaked."""

import asyncio
import gc
import os
import threading
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from oneiric_core.clock import SYSTEM_CLOCK

__all__ = ["Inventory", "grown", "growth", "take_inventory"]

_PATIENCE: Final = 0.5
"""Seconds that a thread, process or task which was told to end is given to be gone."""
_GLANCE: Final = 0.01
_WORDS: Final = ("task ", "thread ", "descriptor ", "process ")


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
        return [
            *(f"task {task.get_name()} ({_named(task)})" for task in self.tasks - before.tasks),
            *(f"thread {thread.name}" for thread in self.threads - before.threads),
            *(f"descriptor {number} ({what})" for number, what in sorted(self.descriptors - before.descriptors)),
            *(f"process {number} ({what})" for number, what in sorted(self.children - before.children)),
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
    kinds = zip(fields(Inventory), _WORDS, strict=True)
    more = tuple(word for kind, word in kinds if len(getattr(after, kind.name)) > len(getattr(before, kind.name)))
    return [line for line in after.since(before) if line.startswith(more)]


async def grown(before: Inventory, *, but_threads: tuple[str, ...] = ()) -> list[str]:
    """The same for now, once what is about to end has ended and what is unreachable was collected."""
    deadline = SYSTEM_CLOCK.monotonic() + _PATIENCE
    while more := growth(before, take_inventory(but_threads=but_threads)):
        gc.collect()
        if SYSTEM_CLOCK.monotonic() > deadline:
            return more
        await SYSTEM_CLOCK.sleep(_GLANCE)
    return []
