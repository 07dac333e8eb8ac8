"""Stores in which time passes otherwise."""

import asyncio
import math
import time
from typing import Any

from mutants import mutant, reference


@mutant("TTL-001", expects="after set('brief', …, ttl=0.25), get answered 'soon gone'")
class NeverForgets(reference.TimedCache):
    """Keeps every value for good."""

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        await super().set(key, value)


@mutant("TTL-001", expects="at once after set")
class CutsToWholeSeconds(reference.TimedCache):
    """Cuts a time to whole seconds."""

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        await super().set(key, value, None if ttl is None else int(ttl))


@mutant("TTL-001", expects="after set('brief', …, ttl=0.25), get answered 'soon gone'")
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


class _Again(reference.TimedCache):
    """Chooses when a value ends that is set again with a time."""

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        before = self._values.get(key)
        await super().set(key, value, ttl)
        if before is not None and ttl is not None:
            self._values[key] = value, self.ends(before[1], self._values[key][1])

    def ends(self, before: float, after: float) -> float:
        raise NotImplementedError


@mutant("TTL-001", expects="set again with a long ttl is None")
class ShortensOnly(_Again):
    """Of two times that a key was set with, the one that ends first counts."""

    def ends(self, before: float, after: float) -> float:
        return min(before, after)


@mutant("TTL-001", expects="after set('shortened', …, ttl=0.25), get answered 'set again with a short ttl'")
class ProlongsOnly(_Again):
    """Of two times that a key was set with, the one that ends later counts."""

    def ends(self, before: float, after: float) -> float:
        return after if before == math.inf else max(before, after)


@mutant("TTL-001", expects="after set('limited', …, ttl=0.25), get answered")
class KeepsWhatHadNoTime(_Again):
    """What was once set without a time stays, with whatever time it is set again."""

    def ends(self, before: float, after: float) -> float:
        return max(before, after) if before == math.inf else after


@mutant("TTL-001", expects="after set('read', …, ttl=0.25), get answered 'read until it is gone'")
class StartsAnewWithEachGet(reference.TimedCache):
    """Lets a value live as long again whenever it is read."""

    def __init__(self, settings: reference.CacheSettings) -> None:
        super().__init__(settings)
        self._times: dict[str, float | None] = {}

    async def get(self, key: str) -> Any:
        found = await super().get(key)
        if found is not None:
            await super().set(key, found, self._times.get(key))
        return found

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        self._times[key] = ttl
        await super().set(key, value, ttl)

    async def cleanup(self) -> None:
        self._times.clear()
        await super().cleanup()


@mutant("TTL-001", expects="deleted and set again without a ttl is None")
class LetsTheTimerGoOn(reference.TimedCache):
    """Has a timer for each value, and stops it when the key is set again, but not when it is deleted."""

    def __init__(self, settings: reference.CacheSettings) -> None:
        super().__init__(settings)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._all: list[asyncio.TimerHandle] = []

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        if key in self._timers:
            self._timers.pop(key).cancel()
        await super().set(key, value)
        if ttl is not None:
            self._timers[key] = asyncio.get_running_loop().call_later(ttl, self._values.pop, key, None)
            self._all.append(self._timers[key])

    async def delete(self, key: str) -> bool:
        self._timers.pop(key, None)
        return await super().delete(key)

    async def cleanup(self) -> None:
        for timer in self._all:
            timer.cancel()
        self._timers.clear()
        self._all.clear()
        await super().cleanup()


@mutant("TTL-001", expects="cleared and set again without a ttl is None")
class LetsAllTimersGoOn(LetsTheTimerGoOn):
    """Has a timer for each value, stops it when the key is set again or deleted, and drops all when it is cleared."""

    async def delete(self, key: str) -> bool:
        if key in self._timers:
            self._timers.pop(key).cancel()
        return await super().delete(key)

    async def clear(self) -> None:
        self._timers.clear()
        await super().clear()


@mutant("TTL-001", expects="cleared and set again without a ttl is None")
class ClearsNoTimes(reference.TimedCache):
    """Keeps times apart from values, and forgets the values alone when it is cleared."""

    def __init__(self, settings: reference.CacheSettings) -> None:
        super().__init__(settings)
        self._ends: dict[str, float] = {}

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        if key in self._values:
            self._ends.pop(key, None)
        await super().set(key, value)
        if ttl is not None:
            self._ends[key] = time.monotonic() + ttl

    async def get(self, key: str) -> Any:
        return None if self._ends.get(key, math.inf) <= time.monotonic() else await super().get(key)

    async def delete(self, key: str) -> bool:
        self._ends.pop(key, None)
        return await super().delete(key)

    async def cleanup(self) -> None:
        self._ends.clear()
        await super().cleanup()


@mutant("TTL-001", expects="raised TypeError", also={"META-009": "it claims what it has no argument for"})
class TakesNoTime(reference.TimedCache):
    """Claims ``ttl`` and does not take it."""

    async def set(self, key: str, value: Any) -> None:  # type: ignore[override]  # which is what is wrong
        await super().set(key, value)
