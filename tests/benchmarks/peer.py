"""What core.py measures, of the published package, which needs Python 3.13; one line of JSON, in seconds.

Its log is turned off, because ours writes none.
"""

import asyncio
import json
import logging
import sys

import structlog
from alike import KINDS, resolving, swapping
from oneiric.core.lifecycle import LifecycleManager
from oneiric.core.resolution import Candidate, Resolver


def candidate(number: int, factory: type) -> Candidate:
    return Candidate(domain="adapter", key="cache", provider=f"p{number}", factory=factory)


async def main() -> None:
    found = resolving(Resolver, candidate, lookups=20, registrations=10)
    for work, kind in KINDS.items():
        resolver = Resolver()
        resolver.register(candidate(0, kind))
        read, found[f"swap, {work}"] = await swapping(LifecycleManager(resolver))
        found.setdefault("read the active instance", read)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    asyncio.run(main())
