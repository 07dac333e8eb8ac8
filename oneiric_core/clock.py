"""The only place that reads the time.

Everything that waits, expires or measures is given a :class:`Clock`. Applications use :data:`SYSTEM_CLOCK`; tests use a
:class:`FrozenClock`, which stands still until it is told to advance, so that no test ever sleeps.
"""

import asyncio
import heapq
import itertools
import math
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from oneiric_core.errors import MisuseError

__all__ = ["SYSTEM_CLOCK", "Clock", "FrozenClock", "SystemClock"]


class Clock(Protocol):
    """What a part of the runtime may know of time. Durations are seconds."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""

    def monotonic(self) -> float:
        """Seconds since some fixed point; never goes back."""

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[asyncio.Timeout]:
        """Cancel the body after ``seconds`` and raise :class:`TimeoutError`; None never fires.

        ``expired()`` of what it gives tells this error from one of the body's own.
        """


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float | None) -> asyncio.Timeout:
        return asyncio.timeout(seconds)


SYSTEM_CLOCK: Final = SystemClock()


class FrozenClock:
    """Time that moves only when told to; for tests.

    :param start: the first value of :meth:`now`; must carry a time zone.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        if getattr(start, "tzinfo", None) is None:
            fix = "Pass an aware datetime, for example with tzinfo=UTC"
            raise MisuseError(f"start has no time zone: {start!r}", fix=fix, start=start)
        self._start = start.astimezone(UTC)
        self._elapsed = 0.0
        self._alarms: list[tuple[float, int, asyncio.Timeout | asyncio.Future[None]]] = []
        self._ticket = itertools.count()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        alarm = asyncio.get_running_loop().create_future()
        self._set(seconds, alarm)
        await alarm

    @asynccontextmanager
    async def timeout(self, seconds: float | None) -> AsyncIterator[asyncio.Timeout]:
        async with asyncio.timeout(None) as inner:
            if seconds is not None:
                self._set(seconds, inner)
            try:
                yield inner
            finally:
                self._alarms = [entry for entry in self._alarms if entry[2] is not inner]
                heapq.heapify(self._alarms)

    async def advance(self, seconds: float, *, settle: int = 50) -> None:
        """Move time on, waking sleepers and firing timeouts in the order in which they are due.

        :param seconds: how far, from 0.
        :param settle: how often the loop may turn after each alarm, so that what woke up can act (and set new alarms
            that are themselves due) before time moves on.
        :raises MisuseError: back, or by no number.
        """
        if not _is_ahead(seconds):
            fix = "Pass seconds, from 0: time only moves forward"
            raise MisuseError(f"cannot advance by {seconds!r}", fix=fix, seconds=seconds)
        target = self._elapsed + seconds
        await self._turn(settle)
        while self._alarms and self._alarms[0][0] <= target:
            due, _, alarm = heapq.heappop(self._alarms)
            self._elapsed = max(self._elapsed, due)
            _ring(alarm)
            await self._turn(settle)
        self._elapsed = target

    def _set(self, seconds: float, alarm: "asyncio.Timeout | asyncio.Future[None]") -> None:
        heapq.heappush(self._alarms, (self._elapsed + seconds, next(self._ticket), alarm))

    async def _turn(self, times: int) -> None:
        for _ in range(times):
            await asyncio.sleep(0)


def _is_ahead(seconds: object) -> bool:
    return isinstance(seconds, int | float) and 0 <= seconds < math.inf


def _ring(alarm: "asyncio.Timeout | asyncio.Future[None]") -> None:
    if isinstance(alarm, asyncio.Future):
        if not alarm.done():
            alarm.set_result(None)
    else:
        alarm.reschedule(asyncio.get_running_loop().time())
