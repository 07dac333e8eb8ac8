"""Stopping stops: no task, thread, file or socket of ours is left, whatever it was doing."""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import pytest

from oneiric_core.clock import SYSTEM_CLOCK
from oneiric_core.runtime import Phase

LeftOver = Callable[[], dict[str, object]]
NothingLeft = Callable[[], Awaitable[None]]


class Held:
    """A component that is in the middle of something until told to go on."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.go = asyncio.Event()
        self.cleaned = 0

    async def init(self) -> None:
        self.began.set()
        await self.go.wait()

    async def cleanup(self) -> None:
        self.cleaned += 1


@pytest.fixture
def held(stage: Any) -> Held:
    """What the entry ``acme_runtime:Held`` makes."""
    held = Held()

    def make() -> Held:
        return held

    make.__module__ = "acme_runtime"
    module: ModuleType = sys.modules["acme_runtime"]
    vars(module)["Held"] = make
    return held


@pytest.fixture
async def nothing_left(sweep: Callable[[], None], left_over: LeftOver) -> NothingLeft:
    """Compares with what there was at the beginning."""
    await asyncio.to_thread(int)  # the loop's own threads stay as long as the loop
    sweep()
    before = left_over()

    async def compare() -> None:
        """Soon: the system's own watcher closes what it has right after it was let go."""
        try:
            async with asyncio.timeout(30):
                while left_over() != before:  # noqa: ASYNC110 - nobody tells when a descriptor is closed
                    await asyncio.sleep(0)
        except TimeoutError:
            assert left_over() == before

    return compare


async def test_what_was_never_started_stops(stage: Any, nothing_left: NothingLeft) -> None:
    runtime = stage.runtime()
    await runtime.stop()
    await runtime.stop()
    assert runtime.snapshot().phase is Phase.STOPPED
    await nothing_left()


@pytest.mark.parametrize("clock", ["frozen", "system"])
async def test_nothing_is_left_of_a_runtime_in_full_work(
    stage: Any, nothing_left: NothingLeft, left_over: LeftOver, clock: str
) -> None:
    stage.publish(stage.entry("One"), stage.entry("Two", "job", "task"))
    stage.configure("[adapters.selections]\ncache = 'one'\n[tasks.selections]\njob = 'two'")
    options = {} if clock == "frozen" else {"clock": SYSTEM_CLOCK}
    async with stage.runtime(refresh_interval=5, **options):
        working = left_over()
        assert working["tasks"]
        assert "oneiric-watch" in str(working["threads"])
        assert len(stage.ledger.alive) == 2
    assert stage.ledger.alive == []
    await nothing_left()


async def test_it_stops_in_the_middle_of_its_start(stage: Any, held: Held, nothing_left: NothingLeft) -> None:
    stage.publish(stage.entry("Held"))
    stage.configure("[adapters.selections]\ncache = 'held'")
    runtime = stage.runtime()
    start = asyncio.create_task(runtime.start())
    await held.began.wait()
    await runtime.stop()
    await start
    assert held.cleaned == 1
    await nothing_left()


async def test_a_start_that_is_cancelled_leaves_nothing_behind(
    stage: Any, held: Held, nothing_left: NothingLeft
) -> None:
    stage.publish(stage.entry("Held"))
    stage.configure("[adapters.selections]\ncache = 'held'")

    async def application() -> None:
        async with stage.runtime():
            raise AssertionError("it cannot have started")

    task = asyncio.create_task(application())
    await held.began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert held.cleaned == 1
    await nothing_left()


async def test_a_start_that_is_cancelled_before_its_first_step_leaves_nothing_behind(
    stage: Any, nothing_left: NothingLeft
) -> None:
    stage.publish(stage.entry("One"))
    task = asyncio.create_task(stage.runtime().start())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await nothing_left()


async def test_it_stops_in_the_middle_of_a_swap_and_the_old_one_goes_too(
    stage: Any, held: Held, nothing_left: NothingLeft
) -> None:
    stage.publish(stage.entry("One", provider="p"))
    stage.configure("[adapters.selections]\ncache = 'p'")
    runtime = stage.runtime()
    await runtime.start()
    stage.publish(stage.entry("Held", provider="p"))
    passing = asyncio.create_task(stage.pass_by(3))
    await held.began.wait()
    await runtime.stop()
    await passing
    assert held.cleaned == 1
    assert stage.ledger.alive == []
    await nothing_left()


async def test_two_stops_wait_for_one_end_and_a_cancelled_one_disturbs_nothing(
    stage: Any, nothing_left: NothingLeft
) -> None:
    stage.publish(stage.entry("One"))
    stage.configure("[adapters.selections]\ncache = 'one'")
    runtime = stage.runtime()
    await runtime.start()
    impatient = asyncio.create_task(runtime.stop())
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    await asyncio.gather(runtime.stop(), runtime.stop())
    assert stage.ledger.alive == []
    await nothing_left()


async def test_it_waits_for_a_thread_that_works_for_it(stage: Any, nothing_left: NothingLeft) -> None:
    """A thread cannot be stopped, and must not write to the memory when the runtime is said to have stopped."""
    began, go, ended = threading.Event(), threading.Event(), threading.Event()

    class Slow:
        """A policy that is asked in a thread, and takes its time."""

        source = root_version = certificate = None

        def check_signatures(self, message: bytes, signatures: object) -> tuple[str, ...]:
            del message, signatures
            began.set()
            go.wait(60)
            ended.set()
            return ()

        def check_source(self, source: str) -> None:
            del source

        def check_age(self, header: object, now: object) -> None:
            del header, now

    stage.publish(stage.entry("One"))
    runtime = stage.runtime(trust=Slow())
    start = asyncio.create_task(runtime.start())
    await asyncio.to_thread(began.wait, 60)
    stop = asyncio.create_task(runtime.stop())
    for _ in range(100):
        await asyncio.sleep(0)
    assert not stop.done()
    go.set()
    await asyncio.gather(start, stop)
    assert ended.is_set()
    assert runtime.resolver.candidates() == []
    await nothing_left()


async def test_a_component_may_stop_the_runtime_it_is_made_by(stage: Any, nothing_left: NothingLeft) -> None:
    runtime = stage.runtime()

    class Suicidal:
        async def init(self) -> None:
            await runtime.stop()

    Suicidal.__module__ = "acme_runtime"
    vars(sys.modules["acme_runtime"])["Suicidal"] = Suicidal
    stage.publish(stage.entry("Suicidal"))
    stage.configure("[adapters.selections]\ncache = 'suicidal'")
    async with asyncio.timeout(60):
        await runtime.start()
        await runtime.stop()
    assert runtime.snapshot().phase is Phase.STOPPED
    await nothing_left()
