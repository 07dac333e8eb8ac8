"""Applying a manifest: all of it or nothing; what runs follows; the same again is nothing."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.artifacts.manager import ArtifactManager
from oneiric_core.clock import FrozenClock
from oneiric_core.components import Candidate, CandidateSource
from oneiric_core.errors import (
    DigestMismatchError,
    EquivocationError,
    ExpiredError,
    LifecycleError,
    ManifestError,
    RefusedFetchError,
    RollbackError,
    SignatureError,
    TrustError,
    UntrustedKeyError,
)
from oneiric_core.lifecycle import LifecycleManager
from oneiric_core.manifest import JSON, RemoteManifest
from oneiric_core.remote.sync import SyncReport, sync_remote_manifest
from oneiric_core.resolver import Resolver
from oneiric_core.testing import PUBLISHER, STRANGER, manifest_entry, signed_manifest
from oneiric_core.trust import PublicKey, TrustPolicy, UnsafeAcceptUnsigned

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TRUST = TrustPolicy([PublicKey(PUBLISHER.public)], unsafe_allow_published_keys=True)


class Component:
    """Remembers what happened to it."""

    def __init__(self) -> None:
        self.cleaned = 0

    async def cleanup(self) -> None:
        self.cleaned += 1


class Other(Component):
    """Another class, so that a swap shows."""


class Failing(Component):
    async def init(self) -> None:
        raise RuntimeError("no such server")


class Slow(Other):
    """Waits in ``init`` until told to go on."""

    began: asyncio.Event
    go: asyncio.Event

    async def init(self) -> None:
        Slow.began.set()
        await Slow.go.wait()


FACTORIES: dict[str, Callable[[], object]] = {
    "acme:Component": Component,
    "acme:Other": Other,
    "acme:Failing": Failing,
    "acme:Slow": Slow,
}


def entry(
    key: str = "cache", provider: str = "redis", factory: str = "acme:Component", **more: object
) -> dict[str, Any]:
    return manifest_entry("adapter", key, provider, factory, **more)


def offer(*entries: dict[str, Any], number: int = 1, source: str = "acme", **more: object) -> tuple[bytes, str]:
    return signed_manifest(entries, source=source, sequence_number=number, **more), JSON


class World:
    """A resolver and a lifecycle with what a sync needs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.resolver = Resolver()
        self.clock = FrozenClock(NOW)
        self.lifecycle = LifecycleManager(self.resolver, clock=self.clock, importer=FACTORIES.__getitem__)

    async def sync(self, source: Any, **options: Any) -> SyncReport:
        known = {"trust": TRUST, "lifecycle": self.lifecycle, "state_dir": self.path / "state", "clock": self.clock}
        return await sync_remote_manifest(self.resolver, source, **(known | options))

    def names(self) -> set[str]:
        return {candidate.name for candidate in self.resolver.candidates()}

    async def restart(self) -> None:
        await self.lifecycle.stop()
        self.resolver = Resolver()
        self.lifecycle = LifecycleManager(self.resolver, clock=self.clock, importer=FACTORIES.__getitem__)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    yield world
    await world.lifecycle.stop()


async def test_a_manifest_registers_its_candidates_and_activates_none(world: World) -> None:
    report = await world.sync(offer(entry(), entry("queue"), manifest_entry("task", "t", "p", "acme:Component")))
    assert world.names() == {"adapter/cache/redis", "adapter/queue/redis", "task/t/p"}
    assert (report.registered, dict(report.per_domain), report.unchanged) == (3, {"adapter": 2, "task": 1}, False)
    assert report.signers == (PublicKey(PUBLISHER.public).fingerprint,)
    assert world.lifecycle.handle("adapter", "cache") is None
    candidate = world.resolver.require("adapter", "cache")
    assert (candidate.source, candidate.origin) == (CandidateSource.REMOTE_MANIFEST, "acme")


async def test_the_same_manifest_again_is_nothing(world: World) -> None:
    await world.sync(offer(entry()))
    instance = await world.lifecycle.activate("adapter", "cache")
    report = await world.sync(offer(entry()))
    assert report.unchanged
    assert (report.registered, report.swapped, report.retired) == (0, (), ())
    assert world.lifecycle.get_instance("adapter", "cache") is instance


async def test_what_runs_is_swapped_when_its_entry_changes_and_only_then(world: World) -> None:
    await world.sync(offer(entry(), entry("queue")))
    cache = await world.lifecycle.activate("adapter", "cache")
    queue = await world.lifecycle.activate("adapter", "queue")
    report = await world.sync(offer(entry(factory="acme:Other"), entry("queue"), number=2))
    assert (report.registered, report.swapped, report.retired) == (1, ("adapter/cache/redis",), ())
    assert isinstance(world.lifecycle.get_instance("adapter", "cache"), Other)
    assert cache.cleaned == 1  # type: ignore[attr-defined]  # a Component
    assert world.lifecycle.get_instance("adapter", "queue") is queue


async def test_a_better_candidate_takes_over_and_a_worse_one_does_not(world: World) -> None:
    await world.sync(offer(entry()))
    await world.lifecycle.activate("adapter", "cache")
    report = await world.sync(offer(entry(), entry(provider="worse", stack_level=-1), number=2))
    assert report.swapped == ()
    report = await world.sync(offer(entry(), entry(provider="better", stack_level=1), number=3))
    assert report.swapped == ("adapter/cache/better",)
    assert report.retired == ("adapter/cache/worse",)


async def test_a_component_asked_for_by_provider_stays_with_it(world: World) -> None:
    await world.sync(offer(entry(provider="first"), entry(provider="second", stack_level=1)))
    first = await world.lifecycle.activate("adapter", "cache", "first")
    entries = entry(provider="first"), entry(provider="second", stack_level=1, version="2")
    assert (await world.sync(offer(*entries, number=2))).swapped == ()
    assert world.lifecycle.get_instance("adapter", "cache") is first
    entries = entry(provider="first", factory="acme:Other"), entries[1]
    assert (await world.sync(offer(*entries, number=3))).swapped == ("adapter/cache/first",)
    assert (await world.sync(offer(entries[1], number=4))).swapped == ("adapter/cache/second",)


async def test_what_is_no_longer_listed_is_retired(world: World) -> None:
    await world.sync(offer(entry(), entry("queue")))
    instance = await world.lifecycle.activate("adapter", "cache")
    report = await world.sync(offer(entry("queue"), number=2))
    assert report.retired == ("adapter/cache/redis",)
    assert world.lifecycle.handle("adapter", "cache") is None
    assert instance.cleaned == 1  # type: ignore[attr-defined]  # a Component
    assert world.names() == {"adapter/queue/redis"}


async def test_what_is_no_longer_listed_is_replaced_by_what_others_offer(world: World) -> None:
    local = Candidate("adapter", "cache", "memory", Other, stack_level=-5)
    world.resolver.register(local)
    await world.sync(offer(entry()))
    await world.lifecycle.activate("adapter", "cache")
    report = await world.sync(offer(number=2))
    assert report.swapped == ("adapter/cache/memory",)
    assert isinstance(world.lifecycle.get_instance("adapter", "cache"), Other)


async def test_sources_do_not_touch_each_other(world: World) -> None:
    await world.sync(offer(entry()), location="a")
    await world.sync(offer(entry(provider="other"), source="other"), location="b")
    report = await world.sync(offer(source="other", number=2), location="b")
    assert report.retired == ("adapter/cache/other",)
    assert world.names() == {"adapter/cache/redis"}


async def test_a_component_that_cannot_be_replaced_undoes_everything(world: World) -> None:
    await world.sync(offer(entry(), entry("queue")))
    cache = await world.lifecycle.activate("adapter", "cache")
    queue = await world.lifecycle.activate("adapter", "queue")
    before = world.resolver.candidates()
    failing = entry(factory="acme:Other"), entry("queue", factory="acme:Failing"), entry("new")
    with pytest.raises(LifecycleError, match="no such server"):
        await world.sync(offer(*failing, number=2))
    assert world.resolver.candidates() == before
    assert world.lifecycle.get_instance("adapter", "cache") is cache
    assert world.lifecycle.get_instance("adapter", "queue") is queue
    assert (cache.cleaned, queue.cleaned) == (0, 0)  # type: ignore[attr-defined]  # Components


async def test_a_failed_manifest_is_tried_again_with_the_same_bytes(world: World) -> None:
    await world.sync(offer(entry()))
    await world.lifecycle.activate("adapter", "cache")
    second = offer(entry(factory="acme:Failing"), number=2)
    with pytest.raises(LifecycleError):
        await world.sync(second)
    FACTORIES["acme:Failing"] = Other
    try:
        assert (await world.sync(second)).swapped == ("adapter/cache/redis",)
    finally:
        FACTORIES["acme:Failing"] = Failing


async def test_a_cancelled_sync_undoes_everything(world: World) -> None:
    Slow.began, Slow.go = asyncio.Event(), asyncio.Event()
    await world.sync(offer(entry()))
    instance = await world.lifecycle.activate("adapter", "cache")
    before = world.resolver.candidates()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(world.sync(offer(entry(factory="acme:Slow"), number=2)))
        await Slow.began.wait()
        task.cancel()
    assert task.cancelled()
    assert world.resolver.candidates() == before
    assert world.lifecycle.get_instance("adapter", "cache") is instance


async def test_two_syncs_at_once_come_one_after_the_other(world: World) -> None:
    Slow.began, Slow.go = asyncio.Event(), asyncio.Event()
    await world.sync(offer(entry()))
    await world.lifecycle.activate("adapter", "cache")
    async with asyncio.TaskGroup() as group:
        first = group.create_task(world.sync(offer(entry(factory="acme:Slow"), number=2)))
        await Slow.began.wait()
        second = group.create_task(world.sync(offer(entry(factory="acme:Component"), entry("queue"), number=3)))
        Slow.go.set()
    assert first.result().swapped == second.result().swapped == ("adapter/cache/redis",)
    assert world.names() == {"adapter/cache/redis", "adapter/queue/redis"}
    assert type(world.lifecycle.get_instance("adapter", "cache")) is Component


DANGLING = {"nodes": [{"id": "a", "task": "t", "depends_on": ["b"]}]}


@pytest.mark.parametrize(
    "entries",
    [
        [entry(), entry()],
        [entry(), {"domain": "adapter"}],
        [entry(), manifest_entry("workflow", "w", "p", "a:b", dag=DANGLING)],
    ],
    ids=["twice", "incomplete", "dangling"],
)
async def test_one_broken_entry_refuses_its_neighbours_too(world: World, entries: list[dict[str, Any]]) -> None:
    await world.sync(offer(entry("old")))
    with pytest.raises(ManifestError):
        await world.sync(offer(*entries, number=2))
    assert world.names() == {"adapter/old/redis"}


async def test_entries_that_cannot_run_here_are_skipped_with_their_reason(world: World) -> None:
    report = await world.sync(offer(entry(), entry("future", python_version=">=99")))
    assert world.names() == {"adapter/cache/redis"}
    assert list(report.skipped) == ["adapter/future/redis"]
    assert "needs Python >=99" in report.skipped["adapter/future/redis"]
    report = await world.sync(offer(entry("pytest", requires=["pytest>=1", "no-such-distribution"]), number=2))
    assert "here is no no-such-distribution" in report.skipped["adapter/pytest/redis"]


async def test_nobody_is_believed_unless_a_policy_says_so(world: World) -> None:
    with pytest.raises(UntrustedKeyError):
        await sync_remote_manifest(world.resolver, offer(entry()))
    with pytest.raises(SignatureError):
        await world.sync(offer(entry(), signed_by=[STRANGER]))
    assert world.names() == set()


async def test_a_manifest_object_is_the_callers_own_word(world: World) -> None:
    manifest = RemoteManifest.from_document({"source": "mine", "entries": [entry()]})
    report = await sync_remote_manifest(world.resolver, manifest)
    assert (report.source, report.registered, report.signers) == ("mine", 1, ())
    assert report.duration_ms > 0


async def test_older_and_other_manifests_are_refused_also_after_a_restart(world: World) -> None:
    await world.sync(offer(entry(), number=5))
    await world.restart()
    with pytest.raises(RollbackError):
        await world.sync(offer(entry(), number=4))
    with pytest.raises(EquivocationError):
        await world.sync(offer(entry("queue"), number=5))
    assert world.names() == set()
    assert (await world.sync(offer(entry(), number=5))).registered == 1


async def test_what_was_seen_counts_even_if_it_could_not_be_applied(world: World) -> None:
    """Otherwise a mirror could withhold a newer manifest by breaking it."""
    with pytest.raises(ManifestError):
        await world.sync(offer({"domain": "adapter"}, number=5))
    with pytest.raises(RollbackError):
        await world.sync(offer(entry(), number=4))


async def test_a_manifest_by_a_stranger_leaves_no_trace(world: World) -> None:
    with pytest.raises(SignatureError):
        await world.sync(offer(entry(), number=999, signed_by=[STRANGER]))
    assert not (world.path / "state").exists()
    await world.sync(offer(entry(), number=1))


async def test_what_is_unsigned_leaves_no_trace_either(world: World) -> None:
    await world.sync(offer(entry(), number=999, signed_by=()), trust=UnsafeAcceptUnsigned())
    assert not (world.path / "state").exists()
    await world.sync(offer(entry(), number=1))


async def test_an_expired_manifest_is_refused_and_what_runs_goes_on(world: World) -> None:
    expiry = (NOW + timedelta(hours=1)).isoformat()
    await world.sync(offer(entry(), expires_at=expiry))
    instance = await world.lifecycle.activate("adapter", "cache")
    await world.clock.advance(3600)
    with pytest.raises(ExpiredError):
        await world.sync(offer(entry(), expires_at=expiry))
    assert world.lifecycle.get_instance("adapter", "cache") is instance


async def test_a_clock_set_back_does_not_revive_an_expired_manifest(world: World) -> None:
    await world.sync(offer(entry(), number=1, signed_at=NOW.isoformat()))
    world.clock = FrozenClock(NOW - timedelta(days=365))
    with pytest.raises(ExpiredError):
        await world.sync(offer(entry(), number=2, expires_at=(NOW - timedelta(days=1)).isoformat()))


async def test_a_place_is_pinned_to_its_first_source_unless_the_policy_names_one(world: World) -> None:
    await world.sync(offer(entry()))
    with pytest.raises(TrustError, match="was the place of 'acme'"):
        await world.sync(offer(entry(), source="evil"))
    named = TrustPolicy([PublicKey(PUBLISHER.public)], source="other", unsafe_allow_published_keys=True)
    await world.sync(offer(entry(), source="other"), trust=named)


async def test_without_a_lifecycle_nothing_that_runs_changes(world: World) -> None:
    await world.sync(offer(entry()))
    instance = await world.lifecycle.activate("adapter", "cache")
    report = await world.sync(offer(entry(factory="acme:Other"), number=2), lifecycle=None)
    assert (report.registered, report.swapped) == (1, ())
    assert world.lifecycle.get_instance("adapter", "cache") is instance


async def test_artifacts_are_in_before_anything_changes(world: World) -> None:
    offered, cache = world.path / "offered", world.path / "cache"
    offered.mkdir()
    (offered / "acme.whl").write_bytes(b"a wheel")
    artifacts = ArtifactManager(cache, local_roots=[offered])
    digest = hashlib.sha256(b"a wheel").hexdigest()
    right = entry(uri="acme.whl", sha256=digest, length=7)
    await world.sync(offer(right), artifacts=artifacts, cache_dir=cache)
    wrong = entry("queue", uri="acme.whl", sha256="00" * 32)
    for number, bad in enumerate((wrong, entry("queue", uri="acme.whl")), start=2):
        with pytest.raises(DigestMismatchError):
            await world.sync(offer(right, bad, number=number), artifacts=artifacts)
    with pytest.raises(RefusedFetchError):
        await world.sync(offer(entry(uri="https://acme.test/x.whl", sha256=digest), number=9), cache_dir=cache)
    assert world.names() == {"adapter/cache/redis"}


async def test_the_memory_does_not_lie_in_the_cache(world: World) -> None:
    with pytest.raises(TrustError, match="lies in the artifact cache"):
        await world.sync(offer(entry()), cache_dir=world.path, state_dir=world.path / "state")


async def test_a_report_is_plain_data(world: World) -> None:
    report = await world.sync(offer(entry()))
    assert json.loads(json.dumps([report.source, report.per_domain, report.swapped, dict(report.skipped)]))
