"""Errors that nobody catches are told to whoever hosts the run, without the frames they came from.

pytest keeps such errors until a test has ended, and their frames keep alive what a check waits for to be gone.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import format_exception
from types import SimpleNamespace
from typing import Any

__all__ = ["told_without_frames"]


@contextmanager
def told_without_frames() -> Iterator[None]:
    """In the block, the host's ``sys.unraisablehook`` and ``threading.excepthook`` get text in the place of frames.

    Python's own hooks write to standard error, keep nothing, and are left alone. A hook that was put in the place of
    ours meanwhile stays, for others to judge.
    """
    of_objects, of_threads = sys.unraisablehook, threading.excepthook

    def unraisable(told: Any) -> None:
        value = _without_frames(told.exc_value)
        rest = {"exc_traceback": None, "err_msg": told.err_msg, "object": told.object}
        of_objects(SimpleNamespace(exc_type=told.exc_type, exc_value=value, **rest))

    def uncaught(told: threading.ExceptHookArgs) -> None:
        value = _without_frames(told.exc_value)
        of_threads(threading.ExceptHookArgs((told.exc_type, value, None, told.thread)))

    if of_objects is not sys.__unraisablehook__:
        sys.unraisablehook = unraisable
    if of_threads is not threading.__excepthook__:
        threading.excepthook = uncaught
    try:
        yield
    finally:
        if sys.unraisablehook is unraisable:
            sys.unraisablehook = of_objects
        if threading.excepthook is uncaught:
            threading.excepthook = of_threads


def _without_frames(error: BaseException | None) -> BaseException | None:
    if error is not None and error.__traceback__ is not None:
        told = "".join(format_exception(error)).rstrip()
        error.__traceback__ = error.__context__ = error.__cause__ = None
        error.add_note(told)
    return error
