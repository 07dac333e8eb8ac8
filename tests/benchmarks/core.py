"""Register, resolve, read and swap, ours beside the published package."""

import asyncio
import json
import statistics
import subprocess
import time
from collections.abc import Iterator

from measure import ROOT, Figure, per_call

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


class Plain:
    """A component with no work of its own, so that what is measured is ours."""


class Sync:
    def init(self) -> None: ...

    def health(self) -> bool:
        return True

    def cleanup(self) -> None: ...


class Async:
    async def init(self) -> None: ...

    async def health(self) -> bool:
        return True

    async def cleanup(self) -> None: ...


def candidate(number: int, factory: type = Plain) -> Candidate:
    return Candidate("adapter", "cache", f"p{number}", factory)


def resolving() -> Iterator[tuple[str, float]]:
    resolver = Resolver()
    for count in (10, 100, 1000):
        resolver = Resolver()
        for number in range(count):
            resolver.register(candidate(number))
        yield (
            f"resolve among {count} candidates",
            per_call(20_000, lambda chosen=resolver: chosen.resolve("adapter", "cache")),
        )
    fresh = iter([candidate(number) for number in range(1000, 3000)])
    yield "register one more beside 1,000", per_call(250, lambda: resolver.register(next(fresh)))


async def swapping() -> dict[str, float]:
    found: dict[str, float] = {}
    for work, kind in (("no hooks", Plain), ("sync hooks", Sync), ("three async hooks", Async)):
        resolver = Resolver()
        resolver.register(candidate(0, kind))
        async with LifecycleManager(resolver) as manager:
            await manager.activate("adapter", "cache")
            found.setdefault(
                "read the active instance",
                per_call(50_000, lambda chosen=manager: chosen.get_instance("adapter", "cache")),
            )
            rounds = []
            for _ in range(7):
                start = time.perf_counter()
                for _ in range(300):
                    await manager.swap("adapter", "cache")
                rounds.append((time.perf_counter() - start) / 300)
            found[f"swap, {work}"] = statistics.median(rounds)
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
    ours = dict(resolving()) | asyncio.run(swapping())
    theirs = published()
    for work, seconds in ours.items():
        beside = f" ({theirs[work] * 1e6:.2f} µs)" if work in theirs else ""
        yield Figure(f"{work} (published)", f"{seconds * 1e6:.2f} µs{beside}", GOALS[work])
