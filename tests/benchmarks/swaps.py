"""A thousand swaps while leased calls come as fast as the machine gives them: calls lost, and time added to a call."""

import asyncio
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from measure import Figure

from oneiric_core import Candidate, LifecycleManager, Resolver

SWAPS, CALLERS = 1000, 4


class LostCallError(Exception):
    """A call on an instance that was cleaned up: one that is lost."""


class Server:
    open = False

    async def init(self) -> None:
        self.open = True

    async def health(self) -> bool:
        return self.open

    async def cleanup(self) -> None:
        self.open = False

    async def call(self) -> None:
        """Three suspensions, as of a call that talks to somebody."""
        for _ in range(3):
            if not self.open:
                raise LostCallError
            await asyncio.sleep(0)
        if not self.open:
            raise LostCallError


@dataclass
class Load:
    manager: LifecycleManager
    seconds: list[float] = field(default_factory=list)
    lost: int = 0

    async def calls(self, until: asyncio.Event) -> None:
        while not until.is_set():
            began = time.perf_counter()
            try:
                async with self.manager.lease("adapter", "cache") as server:
                    await server.call()  # type: ignore[attr-defined]  # it is ours
            except Exception:  # noqa: BLE001 - whatever went wrong, the call is lost
                self.lost += 1
            self.seconds.append(time.perf_counter() - began)


async def under_load(*, swapping: bool, seconds: float) -> tuple[Load, float]:
    """The load, and how long it went on: for all swaps, or for ``seconds`` without any."""
    resolver = Resolver()
    resolver.register(Candidate("adapter", "cache", "server", Server))
    async with LifecycleManager(resolver) as manager:
        await manager.activate("adapter", "cache")
        load, until = Load(manager), asyncio.Event()
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(CALLERS):
                group.create_task(load.calls(until))
            for _ in range(SWAPS if swapping else 0):
                await manager.swap("adapter", "cache")
            if not swapping:
                await asyncio.sleep(seconds)
            until.set()
    return load, time.perf_counter() - began


def percentile(seconds: list[float], part: int) -> float:
    return statistics.quantiles(seconds, n=100)[part - 1]


def swaps() -> Iterator[Figure]:
    busy, took = asyncio.run(under_load(swapping=True, seconds=0))
    quiet, _ = asyncio.run(under_load(swapping=False, seconds=took))
    yield Figure(f"calls lost in {SWAPS} swaps under load", f"{busy.lost} of {len(busy.seconds)}", "0")
    yield Figure(
        "calls a second meanwhile, without swaps",
        f"{len(busy.seconds) / took:.0f}, {len(quiet.seconds) / took:.0f}",
        "",
    )
    for part, goal in ((50, ""), (99, "≤ 1 ms")):
        added = percentile(busy.seconds, part) - percentile(quiet.seconds, part)
        yield Figure(f"latency a swap adds to a leased call, p{part}", f"{added * 1e6:.0f} µs", goal)
