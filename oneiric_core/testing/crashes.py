"""A process that dies in the middle of what it does, at a place that a test chooses."""

import os
import warnings
from collections.abc import Callable, Collection
from types import FrameType
from typing import Final

from oneiric_core.errors import MisuseError, ViolationError
from oneiric_core.testing.audit import Act, listening

__all__ = ["killed_before"]

_KILLED: Final = 137
"""What a shell says of who was killed."""


def killed_before(action: Callable[[], object], number: int, kinds: Collection[str]) -> str | None:
    """Do ``action`` in a fork of this process, which is gone at once before the given act of these kinds.

    As after SIGKILL nothing is flushed, closed or cleaned up; ``os._exit`` does the same from within.

    :param number: from 1.
    :returns: that act; None if the action ended before there were so many.
    :raises ViolationError: if the action raises.
    """
    if number < 1:
        raise MisuseError(f"there is no act {number}", fix="Count from 1", number=number)
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child does this one thing and never returns
        child = os.fork()
    if child == 0:
        _die(action, number, kinds, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read().decode("utf-8", "replace")
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) == _KILLED:
        return told
    if told or status:
        raise ViolationError(
            f"the action that was to be killed failed by itself: {told or f'status {status}'}",
            fix="Let it end without an error when nobody kills it",
        )
    return None


def _die(action: Callable[[], object], number: int, kinds: Collection[str], pipe: int) -> None:
    """In the child: never returns."""
    left = number

    def hear(act: Act, frame: FrameType) -> None:
        nonlocal left
        del frame
        if act.kind in kinds:
            left -= 1
            if left == 0:
                os.write(pipe, f"{act.kind} {act.vague or act.target}".encode())
                os._exit(_KILLED)

    status = 1
    try:
        with listening(hear):
            action()
        status = 0
    except BaseException as error:  # noqa: BLE001 - told to the parent, which raises it
        os.write(pipe, f"{type(error).__name__}: {error}".encode())
    finally:
        os._exit(status)
