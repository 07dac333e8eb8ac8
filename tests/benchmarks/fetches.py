"""Fetching over loopback: a gigabyte beside curl and sha256sum, many at once, and a manifest that has not changed."""

import asyncio
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from measure import Figure, median_of

from oneiric_core import (
    AddressPolicy,
    ArtifactManager,
    HttpFetcher,
    Resolver,
    UnsafeAcceptUnsigned,
    sync_remote_manifest,
)
from oneiric_core.testing import ArtifactServer, Reply, manifest_entry, signed_manifest

GIB, ROUNDS, MANY = 1 << 30, 3, 32

SENDFILE = """
import os, socket, sys, threading
file = open(sys.argv[1], "rb")
size = os.fstat(file.fileno()).st_size
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
def serve(connection):
    while b"\\r\\n\\r\\n" not in connection.recv(65536): pass
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % size)
    sent = 0
    while sent < size:
        sent += os.sendfile(connection.fileno(), file.fileno(), sent, 1 << 20)
    connection.close()
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""
OURS = """
import asyncio, json, sys, time
from oneiric_core import AddressPolicy, ArtifactManager, HttpFetcher

def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) / 1024

async def main(cache, url, sha256, length):
    manager = ArtifactManager(cache, fetcher=HttpFetcher(addresses=AddressPolicy(http_to_loopback=True)))
    before, began = peak(), time.perf_counter()
    await manager.fetch(url, sha256, length=length)
    return time.perf_counter() - began, peak() - before

print(json.dumps(asyncio.run(main(*json.loads(sys.argv[1])))))
"""


def fetches() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        yield from a_gigabyte(Path(folder))
    yield from many_at_once()
    yield from an_unchanged_manifest()


def a_gigabyte(folder: Path) -> Iterator[Figure]:
    """Ours, and what the same work costs with nothing around it, in turns. Both write to the same disk."""
    blob = folder / "blob"
    with blob.open("wb") as file:
        for number in range(1024):
            file.write(hashlib.sha256(b"%d" % number).digest() * (1 << 15))
    with blob.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    with subprocess.Popen([sys.executable, "-c", SENDFILE, blob], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/blob"
        ours, floor, grown = [], [], []
        for number in range(ROUNDS):
            seconds, mib = _ours(folder / f"cache{number}", url, sha256)
            ours.append(seconds)
            grown.append(mib)
            floor.append(_floor(folder / "plain", url, sha256))
        server.terminate()
    ratio = statistics.median(ours) / statistics.median(floor)
    yield Figure(
        "fetch and verify 1 GiB over loopback (curl and sha256sum)",
        f"{statistics.median(ours):.1f} s ({statistics.median(floor):.1f} s), {ratio:.2f} times",
        "≤ 1.3 times",
    )
    yield Figure("resident growth meanwhile", f"{max(grown):.0f} MiB", "≤ 32 MiB")


def _ours(cache: Path, url: str, sha256: str) -> tuple[float, float]:
    arguments = json.dumps([str(cache), url, sha256, GIB])
    run = subprocess.run([sys.executable, "-c", OURS, arguments], check=True, capture_output=True, text=True)
    seconds, mib = json.loads(run.stdout)
    return float(seconds), float(mib)


def _floor(target: Path, url: str, sha256: str) -> float:
    began = time.perf_counter()
    subprocess.run(["curl", "--silent", "--output", target, url], check=True)
    subprocess.run(["sha256sum", "--check", "--quiet"], input=f"{sha256}  {target}\n", check=True, text=True)
    return time.perf_counter() - began


def many_at_once() -> Iterator[Figure]:
    body = bytes(1 << 20)
    sha256 = hashlib.sha256(body).hexdigest()
    fetcher = HttpFetcher(addresses=AddressPolicy(http_to_loopback=True))

    async def fetch(url: str, folder: str) -> None:
        manager = ArtifactManager(f"{folder}/cache", fetcher=fetcher)
        await asyncio.gather(*(manager.fetch(url, sha256) for _ in range(MANY)))

    with ArtifactServer() as server, tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        asyncio.run(fetch(server.serve("/a", body), folder))
        took = time.perf_counter() - began
        downloads = len(server.requests)
    yield Figure(f"{MANY} fetches of one artifact of 1 MiB at once", f"{downloads} download, {took * 1e3:.0f} ms", "1")


def an_unchanged_manifest() -> Iterator[Figure]:
    entries = [manifest_entry("adapter", f"key{number}", "acme", "acme:Component") for number in range(10_000)]
    data = signed_manifest(entries)
    fetcher = HttpFetcher(addresses=AddressPolicy(http_to_loopback=True))

    async def again(url: str) -> float:
        resolver = Resolver()

        async def sync() -> float:
            began = time.perf_counter()
            await sync_remote_manifest(resolver, url, trust=UnsafeAcceptUnsigned(), fetcher=fetcher)
            return time.perf_counter() - began

        await sync()
        return statistics.median([await sync() for _ in range(20)])

    with ArtifactServer() as server:
        url = server.on("/manifest.json", Reply(data, etag='"one"'))
        took = median_of(3, lambda: asyncio.run(again(url)))
    yield Figure(
        "sync 10,000 entries again from a URL, unchanged: one 304", f"{took * 1e3:.1f} ms", "≤ 8.9 ms (published / 500)"
    )
