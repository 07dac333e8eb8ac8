"""Adapter ``cache/memory``: values in this process, each for a limited time, the least recently used giving way."""

import copy
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from oneiric_core.builtin.base import OWNER, Component, Settings
from oneiric_core.clock import SYSTEM_CLOCK, Clock
from oneiric_core.components import AdapterMetadata

__all__ = ["MemoryCache", "MemoryCacheSettings", "lifetime", "refuse_unkeepable"]


class MemoryCacheSettings(Settings):
    """How long values live, and how many there may be."""

    default_ttl: float | None = Field(default=None, gt=0, allow_inf_nan=False, description="seconds; none: no limit")
    max_entries: int = Field(default=10_000, ge=1, description="how many values are kept")


@dataclass(frozen=True, slots=True)
class _Entry:
    value: Any
    expires_at: float | None


class MemoryCache(Component[MemoryCacheSettings]):
    """Values are copied on the way in and on the way out, so that nobody changes what another one reads."""

    default_settings = MemoryCacheSettings
    metadata = AdapterMetadata(
        category="cache",
        provider="memory",
        factory="oneiric_core.builtin.adapters.cache_memory:MemoryCache",
        description="Values in memory with a time to live, least recently used first out",
        capabilities=["kv", "ttl"],
        owner=OWNER,
        settings_model=MemoryCacheSettings,
    )

    def __init__(self, settings: MemoryCacheSettings | None = None, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(settings)
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    async def cleanup(self) -> None:
        await super().cleanup()
        self._entries.clear()

    async def get(self, key: str) -> Any:
        """The value, or None if there is none (any more)."""
        self._refuse_if_closed()
        entry = self._live(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return copy.deepcopy(entry.value)

    async def set(self, key: str, value: Any, *, ttl: float | None = None) -> None:
        """Keep the value for ``ttl`` seconds, or as long as the settings say.

        :raises ValueError: the key is no text, the value is None, or ``ttl`` is not above 0.
        """
        self._refuse_if_closed()
        refuse_unkeepable(key, value)
        seconds = lifetime(ttl, self._settings.default_ttl)
        expires_at = None if seconds is None else self._clock.monotonic() + seconds
        self._entries[key] = _Entry(copy.deepcopy(value), expires_at)
        self._entries.move_to_end(key)
        while len(self._entries) > self._settings.max_entries:
            self._entries.popitem(last=False)

    async def delete(self, key: str) -> bool:
        """Forget the value; whether there was one."""
        self._refuse_if_closed()
        found = self._live(key) is not None
        self._entries.pop(key, None)
        return found

    async def clear(self) -> None:
        """Forget all values."""
        self._refuse_if_closed()
        self._entries.clear()

    def _live(self, key: str) -> _Entry | None:
        entry = self._entries.get(key)
        if entry is not None and entry.expires_at is not None and self._clock.monotonic() >= entry.expires_at:
            del self._entries[key]
            return None
        return entry


def refuse_unkeepable(key: object, value: object) -> None:
    """:raises ValueError: the key is no text, or the value is None, which could not be told from no value."""
    if not isinstance(key, str):
        raise ValueError(f"the key {key!r} is no text. Pass a string.")  # noqa: TRY004 - bad input is one kind of error
    if value is None:
        raise ValueError(f"None cannot be kept under {key!r}: it means that there is no value. Use delete().")


def lifetime(ttl: object, default: float | None) -> float | None:
    """Seconds a value lives; None for ever.

    :raises ValueError: ``ttl`` is not above 0 or not finite.
    """
    if ttl is None:
        return default
    if isinstance(ttl, bool) or not isinstance(ttl, int | float) or not 0 < ttl < float("inf"):
        raise ValueError(f"ttl is {ttl!r}. Pass seconds above 0, or leave it out.")
    return ttl
