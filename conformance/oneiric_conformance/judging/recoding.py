"""Hears of functions that are given other code or other defaults, so that nobody has to look at each of them.

To read ``__code__`` is an audit event (PEP 578), and thousands of functions hold tens of thousands of objects; to write
it is one too, and hardly ever happens. What an extension in C writes by itself is not heard of.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from types import FrameType, FunctionType
from typing import Any, Final

from oneiric_core.testing import overhearing

__all__ = ["Recoding"]

_EVENTS: Final = frozenset({"object.__setattr__", "object.__delattr__"})


class Recoding:
    """Of some functions, from now on until it is closed.

    :param functions: whose code and defaults are to stay.
    """

    def __init__(self, functions: Iterable[FunctionType]) -> None:
        def sounded() -> None:
            """Changed each time, to hear whether a change is heard."""

        self._sounded, self._heard = sounded, list[object]()
        self._hearing = ExitStack()
        heard, of_interest = self._heard, frozenset((*functions, sounded))

        def hear(event: str, args: tuple[Any, ...], frame: FrameType) -> None:
            del event, frame
            if args and type(args[0]) is FunctionType and args[0] in of_interest:
                heard.append(args[0])

        self._hearing.enter_context(overhearing(hear, _EVENTS))

    def suspicions(self) -> int:
        """Changes heard of, and one more if nothing can be heard: zero is as good as a look at every function."""
        self._sounded.__defaults__ = None
        deaf = self._sounded not in self._heard
        if not deaf:
            self._heard.remove(self._sounded)
        return len(self._heard) + deaf

    def forget(self, number: int) -> None:
        """The oldest ones, which have been looked into."""
        del self._heard[:number]

    def close(self) -> None:
        """Hear no longer; idempotent."""
        self._hearing.close()
