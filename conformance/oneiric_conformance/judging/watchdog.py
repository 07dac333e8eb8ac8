"""An end to what does not end by itself: blocking code that no event loop can cancel."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

__all__ = ["TimeIsUp", "watchdog"]

_AGAIN: Final = 5.0
_SLACK: Final = 5.0


class TimeIsUp(SystemExit):
    """Raised wherever the main thread happens to be.

    Derived from SystemExit because an event loop lets nothing else out.
    """


@contextmanager
def watchdog(seconds: float) -> Iterator[None]:
    """Raise :class:`TimeIsUp` in the block soon after ``seconds``, and again while it goes on.

    Works in the main thread, where signals arrive; elsewhere only the event loop's own limits hold. The host's alarm
    and its handler are put back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def bark(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        raise TimeIsUp(f"did not end within {seconds:g} s")

    former_handler = signal.signal(signal.SIGALRM, bark)
    former_delay, former_interval = signal.setitimer(signal.ITIMER_REAL, seconds + _SLACK, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former_handler)
        if former_delay:
            signal.setitimer(signal.ITIMER_REAL, former_delay, former_interval)
