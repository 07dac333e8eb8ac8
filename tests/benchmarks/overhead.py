"""What judging costs over the examples it judges by: the same property, written by hand and judged by the kit."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import hypothesis
from measure import Figure, quickest_of

from oneiric_conformance.checks import kv
from oneiric_conformance.finding.packages import find_distribution
from oneiric_conformance.judging.session import Session
from oneiric_conformance.profile import PROFILES

_ROUNDS = 5


def overhead() -> Iterator[Figure]:
    """KV-001 of acme's cache, which has to be installed."""
    for name in ("gate", "deep"):
        with Session(find_distribution("acme-oneiric"), profile=PROFILES[name]) as session:
            (planned,) = [
                each for each in session.plan() if each.check == "KV-001" and each.subject == "adapter/cache/acme"
            ]
            judged, bare = quickest_of(
                _ROUNDS,
                lambda session=session, planned=planned: _timed(session.judge, planned),
                lambda name=name: _timed(_by_hand, PROFILES[name].examples),
            )
        told = (
            f"{1000 * judged:.0f} ms; the same property without the kit {1000 * bare:.0f} ms: {judged / bare:.2f} times"
        )
        yield Figure(f"KV-001 on one adapter, {name} profile, quickest of {_ROUNDS}", told, "≤ 1.5 times")


def _timed(work: Any, *arguments: Any) -> float:
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def _by_hand(examples: int) -> None:
    """As an author would write it: a fresh cache for each example, compared with a dictionary."""
    from acme_oneiric.cache import MemoryCache  # noqa: PLC0415 - only here is it needed

    async def play(steps: Any) -> None:
        cache, model = MemoryCache(), dict[str, Any]()
        await cache.init()
        assert await cache.health()
        await cache.clear()
        for verb, key, value in steps:
            if verb == "set":
                model[key] = value
                await cache.set(key, value)
            elif verb == "delete":
                model.pop(key, None)
                await cache.delete(key)
            elif verb == "clear":
                model.clear()
                await cache.clear()
            else:
                assert await cache.get(key) == model.get(key)
        for key in dict.fromkeys(key for verb, key, _ in steps if verb != "clear"):
            assert await cache.get(key) == model.get(key)
        await cache.cleanup()

    with asyncio.Runner() as runner:
        for steps in kv._NASTY:
            runner.run(play(steps))

        @hypothesis.settings(max_examples=examples, derandomize=True, database=None, deadline=None)
        @hypothesis.given(kv._sequences())
        def holds(steps: Any) -> None:
            runner.run(play(steps))

        holds()
