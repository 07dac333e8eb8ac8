"""Where something is cancelled that waits more often than there is time to cancel it, and what may go on after that."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from oneiric_conformance import PROFILES, Session, Status
from oneiric_conformance.handling.cancelling import Stepped, awaitable, points_in


async def loops(times: int) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


async def waits_elsewhere_in_between() -> None:
    await loops(20)
    await asyncio.sleep(0)
    await loops(20)


async def stepped(function: Any, *arguments: Any) -> Stepped:
    run = Stepped(function, *arguments)
    await run
    return run


@pytest.mark.parametrize(("times", "points"), [(0, []), (1, [1]), (4, [1, 2, 3, 4]), (5, [1, 2, 4, 5]), (2000, 4)])
async def test_the_first_and_the_last_wait_are_tried_and_others_between(times: int, points: list[int] | int) -> None:
    chosen = points_in(await stepped(loops, times), 4)
    if isinstance(points, int):
        assert (len(chosen), chosen[0], chosen[-1]) == (points, 1, times)
    else:
        assert chosen == points


async def test_each_place_in_the_code_is_tried_once() -> None:
    """The second loop waits at another line of its caller."""
    assert {1, 21, 22, 41} <= {*points_in(await stepped(waits_elsewhere_in_between), 6)}


async def test_of_more_places_than_may_be_tried_the_last_is_among_those_that_are() -> None:
    assert points_in(await stepped(waits_elsewhere_in_between), 2) == [1, 41]
    assert points_in(await stepped(waits_elsewhere_in_between), 1) == [41]


async def test_it_is_cancelled_where_it_is_told_to_be() -> None:
    run = Stepped(waits_elsewhere_in_between, cancel_at=21)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.ensure_future(awaitable(run))
    assert run.points == 21


TASKS = """
    import asyncio
    from itertools import count

    ROUNDS = count()

    class Commits:
        '''What it has begun to write is written to its end.'''
        async def run(self, payload):
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                self.commits = asyncio.ensure_future(self.commit())
                raise
            return {"keys": sorted(payload)}
        async def commit(self):
            await asyncio.sleep(0.3)

    class Hurries:
        '''It waits less often each time: what it waited for is there.'''
        async def run(self, payload):
            for _ in range(max(0, 40 - next(ROUNDS))):
                await asyncio.sleep(0)
            return {"keys": sorted(payload)}

    class KeepsReaders:
        '''Tasks that it has begun for good are ended by clean-up.'''
        def __init__(self):
            self.readers = []
        async def run(self, payload):
            self.readers.append(asyncio.ensure_future(asyncio.sleep(60)))
            await asyncio.sleep(0)
            return {"keys": sorted(payload)}
        async def cleanup(self):
            for reader in self.readers:
                reader.cancel()
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Commits", "Hurries", "KeepsReaders"])
def test_what_ends_in_time_is_not_held_against_a_task(author: Any, name: str) -> None:
    package = author.package(TASKS, name)
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    declared = {"capabilities": [{"name": "keys", "payload_schema": schema}]}
    (subject,) = package.subjects
    with Session(
        replace(package, subjects=(replace(subject, metadata=declared),)), profile=PROFILES["quick"]
    ) as session:
        (planned,) = (item for item in session.plan() if item.check == "TASK-002")
        result = session.judge(planned)
    assert (result.status, result.reason) == (Status.PASS, "")
