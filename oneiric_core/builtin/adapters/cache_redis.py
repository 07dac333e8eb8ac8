"""Adapter ``cache/redis``: values in a Redis server, as JSON, below a prefix. Needs the extra ``redis``."""

import json
import math
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field, SecretStr

from oneiric_core.builtin.adapters.cache_memory import lifetime, refuse_unkeepable
from oneiric_core.builtin.base import OWNER, Component, Settings
from oneiric_core.components import AdapterMetadata

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["RedisCache", "RedisCacheSettings"]

_AT_ONCE: Final = 500
_SPECIAL: Final = str.maketrans({char: f"\\{char}" for char in "*?[]\\^-"})


class RedisCacheSettings(Settings):
    """Which server, and what of it is ours."""

    url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        description="redis://, rediss:// or unix://, with user and password where they are needed",
    )
    prefix: str = Field(default="oneiric:", min_length=1, description="begins each key; clear() forgets just these")
    default_ttl: float | None = Field(default=None, gt=0, allow_inf_nan=False, description="seconds; none: no limit")
    timeout: float = Field(default=5.0, gt=0, le=300, description="seconds to wait for the server")


class RedisCache(Component[RedisCacheSettings]):
    """What one process sets, the others get. A value comes back as the JSON data it was."""

    default_settings = RedisCacheSettings
    metadata = AdapterMetadata(
        category="cache",
        provider="redis",
        factory="oneiric_core.builtin.adapters.cache_redis:RedisCache",
        description="Values in a Redis server, shared between processes",
        capabilities=["kv", "ttl"],
        owner=OWNER,
        requires_secrets=True,
        settings_model=RedisCacheSettings,
    )

    def __init__(self, settings: RedisCacheSettings | None = None) -> None:
        super().__init__(settings)
        self._client: Redis | None = None

    async def init(self) -> None:
        """Connect.

        :raises RuntimeError: the extra is not installed. What the server answers comes through as redis's own errors.
        """
        try:
            from redis.asyncio import Redis  # noqa: PLC0415 - an extra
        except ModuleNotFoundError as error:
            raise RuntimeError("cache/redis needs redis. Install it with: pip install 'oneiric-core[redis]'") from error
        seconds = self._settings.timeout
        self._client = Redis.from_url(
            self._settings.url.get_secret_value(), socket_timeout=seconds, socket_connect_timeout=seconds
        )
        await self._client.ping()
        await super().init()

    async def health(self) -> bool:
        return self._open and self._client is not None and bool(await self._client.ping())

    async def cleanup(self) -> None:
        await super().cleanup()
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def get(self, key: str) -> Any:
        """The value, or None if there is none (any more)."""
        content = await self._server.get(self._name(key))
        return None if content is None else json.loads(content)

    async def set(self, key: str, value: Any, *, ttl: float | None = None) -> None:
        """Keep the value for ``ttl`` seconds, to the millisecond, or as long as the settings say.

        :raises ValueError: the key is no text, the value is None or no JSON data, or ``ttl`` is not above 0.
        """
        refuse_unkeepable(key, value)
        seconds = lifetime(ttl, self._settings.default_ttl)
        try:
            content = json.dumps(value, allow_nan=False, separators=(",", ":"))
        except (TypeError, RecursionError) as error:
            raise ValueError(f"the value under {key!r} is no JSON data: {error}. Pass plain data.") from error
        milliseconds = None if seconds is None else max(1, math.ceil(seconds * 1000))
        await self._server.set(self._name(key), content, px=milliseconds)

    async def delete(self, key: str) -> bool:
        """Forget the value; whether there was one."""
        return bool(await self._server.unlink(self._name(key)))

    async def clear(self) -> None:
        """Forget all values below the prefix; others' keys stay."""
        server = self._server
        pattern = self._settings.prefix.translate(_SPECIAL) + "*"
        names = [name async for name in server.scan_iter(match=pattern, count=_AT_ONCE)]
        for start in range(0, len(names), _AT_ONCE):
            await server.unlink(*names[start : start + _AT_ONCE])

    @property
    def _server(self) -> "Redis":
        self._refuse_if_closed()
        if self._client is None:
            raise RuntimeError("RedisCache has no connection. Await init() first.")
        return self._client

    def _name(self, key: str) -> bytes:
        refuse_unkeepable(key, key)
        return (self._settings.prefix + key).encode("utf-8", "surrogatepass")
