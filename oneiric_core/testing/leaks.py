"""What is known of something that was left behind: where it is now, where it was begun, and what to do about it."""

import asyncio
import os
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from oneiric_core.testing.inventory import KINDS, Leftover
from oneiric_core.testing.origins import Origins
from oneiric_core.testing.stacks import awaited_in, stack_of

__all__ = ["Leak", "examine", "told_at_length"]

_WHERE: Final = "in cleanup(), or in the test that began it"
_FIXES: Final = (
    f"Cancel it and await it {_WHERE}",
    f"Tell it to end and join() it {_WHERE}",
    f"Close it {_WHERE}",
    f"End it and wait() for it {_WHERE}",
)
_MOST: Final = 10
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that was left behind.

    :param what: ``task``, ``thread``, ``descriptor`` or ``process``, and which one.
    :param where: where it is now, if it runs code of this process: ``file:line in function``, innermost first.
    :param begun: where it was begun, in the same way; empty if nobody knows.
    :param fix: what to do, as one sentence.
    """

    what: str
    where: tuple[str, ...]
    begun: tuple[str, ...]
    fix: str

    def __str__(self) -> str:
        parts = ((self.where, "is at"), (self.begun, "was begun at"))
        lines = [f"  {told}\n{_indented(stack)}" for stack, told in parts if stack]
        return "\n".join([self.what, *lines, f"  {self.fix}."])


def examine(left: Leftover, origins: Origins) -> Leak:
    """Find out what can be known of it; ask soon, for it goes on."""
    look, fix = _LOOKS[left.kind]
    what, where, begun = look(left, origins)
    if look is _task and not begun:
        fix += "; with PYTHONASYNCIODEBUG=1 it is told where it was begun"
    return Leak(what, where, begun, fix)


def told_at_length(leaks: Sequence[Leak]) -> str:
    """All in one line, and then each with what is known of it; of very many only the first."""
    lines = ["; ".join(leak.what for leak in leaks[:_MOST]), *(_indented([str(leak)]) for leak in leaks[:_MOST])]
    if len(leaks) > _MOST:
        lines.append(f"  and {len(leaks) - _MOST} more")
    return "\n".join(lines) + "\n"


_Known = tuple[str, tuple[str, ...], tuple[str, ...]]


def _task(left: Leftover, _: Origins) -> _Known:
    task: asyncio.Task[Any] = left.subject
    made = getattr(task, "_source_traceback", None) or ()  # in asyncio's debug mode
    begun = tuple(f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in reversed(made))
    return left.what, awaited_in(task.get_coro()), begun


def _thread(left: Leftover, origins: Origins) -> _Known:
    thread: threading.Thread = left.subject
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - documented
    return left.what, stack_of(frame), origins.of_thread(thread)


def _descriptor(left: Leftover, origins: Origins) -> _Known:
    number: int = left.subject
    with suppress(OSError):  # no socket, or closed meanwhile
        return f"{left.what}, {_ends(number)}", (), origins.of_socket(number)
    path = ""
    with suppress(OSError):
        path = str(Path(f"/proc/self/fd/{number}").readlink())
    return left.what, (), origins.of_file(path)


def _ends(descriptor: int) -> str:
    """The addresses of a socket."""
    with socket.socket(fileno=os.dup(descriptor)) as copy:
        ends = [f"{copy.family.name} {copy.getsockname()!r}"]
        with suppress(OSError):  # not connected
            ends.append(f"to {copy.getpeername()!r}")
    return " ".join(ends)


def _process(left: Leftover, origins: Origins) -> _Known:
    command = _command(left.subject)
    told = f"process {left.subject} ({' '.join(command):.{_LONGEST}})" if command else left.what
    return told, (), origins.of_process(command, _command("self")) if command else ()


def _command(process: int | str) -> tuple[str, ...]:
    """Its arguments; none of a zombie."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return ()
    return tuple(os.fsdecode(word) for word in words.removesuffix(b"\0").split(b"\0")) if words else ()


_LOOKS: Final = dict(zip(KINDS, zip((_task, _thread, _descriptor, _process), _FIXES, strict=True), strict=True))


def _indented(texts: Sequence[str]) -> str:
    return "\n".join(f"    {line}" for text in texts for line in text.splitlines())
