"""Killed at any point of applying a manifest, then started again: the old one or the new one, never between."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.testing import key_pair, manifest_entry, signed_manifest

KEY = key_pair("of who is killed")
KEYS = ("a", "b", "c")
POINTS = 5
NEVER = 1_000_000
PROGRAM = '''
import asyncio, json, os, signal, sys
from pathlib import Path
from oneiric_core.runtime import RuntimeOrchestrator

HERE = Path(sys.argv[1])
KILL_AT = int(sys.argv[2])
steps = 0

def step():
    """One of the points at which this process may be killed."""
    global steps
    steps += 1
    if steps == KILL_AT:
        os.kill(os.getpid(), signal.SIGKILL)

def trace(frame, event, argument):
    """Every call within our own code that changes something."""
    if event == "call" and frame.f_code.co_name in CHANGES:
        step()

CHANGES = {"apply", "_change_locked", "_publish", "_write", "commit", "stage", "update", "pin", "_put", "retire"}

async def main():
    runtime = RuntimeOrchestrator(
        manifest_path=HERE / "manifest.json", settings=HERE / "oneiric.toml", cache_dir=HERE / "cache",
        state_dir=HERE / "state",
    )
    if KILL_AT:
        import threading
        threading.setprofile(trace)
        sys.setprofile(trace)
    async with runtime:
        print(json.dumps({
            "offered": sorted(str(each.factory) for each in runtime.resolver.candidates()),
            "active": {
                key: str(runtime.lifecycle.handle("adapter", key).candidate.factory)
                for key in runtime.snapshot().domains["adapter"].active
            },
            "error": runtime.snapshot().sync.last_error,
            "steps": steps,
        }))
        sys.stdout.flush()

asyncio.run(main())
'''
SETTINGS = """
[trust]
keys = ["key.pem"]
[factories]
allow = ["acme_killed"]
[adapters.selections]
a = "acme"
b = "acme"
c = "acme"
"""


def manifest(kind: str, number: int) -> bytes:
    entries = [manifest_entry("adapter", key, "acme", f"acme_killed:{kind}") for key in KEYS]
    return signed_manifest(entries, [KEY], source="acme", sequence_number=number)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "acme_killed.py").write_text("class Old: pass\nclass New: pass\n", encoding="utf-8")
    (tmp_path / "oneiric.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "key.pem").write_text(KEY.public_pem, encoding="utf-8")
    return tmp_path


def run(here: Path, kill_at: int = 0) -> dict[str, Any] | None:
    """What stood after the start; None if it was killed before."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(here), str(kill_at)],
        env=os.environ | {"PYTHONPATH": str(here)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode == -9:
        return None
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def is_whole(told: dict[str, Any], kind: str) -> bool:
    factory = f"acme_killed:{kind}"
    return told["offered"] == [factory] * len(KEYS) and told["active"] == dict.fromkeys(KEYS, factory)


@pytest.mark.long
async def test_after_a_kill_at_any_point_one_manifest_stands_as_a_whole(here: Path) -> None:
    (here / "manifest.json").write_bytes(manifest("New", 1))
    first = run(here)
    assert first is not None
    assert is_whole(first, "New")
    (here / "manifest.json").write_bytes(manifest("Old", 2))
    unharmed = run(here, NEVER)
    assert unharmed is not None
    assert unharmed["steps"] > POINTS, "the points at which it is killed are where something changes"
    number, kind, former = 2, "Old", "New"
    for point in range(POINTS):
        number, kind, former = number + 1, former, kind
        (here / "manifest.json").write_bytes(manifest(kind, number))
        assert await asyncio.to_thread(run, here, 1 + point * (unharmed["steps"] - 1) // POINTS) is None
        (here / "manifest.json").unlink()  # what is new cannot be had any more: what stood has to serve
        after = await asyncio.to_thread(run, here)
        assert after is not None
        assert is_whole(after, kind) or is_whole(after, former), (point, after)
        (here / "manifest.json").write_bytes(manifest(kind, number))
        again = await asyncio.to_thread(run, here)
        assert again is not None
        assert is_whole(again, kind), (point, again)
        assert not again["error"]
