"""A user's tests with every fixture annotated; read by a strict type checker, and never run."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import assert_type

from hypothesis.strategies import SearchStrategy

from oneiric_conformance import Certify, ConformanceReport
from oneiric_conformance.strategies import wire_scripts
from oneiric_core import ArtifactManager, FrozenClock, SyncReport
from oneiric_core.testing import (
    ArtifactRoutes,
    ArtifactServer,
    BadManifest,
    BadManifestFactory,
    BadWheel,
    Broken,
    CacheSandbox,
    End,
    FaultPlans,
    FaultyFactory,
    KeyPair,
    Keys,
    MadeManifest,
    MadeWheel,
    ManifestFactory,
    Raw,
    Redirect,
    Reply,
    RuntimeHarness,
    Script,
    Tls,
    Trespass,
    WheelFactory,
    WireFault,
    WireRequest,
)


def test_factories(
    oneiric_keys: Keys,
    oneiric_manifest: ManifestFactory,
    oneiric_bad_manifest: BadManifestFactory,
    oneiric_wheel: WheelFactory,
    tmp_path: Path,
) -> None:
    assert_type(oneiric_keys.publisher, KeyPair)
    assert_type(oneiric_keys.weak(), bytes)
    entry = oneiric_manifest.entry("task", "sample", "acme", "acme:Sample", priority=3)
    made = oneiric_manifest(entry, signed_by=[oneiric_keys.publisher], form="flat", expires_in=timedelta(days=1))
    assert_type(made, MadeManifest)
    assert_type(made.content, bytes)
    assert_type(oneiric_bad_manifest(BadManifest.UNSIGNED, entry), MadeManifest)
    assert_type(oneiric_bad_manifest("unsigned").write_to(tmp_path / "m"), Path)
    assert_type(oneiric_wheel({"a.py": "", "b.py": b""}, requires=["httpx"]), MadeWheel)
    assert_type(oneiric_wheel.bad(BadWheel.BOMB).filename, str)


def test_scripts() -> None:
    assert_type(wire_scripts(b"the wheel"), SearchStrategy[Script])


def test_wire(oneiric_artifact_server: ArtifactServer, oneiric_artifact_routes: ArtifactRoutes) -> None:
    url = oneiric_artifact_server.on(
        "/a", Reply.busy(), Broken(WireFault.SHORT, b"abc", at=1), Raw(b"x", end=End.RESET)
    )
    assert_type(url, str)
    assert_type(oneiric_artifact_server.requests, tuple[WireRequest, ...])
    assert_type(oneiric_artifact_server.tls, Tls | None)
    assert_type(oneiric_artifact_routes.on("https://a.test/", Redirect(None)), str)


def test_guards(
    oneiric_cache_sandbox: CacheSandbox, oneiric_fault_plan: FaultPlans, oneiric_clock: FrozenClock
) -> None:
    assert_type(oneiric_cache_sandbox.trespasses, tuple[Trespass, ...])
    assert_type(oneiric_cache_sandbox.manager(), ArtifactManager)
    assert_type(oneiric_cache_sandbox.kill(lambda path: path.mkdir(), before=1), str | None)
    assert_type(oneiric_fault_plan(dict, "init", "error"), FaultyFactory)
    assert_type(oneiric_clock.monotonic(), float)


def test_runtime(oneiric_runtime: RuntimeHarness, oneiric_manifest: ManifestFactory) -> None:
    async def number(runtime: RuntimeHarness) -> int:
        await runtime.activate("adapter", "cache")
        return 3

    assert_type(oneiric_runtime.run(oneiric_runtime.sync(oneiric_manifest())), SyncReport)
    assert_type(oneiric_runtime.run(number), int)
    oneiric_runtime.run(asyncio.sleep(0))


async def test_coroutine(oneiric_runtime: RuntimeHarness) -> None:
    async with oneiric_runtime as runtime:
        assert_type(runtime, RuntimeHarness)
        assert_type(runtime.clock, FrozenClock)


def test_certify(oneiric_certify: Certify) -> None:
    assert_type(oneiric_certify("a:b", must_pass=False), ConformanceReport)
