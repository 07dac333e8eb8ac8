"""A resolver and a lifecycle, and a server with somebody to ask it, as the tests of this room need them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from oneiric_core.clock import FrozenClock
from oneiric_core.lifecycle import LifecycleManager
from oneiric_core.remote.http import AddressPolicy, HttpFetcher
from oneiric_core.remote.limits import FetchLimits
from oneiric_core.remote.sync import SyncReport, sync_remote_manifest
from oneiric_core.resolver import Resolver
from oneiric_core.testing import PUBLISHER, ArtifactServer
from oneiric_core.trust import PublicKey, TrustPolicy

T = TypeVar("T")
NOW = datetime(2026, 6, 1, tzinfo=UTC)
TRUST = TrustPolicy([PublicKey(PUBLISHER.public)], unsafe_allow_published_keys=True)


class World:
    """A resolver and a lifecycle with what a sync needs; ``factories`` are what entries may name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.resolver = Resolver()
        self.clock = FrozenClock(NOW)
        self.factories: dict[str, Callable[[], object]] = {}
        self.lifecycle = LifecycleManager(self.resolver, clock=self.clock, importer=self._import)

    async def sync(self, source: Any, **options: Any) -> SyncReport:
        known = {"trust": TRUST, "lifecycle": self.lifecycle, "state_dir": self.path / "state", "clock": self.clock}
        return await sync_remote_manifest(self.resolver, source, **(known | options))

    def _import(self, path: str) -> object:
        return self.factories[path]

    def names(self) -> set[str]:
        return {candidate.name for candidate in self.resolver.candidates()}

    async def restart(self) -> None:
        await self.lifecycle.stop()
        self.resolver = Resolver()
        self.lifecycle = LifecycleManager(self.resolver, clock=self.clock, importer=self._import)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    yield world
    await world.lifecycle.stop()


class Fetching:
    """Fetchers that may ask the servers of these tests, and a clock that moves only while somebody waits for it."""

    def __init__(self) -> None:
        self.clock = FrozenClock(NOW)

    def fetcher(self, *, attempts: int = 1, **options: Any) -> HttpFetcher:
        """Without retries unless asked for."""
        limits = options.pop("limits", {})
        known = {"addresses": AddressPolicy(["127.0.0.0/8"], http_to_loopback=True), "clock": self.clock}
        return HttpFetcher(limits=FetchLimits(**{"attempts": attempts} | limits), **(known | options))

    async def passing(self, work: Awaitable[T], *, after: Awaitable[object] | None = None, step: float = 1.0) -> T:
        """What ``work`` gives, while time passes; by default from the beginning, or ``after`` something has happened.

        Time passes much faster than bytes travel, so that whoever waits for a server that will not come is done at
        once, and one that would come is missed.
        """
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            task = group.create_task(_outcome(work))
            if after is not None:
                await after
            while not task.done():
                await self.clock.advance(step)
                await asyncio.wait({task}, timeout=0.001)  # what was due may end before more time passes
        result, error = task.result()
        if error is not None:
            raise error
        return result  # type: ignore[return-value]  # None only where T is


async def _outcome(work: Awaitable[T]) -> tuple[T, None] | tuple[None, Exception]:
    try:
        return await work, None
    except Exception as error:  # noqa: BLE001 - raised again where it is waited for, and not as part of a group
        return None, error


@pytest.fixture
def fetching() -> Fetching:
    return Fetching()


@pytest.fixture
def server() -> Iterator[ArtifactServer]:
    with ArtifactServer() as server:
        yield server
