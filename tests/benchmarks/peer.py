"""What core.py measures, of the published package, which needs Python 3.13; one line of JSON, in seconds.

Its log is turned off, because ours writes none.
"""

import asyncio
import json
import logging
import statistics
import sys
import time

import structlog
from measure import per_call
from oneiric.core.lifecycle import LifecycleManager
from oneiric.core.resolution import Candidate, Resolver


class Plain:
    pass


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
    return Candidate(domain="adapter", key="cache", provider=f"p{number}", factory=factory)


async def main() -> None:
    found: dict[str, float] = {}
    resolver = Resolver()
    for count in (10, 100, 1000):
        resolver = Resolver()
        for number in range(count):
            resolver.register(candidate(number))
        found[f"resolve among {count} candidates"] = per_call(
            20, lambda chosen=resolver: chosen.resolve("adapter", "cache")
        )
    fresh = iter([candidate(number) for number in range(1000, 1500)])
    found["register one more beside 1,000"] = per_call(10, lambda: resolver.register(next(fresh)))
    for work, kind in (("no hooks", Plain), ("sync hooks", Sync), ("three async hooks", Async)):
        resolver = Resolver()
        resolver.register(candidate(0, kind))
        manager = LifecycleManager(resolver)
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
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    asyncio.run(main())
