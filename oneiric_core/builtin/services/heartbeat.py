"""Service ``heartbeat``: shows that the event loop of this process turns.

Every interval it touches a file called ``heartbeat``, whose age a supervisor can look at, and it keeps how late
the loop was at worst.
"""

import asyncio
import os
from pathlib import Path
from typing import Any, Final

from pydantic import Field

from oneiric_core.builtin.base import OWNER, Component, Settings
from oneiric_core.clock import SYSTEM_CLOCK, Clock
from oneiric_core.components import ServiceMetadata

__all__ = ["FILE", "Heartbeat", "HeartbeatSettings"]

FILE: Final = "heartbeat"


class HeartbeatSettings(Settings):
    """How often, and where it is seen."""

    interval: float = Field(default=5.0, gt=0, le=3600, allow_inf_nan=False, description="seconds between two beats")
    directory: Path | None = Field(
        default=None, description="an existing directory to touch the file in; none: no file"
    )


class Heartbeat(Component[HeartbeatSettings]):
    """Beats from :meth:`start` to :meth:`stop`. A file that cannot be touched makes it unhealthy."""

    default_settings = HeartbeatSettings
    metadata = ServiceMetadata(
        key="heartbeat",
        provider="file",
        factory="oneiric_core.builtin.services.heartbeat:Heartbeat",
        description="Shows that the event loop turns",
        owner=OWNER,
        settings_model=HeartbeatSettings,
    )

    def __init__(self, settings: HeartbeatSettings | None = None, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(settings)
        self._clock = clock
        self._beating: asyncio.Task[None] | None = None
        self._beats = 0
        self._worst = 0.0

    async def health(self) -> bool:
        died = self._beating is not None and self._beating.done()
        return self._open and not died

    async def cleanup(self) -> None:
        await super().cleanup()
        await self.stop()

    async def start(self) -> None:
        """Begin with a beat; nothing more if it has begun.

        :raises OSError: the file cannot be touched.
        """
        self._refuse_if_closed()
        if self._beating is None:
            await self._beat()
            self._beating = asyncio.create_task(self._go_on(), name="oneiric-heartbeat")

    async def stop(self) -> None:
        """Beat no more; on return no task is left."""
        beating, self._beating = self._beating, None
        if beating is not None:
            beating.cancel()
            await asyncio.wait([beating])

    async def status(self) -> dict[str, Any]:
        """``running``, ``beats``, ``interval`` in seconds, and ``worst``, the greatest delay in milliseconds."""
        return {
            "running": self._beating is not None and not self._beating.done(),
            "beats": self._beats,
            "interval": self._settings.interval,
            "worst": round(1000 * self._worst, 3),
        }

    async def _go_on(self) -> None:
        interval = self._settings.interval
        while True:
            began = self._clock.monotonic()
            await self._clock.sleep(interval)
            self._worst = max(self._worst, self._clock.monotonic() - began - interval)
            await self._beat()

    async def _beat(self) -> None:
        if self._settings.directory is not None:
            await asyncio.to_thread(_touch, self._settings.directory / FILE)
        self._beats += 1


def _touch(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        os.utime(descriptor)
    finally:
        os.close(descriptor)
