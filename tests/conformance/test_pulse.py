"""A loop that is held up is noticed, and a machine that is busy is not taken for that."""

import asyncio
import time

from oneiric_conformance.observing.pulse import Pulse


async def test_a_call_that_blocks_is_as_long_as_it_was() -> None:
    with Pulse() as pulse:
        await asyncio.sleep(0)
        time.sleep(0.05)  # noqa: ASYNC251 - which is what has to be noticed
    assert pulse.longest >= 0.03


async def test_what_lets_others_run_is_not_noticed() -> None:
    with Pulse() as pulse:
        for _ in range(100):
            await asyncio.sleep(0)
    assert pulse.longest < 0.1
