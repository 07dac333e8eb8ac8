"""A whole runtime in one test, on the test's loop or its own, and nothing of it afterwards."""

import asyncio
import gc
import os
import re
import subprocess
import threading
from collections import Counter
from collections.abc import Awaitable, Callable

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


class Leaks:
    """Leaves one thing of each kind behind; the test tidies up."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.stop = threading.Event()
        self.tidy: list[Callable[[], object]] = []

    async def task(self) -> None:
        task = asyncio.get_running_loop().create_task(asyncio.Event().wait(), name="left over")
        self.tidy.append(task.cancel)

    async def thread(self) -> None:
        thread = threading.Thread(target=self.stop.wait, name="left over")
        thread.start()
        self.tidy += [self.stop.set, thread.join]

    async def descriptor(self) -> None:
        number = os.open(os.devnull, os.O_RDONLY)
        self.tidy.append(lambda: os.close(number))

    async def process(self) -> None:
        process = subprocess.Popen(["sleep", "600"])  # noqa: ASYNC220 - asyncio's own would bring a thread along
        self.tidy += [process.kill, process.wait]

    def __call__(self) -> Awaitable[None]:
        act: Awaitable[None] = getattr(self, self.kind)()
        return act


async def test_what_is_left_behind_fails_the_block() -> None:
    """Each one in a line of its own, with its name.

    Two of each kind: what a test before has left in this process may go meanwhile, and one for one is no growth.
    """
    kinds = ("task", "thread", "descriptor", "process")
    leaks = [Leaks(kind) for kind in kinds for _ in range(2)]
    gc.collect()

    async def block() -> None:
        async with RuntimeHarness():
            for leak in leaks:
                await leak()

    try:
        with pytest.raises(ViolationError, match="left behind when the runtime had stopped: task ") as caught:
            await block()
    finally:
        for leak in leaks:
            for act in leak.tidy:
                act()
    left = caught.value.evidence["left"]
    assert isinstance(left, tuple)
    assert Counter(line.split()[0] for line in left) == dict.fromkeys(kinds, 2)
    assert re.fullmatch(r"process \d+ \(sleep\)", left[-1])


def test_what_is_left_behind_fails_the_close() -> None:
    leaks, runtime = Leaks("thread"), RuntimeHarness()
    runtime.run(leaks.thread())
    with pytest.raises(ViolationError, match="thread left over"):
        runtime.close()
    for act in leaks.tidy:
        act()
    runtime.close()


async def test_leaks_may_be_none_of_its_business() -> None:
    leaks = Leaks("thread")
    async with RuntimeHarness(leaks=False):
        await leaks()
    for act in leaks.tidy:
        act()


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
