"""Noticing that an event loop is held up."""

import asyncio
from pathlib import Path
from typing import Final, Self

__all__ = ["Pulse"]

_BEAT: Final = 0.01
_SCHEDULED: Final = Path("/proc/thread-self/schedstat")


class Pulse:
    """Beats a hundred times a second on the running loop while the block lasts.

    :ivar longest: seconds of the longest silence beyond what is between two beats anyway, without the time for which
        the machine had others to run.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self._loop = asyncio.get_running_loop()
        self._last = self._late = 0.0
        self._next: asyncio.Handle | None = None

    def __enter__(self) -> Self:
        self._last, self._late = self._moment()
        self._next = self._loop.call_later(_BEAT, self._beat)
        return self

    def __exit__(self, *raised: object) -> None:
        if self._next is not None:
            self._next.cancel()
        self._listen()

    def _beat(self) -> None:
        self._listen()
        self._next = self._loop.call_later(_BEAT, self._beat)

    def _listen(self) -> None:
        now, late = self._moment()
        self.longest = max(self.longest, now - self._last - (late - self._late) - _BEAT)
        self._last, self._late = now, late

    def _moment(self) -> tuple[float, float]:
        """The time, and how long this thread has been kept waiting until then."""
        late = _kept_waiting()
        while True:
            now, again = self._loop.time(), _kept_waiting()
            if again == late:
                return now, late
            late = again  # others ran in between, so that the time may be of before or after it


def _kept_waiting() -> float:
    """Seconds for which this thread could have run and did not (proc(5), schedstat); 0 where nobody counts them."""
    try:
        return int(_SCHEDULED.read_bytes().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0
