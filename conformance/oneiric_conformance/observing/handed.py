"""On whose account a piece of work is that was handed to an executor: on that of who handed it over.

The threads of an executor outlive the work for which they were started, and the next piece may be anybody's. Nothing
tells of work that is handed to a thread which is there already. So the one method through which all of it goes is
replaced when it is first watched, for good, and does nothing but that while nobody watches.
"""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import wraps
from threading import Lock
from types import FrameType
from typing import Any, Final, TypeAlias

from oneiric_conformance.observing.frames import Account

__all__ = ["handed_to", "handing_over"]

Teller: TypeAlias = Callable[[FrameType], Account]
"""Says on whose account it is what a frame's function hands over."""


class _Handed:
    """A piece of work, and on whose account it is, according to each who watched when it was handed over."""

    __slots__ = ("_accounts", "_work")

    def __init__(self, work: Callable[..., Any], accounts: dict[Teller, Account]) -> None:
        self._work = work
        self._accounts = accounts

    def begin_handed(self, *arguments: Any, **named: Any) -> Any:
        return self._work(*arguments, **named)

    def account(self, teller: Teller) -> Account | None:
        """None if that did not watch then."""
        return self._accounts.get(teller)


_tellers: tuple[Teller, ...] = ()
_lock: Final = Lock()
_hand_over: Final = ThreadPoolExecutor.submit


@wraps(_hand_over)  # type: ignore[arg-type] # mypy takes it for one that takes nothing
def _submit(self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
    if _tellers:
        frame = sys._getframe(1)  # noqa: SLF001 - documented, and the only way to see who acts
        fn = _Handed(fn, {teller: teller(frame) for teller in _tellers}).begin_handed
    return _hand_over(self, fn, *args, **kwargs)


@contextmanager
def handing_over(teller: Teller) -> Iterator[None]:
    """Ask ``teller`` about all work that is handed to an executor until the block ends."""
    global _tellers  # noqa: PLW0603 - one method is replaced for the whole process
    with _lock:
        if ThreadPoolExecutor.submit is _hand_over:
            setattr(ThreadPoolExecutor, "submit", _submit)  # noqa: B010 - it has the same signature, which mypy cannot see
        _tellers = (*_tellers, teller)
    try:
        yield
    finally:
        with _lock:
            _tellers = tuple(each for each in _tellers if each is not teller)


def handed_to(frame: FrameType, teller: Teller) -> Account | None:
    """On whose account the work is of which this is the outermost frame in its thread; None if it is of none."""
    if frame.f_code is not _Handed.begin_handed.__code__:
        return None
    handed: _Handed = frame.f_locals["self"]
    return handed.account(teller)
