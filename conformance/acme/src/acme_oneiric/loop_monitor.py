"""Service ``loop-monitor``: how late the event loop is, measured all the while.

A loop that is blocked wakes its sleepers late. The monitor sleeps for a fixed interval, again and again, and keeps by
how much each sleep was too long.
"""

import asyncio
import time
from collections import deque
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from oneiric_core import ServiceMetadata


class LoopMonitorSettings(BaseModel):
    """How often to measure, and how much to remember."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    interval: float = Field(default=0.25, gt=0, le=60, description="seconds between two measurements")
    window: int = Field(default=240, ge=1, le=100_000, description="how many measurements are kept")


class LoopMonitor:
    """Measures from :meth:`start` to :meth:`stop`; what was measured can be asked for until clean-up."""

    metadata = ServiceMetadata(
        key="loop-monitor",
        provider="acme",
        factory="acme_oneiric.loop_monitor:LoopMonitor",
        version="1.4.0",
        description="How late the event loop wakes its sleepers",
        owner="Acme",
        settings_model=LoopMonitorSettings,
    )

    def __init__(self, settings: LoopMonitorSettings | None = None) -> None:
        self._settings = settings or LoopMonitorSettings()
        self._lags: deque[float] = deque(maxlen=self._settings.window)
        self._measuring: asyncio.Task[None] | None = None
        self._open = False

    async def init(self) -> None:
        self._open = True

    async def health(self) -> bool:
        died = self._measuring is not None and self._measuring.done()
        return self._open and not died

    async def cleanup(self) -> None:
        self._open = False
        await self.stop()
        self._lags.clear()

    async def start(self) -> None:
        """Begin to measure; nothing more if it has begun."""
        if not self._open:
            raise RuntimeError("the loop monitor is closed. Await init() first.")
        if self._measuring is None:
            self._measuring = asyncio.create_task(self._measure(), name="acme-loop-monitor")

    async def stop(self) -> None:
        """Measure no more; on return no task is left."""
        measuring, self._measuring = self._measuring, None
        if measuring is not None:
            measuring.cancel()
            await asyncio.wait([measuring])

    async def status(self) -> dict[str, Any]:
        """``running``, ``interval`` in seconds, ``samples``, and ``mean`` and ``worst`` lag in milliseconds."""
        count = len(self._lags)
        return {
            "running": self._measuring is not None and not self._measuring.done(),
            "interval": self._settings.interval,
            "samples": count,
            "mean": round(1000 * sum(self._lags) / count, 3) if count else 0.0,
            "worst": round(1000 * max(self._lags), 3) if count else 0.0,
        }

    async def _measure(self) -> None:
        while True:
            begun = time.monotonic()
            await asyncio.sleep(self._settings.interval)
            self._lags.append(max(0.0, time.monotonic() - begun - self._settings.interval))
