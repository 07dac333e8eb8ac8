"""The fixtures in coroutine tests, on the loop of whichever plugin runs them."""

import asyncio
import os

import httpx
import pytest
from application import Cache

from oneiric_core import ActivationError, MisuseError
from oneiric_core.testing import Reply

MARKS = {"auto": [], "strict": ["asyncio"], "anyio": ["anyio"]}
pytestmark = [getattr(pytest.mark, name) for name in MARKS[os.environ["ARRANGEMENT"]]]


async def test_runtime(oneiric_runtime) -> None:
    async with oneiric_runtime as runtime:
        runtime.register("adapter", "cache", "acme", Cache)
        await runtime.activate("adapter", "cache")
        async with runtime.lease("adapter", "cache") as cache:
            assert cache.open


async def test_time_moves_when_it_is_told_to(oneiric_runtime, oneiric_clock) -> None:
    async with oneiric_runtime, asyncio.TaskGroup() as group:
        sleeping = group.create_task(oneiric_clock.sleep(3600))
        await oneiric_clock.advance(3599)
        assert not sleeping.done()
        await oneiric_clock.advance(1)
        assert sleeping.done()


async def test_run_is_for_plain_tests(oneiric_runtime) -> None:
    with pytest.raises(MisuseError, match="Say `async with` the runtime there"):
        oneiric_runtime.run(asyncio.sleep(0))


async def test_artifact_server(oneiric_artifact_server) -> None:
    url = oneiric_artifact_server.on("/acme.whl", Reply(b"an artifact", held=True))
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client, asyncio.TaskGroup() as group:
        asking = group.create_task(client.get(url))
        await asyncio.to_thread(oneiric_artifact_server.wait_for, "/acme.whl")
        assert not asking.done()
        oneiric_artifact_server.release()
    assert asking.result().content == b"an artifact"


async def test_artifact_routes(oneiric_artifact_routes) -> None:
    url = oneiric_artifact_routes.serve("https://acme.test/acme.whl", b"an artifact")
    async with httpx.AsyncClient() as client:
        assert (await client.get(url)).content == b"an artifact"


async def test_cache_sandbox(oneiric_cache_sandbox) -> None:
    await asyncio.to_thread((oneiric_cache_sandbox.path / "kept").write_bytes, b"an artifact")


async def test_sync(oneiric_runtime, oneiric_manifest) -> None:
    entry = oneiric_manifest.entry("task", "sample", "acme", "oneiric_core.testing.sample:Sample")
    async with oneiric_runtime as runtime:
        await runtime.sync(oneiric_manifest(entry))
        await runtime.activate("task", "sample")
        assert await runtime.call("task", "sample", {"a": 1}) == {"a": 1}


async def test_fault_plan(oneiric_fault_plan, oneiric_runtime) -> None:
    """A component that hangs is given up when the frozen clock says so."""
    async with oneiric_runtime as runtime, asyncio.TaskGroup() as group:
        runtime.register("adapter", "cache", "acme", oneiric_fault_plan(Cache, "init", "timeout"))
        activating = group.create_task(refused(runtime))
        await runtime.clock.advance(3600)
        assert await activating


async def refused(runtime) -> bool:
    with pytest.raises(ActivationError):
        await runtime.activate("adapter", "cache")
    return True
