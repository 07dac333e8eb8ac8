"""Every fixture in plain tests: these need no async plugin and suffer none."""

import asyncio
import hashlib
import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from application import Cache, download, store

from oneiric_core import (
    ActivationError,
    ArtifactManager,
    MisuseError,
    SignatureError,
    TrustError,
    UnsafeWheelError,
    UntrustedKeyError,
)
from oneiric_core.artifacts.wheel import scan_wheel
from oneiric_core.testing import BadManifest, BadWheel, Broken, Redirect, Reply, WireFault
from oneiric_core.trust import load_public_key

CONTENT = b"an artifact"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def test_keys(oneiric_keys) -> None:
    signature = oneiric_keys.publisher.sign(b"words")
    assert signature != oneiric_keys.stranger.sign(b"words")
    assert oneiric_keys.named("publisher").public == oneiric_keys.publisher.public
    assert len(oneiric_keys.weak()) == 32


def test_a_weak_key_is_refused(oneiric_keys) -> None:
    with pytest.raises(UntrustedKeyError):
        load_public_key(oneiric_keys.weak(), name="weak")


def test_manifest(oneiric_manifest, oneiric_runtime, signed) -> None:
    manifest = oneiric_manifest(
        oneiric_manifest.entry("task", "sample", "acme", "oneiric_core.testing.sample:Sample"),
        expires_in=timedelta(days=30),
    )
    assert oneiric_runtime.run(oneiric_runtime.sync(manifest)).registered == 1
    assert b"payloadType" in signed
    flat = oneiric_manifest(form="flat", sequence_number=7, signed_by=())
    assert json.loads(flat.content)["sequence_number"] == 7


@pytest.mark.parametrize("kind", [kind for kind in BadManifest if kind.threshold == 1], ids=lambda kind: kind.name)
def test_bad_manifest(oneiric_bad_manifest, oneiric_runtime, kind: BadManifest) -> None:
    with pytest.raises((TrustError, ValueError)):
        oneiric_runtime.run(oneiric_runtime.sync(oneiric_bad_manifest(kind)))
    with pytest.raises(SignatureError):
        oneiric_runtime.run(oneiric_runtime.sync(oneiric_bad_manifest("unsigned")))


def test_artifact_server(oneiric_artifact_server) -> None:
    url = oneiric_artifact_server.on("/acme.whl", Reply.busy(), Reply(CONTENT))
    assert download(url, DIGEST) == CONTENT
    assert len(oneiric_artifact_server.requests) == 2
    with pytest.raises(httpx.RemoteProtocolError):
        download(oneiric_artifact_server.on("/short", Broken(WireFault.SHORT, CONTENT)), DIGEST)


@pytest.mark.oneiric(tls="expired", strict=True)
def test_artifact_server_with_tls(oneiric_artifact_server) -> None:
    with pytest.raises(httpx.ConnectError):
        download(oneiric_artifact_server.serve("/acme.whl", CONTENT), DIGEST)


@pytest.mark.parametrize("turn", range(3))
def test_a_server_of_session_scope(mirror, turn: int) -> None:
    assert httpx.get(mirror.url_of("/shared")).content == b"shared"
    assert len(mirror.requests) > turn or turn


def test_artifact_routes(oneiric_artifact_routes) -> None:
    url = oneiric_artifact_routes.on("https://acme.test/acme.whl", Reply.busy(), Reply(CONTENT))
    assert download(url, DIGEST) == CONTENT
    moved = oneiric_artifact_routes.on("https://acme.test/old.whl", Redirect(url, 301))
    assert httpx.get(moved, follow_redirects=True).content == CONTENT


def test_wheel(oneiric_wheel, tmp_path: Path) -> None:
    wheel = oneiric_wheel({"acme/__init__.py": "answer = 42\n"}, version="2.0")
    assert wheel.write_to(tmp_path).name == "acme-2.0-py3-none-any.whl"


@pytest.mark.parametrize("kind", [BadWheel.CLIMBING, "symlink", "bomb"])
def test_bad_wheel(oneiric_wheel, tmp_path: Path, kind: BadWheel | str) -> None:
    path = oneiric_wheel.bad(kind).write_to(tmp_path)
    with path.open("rb") as file, pytest.raises(UnsafeWheelError):
        scan_wheel(file)


def test_cache_sandbox(oneiric_cache_sandbox, tmp_path: Path) -> None:
    with oneiric_cache_sandbox.unguarded():
        (tmp_path / "given").write_bytes(CONTENT)
    assert store(oneiric_cache_sandbox.path, "kept", (tmp_path / "given").read_bytes()).is_file()
    oneiric_cache_sandbox.plant_fifo("fifo")


def test_cache_sandbox_and_a_crash(oneiric_cache_sandbox) -> None:
    def add(cache: Path) -> None:
        ArtifactManager(cache).store.add([CONTENT], DIGEST)

    for act in oneiric_cache_sandbox.crashes(add):
        found = oneiric_cache_sandbox.manager().store.find(DIGEST)
        assert found is None or found.read_bytes() == CONTENT, act


def test_clock(oneiric_clock, oneiric_runtime) -> None:
    assert oneiric_clock.now() == datetime(2026, 1, 1, tzinfo=UTC)
    oneiric_runtime.run(oneiric_clock.advance(60))
    assert oneiric_runtime.clock.now().minute == 1


@pytest.mark.oneiric(start=datetime(2030, 5, 1, tzinfo=UTC))
def test_clock_that_starts_elsewhere(oneiric_clock) -> None:
    assert oneiric_clock.now().year == 2030


def test_runtime(oneiric_runtime) -> None:
    async def scenario() -> None:
        oneiric_runtime.register("adapter", "cache", "acme", Cache)
        await oneiric_runtime.activate("adapter", "cache")
        async with oneiric_runtime.lease("adapter", "cache") as cache:
            assert cache.open

    oneiric_runtime.run(scenario())


@pytest.mark.oneiric(leaks=False)
def test_runtime_that_may_leak(oneiric_runtime) -> None:
    waiting = threading.Event()
    thread = threading.Thread(target=waiting.wait, daemon=True)

    async def scenario() -> None:
        thread.start()

    oneiric_runtime.run(scenario())


def test_fault_plan(oneiric_fault_plan, oneiric_runtime) -> None:
    async def scenario() -> None:
        oneiric_runtime.register("adapter", "cache", "acme", Cache, priority=1)
        running = await oneiric_runtime.activate("adapter", "cache")
        broken = oneiric_fault_plan(Cache, "init", "error")
        oneiric_runtime.register("adapter", "cache", "new", broken, priority=2)
        with pytest.raises(ActivationError):
            await oneiric_runtime.swap("adapter", "cache")
        async with oneiric_runtime.lease("adapter", "cache") as cache:
            assert cache is running
        assert broken.struck == 1

    oneiric_runtime.run(scenario())


def test_certify(oneiric_certify) -> None:
    report = oneiric_certify("components:declared")
    assert report.verdict.value in {"certified", "conforms"}


def test_certify_needs_a_plain_test(oneiric_certify) -> None:
    async def in_a_coroutine() -> None:
        oneiric_certify("components:declared")

    # asyncio.run would lose the loop that pytest-asyncio 0.23, the last one for pytest 8.0, leaves behind
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner, pytest.raises(MisuseError, match="plain def"):
        runner.run(in_a_coroutine())
