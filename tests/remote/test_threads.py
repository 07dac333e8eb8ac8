"""Work in a thread ends before whoever waits for it goes on, cancelled or not."""

import asyncio
import contextvars
import threading

import pytest

from oneiric_core.remote.threads import in_thread

VARIABLE = contextvars.ContextVar("VARIABLE", default="unset")


async def test_it_gives_what_the_call_gives_and_raises_what_it_raises() -> None:
    assert await in_thread(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await in_thread(divmod, 7, 0)


async def test_the_call_sees_the_context_of_the_caller() -> None:
    VARIABLE.set("ours")
    assert await in_thread(VARIABLE.get) == "ours"


@pytest.mark.parametrize("cancellations", [1, 3])
async def test_a_cancellation_waits_for_the_end_of_the_thread(cancellations: int) -> None:
    began, go = threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        go.wait(60)

    task = asyncio.create_task(in_thread(work))
    await asyncio.to_thread(began.wait, 60)
    for _ in range(cancellations):
        task.cancel()
        for _ in range(20):
            await asyncio.sleep(0)
        assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_failure_that_comes_after_a_cancellation_is_a_cancellation() -> None:
    """Whoever cancelled must be able to rely on it."""
    began, go = threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        go.wait(60)
        raise OSError("no room")

    task = asyncio.create_task(in_thread(work))
    await asyncio.to_thread(began.wait, 60)
    task.cancel()
    await asyncio.sleep(0)
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
