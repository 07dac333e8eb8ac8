"""A whole runtime in one test, on the test's loop or its own, and nothing of it afterwards."""

import asyncio
import json
import re
import subprocess
import sys
import threading

import pytest

from oneiric_core import (
    ActivationError,
    LifecycleError,
    MisuseError,
    ResolutionError,
    SignatureError,
    UntrustedKeyError,
    ViolationError,
)
from oneiric_core.testing import (
    STRANGER,
    BadManifest,
    BadManifestFactory,
    FrozenClock,
    ManifestFactory,
    RuntimeHarness,
    manifest_entry,
)

ENTRY = manifest_entry("task", "sample", "acme", "oneiric_core.testing.sample:Sample")


class Cache(dict):
    open = False

    async def init(self) -> None:
        self.open = True

    async def health(self) -> bool:
        return self.open

    async def cleanup(self) -> None:
        self.open = False


class NeedsUrl:
    def __init__(self, settings: dict[str, str]) -> None:
        self.url = settings["url"]


async def test_a_component_lives_as_long_as_the_block() -> None:
    async with RuntimeHarness() as runtime:
        runtime.register("adapter", "cache", "acme", Cache)
        cache = await runtime.activate("adapter", "cache")
        async with runtime.lease("adapter", "cache") as leased:
            assert leased is cache
            assert cache.open
        newer = await runtime.swap("adapter", "cache")
        assert newer is not cache
    assert not newer.open


def test_run_keeps_what_runs_until_it_is_closed() -> None:
    runtime = RuntimeHarness()
    runtime.register("adapter", "cache", "acme", Cache)
    first = runtime.run(runtime.activate("adapter", "cache"))
    assert runtime.run(lambda same: same.activate("adapter", "cache")) is first
    assert runtime.runs
    runtime.close()
    assert not first.open
    assert not runtime.runs
    runtime.close()


async def test_settings_reach_the_component() -> None:
    async with RuntimeHarness() as runtime:
        runtime.register("adapter", "db", "acme", NeedsUrl, settings={"url": "a:b"})
        assert (await runtime.activate("adapter", "db")).url == "a:b"


async def test_manifests_of_the_publisher_are_applied_and_others_are_not() -> None:
    async with RuntimeHarness() as runtime:
        assert (await runtime.sync(ManifestFactory()(ENTRY))).registered == 1
        await runtime.activate("task", "sample")
        assert await runtime.call("task", "sample", {"n": 1}) == {"n": 1}
        with pytest.raises(SignatureError):
            await runtime.sync(BadManifestFactory()(BadManifest.UNSIGNED, ENTRY))
        with pytest.raises(SignatureError):
            await runtime.sync(ManifestFactory()(ENTRY, signed_by=STRANGER))


async def test_nobody_need_be_trusted() -> None:
    async with RuntimeHarness(trusted=()) as runtime:
        with pytest.raises(UntrustedKeyError):
            await runtime.sync(ManifestFactory()(ENTRY))


async def test_an_adapter_has_no_verb() -> None:
    async with RuntimeHarness() as runtime:
        with pytest.raises(ResolutionError, match="Lease the instance"):
            await runtime.call("adapter", "cache")


async def test_time_limits_are_those_of_the_frozen_clock() -> None:
    class Hangs:
        async def init(self) -> None:
            await asyncio.get_running_loop().create_future()

    async def refused(runtime: RuntimeHarness) -> None:
        with pytest.raises(ActivationError):
            await runtime.activate("adapter", "cache")

    clock = FrozenClock()
    async with RuntimeHarness(clock) as runtime, asyncio.TaskGroup() as group:
        runtime.register("adapter", "cache", "acme", Hangs)
        group.create_task(refused(runtime))
        await clock.advance(3600)


async def test_a_lease_that_is_kept_does_not_keep_the_runtime() -> None:
    """Stopping waits for it on the frozen clock, which is moved on."""
    async with RuntimeHarness() as runtime:
        runtime.register("adapter", "cache", "acme", Cache)
        await runtime.activate("adapter", "cache")
        lease = runtime.lease("adapter", "cache")
        await lease.__aenter__()
        before = runtime.clock.monotonic()
    assert runtime.clock.monotonic() > before
    await lease.__aexit__(None, None, None)


async def test_files_below_the_working_directory_are_gone_afterwards() -> None:
    async with RuntimeHarness() as runtime:
        (runtime.workdir / "offered").mkdir()
        assert runtime.artifacts.store.root == runtime.workdir / "cache"
        place = runtime.workdir
    assert not place.exists()


# --- leaks -----------------------------------------------------------------------------------------------------------


LEAVING = """
import asyncio, json, os, subprocess, threading
from oneiric_core import ViolationError
from oneiric_core.testing import RuntimeHarness

async def leave():
    tasks.append(asyncio.get_running_loop().create_task(asyncio.Event().wait(), name="left over"))
    threading.Thread(target=stop.wait, name="left over").start()
    os.open(os.devnull, os.O_RDONLY)
    children.append(subprocess.Popen(["sleep", "600"]))

async def block():
    async with RuntimeHarness(leaks={leaks}):
        await leave()

def closed():
    runtime = RuntimeHarness(leaks={leaks})
    runtime.run(leave())
    runtime.close()

tasks, children, stop = [], [], threading.Event()
try:
    {act}
except ViolationError as error:
    print(json.dumps([str(error), *(leak.what for leak in error.evidence["left"])]))
finally:
    stop.set()
    for child in children:
        child.kill()
        child.wait()
"""


def left_by(act: str, *, leaks: bool = True) -> list[str]:
    """The refusal and its evidence, of a process in which nothing else comes and goes: one for one is no growth."""
    program = LEAVING.format(act=act, leaks=leaks)
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert told.stderr == ""
    left: list[str] = json.loads(told.stdout or "[]")
    return left


@pytest.mark.parametrize("act", ["asyncio.run(block())", "closed()"])
def test_what_is_left_behind_fails_the_block_and_the_close(act: str) -> None:
    """Each one in a line of its own, with its name."""
    refusal, *left = left_by(act)
    assert refusal.startswith("left behind when the runtime had stopped: task left over")
    task, thread, descriptor, process = left
    assert task.startswith("task left over (")
    assert thread == "thread left over"
    assert re.fullmatch(r"descriptor \d+ \(/dev/null\)", descriptor)
    assert re.fullmatch(r"process \d+ \(sleep 600\)", process)


def test_a_runtime_that_was_refused_may_be_closed_again() -> None:
    stop, runtime = threading.Event(), RuntimeHarness()

    async def leave() -> None:
        for _ in range(50):  # more than what other tests have left here can make up for by ending just now
            threading.Thread(target=stop.wait, name="left over").start()

    runtime.run(leave())
    try:
        with pytest.raises(ViolationError, match="thread left over"):
            runtime.close()
    finally:
        stop.set()
    runtime.close()


def test_leaks_may_be_none_of_its_business() -> None:
    assert left_by("asyncio.run(block())", leaks=False) == []


async def test_threads_of_the_loop_are_no_leak() -> None:
    async with RuntimeHarness():
        await asyncio.to_thread(int)


async def test_an_error_in_the_block_is_not_hidden() -> None:
    async def block() -> None:
        async with RuntimeHarness() as runtime:
            runtime.register("adapter", "cache", "acme", Cache)
            await runtime.activate("adapter", "cache")
            raise KeyError

    with pytest.raises(KeyError):
        await block()


def test_the_loop_of_the_host_stays_the_current_one() -> None:
    """Which an async plugin may have set, and would be left with one that nobody closes."""
    host = asyncio.new_event_loop()
    asyncio.set_event_loop(host)
    try:
        runtime = RuntimeHarness()
        runtime.run(asyncio.sleep(0))
        runtime.close()
        assert asyncio.get_event_loop() is host
    finally:
        asyncio.set_event_loop(None)
        host.close()


# --- misuse ----------------------------------------------------------------------------------------------------------


async def test_run_where_a_loop_runs() -> None:
    with pytest.raises(MisuseError, match="Say `async with` the runtime there"):
        RuntimeHarness().run(asyncio.sleep(0))


def test_run_after_async_with() -> None:
    runtime = RuntimeHarness()

    async def block() -> None:
        async with runtime:
            pass

    asyncio.run(block())
    with pytest.raises(MisuseError, match="Use one way in a test"):
        runtime.run(asyncio.sleep(0))


async def block_of(runtime: RuntimeHarness) -> None:
    async with runtime:
        pass


def test_async_with_after_run() -> None:
    runtime = RuntimeHarness()
    runtime.run(asyncio.sleep(0))
    with pytest.raises(MisuseError, match="Use one way in a test"):
        asyncio.run(block_of(runtime))
    runtime.close()


def test_run_after_the_end() -> None:
    runtime = RuntimeHarness()
    runtime.run(asyncio.sleep(0))
    runtime.close()
    with pytest.raises(MisuseError, match="the runtime has ended"):
        runtime.run(asyncio.sleep(0))


async def test_entered_twice() -> None:
    runtime = RuntimeHarness()
    async with runtime:
        with pytest.raises(MisuseError, match="runs already"):
            await runtime.__aenter__()
    with pytest.raises(MisuseError, match="has ended"):
        await runtime.__aenter__()
    with pytest.raises(MisuseError, match="Use it in the block"):
        await runtime.activate("adapter", "cache")


async def test_before_it_runs() -> None:
    with pytest.raises(MisuseError, match=re.escape("the runtime does not run. Say `async with`")):
        await RuntimeHarness().activate("adapter", "cache")


def test_on_another_loop() -> None:
    runtime = RuntimeHarness()
    runtime.run(asyncio.sleep(0))
    with pytest.raises(MisuseError, match="runs on another loop"):
        asyncio.run(runtime.activate("adapter", "cache"))
    runtime.close()


def test_without_a_loop_of_asyncio() -> None:
    runtime = RuntimeHarness()
    entering = runtime.__aenter__()
    with pytest.raises(MisuseError, match="anyio_backend be 'asyncio'"):
        entering.send(None)


@pytest.mark.parametrize("work", [3, None, "text"])
def test_what_cannot_be_run(work) -> None:
    with pytest.raises(MisuseError, match="Pass a coroutine"):
        RuntimeHarness().run(work)


async def test_a_candidate_that_makes_no_sense() -> None:
    async with RuntimeHarness() as runtime:
        runtime.register("adapter", "cache", "acme", dict)
        with pytest.raises(LifecycleError):
            await runtime.lease("adapter", "cache").__aenter__()
