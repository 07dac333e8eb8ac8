"""Where something is cancelled that waits more often than there is time to cancel it, and what may go on after that."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
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


async def cancelled(function: Any, at: int) -> tuple[bool, Stepped]:
    """Whether it ended as cancelled, when it was cancelled at that point."""
    run = Stepped(function, cancel_at=at)
    task = asyncio.ensure_future(awaitable(run))
    await asyncio.wait({task})
    return task.cancelled(), run


async def quick() -> None:
    await asyncio.sleep(0)


async def waits_for_what_is_quick() -> None:
    await asyncio.wait_for(quick(), 5)
    await asyncio.sleep(0.01)


async def waits_for_a_task_that_does() -> None:
    await asyncio.create_task(asyncio.wait_for(quick(), 5))
    await asyncio.sleep(0.01)


async def waits_for_an_item() -> None:
    async def items() -> AsyncIterator[None]:
        yield await asyncio.wait_for(quick(), 5)

    async for _ in items():
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("function", [waits_for_what_is_quick, waits_for_a_task_that_does, waits_for_an_item])
async def test_a_cancellation_that_asyncio_itself_forgets_comes_once_more(function: Any) -> None:
    """Before Python 3.12 wait_for() gives the result of what has ended in the same turn, as if nothing had been."""
    ended, run = await cancelled(function, at=1)
    assert ended
    assert run.cancel_at == run.points


async def test_who_waits_no_more_is_known_not_to_have_been_cancelled() -> None:
    ended, run = await cancelled(lambda: asyncio.wait_for(asyncio.sleep(0), 5), at=1)
    assert ended or run.cancel_at > run.points


async def test_who_forgets_it_for_himself_is_not_told_again() -> None:
    async def goes_on() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(asyncio.sleep(60), 60)
        await asyncio.sleep(0)

    ended, run = await cancelled(goes_on, at=1)
    assert (ended, run.cancel_at) == (False, 1)


async def test_who_is_about_to_be_given_a_server_is_not_cancelled_before_he_has_it() -> None:
    """Nobody could close what listens before."""
    servers: list[asyncio.Server] = []

    async def serves() -> None:
        servers.append(await asyncio.start_server(print, "127.0.0.1", 0))

    run = await stepped(serves)
    ended, again = await cancelled(serves, at=run.points)
    assert (ended, again.cancel_at, len(servers)) == (False, run.points + 1, 2)
    for server in servers:
        server.close()


TASKS = """
    import asyncio
    import time
    from concurrent.futures import ThreadPoolExecutor
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

    class WaitsInTurn:
        '''Has a lock, and a limit for how long it waits for it.'''
        def __init__(self):
            self.lock = asyncio.Lock()
        async def run(self, payload):
            await asyncio.wait_for(self.lock.acquire(), 5)
            try:
                await asyncio.sleep(0.001)
                return {"keys": sorted(payload)}
            finally:
                self.lock.release()

    class LooksUp:
        '''What it waits for is there at once.'''
        async def run(self, payload):
            return {"keys": await asyncio.wait_for(self.look_up(payload), 5)}
        async def look_up(self, payload):
            return sorted(payload)

    class HasWorkers:
        '''Threads for all instances, as many as it needs, and no end of them.'''
        pool = ThreadPoolExecutor(4)
        async def run(self, payload):
            await asyncio.get_running_loop().run_in_executor(self.pool, time.sleep, 0.02)
            return {"keys": sorted(payload)}

    class HasALog:
        '''A file that the first run opens, even if it is cancelled then, and clean-up closes.'''
        log = None
        async def run(self, payload):
            if self.log is None:
                self.log = open("/dev/null")
            await asyncio.sleep(0)
            return {"keys": sorted(payload)}
        async def cleanup(self):
            if self.log is not None:
                self.log.close()

    class HasAChild:
        '''A process, ended whatever happens.'''
        async def run(self, payload):
            child = await asyncio.create_subprocess_exec("sleep", "60")
            try:
                await asyncio.sleep(0)
            finally:
                child.kill()
            await child.wait()
            return {"keys": sorted(payload)}

    class Listens:
        '''Has a server, as everybody writes it.'''
        server = None
        async def init(self):
            self.server = await asyncio.start_server(print, "127.0.0.1", 0)
        async def run(self, payload):
            return {"keys": sorted(payload)}
        async def cleanup(self):
            if self.server is not None:
                self.server.close()
                await self.server.wait_closed()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "check"),
    [
        *((name, "TASK-002") for name in ("Commits", "Hurries", "KeepsReaders", "WaitsInTurn", "LooksUp")),
        *((name, "TASK-002") for name in ("HasWorkers", "HasALog", "HasAChild")),
        ("Listens", "LIFE-005"),
    ],
)
def test_what_ends_in_time_is_not_held_against_it(author: Any, name: str, check: str) -> None:
    package = author.package(TASKS, name)
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    declared = {"capabilities": [{"name": "keys", "payload_schema": schema}]}
    (subject,) = package.subjects
    with Session(
        replace(package, subjects=(replace(subject, metadata=declared),)), profile=PROFILES["quick"]
    ) as session:
        (planned,) = (item for item in session.plan() if item.check == check)
        result = session.judge(planned)
    assert (result.status, result.reason) == (Status.PASS, "")
