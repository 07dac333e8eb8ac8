"""A runtime on a directory of its own, with a manifest file, a settings file and components that keep a ledger."""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from oneiric_core.clock import FrozenClock
from oneiric_core.runtime import HealthSnapshot, RuntimeOrchestrator
from oneiric_core.testing import PUBLISHER, KeyPair, manifest_entry, signed_manifest
from oneiric_core.trust import PublicKey, TrustPolicy

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TRUST = TrustPolicy([PublicKey(PUBLISHER.public)], unsafe_allow_published_keys=True)


class Ledger:
    """What became of every instance, by the name of its kind, and what shall become of the next ones."""

    def __init__(self) -> None:
        self.alive: list[str] = []
        self.made: list[str] = []
        self.broken: set[str] = set()
        self.settings: list[Any] = []


def kinds(ledger: Ledger, *names: str) -> ModuleType:
    """A module of component classes; each can do the verb of any domain."""
    module = ModuleType("acme_runtime")

    def kind(name: str) -> type:
        class Component:
            def __init__(self, settings: Any = None) -> None:
                self.settings = settings
                ledger.settings.append(settings)
                ledger.made.append(name)
                ledger.alive.append(name)

            async def health(self) -> bool:
                await asyncio.sleep(0)
                return name not in ledger.broken

            async def cleanup(self) -> None:
                ledger.alive.remove(name)

            async def run(self, payload: Any) -> str:
                return f"{name} ran {payload}"

        Component.__name__ = Component.__qualname__ = name
        Component.__module__ = module.__name__
        return Component

    for name in names:
        setattr(module, name, kind(name))
    return module


class Stage:
    """Files of a runtime and the runtimes that were started on them."""

    def __init__(self, path: Path, ledger: Ledger) -> None:
        self.path = path
        self.ledger = ledger
        self.clock = FrozenClock(NOW)
        self.manifest = path / "manifest.json"
        self.settings = path / "oneiric.toml"
        self.number = 0
        self.runtimes: list[RuntimeOrchestrator] = []

    def publish(self, *entries: dict[str, Any], signed_by: KeyPair = PUBLISHER, number: int | None = None) -> bytes:
        """Put the next manifest in its place, as a careful publisher does: all at once."""
        self.number = self.number + 1 if number is None else number
        content = signed_manifest(entries, [signed_by], source="acme", sequence_number=self.number)
        self.write(self.manifest, content)
        return content

    def configure(self, text: str) -> None:
        self.write(self.settings, f"[factories]\nallow = ['acme_runtime']\n{text}".encode())

    @staticmethod
    def write(path: Path, content: bytes) -> None:
        beside = path.with_name(f"{path.name}.new")
        beside.write_bytes(content)
        beside.replace(path)

    def runtime(self, **options: Any) -> RuntimeOrchestrator:
        known = {
            "manifest_path": self.manifest,
            "trust": TRUST,
            "cache_dir": self.path / "cache",
            "state_dir": self.path / "state",
            "settings": self.settings,
            "clock": self.clock,
        }
        runtime = RuntimeOrchestrator(**(known | options))
        self.runtimes.append(runtime)
        return runtime

    async def pass_by(self, seconds: float) -> None:
        """Let time pass, a second at a time, and everything that is due be done."""
        for _ in range(round(seconds)):
            await self.clock.advance(1)
            for runtime in self.runtimes:
                await runtime.settled()

    @staticmethod
    def entry(kind: str, key: str = "cache", domain: str = "adapter", **more: object) -> dict[str, Any]:
        provider = str(more.pop("provider", kind.lower()))
        return manifest_entry(domain, key, provider, f"acme_runtime:{kind}", **more)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def components(ledger: Ledger) -> Iterator[None]:
    sys.modules["acme_runtime"] = kinds(ledger, "One", "Two", "Three", "Broken")
    ledger.broken.add("Broken")
    yield
    del sys.modules["acme_runtime"]


@pytest.fixture
async def stage(tmp_path: Path, ledger: Ledger, components: None) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path, ledger)
    stage.configure("")
    yield stage
    for runtime in stage.runtimes:
        await runtime.stop()


@pytest.fixture
def left_over() -> Callable[[], dict[str, object]]:
    """What this process has: tasks, threads that are not the loop's own, descriptors by what they lead to."""

    def look() -> dict[str, object]:
        me = asyncio.current_task()
        threads = [each.name for each in threading.enumerate() if not each.name.startswith("asyncio_")]
        descriptors = []
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names, of which some vanish while we look
            try:
                descriptors.append(os.readlink(f"/proc/self/fd/{name}"))  # noqa: PTH115 - as above
            except FileNotFoundError:
                continue
        return {
            "tasks": [task.get_name() for task in asyncio.all_tasks() if task is not me],
            "threads": sorted(threads),
            "descriptors": sorted(descriptors),
        }

    return look


@pytest.fixture
def reasons() -> Callable[[HealthSnapshot], str]:
    return lambda snapshot: "; ".join(snapshot.reasons)
