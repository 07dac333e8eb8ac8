"""However large an artifact is, the process that fetches it stays small."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from oneiric_core.testing import ArtifactServer

MIB = 1 << 20
FETCHING = """
import asyncio, json, sys
from oneiric_core import AddressPolicy, ArtifactManager, HttpFetcher

def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) * 1024

async def main(cache, small, large):
    manager = ArtifactManager(cache, fetcher=HttpFetcher(addresses=AddressPolicy(http_to_loopback=True)))
    await manager.fetch(*small)  # whatever is loaded, is loaded now
    before = peak()
    await manager.fetch(*large)
    return peak() - before

print(asyncio.run(main(*json.loads(sys.argv[1]))))
"""


@pytest.mark.long
def test_a_quarter_of_a_gigabyte_moves_the_resident_size_by_less_than_32_mib(
    server: ArtifactServer, tmp_path: Path
) -> None:
    bodies = {"/small": b"x" * MIB, "/large": bytes(256 * MIB)}
    offers = [
        (server.serve(path, body), hashlib.sha256(body).hexdigest(), None, len(body)) for path, body in bodies.items()
    ]
    run = subprocess.run(
        [sys.executable, "-c", FETCHING, json.dumps([str(tmp_path / "cache"), *offers])],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    assert int(run.stdout) < 32 * MIB
