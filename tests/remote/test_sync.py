"""Applying a manifest: all of it or nothing; what runs follows; the same again is nothing."""

import asyncio
import hashlib
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest

from oneiric_core.components import Candidate, CandidateSource
from oneiric_core.errors import DigestMismatchError, LifecycleError, ManifestError, RefusedFetchError
from oneiric_core.manifest import JSON, RemoteManifest
from oneiric_core.remote.artifacts import ArtifactManager
from oneiric_core.remote.sync import sync_remote_manifest
from oneiric_core.testing import PUBLISHER, make_wheel, manifest_entry, signed_manifest
from oneiric_core.trust import PublicKey, TrustPolicy

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


class SlowlyFailing(Slow):
    async def init(self) -> None:
        await super().init()
        raise RuntimeError("no such server")


@pytest.fixture(autouse=True)
def components(world: Any) -> None:
    """What the entries below name."""
    world.factories |= {
        "acme:Component": Component,
        "acme:Other": Other,
        "acme:Failing": Failing,
        "acme:Slow": Slow,
        "acme:SlowlyFailing": SlowlyFailing,
    }


def entry(
    key: str = "cache", provider: str = "redis", factory: str = "acme:Component", **more: object
) -> dict[str, Any]:
    return manifest_entry("adapter", key, provider, factory, **more)


def offer(*entries: dict[str, Any], number: int = 1, source: str = "acme", **more: object) -> tuple[bytes, str]:
    return signed_manifest(entries, source=source, sequence_number=number, **more), JSON


async def test_a_manifest_registers_its_candidates_and_activates_none(world: Any) -> None:
    report = await world.sync(offer(entry(), entry("queue"), manifest_entry("task", "t", "p", "acme:Component")))
    assert world.names() == {"adapter/cache/redis", "adapter/queue/redis", "task/t/p"}
    assert (report.registered, dict(report.per_domain), report.unchanged) == (3, {"adapter": 2, "task": 1}, False)
    assert report.signers == (PublicKey(PUBLISHER.public).fingerprint,)
    assert world.lifecycle.handle("adapter", "cache") is None
    candidate = world.resolver.require("adapter", "cache")
    assert (candidate.source, candidate.origin) == (CandidateSource.REMOTE_MANIFEST, "acme")


async def test_the_same_manifest_again_is_nothing(world: Any) -> None:
    await world.sync(offer(entry()))
    instance = await world.lifecycle.activate("adapter", "cache")
    report = await world.sync(offer(entry()))
    assert report.unchanged
    assert (report.registered, report.swapped, report.retired) == (0, (), ())
    assert world.lifecycle.get_instance("adapter", "cache") is instance


async def test_what_runs_is_swapped_when_its_entry_changes_and_only_then(world: Any) -> None:
    await world.sync(offer(entry(), entry("queue")))
    cache = await world.lifecycle.activate("adapter", "cache")
    queue = await world.lifecycle.activate("adapter", "queue")
    report = await world.sync(offer(entry(factory="acme:Other"), entry("queue"), number=2))
    assert (report.registered, report.swapped, report.retired) == (1, ("adapter/cache/redis",), ())
    assert isinstance(world.lifecycle.get_instance("adapter", "cache"), Other)
    assert cache.cleaned == 1  # type: ignore[attr-defined]  # a Component
    assert world.lifecycle.get_instance("adapter", "queue") is queue


async def test_a_better_candidate_takes_over_and_a_worse_one_does_not(world: Any) -> None:
    await world.sync(offer(entry()))
    await world.lifecycle.activate("adapter", "cache")
    report = await world.sync(offer(entry(), entry(provider="worse", stack_level=-1), number=2))
    assert report.swapped == ()
    report = await world.sync(offer(entry(), entry(provider="better", stack_level=1), number=3))
    assert report.swapped == ("adapter/cache/better",)
    assert report.retired == ("adapter/cache/worse",)


async def test_a_component_asked_for_by_provider_stays_with_it(world: Any) -> None:
    await world.sync(offer(entry(provider="first"), entry(provider="second", stack_level=1)))
    first = await world.lifecycle.activate("adapter", "cache", "first")
    entries = entry(provider="first"), entry(provider="second", stack_level=1, version="2")
    assert (await world.sync(offer(*entries, number=2))).swapped == ()
    assert world.lifecycle.get_instance("adapter", "cache") is first
    entries = entry(provider="first", factory="acme:Other"), entries[1]
    assert (await world.sync(offer(*entries, number=3))).swapped == ("adapter/cache/first",)
    assert (await world.sync(offer(entries[1], number=4))).swapped == ("adapter/cache/second",)


async def test_what_is_no_longer_listed_is_retired(world: Any) -> None:
    await world.sync(offer(entry(), entry("queue")))
    instance = await world.lifecycle.activate("adapter", "cache")
    report = await world.sync(offer(entry("queue"), number=2))
    assert report.retired == ("adapter/cache/redis",)
    assert world.lifecycle.handle("adapter", "cache") is None
    assert instance.cleaned == 1  # type: ignore[attr-defined]  # a Component
    assert world.names() == {"adapter/queue/redis"}


async def test_a_sync_that_is_cancelled_while_what_goes_is_cleaned_up_has_dropped_all_of_it(world: Any) -> None:
    """Not the first of two, with the second still at work and its candidate gone."""
    began, go = asyncio.Event(), asyncio.Event()

    class Lingering(Component):
        async def cleanup(self) -> None:
            began.set()
            await go.wait()
            await super().cleanup()

    world.factories["acme:Lingering"] = Lingering
    await world.sync(offer(*(entry(key, factory="acme:Lingering") for key in ("cache", "queue"))))
    instances = [await world.lifecycle.activate("adapter", key) for key in ("cache", "queue")]
    syncing = asyncio.ensure_future(world.sync(offer(number=2)))
    await began.wait()
    syncing.cancel()
    await asyncio.wait({syncing})
    at_work = [each.key for each in world.lifecycle.all_statuses() if each.provider]
    go.set()  # before anything is asserted, or a failure would wait for it
    assert (at_work, world.names()) == ([], set())
    await world.lifecycle.stop()
    assert [each.cleaned for each in instances] == [1, 1]  # type: ignore[attr-defined]  # a Component


async def test_what_is_no_longer_listed_is_replaced_by_what_others_offer(world: Any) -> None:
    local = Candidate("adapter", "cache", "memory", Other, stack_level=-5)
    world.resolver.register(local)
    await world.sync(offer(entry()))
    await world.lifecycle.activate("adapter", "cache")
    report = await world.sync(offer(number=2))
    assert report.swapped == ("adapter/cache/memory",)
    assert isinstance(world.lifecycle.get_instance("adapter", "cache"), Other)


async def test_sources_do_not_touch_each_other(world: Any) -> None:
    await world.sync(offer(entry()), location="a")
    await world.sync(offer(entry(provider="other"), source="other"), location="b")
    report = await world.sync(offer(source="other", number=2), location="b")
    assert report.retired == ("adapter/cache/other",)
    assert world.names() == {"adapter/cache/redis"}


async def test_a_component_that_cannot_be_replaced_undoes_everything(world: Any) -> None:
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


async def test_a_failed_manifest_is_tried_again_with_the_same_bytes(world: Any) -> None:
    await world.sync(offer(entry()))
    await world.lifecycle.activate("adapter", "cache")
    second = offer(entry(factory="acme:Failing"), number=2)
    with pytest.raises(LifecycleError):
        await world.sync(second)
    world.factories["acme:Failing"] = Other
    assert (await world.sync(second)).swapped == ("adapter/cache/redis",)


async def test_a_cancelled_sync_undoes_everything(world: Any) -> None:
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


async def test_two_syncs_at_once_come_one_after_the_other(world: Any) -> None:
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


async def test_a_sync_that_fails_takes_nothing_from_one_that_came_after_it(world: Any) -> None:
    Slow.began, Slow.go = asyncio.Event(), asyncio.Event()
    await world.sync(offer(entry()))
    await world.lifecycle.activate("adapter", "cache")
    first = asyncio.create_task(world.sync(offer(entry(factory="acme:SlowlyFailing"), entry("queue"), number=2)))
    await Slow.began.wait()
    second = asyncio.create_task(world.sync(offer(entry(), entry("queue"), number=3)))
    await asyncio.wait([second], timeout=0.1)  # were it not to wait for the first, it would be done by then
    Slow.go.set()
    with pytest.raises(LifecycleError, match="no such server"):
        await first
    assert (await second).registered == 1
    assert world.names() == {"adapter/cache/redis", "adapter/queue/redis"}


DANGLING = {"nodes": [{"id": "a", "task": "t", "depends_on": ["b"]}]}


@pytest.mark.parametrize(
    "entries",
    [
        [entry(), entry()],
        [entry(), {"domain": "adapter"}],
        [entry(), manifest_entry("workflow", "w", "p", "a:b", dag=DANGLING)],
        [entry(), manifest_entry("event", "e", "p", "a:b", event_filters=[{"path": "region..city", "exists": True}])],
        [entry(), manifest_entry("task", "t", "p", "a:b", retry_policy={"initial_delay": -1}, python_version=">=99")],
    ],
    ids=["twice", "incomplete", "dangling", "unreadable filter", "unreadable policy"],
)
async def test_one_broken_entry_refuses_its_neighbours_too(world: Any, entries: list[dict[str, Any]]) -> None:
    await world.sync(offer(entry("old")))
    with pytest.raises(ManifestError):
        await world.sync(offer(*entries, number=2))
    assert world.names() == {"adapter/old/redis"}


async def test_entries_that_cannot_run_here_are_skipped_with_their_reason(world: Any) -> None:
    report = await world.sync(offer(entry(), entry("future", python_version=">=99")))
    assert world.names() == {"adapter/cache/redis"}
    assert list(report.skipped) == ["adapter/future/redis"]
    assert "needs Python >=99" in report.skipped["adapter/future/redis"]
    report = await world.sync(offer(entry("pytest", requires=["pytest>=1", "no-such-distribution"]), number=2))
    assert "here is no no-such-distribution" in report.skipped["adapter/pytest/redis"]


async def test_a_manifest_object_is_the_callers_own_word(world: Any) -> None:
    manifest = RemoteManifest.from_document({"source": "mine", "entries": [entry()]})
    report = await sync_remote_manifest(world.resolver, manifest)
    assert (report.source, report.registered, report.signers) == ("mine", 1, ())
    assert report.duration_ms > 0


async def test_without_a_lifecycle_nothing_that_runs_changes(world: Any) -> None:
    await world.sync(offer(entry()))
    instance = await world.lifecycle.activate("adapter", "cache")
    report = await world.sync(offer(entry(factory="acme:Other"), number=2), lifecycle=None)
    assert (report.registered, report.swapped) == (1, ())
    assert world.lifecycle.get_instance("adapter", "cache") is instance


async def test_artifacts_are_in_before_anything_changes(world: Any) -> None:
    offered, cache = world.path / "offered", world.path / "cache"
    offered.mkdir()
    wheel = make_wheel({"acme.py": "class Component: pass\n"})
    (offered / "acme.whl").write_bytes(wheel)
    artifacts = ArtifactManager(cache, local_roots=[offered])
    digest = hashlib.sha256(wheel).hexdigest()
    right = entry(uri="acme.whl", sha256=digest, length=len(wheel))
    await world.sync(offer(right), artifacts=artifacts, cache_dir=cache)
    wrong = entry("queue", uri="acme.whl", sha256="00" * 32)
    for number, bad in enumerate((wrong, entry("queue", uri="acme.whl")), start=2):
        with pytest.raises(DigestMismatchError):
            await world.sync(offer(right, bad, number=number), artifacts=artifacts)
    with pytest.raises(RefusedFetchError):
        await world.sync(offer(entry(uri="http://acme.test/x.whl", sha256="00" * 32), number=9), cache_dir=cache)
    assert world.names() == {"adapter/cache/redis"}


async def test_a_report_is_plain_data(world: Any) -> None:
    told = asdict(await world.sync(offer(entry(), entry("future", python_version=">=99"))))
    plain = json.loads(json.dumps(told))
    assert plain == {**told, "swapped": [], "retired": [], "signers": [PublicKey(PUBLISHER.public).fingerprint]}
    assert (plain["source"], plain["per_domain"], [*plain["skipped"]]) == (
        "acme",
        {"adapter": 1},
        ["adapter/future/redis"],
    )


async def test_what_the_last_good_manifest_needs_is_not_evicted(world: Any) -> None:
    offered = world.path / "offered"
    offered.mkdir()
    wheels = [make_wheel({"acme.py": f"class Component: number = {number}\n"}) for number in range(3)]
    digests = [hashlib.sha256(wheel).hexdigest() for wheel in wheels]
    for number, wheel in enumerate(wheels):
        (offered / f"{number}.whl").write_bytes(wheel)
    artifacts = ArtifactManager(world.path / "cache", local_roots=[offered])
    entries = [entry(uri=f"{number}.whl", sha256=digest) for number, digest in enumerate(digests)]
    await world.sync(offer(), artifacts=artifacts)
    assert not (world.path / "cache").exists()
    await world.sync(offer(entries[0], number=2), artifacts=artifacts)
    assert artifacts.store.pinned() == {digests[0]: ("acme",)}
    await world.sync(offer(entries[1], number=3), artifacts=artifacts)
    assert artifacts.store.pinned() == {digests[1]: ("acme",)}
    with pytest.raises(DigestMismatchError):
        await world.sync(offer(entry(uri="2.whl", sha256=digests[0][::-1]), number=4), artifacts=artifacts)
    assert artifacts.store.pinned() == {digests[1]: ("acme",)}
    await world.sync(offer(entries[2], number=5), artifacts=artifacts, location="elsewhere")
    assert artifacts.store.pinned() == {digests[1]: ("acme",), digests[2]: ("acme",)}
    await world.sync(offer(number=6), artifacts=artifacts)
    assert artifacts.store.pinned() == {digests[2]: ("acme",)}
