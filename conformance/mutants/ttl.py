"""Stores in which time passes otherwise."""

import math
import time
from typing import Any

from mutants import mutant, reference


@mutant("TTL-001", expects="after set(…, ttl=0.25), get answered 'soon gone'")
class NeverForgets(reference.TimedCache):
    """Keeps every value for good."""

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        await super().set(key, value)


@mutant("TTL-001", expects="at once after set")
class CutsToWholeSeconds(reference.TimedCache):
    """Cuts a time to whole seconds."""

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        await super().set(key, value, None if ttl is None else int(ttl))


@mutant("TTL-001", expects="after set(…, ttl=0.25), get answered 'soon gone'")
class RoundsUpToWholeSeconds(reference.TimedCache):
    """Rounds a time up to whole seconds."""

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        await super().set(key, value, None if ttl is None else math.ceil(ttl))


@mutant("TTL-001", expects="with a long ttl is None")
class TakesMillisecondsForSeconds(reference.TimedCache):
    """Takes a long time for milliseconds."""

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        await super().set(key, value, ttl / 1000 if ttl is not None and ttl > 1 else ttl)


@mutant("TTL-001", expects="set again without a ttl is None")
class KeepsTheOldTime(reference.TimedCache):
    """A value that is set again without a time inherits that of the one before."""

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        ends = self._values.get(key, (None, math.inf))[1]
        await super().set(key, value, ttl if ttl is not None or ends == math.inf else ends - time.monotonic())


@mutant("TTL-001", expects="raised TypeError", also={"META-009": "it claims what it has no argument for"})
class TakesNoTime(reference.TimedCache):
    """Claims ``ttl`` and does not take it."""

    async def set(self, key: str, value: Any) -> None:  # type: ignore[override]  # which is what is wrong
        await super().set(key, value)
