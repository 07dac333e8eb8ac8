"""Register, resolve, read and swap, ours beside the published package."""

import asyncio
import json
import subprocess
from collections.abc import Iterator

from alike import KINDS, resolving, swapping
from measure import ROOT, Figure

from oneiric_core import Candidate, LifecycleManager, Resolver

PEER = ROOT / ".venv-newest" / "bin" / "python"
GOALS = {
    "register one more beside 1,000": "≤ 20 µs, flat",
    "resolve among 10 candidates": "≤ 1 µs, flat",
    "resolve among 100 candidates": "≤ 1 µs, flat",
    "resolve among 1000 candidates": "≤ 1 µs, flat",
    "read the active instance": "≤ 0.15 µs",
    "swap, no hooks": "≤ 60 µs",
    "swap, sync hooks": "≤ 60 µs",
    "swap, three async hooks": "≤ 60 µs",
}


def candidate(number: int, factory: type) -> Candidate:
    return Candidate("adapter", "cache", f"p{number}", factory)


async def measured() -> dict[str, float]:
    found = resolving(Resolver, candidate, lookups=20_000, registrations=250)
    for work, kind in KINDS.items():
        resolver = Resolver()
        resolver.register(candidate(0, kind))
        async with LifecycleManager(resolver) as manager:
            read, found[f"swap, {work}"] = await swapping(manager)
            found.setdefault("read the active instance", read)
    return found


def published() -> dict[str, float]:
    """The same of the published package, in a Python that can run it; empty if there is none."""
    if not PEER.exists():
        return {}
    script = ROOT / "tests" / "benchmarks" / "peer.py"
    done = subprocess.run([PEER, script], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def core() -> Iterator[Figure]:
    theirs = published()
    for work, seconds in asyncio.run(measured()).items():
        beside = f" ({theirs[work] * 1e6:.2f} µs)" if work in theirs else ""
        yield Figure(f"{work} (published)", f"{seconds * 1e6:.2f} µs{beside}", GOALS[work])
