"""What is measured of our core and of the published one in the same way, whatever their constructors are called."""

import statistics
import time
from collections.abc import Callable
from typing import Any

from measure import per_call

CACHE = ("adapter", "cache")


class Plain:
    """A component with no work of its own, so that what is measured is the core's."""


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


KINDS = {"no hooks": Plain, "sync hooks": Sync, "three async hooks": Async}

Candidates = Callable[[int, type], Any]


def resolving(make: Callable[[], Any], candidate: Candidates, *, lookups: int, registrations: int) -> dict[str, float]:
    """Seconds of one look-up among ever more candidates, and of one more registration; ``lookups`` a round."""
    found: dict[str, float] = {}
    resolver = make()
    for count in (10, 100, 1000):
        resolver = make()
        for number in range(count):
            resolver.register(candidate(number, Plain))
        found[f"resolve among {count} candidates"] = per_call(lookups, lambda chosen=resolver: chosen.resolve(*CACHE))
    fresh = iter([candidate(number, Plain) for number in range(1000, 1000 + 8 * registrations)])
    found["register one more beside 1,000"] = per_call(registrations, lambda: resolver.register(next(fresh)))
    return found


async def swapping(manager: Any) -> tuple[float, float]:
    """Seconds of reading the active instance, and of one swap."""
    await manager.activate(*CACHE)
    read = per_call(50_000, lambda: manager.get_instance(*CACHE))
    rounds = []
    for _ in range(7):
        start = time.perf_counter()
        for _ in range(300):
            await manager.swap(*CACHE)
        rounds.append((time.perf_counter() - start) / 300)
    return read, statistics.median(rounds)
