"""While a subject acts in this process, it cannot end or replace it: the attempt becomes an exception, and is kept.

``os._exit`` and ``os.abort`` tell no audit hook, so they are replaced while the guard is up; ``os.exec*`` and signals
to this very process are refused by the hook. A subject that holds a reference of its own to ``os._exit``, or crashes
the interpreter, is met by the first run in a process of its own.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn

from oneiric_conformance.observing.frames import subject_origin
from oneiric_conformance.observing.watch import intercepting

__all__ = ["ProcessExit", "guard"]

_HARMLESS: Final = frozenset({0, signal.SIGALRM, signal.SIGCHLD, signal.SIGWINCH, signal.SIGURG, signal.SIGCONT})
_FOR_PROGRAMS: Final = frozenset({signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2})
"""Signals that end a process, unless somebody in it waits for them; handlers of all others usually end it as well."""

_ENDS: Final = ("_exit", "abort")


class ProcessExit(SystemExit):
    """The process was about to be ended; a SystemExit, so that code which lets exits pass lets this one pass too."""


@contextmanager
def guard() -> Iterator[list[str]]:
    """Refuse every end of this process in the block.

    :returns: a list of the attempts, one line each; it grows while the block runs, so that an attempt whose exception
        was swallowed is known all the same.
    :raises ProcessExit: in the block, at the call that would have ended the process. ``sys.exit`` is an ordinary
        exception and is left to the caller.
    """
    attempts: list[str] = []

    def refuse(call: str) -> NoReturn:
        origin = subject_origin(sys._getframe(1), ())  # noqa: SLF001 - documented; who called is half of the message
        attempts.append(f"{call} at {origin}" if origin else call)
        raise ProcessExit(f"{call} was called, which would have ended the process")

    def judge(event: str, args: tuple[Any, ...]) -> None:
        if event == "os.exec":
            refuse(f"os.exec of {os.fsdecode(args[0])}")
        if _ends_us(event, args):
            refuse(f"{event} with signal {args[1]}")

    former = {name: getattr(os, name) for name in _ENDS}
    for name in _ENDS:
        setattr(os, name, _refusing(f"os.{name}", refuse))
    try:
        with intercepting(judge):
            yield attempts
    finally:
        for name, original in former.items():
            setattr(os, name, original)


def _refusing(name: str, refuse: Callable[[str], NoReturn]) -> Callable[..., NoReturn]:
    guarded = os.getpid()
    original = getattr(os, name.partition(".")[2])

    def ending(*args: Any) -> NoReturn:
        if os.getpid() != guarded:  # a child that was forked meanwhile may end as it likes
            original(*args)
        refuse(f"{name}({', '.join(map(repr, args))})")

    return ending


def _ends_us(event: str, args: tuple[Any, ...]) -> bool:
    target, number = args[:2]
    if number in _HARMLESS or _handled(number):
        return False
    if event == "os.kill":
        return target in {0, -1, os.getpid(), -os.getpgrp()}
    return event == "os.killpg" and target in {0, os.getpgrp()}


def _handled(number: int) -> bool:
    return number in _FOR_PROGRAMS and callable(signal.getsignal(number))
