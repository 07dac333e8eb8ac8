"""From a changed manifest on the server to the swapped component, beside what has to be done at least.

A server of another process, a wheel of its own code each time, real signatures. The runtime looks as often as it can,
so that what is measured is the work and not the waiting.
"""

import asyncio
import hashlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure import Figure

ROUNDS = 15
SETTINGS = """
cache_dir = "cache"
state_dir = "state"
[remote]
http_to_loopback = true
[adapters.selections]
thing = "acme"
"""


def wheel_of(number: int) -> bytes:
    from oneiric_core.testing import make_wheel  # noqa: PLC0415 - what other subjects import is measured

    code = f"class Component:\n    number = {number}\n"
    return make_wheel({"acme_reload/__init__.py": "", "acme_reload/parts.py": code}, "acme-reload", f"{number}.0")


def publish(folder: Path, url: str, number: int) -> None:
    from oneiric_core.testing import PUBLISHER, manifest_entry, signed_manifest  # noqa: PLC0415 - as above

    wheel = wheel_of(number)
    name = f"acme_reload-{number}.0-py3-none-any.whl"
    (folder / name).write_bytes(wheel)
    code = {"uri": f"{url}/{name}", "sha256": hashlib.sha256(wheel).hexdigest(), "length": len(wheel)}
    entry = manifest_entry("adapter", "thing", "acme", "acme_reload.parts:Component", **code)
    document = signed_manifest([entry], [PUBLISHER], source="acme", sequence_number=number)
    (folder / "new").write_bytes(document)
    (folder / "new").replace(folder / "manifest.json")


async def reloads(here: Path, folder: Path, url: str) -> tuple[float, float]:
    """Median seconds of a sync that swaps, and of a whole change with a look every tenth of a second."""
    from oneiric_core import RuntimeOrchestrator, TrustPolicy  # noqa: PLC0415 - as above
    from oneiric_core.testing import PUBLISHER  # noqa: PLC0415 - as above
    from oneiric_core.trust import PublicKey  # noqa: PLC0415 - as above

    trust = TrustPolicy([PublicKey(PUBLISHER.public)], unsafe_allow_published_keys=True)
    options: dict[str, Any] = {"manifest_url": f"{url}/manifest.json", "trust": trust}
    publish(folder, url, number := 1)
    asked, looked = [], []
    async with RuntimeOrchestrator(settings=here / "oneiric.toml", **options) as runtime:
        for _ in range(ROUNDS):
            publish(folder, url, number := number + 1)
            began = time.perf_counter()
            await runtime.sync()
            asked.append(time.perf_counter() - began)
            assert runtime.lifecycle.get_instance("adapter", "thing").number == number  # type: ignore[union-attr]  # ours
    async with RuntimeOrchestrator(settings=here / "oneiric.toml", refresh_interval=0.1, **options) as runtime:
        for _ in range(ROUNDS):
            swapped = asyncio.Event()
            undo = runtime.lifecycle.observe(lambda _: swapped.set())  # noqa: B023 - undone before the next
            publish(folder, url, number := number + 1)
            began = time.perf_counter()
            await swapped.wait()
            looked.append(time.perf_counter() - began)
            undo()
    return statistics.median(asked), statistics.median(looked)


def floor(folder: Path, url: str) -> float:
    """Median seconds of getting both files and hashing the wheel."""
    import httpx  # noqa: PLC0415 - as above

    taken = []
    name = max(path.name for path in folder.glob("*.whl"))
    with httpx.Client() as client:
        for _ in range(ROUNDS):
            began = time.perf_counter()
            client.get(f"{url}/manifest.json").read()
            hashlib.sha256(client.get(f"{url}/{name}").read()).hexdigest()
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def reload() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        folder = here / "site"
        folder.mkdir()
        (here / "oneiric.toml").write_text(SETTINGS, encoding="utf-8")
        command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(folder)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert server.stdout is not None
            url = f"http://127.0.0.1:{server.stdout.readline().split(' port ')[1].split()[0]}"
            asked, looked = asyncio.run(reloads(here, folder, url))
            least = floor(folder, url)
        finally:
            server.kill()
            server.communicate()
    yield Figure(
        "changed manifest on the server to swapped component, its code in a new wheel",
        f"{asked * 1e3:.0f} ms; getting both files alone {least * 1e3:.0f} ms",
        "",
    )
    yield Figure("the same, looking every 100 ms", f"{looked * 1e3:.0f} ms", "the interval and the above")
