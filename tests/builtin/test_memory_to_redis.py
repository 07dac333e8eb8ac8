"""A second manifest moves a running application from the cache in memory to the one in Redis."""

from typing import Any

import pytest
from redis.asyncio import Redis

from oneiric_core import LifecycleManager, Resolver, sync_remote_manifest
from oneiric_core.builtin import builtin_adapter_metadata
from oneiric_core.testing import PUBLISHER, signed_manifest
from oneiric_core.trust import PublicKey, TrustPolicy

CACHES = {each.provider: each.to_candidate() for each in builtin_adapter_metadata() if each.category == "cache"}
TRUST = TrustPolicy([PublicKey(PUBLISHER.public, "publisher")], unsafe_allow_published_keys=True)


def manifest(provider: str, number: int) -> bytes:
    declared = CACHES[provider]
    entry = {"domain": "adapter", "key": "cache", "provider": provider, "factory": declared.factory}
    entry["settings_model"] = declared.metadata["settings_model"]
    return signed_manifest([entry], sequence_number=number, schema_version=2)


@pytest.mark.long
async def test_what_is_asked_for_after_the_swap_is_kept_in_redis(redis_url: str) -> None:
    settings: dict[str, dict[str, Any]] = {"redis": {"url": redis_url, "prefix": "moved:"}, "memory": {}}
    resolver = Resolver()
    async with LifecycleManager(resolver, settings=lambda candidate: settings[candidate.provider]) as lifecycle:
        await sync_remote_manifest(resolver, (manifest("memory", 1), "application/json"), trust=TRUST)
        await lifecycle.activate("adapter", "cache")
        async with lifecycle.lease("adapter", "cache") as before:
            await before.set("key", "in memory")
            report = await sync_remote_manifest(
                resolver, (manifest("redis", 2), "application/json"), trust=TRUST, lifecycle=lifecycle
            )
            assert await before.get("key") == "in memory"
        assert report.swapped == ("adapter/cache/redis",)
        async with lifecycle.lease("adapter", "cache") as after:
            assert await after.get("key") is None
            await after.set("key", "in redis")
        async with Redis.from_url(redis_url) as server:
            assert await server.get("moved:key") == b'"in redis"'
