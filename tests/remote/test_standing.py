"""The same bytes again are recognised, and everything that may have changed since is asked again."""

import hashlib
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.components import CandidateSource
from oneiric_core.errors import ArtifactError, ExpiredError, FetchError, RollbackError, SignatureError
from oneiric_core.manifest import JSON
from oneiric_core.remote.artifacts import ArtifactManager
from oneiric_core.remote.state_store import StateStore
from oneiric_core.resolver import Resolver
from oneiric_core.testing import STRANGER, make_wheel, manifest_entry, signed_manifest
from oneiric_core.trust import PublicKey, TrustPolicy, UnsafeAcceptUnsigned
from oneiric_core.trust.trusted_state import Mark, SourceState


def entry(key: str = "cache", **more: object) -> dict[str, Any]:
    return manifest_entry("adapter", key, "redis", "acme:Component", **more)


def offer(*entries: dict[str, Any], number: int = 1, **more: object) -> tuple[bytes, str]:
    return signed_manifest(entries, source="acme", sequence_number=number, **more), JSON


async def test_the_same_bytes_again_make_no_new_objects(world: Any) -> None:
    first = await world.sync(offer(entry(), entry("queue")))
    before, revision = world.resolver.candidates(), world.resolver.revision
    again = await world.sync(offer(entry(), entry("queue")))
    assert (first.unchanged, again.unchanged, again.registered) == (False, True, 0)
    assert (again.source, again.signers) == (first.source, first.signers)
    assert all(new is old for new, old in zip(world.resolver.candidates(), before, strict=True))
    assert world.resolver.revision == revision


async def test_they_may_have_expired_since(world: Any) -> None:
    offered = offer(entry(), expires_at="2026-06-02T00:00:00Z")
    await world.sync(offered)
    assert (await world.sync(offered)).unchanged
    await world.clock.advance(timedelta(days=2).total_seconds())
    with pytest.raises(ExpiredError):
        await world.sync(offered)


async def test_another_process_may_have_seen_a_newer_one_since(world: Any) -> None:
    await world.sync(offer(entry()))
    newer = Mark(2, "00" * 32)
    StateStore(world.path / "state").update("acme", lambda state: SourceState(state.source, seen=newer, applied=newer))
    with pytest.raises(RollbackError):
        await world.sync(offer(entry()))


async def test_the_policy_may_be_another_one(world: Any) -> None:
    await world.sync(offer(entry()))
    stranger = TrustPolicy([PublicKey(STRANGER.public)], unsafe_allow_published_keys=True)
    with pytest.raises(SignatureError):
        await world.sync(offer(entry()), trust=stranger)
    assert (await world.sync(offer(entry()), trust=UnsafeAcceptUnsigned())).signers == ()


async def test_others_may_have_taken_its_candidates_away(world: Any) -> None:
    await world.sync(offer(entry()))
    world.resolver.replace_source(CandidateSource.REMOTE_MANIFEST, "acme", [])
    again = await world.sync(offer(entry()))
    assert (again.registered, again.unchanged) == (1, False)
    assert world.names() == {"adapter/cache/redis"}


async def test_a_place_has_its_own_last_manifest_and_so_has_a_resolver(world: Any) -> None:
    await world.sync(offer(entry()), location="here")
    await world.sync(offer(entry(), entry("queue"), number=2), location="there")
    with pytest.raises(RollbackError):
        await world.sync(offer(entry()), location="here")
    world.resolver = Resolver()
    assert (
        await world.sync(offer(entry(), entry("queue"), number=2), location="there", lifecycle=None)
    ).registered == 2


async def test_what_an_entry_requires_may_have_been_installed_since(
    world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = offer(entry(), entry("queue", requires=["acme-not-there-yet>=1"]))
    for unchanged in (False, True):
        report = await world.sync(offered)
        assert (report.unchanged, list(report.skipped)) == (unchanged, ["adapter/queue/redis"])
    installed = tmp_path / "site" / "acme_not_there_yet-1.0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-not-there-yet\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(installed.parent))
    report = await world.sync(offered)
    assert (report.registered, dict(report.skipped)) == (1, {})


async def test_artifacts_may_have_gone_since(world: Any) -> None:
    offered, cache = world.path / "offered", world.path / "cache"
    offered.mkdir()
    wheel = make_wheel({"acme.py": "class Component: pass\n"})
    (offered / "acme.whl").write_bytes(wheel)
    digest = hashlib.sha256(wheel).hexdigest()
    bringing = offer(entry(uri="acme.whl", sha256=digest))
    await world.sync(bringing, artifacts=ArtifactManager(cache, local_roots=[offered]))
    shutil.rmtree(cache)
    assert (await world.sync(bringing, artifacts=ArtifactManager(cache, local_roots=[offered]))).unchanged
    assert any(digest in path.name for path in cache.rglob("*"))
    shutil.rmtree(cache)
    with pytest.raises((ArtifactError, FetchError)):
        await world.sync(bringing, artifacts=ArtifactManager(cache))


async def test_a_manifest_that_could_not_be_applied_is_not_taken_for_standing(world: Any) -> None:
    await world.sync(offer(entry()))
    broken = offer(entry(), entry("queue", uri="acme.whl", sha256="00" * 32), number=2)
    for _ in range(2):
        with pytest.raises((ArtifactError, FetchError)):
            await world.sync(broken, artifacts=ArtifactManager(world.path / "cache"))
    assert world.names() == {"adapter/cache/redis"}
