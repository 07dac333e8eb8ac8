"""Applying a manifest, with a memory: who is believed, and what came before."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.clock import FrozenClock
from oneiric_core.errors import (
    EquivocationError,
    ExpiredError,
    LifecycleError,
    ManifestError,
    RollbackError,
    SignatureError,
    TrustError,
    UntrustedKeyError,
)
from oneiric_core.manifest import JSON
from oneiric_core.remote.state_store import StateStore
from oneiric_core.remote.sync import sync_remote_manifest
from oneiric_core.testing import PUBLISHER, STRANGER, manifest_entry, signed_manifest
from oneiric_core.trust import PublicKey, TrustPolicy, UnsafeAcceptUnsigned

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def entry(key: str = "cache") -> dict[str, Any]:
    return manifest_entry("adapter", key, "redis", "acme:Component")


def offer(*entries: dict[str, Any], number: int = 1, source: str = "acme", **more: object) -> tuple[bytes, str]:
    return signed_manifest(entries, source=source, sequence_number=number, **more), JSON


async def test_nobody_is_believed_unless_a_policy_says_so(world: Any) -> None:
    with pytest.raises(UntrustedKeyError):
        await sync_remote_manifest(world.resolver, offer(entry()))
    with pytest.raises(SignatureError):
        await world.sync(offer(entry(), signed_by=[STRANGER]))
    assert world.names() == set()


async def test_older_and_other_manifests_are_refused_also_after_a_restart(world: Any) -> None:
    await world.sync(offer(entry(), number=5))
    await world.restart()
    with pytest.raises(RollbackError):
        await world.sync(offer(entry(), number=4))
    with pytest.raises(EquivocationError):
        await world.sync(offer(entry("queue"), number=5))
    assert world.names() == set()
    assert (await world.sync(offer(entry(), number=5))).registered == 1


async def test_what_was_seen_counts_even_if_it_could_not_be_applied(world: Any) -> None:
    """Otherwise a mirror could withhold a newer manifest by breaking it."""
    with pytest.raises(ManifestError):
        await world.sync(offer({"domain": "adapter"}, number=5))
    with pytest.raises(RollbackError):
        await world.sync(offer(entry(), number=4))


async def test_a_manifest_by_a_stranger_leaves_no_trace(world: Any) -> None:
    with pytest.raises(SignatureError):
        await world.sync(offer(entry(), number=999, signed_by=[STRANGER]))
    assert not (world.path / "state").exists()
    await world.sync(offer(entry(), number=1))


async def test_what_is_unsigned_leaves_no_trace_either(world: Any) -> None:
    await world.sync(offer(entry(), number=999, signed_by=()), trust=UnsafeAcceptUnsigned())
    assert not (world.path / "state").exists()
    await world.sync(offer(entry(), number=1))


async def test_an_expired_manifest_is_refused_and_what_runs_goes_on(world: Any) -> None:
    expiry = (NOW + timedelta(hours=1)).isoformat()
    await world.sync(offer(entry(), expires_at=expiry))
    world.factories["acme:Component"] = dict
    instance = await world.lifecycle.activate("adapter", "cache")
    await world.clock.advance(3600)
    with pytest.raises(ExpiredError):
        await world.sync(offer(entry(), expires_at=expiry))
    assert world.lifecycle.get_instance("adapter", "cache") is instance


async def test_a_clock_set_back_does_not_revive_an_expired_manifest(world: Any) -> None:
    await world.sync(offer(entry(), number=1, signed_at=NOW.isoformat()))
    world.clock = FrozenClock(NOW - timedelta(days=365))
    old = {"signed_at": (NOW - timedelta(days=400)).isoformat(), "expires_at": (NOW - timedelta(days=1)).isoformat()}
    with pytest.raises(ExpiredError, match="expired at"):
        await world.sync(offer(entry(), number=2, **old))


async def test_no_row_of_manifests_carries_the_time_remembered_into_the_future(world: Any) -> None:
    """Each signed a little later than the one before: the first that the clock has not come to is refused."""
    minutes = range(0, 60, 5)
    refused = []
    for number, ahead in enumerate(minutes, start=1):
        signed_at = (NOW + timedelta(minutes=ahead)).isoformat()
        try:
            await world.sync(offer(entry(), number=number, signed_at=signed_at))
        except ExpiredError:
            refused.append(ahead)
    assert refused == [*minutes][2:]
    soon = (NOW + timedelta(minutes=6)).isoformat()
    await world.sync(offer(entry(), number=100, signed_at=NOW.isoformat(), expires_at=soon))


async def test_what_stands_is_recognised_though_the_clock_was_set_back(world: Any) -> None:
    same = offer(entry(), signed_at=NOW.isoformat())
    await world.sync(same)
    world.clock = FrozenClock(NOW - timedelta(days=365))
    assert (await world.sync(same)).unchanged
    await world.restart()
    assert (await world.sync(same)).registered == 1
    with pytest.raises(ExpiredError, match="has yet to come"):
        await world.sync(offer(entry(), number=2, signed_at=(NOW + timedelta(seconds=1)).isoformat()))


async def test_a_place_is_pinned_to_its_first_source_unless_the_policy_names_one(world: Any) -> None:
    await world.sync(offer(entry()))
    with pytest.raises(TrustError, match="was the place of 'acme'"):
        await world.sync(offer(entry(), source="evil"))
    named = TrustPolicy([PublicKey(PUBLISHER.public)], source="other", unsafe_allow_published_keys=True)
    await world.sync(offer(entry(), source="other"), trust=named)


async def test_the_memory_does_not_lie_in_the_cache(world: Any) -> None:
    with pytest.raises(TrustError, match="lies in the artifact cache"):
        await world.sync(offer(entry()), cache_dir=world.path, state_dir=world.path / "state")


async def test_what_stands_is_remembered_only_when_it_stands(world: Any) -> None:
    store = StateStore(world.path / "state")
    await world.sync(offer(entry(), number=1))
    assert store.load("acme").applied == store.load("acme").seen
    world.factories["acme:Component"] = dict
    await world.lifecycle.activate("adapter", "cache")
    del world.factories["acme:Component"]
    with pytest.raises(LifecycleError):
        await world.sync(offer(entry() | {"version": "2"}, number=2))
    state = store.load("acme")
    assert state.seen is not None
    assert state.applied is not None
    assert (state.seen.sequence_number, state.applied.sequence_number) == (2, 1)


async def test_a_disk_that_fills_up_while_components_start_keeps_nothing_from_being_remembered(
    world: Any, disk: Callable[[str], Path], fill: Callable[[Path], Path]
) -> None:
    """It would be applied, fail all the same, and let an older one be recalled after a restart."""
    place = disk("size=64k")
    world.factories["acme:Component"] = dict
    await world.sync(offer(entry()), state_dir=place)
    await world.lifecycle.activate("adapter", "cache")
    world.factories["acme:Component"] = lambda: {"ballast": fill(place)}
    report = await world.sync(offer(entry() | {"version": "2"}, number=2), state_dir=place)
    assert report.swapped == ("adapter/cache/redis",)
    state = StateStore(place).load("acme")
    assert state.applied is not None
    assert (state.applied, state.applied.sequence_number) == (state.seen, 2)
    assert [*place.glob("*.tmp")] == []
