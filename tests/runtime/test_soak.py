"""A long life: swaps, bad manifests and faults without end, and nothing of the process grows.

A minute by default; ``ONEIRIC_SOAK_SECONDS=1800`` makes it the half hour that a release deserves.
"""

import asyncio
import ctypes
import gc
import hashlib
import logging
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from oneiric_core.testing import PUBLISHER, STRANGER, make_wheel, manifest_entry, signed_manifest

SECONDS = float(os.environ.get("ONEIRIC_SOAK_SECONDS", "60"))
CODE = """
class Component:
    healthy = {healthy}
    def __init__(self): self.load = bytearray(100_000)
    async def start(self): pass
    async def stop(self): pass
    async def health(self): return self.healthy
    async def run(self, payload): return {version!r}
    async def handle(self, envelope): return {version!r}
    async def execute(self, payload): return {version!r}
"""
DOMAINS = ("adapter", "service", "task", "event", "workflow", "action")


@dataclass(frozen=True, slots=True)
class Measured:
    tasks: int
    threads: int
    descriptors: int
    resident: int


def measure() -> Measured:
    """What the process has; resident size in KiB, without what the allocator only keeps for later.

    The loop's pool grows to its bound and stays, as of any program.
    """
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - of the kernel
        resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - likewise
    threads = [each for each in threading.enumerate() if not each.name.startswith("asyncio_")]
    return Measured(len(asyncio.all_tasks()), len(threads), descriptors, resident)


class Site:
    """A directory that a server of another process serves."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.number = 0

    def put(self, name: str, content: bytes) -> None:
        beside = self.folder / "new"
        beside.write_bytes(content)
        beside.replace(self.folder / name)

    def offer(self, version: str, *, healthy: bool = True, key: Any = PUBLISHER, sha256: str = "") -> None:
        files = {"acme_soak/__init__.py": "", "acme_soak/parts.py": CODE.format(version=version, healthy=healthy)}
        wheel = make_wheel(files, "acme-soak", version)
        name = f"acme_soak-{version}-py3-none-any.whl"
        self.put(name, wheel)
        code = {"uri": f"{self.url}/{name}", "sha256": sha256 or hashlib.sha256(wheel).hexdigest()}
        entries = [manifest_entry(each, "thing", "acme", "acme_soak.parts:Component", **code) for each in DOMAINS]
        self.number += 1
        self.put("manifest.json", signed_manifest(entries, [key], source="soak", sequence_number=self.number))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert server.stdout is not None
    port = server.stdout.readline().split(" port ")[1].split()[0]
    yield Site(folder, f"http://127.0.0.1:{port}")
    server.kill()
    server.communicate()


def troubles(stage: Any, site: Site) -> dict[str, Callable[[], object]]:
    """What may go wrong; each leaves what runs as it is."""
    return {
        "a stranger": lambda: site.offer("1.0", key=STRANGER),
        "garbage": lambda: site.put("manifest.json", b"{"),
        "a component that is not healthy": lambda: site.offer("9.0", healthy=False),
        "another digest": lambda: site.offer("1.0", sha256="0" * 64),
        "no manifest": lambda: (site.folder / "manifest.json").unlink(missing_ok=True),
        "broken settings": lambda: stage.write(stage.settings, b"[adapters.sel"),
    }


@pytest.mark.long
async def test_nothing_grows(stage: Any, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("oneiric_core"), "propagate", False)  # pytest keeps each record to the end
    chance = random.Random(1)  # noqa: S311 - to be the same every time
    configured = "[remote]\nhttp_to_loopback = true\nattempts = 1\n" + "".join(
        f"[{domain}s.selections]\nthing = 'acme'\n[{domain}s.provider_settings.acme]\n" for domain in DOMAINS
    )
    stage.configure(configured)
    site.offer("1.0")
    runtime = stage.runtime(manifest_path=None, manifest_url=f"{site.url}/manifest.json", refresh_interval=5)
    await runtime.start()
    assert runtime.snapshot().ready, runtime.snapshot().reasons
    wrong = troubles(stage, site)
    met, rounds, measured = set(), 0, [measure()]
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        rounds += 1
        trouble = chance.choice([*wrong])
        wrong[trouble]()
        await stage.pass_by(6)
        assert runtime.snapshot().reasons, trouble
        assert len(runtime.lifecycle.all_statuses()) == len(DOMAINS)
        met.add(trouble)
        stage.configure(configured)
        site.offer(version := chance.choice(["1.0", "2.0", "3.0", "4.0"]))
        for _ in range(30):
            await stage.pass_by(5)
            if runtime.snapshot().ready:
                break
        assert runtime.snapshot().ready, runtime.snapshot().reasons
        assert await runtime.task_bridge.run("thing") == version
        measured.append(measure())
    assert met == set(wrong), "too short to meet every trouble"
    warm = measured[len(measured) // 3 :]
    early, late = warm[: len(warm) // 2], warm[len(warm) // 2 :]
    for what in ("tasks", "threads", "descriptors"):
        assert median(getattr(each, what) for each in late) <= median(getattr(each, what) for each in early), what
    growth = median(each.resident for each in late) - median(each.resident for each in early)
    assert growth <= 2048, f"{growth} KiB in the second half of {rounds} rounds"
    sys.stdout.write(f"{rounds} rounds, {early[0]} at first, {late[-1]} at last\n")
