"""A resolver and a lifecycle, as the tests of this room need them."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.clock import FrozenClock
from oneiric_core.lifecycle import LifecycleManager
from oneiric_core.remote.sync import SyncReport, sync_remote_manifest
from oneiric_core.resolver import Resolver
from oneiric_core.testing import PUBLISHER
from oneiric_core.trust import PublicKey, TrustPolicy

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
