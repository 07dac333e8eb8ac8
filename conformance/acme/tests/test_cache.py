import asyncio
from typing import Any, cast

import pytest

from acme_oneiric.cache import CacheSettings, MemoryCache


class Timer:
    """Time that moves when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


async def opened(timer: Timer | None = None, **settings: Any) -> MemoryCache:
    cache = MemoryCache(CacheSettings(**settings), timer=timer or Timer())
    await cache.init()
    return cache


def test_a_value_is_there_until_its_time_is_up() -> None:
    async def scenario() -> None:
        timer = Timer()
        cache = await opened(timer)
        await cache.set("a", 1, ttl=10)
        timer.seconds = 9.9
        assert await cache.get("a") == 1
        timer.seconds = 10
        assert await cache.get("a") is None
        assert await cache.delete("a") is False

    asyncio.run(scenario())


def test_the_settings_say_how_long_a_value_lives_unless_the_caller_does() -> None:
    async def scenario() -> None:
        timer = Timer()
        cache = await opened(timer, default_ttl=5)
        await cache.set("short", 1)
        await cache.set("long", 2, ttl=50)
        timer.seconds = 6
        assert await cache.get("short") is None
        assert await cache.get("long") == 2

    asyncio.run(scenario())


def test_the_least_recently_used_value_gives_way() -> None:
    async def scenario() -> None:
        cache = await opened(max_entries=2)
        await cache.set("a", 1)
        await cache.set("b", 2)
        await cache.get("a")
        await cache.set("c", 3)
        assert [await cache.get(key) for key in "abc"] == [1, None, 3]

    asyncio.run(scenario())


def test_falsy_values_are_values() -> None:
    async def scenario() -> None:
        cache = await opened()
        falsy: list[Any] = [0, "", [], {}, False]
        for value in falsy:
            await cache.set("a", value)
            assert await cache.get("a") == value
            assert await cache.delete("a") is True

    asyncio.run(scenario())


def test_no_caller_changes_what_another_one_reads() -> None:
    async def scenario() -> None:
        cache = await opened()
        mine = [1]
        await cache.set("a", mine)
        mine.append(2)
        (await cache.get("a")).append(3)
        assert await cache.get("a") == [1]

    asyncio.run(scenario())


def test_clear_forgets_everything() -> None:
    async def scenario() -> None:
        cache = await opened()
        await cache.set("a", 1)
        await cache.clear()
        assert await cache.get("a") is None

    asyncio.run(scenario())


@pytest.mark.parametrize("ttl", [0, -1, float("nan"), "soon"])
def test_a_lifetime_that_is_none_is_refused(ttl: Any) -> None:
    async def scenario() -> None:
        cache = await opened()
        with pytest.raises(ValueError, match="ttl is"):
            await cache.set("a", 1, ttl=ttl)
        assert await cache.get("a") is None

    asyncio.run(scenario())


def test_none_and_keys_that_are_no_strings_are_refused() -> None:
    async def scenario() -> None:
        cache = await opened()
        with pytest.raises(ValueError, match="None cannot be kept"):
            await cache.set("a", None)
        with pytest.raises(ValueError, match="not a string"):
            await cache.get(cast("str", 7))

    asyncio.run(scenario())


def test_it_is_usable_and_healthy_only_between_init_and_cleanup() -> None:
    async def scenario() -> None:
        cache = MemoryCache()
        await cache.cleanup()
        assert await cache.health() is False
        with pytest.raises(RuntimeError, match="closed"):
            await cache.get("a")
        await cache.init()
        assert await cache.health() is True
        await cache.set("a", 1)
        await cache.cleanup()
        await cache.cleanup()
        assert await cache.health() is False
        await cache.init()
        assert await cache.get("a") is None

    asyncio.run(scenario())
