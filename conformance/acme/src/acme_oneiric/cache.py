"""Adapter ``cache``: values in memory, each for a limited time, the least recently used one giving way."""

import copy
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from oneiric_core import AdapterMetadata


class CacheSettings(BaseModel):
    """How long values live, and how many there may be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    default_ttl: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="seconds a value lives if set() does not say; none: no limit",
    )
    max_entries: int = Field(default=10_000, ge=1, description="how many values are kept")


@dataclass(frozen=True, slots=True)
class _Entry:
    value: Any
    expires_at: float | None


class MemoryCache:
    """A cache within one process.

    Values are copied on the way in and on the way out, so that no caller can change what another one reads.

    :param timer: seconds from some fixed point, never going back; tests pass their own.
    """

    metadata = AdapterMetadata(
        category="cache",
        provider="acme",
        factory="acme_oneiric.cache:MemoryCache",
        version="1.4.0",
        description="Values in memory with a time to live, least recently used first out",
        capabilities=["kv", "ttl"],
        owner="Acme",
        settings_model=CacheSettings,
    )

    def __init__(self, settings: CacheSettings | None = None, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings or CacheSettings()
        self._timer = timer
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._open = False

    async def init(self) -> None:
        self._open = True

    async def health(self) -> bool:
        return self._open

    async def cleanup(self) -> None:
        self._open = False
        self._entries.clear()

    async def get(self, key: str) -> Any:
        """The value, or None if there is none (any more)."""
        self._refuse_unless_usable(key)
        entry = self._live(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return copy.deepcopy(entry.value)

    async def set(self, key: str, value: Any, *, ttl: float | None = None) -> None:
        """Keep the value for ``ttl`` seconds, or as long as the settings say.

        :raises ValueError: the value is None, which could not be told from no value; or ``ttl`` is not above 0.
        """
        self._refuse_unless_usable(key)
        if value is None:
            raise ValueError(f"None cannot be kept under {key!r}: it means that there is no value. Use delete().")
        lifetime = self._settings.default_ttl if ttl is None else _seconds(ttl)
        expires_at = None if lifetime is None else self._timer() + lifetime
        self._entries[key] = _Entry(copy.deepcopy(value), expires_at)
        self._entries.move_to_end(key)
        while len(self._entries) > self._settings.max_entries:
            self._entries.popitem(last=False)

    async def delete(self, key: str) -> bool:
        """Forget the value; whether there was one."""
        self._refuse_unless_usable(key)
        found = self._live(key) is not None
        self._entries.pop(key, None)
        return found

    async def clear(self) -> None:
        """Forget all values."""
        self._entries.clear()

    def _live(self, key: str) -> _Entry | None:
        entry = self._entries.get(key)
        if entry is not None and entry.expires_at is not None and self._timer() >= entry.expires_at:
            del self._entries[key]
            return None
        return entry

    def _refuse_unless_usable(self, key: object) -> None:
        if not self._open:
            raise RuntimeError("the cache is closed. Await init() first.")
        if not isinstance(key, str):
            raise ValueError(f"the key {key!r} is not a string.")  # noqa: TRY004 - bad input is one kind of error here


def _seconds(ttl: object) -> float:
    if isinstance(ttl, int | float) and ttl > 0:  # false for NaN, too
        return ttl
    raise ValueError(f"ttl is {ttl!r}. Pass seconds above 0, or leave it out.")
