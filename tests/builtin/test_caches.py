"""Both caches keep one contract; each has something of its own."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import redis.exceptions
from pydantic import SecretStr
from redis.asyncio import Redis

from oneiric_core.builtin.adapters.cache_memory import MemoryCache, MemoryCacheSettings
from oneiric_core.builtin.adapters.cache_redis import RedisCache, RedisCacheSettings
from oneiric_core.clock import FrozenClock

Open = Callable[..., Awaitable[Any]]
BY_A_SERVER = pytest.mark.long
"""What needs a redis-server, which `make test` cannot install; `make test-servers` runs it, and CI does."""
VALUES = ["text", 0, 1.5, True, [], {"a": [None, {"b": "ключ"}]}]


@pytest.fixture(params=["memory", pytest.param("redis", marks=BY_A_SERVER)])
async def cache(request: pytest.FixtureRequest, opened: Open) -> Any:
    if request.param == "memory":
        return await opened(MemoryCache)
    url = request.getfixturevalue("redis_url")
    made = await opened(RedisCache, settings=RedisCacheSettings(url=url, prefix=f"{request.node.name}:"))
    await made.clear()
    return made


@pytest.mark.parametrize("value", VALUES, ids=repr)
async def test_a_value_comes_back_with_its_type(cache: Any, value: Any) -> None:
    await cache.set("key", value)
    found = await cache.get("key")
    assert (found, type(found)) == (value, type(value))


async def test_keys_are_any_text(cache: Any) -> None:
    keys = ["", "a", "A", "a b", "*", "[a]", "\n", "ключ", "\ud800", "k" * 1000]
    for number, key in enumerate(keys):
        await cache.set(key, number)
    assert [await cache.get(key) for key in keys] == [*range(len(keys))]


async def test_what_is_deleted_or_cleared_is_gone(cache: Any) -> None:
    await cache.set("a", 1)
    await cache.set("b", 2)
    assert await cache.delete("a") is True
    assert await cache.delete("a") is False
    await cache.clear()
    assert await cache.get("b") is None


async def test_what_was_set_does_not_change_with_what_the_caller_holds(cache: Any) -> None:
    mine = {"list": [1]}
    await cache.set("key", mine)
    mine["list"].append(2)
    (await cache.get("key"))["list"].append(3)
    assert await cache.get("key") == {"list": [1]}


@pytest.mark.parametrize(
    ("key", "value", "ttl", "told"),
    [
        (1, "v", None, "no text"),
        ("k", None, None, "None cannot be kept"),
        ("k", "v", 0, "above 0"),
        ("k", "v", -1, "above 0"),
        ("k", "v", float("nan"), "above 0"),
        ("k", "v", float("inf"), "above 0"),
        ("k", "v", True, "above 0"),
        ("k", "v", "1", "above 0"),
    ],
)
async def test_what_cannot_be_kept_is_refused(cache: Any, key: Any, value: Any, ttl: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        await cache.set(key, value, ttl=ttl)


async def test_a_closed_cache_says_so(cache: Any) -> None:
    await cache.cleanup()
    for act in (cache.get("a"), cache.set("a", 1), cache.delete("a"), cache.clear()):
        with pytest.raises(RuntimeError, match=r"closed. Await init\(\) first"):
            await act


async def test_a_value_in_memory_is_gone_when_its_time_has_come(opened: Open) -> None:
    clock = FrozenClock()
    cache = await opened(MemoryCache, settings=MemoryCacheSettings(default_ttl=10), clock=clock)
    await cache.set("default", 1)
    await cache.set("longer", 2, ttl=20)
    await clock.advance(9.9)
    assert await cache.get("default") == 1
    await clock.advance(0.1)
    assert await cache.get("default") is None
    assert await cache.delete("default") is False
    assert await cache.get("longer") == 2


async def test_the_least_recently_used_gives_way_in_memory(opened: Open) -> None:
    cache = await opened(MemoryCache, settings=MemoryCacheSettings(max_entries=2))
    await cache.set("a", 1)
    await cache.set("b", 2)
    await cache.get("a")
    await cache.set("c", 3)
    assert [await cache.get(key) for key in "abc"] == [1, None, 3]


@BY_A_SERVER
async def test_redis_is_told_when_a_value_ends(opened: Open, redis_url: str) -> None:
    cache = await opened(RedisCache, settings=RedisCacheSettings(url=SecretStr(redis_url), prefix="ttl:"))
    await cache.set("short", 1, ttl=0.0001)
    await cache.set("long", 2, ttl=60.5)
    await cache.set("ever", 3)
    async with Redis.from_url(redis_url) as other:
        assert 60_000 < await other.pttl("ttl:long") <= 60_500
        assert await other.pttl("ttl:ever") == -1


@BY_A_SERVER
async def test_clearing_leaves_what_others_keep_in_redis(opened: Open, redis_url: str) -> None:
    mine = await opened(RedisCache, settings=RedisCacheSettings(url=SecretStr(redis_url), prefix="a*[b]?:"))
    other = await opened(RedisCache, settings=RedisCacheSettings(url=SecretStr(redis_url), prefix="ab:"))
    await other.set("key", "kept")
    for number in range(1200):
        await mine.set(str(number), number)
    await mine.clear()
    assert await mine.get("0") is await mine.get("1199") is None
    assert await other.get("key") == "kept"


@BY_A_SERVER
@pytest.mark.parametrize("value", [{1, 2}, object(), float("nan"), b"bytes"], ids=["set", "object", "nan", "bytes"])
async def test_what_is_no_json_is_not_kept_in_redis(opened: Open, redis_url: str, value: Any) -> None:
    cache = await opened(RedisCache, settings=RedisCacheSettings(url=SecretStr(redis_url)))
    with pytest.raises(ValueError, match=r"JSON"):
        await cache.set("key", value)


async def test_a_redis_that_is_not_there_fails_at_init(opened: Open) -> None:
    settings = RedisCacheSettings(url=SecretStr("redis://127.0.0.1:1/0"), timeout=1)
    with pytest.raises(redis.exceptions.ConnectionError):
        await opened(RedisCache, settings=settings)


def test_the_address_of_redis_is_a_secret() -> None:
    settings = RedisCacheSettings(url=SecretStr("redis://user:hunter2@host/0"))
    assert "hunter2" not in repr(settings) + str(settings.model_dump())
