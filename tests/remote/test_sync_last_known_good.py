"""When nothing can be had: what runs stays, and after a restart the last known good serves and says so."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.errors import (
    DigestMismatchError,
    ExpiredError,
    ManifestError,
    OneiricError,
    RefusedFetchError,
    RollbackError,
    SignatureError,
    TransientFetchError,
    TrustError,
)
from oneiric_core.manifest import JSON
from oneiric_core.remote.sources import Kept
from oneiric_core.remote.state_store import StateStore
from oneiric_core.remote.state_store_kept import KeptStore
from oneiric_core.testing import (
    STRANGER,
    ArtifactServer,
    Broken,
    Redirect,
    Reply,
    WireFault,
    make_wheel,
    manifest_entry,
    signed_manifest,
)

WHEEL = make_wheel({"acme/__init__.py": "class Component(dict): ...\n"})
SHA256 = hashlib.sha256(WHEEL).hexdigest()


def entry(key: str = "cache", **more: object) -> dict[str, Any]:
    return manifest_entry("adapter", key, "redis", "acme:Component", **more)


def manifest(*keys: str, number: int = 1, **more: Any) -> bytes:
    entries = [entry(key) for key in keys or ("cache",)]
    return signed_manifest(entries, source="acme", sequence_number=number, **more)


@pytest.fixture(autouse=True)
def components(world: Any) -> None:
    world.factories["acme:Component"] = dict


@pytest.fixture
def sync(world: Any, fetching: Any) -> Any:
    """Sync from a place, without retries."""

    async def sync(place: Path | str, **options: Any) -> Any:
        return await world.sync(place, **({"fetcher": fetching.fetcher()} | options))

    return sync


def down(server: ArtifactServer) -> str:
    return server.on("/manifest.json", Broken(WireFault.CLOSED))


FAILURES: dict[str, tuple[Any, type[OneiricError]]] = {
    "the network is down": (Broken(WireFault.CLOSED), TransientFetchError),
    "the server is overloaded": (Reply(status=503), TransientFetchError),
    "it is overloaded until no date": (Reply.busy(f"Thu, 01 Jan 2026 00:00:00 +{'9' * 17}"), TransientFetchError),
    "the manifest is gone": (Reply(status=404), RefusedFetchError),
    "the server lies": (Redirect("file:///etc/passwd"), RefusedFetchError),
    "half of it is there": (Reply(manifest(number=2)[:-40]), ManifestError),
    "a stranger signed it": (Reply(manifest(number=2, signed_by=[STRANGER])), SignatureError),
    "it is an older one": (Reply(manifest(number=0)), RollbackError),
    "it has expired": (Reply(manifest(number=2, expires_at="2026-01-01T00:00:00Z")), ExpiredError),
}


@pytest.mark.parametrize("name", FAILURES)
async def test_a_running_process_stays_as_it_is_and_says_why(
    name: str, server: ArtifactServer, sync: Any, world: Any
) -> None:
    script, error = FAILURES[name]
    url = server.on("/manifest.json", Reply(manifest(), etag='"one"'), script)
    await sync(url)
    before, revision = world.resolver.candidates(), world.resolver.revision
    for _ in range(2):
        with pytest.raises(error):
            await sync(url)
    assert (world.resolver.candidates(), world.resolver.revision) == (before, revision)
    server.on("/manifest.json", Reply(manifest("cache", "queue", number=3)))
    assert (await sync(url)).registered == 1


@pytest.mark.parametrize("name", FAILURES)
async def test_after_a_restart_the_last_known_good_serves_and_says_why(
    name: str, server: ArtifactServer, sync: Any, world: Any
) -> None:
    script, error = FAILURES[name]
    url = server.on("/manifest.json", Reply(manifest()), script)
    await sync(url)
    await world.restart()
    report = await sync(url)
    assert world.names() == {"adapter/cache/redis"}
    assert report.registered == 1
    assert report.stale
    with pytest.raises(error) as caught:  # it stands now: from here on it is as if it had never been restarted
        await sync(url)
    assert report.stale == str(caught.value)
    server.on("/manifest.json", Reply(manifest("cache", "queue", number=3)))
    after = await sync(url)
    assert (after.registered, after.stale) == (1, "")


async def test_it_serves_even_when_it_has_expired(server: ArtifactServer, sync: Any, world: Any) -> None:
    url = server.serve("/manifest.json", manifest(expires_at="2026-06-02T00:00:00Z"))
    await sync(url)
    await world.restart()
    await world.clock.advance(7 * 86400)
    down(server)
    report = await sync(url)
    assert world.names() == {"adapter/cache/redis"}
    assert "expired" in report.stale


async def test_it_serves_when_a_newer_one_was_seen_and_never_stood(
    server: ArtifactServer, sync: Any, world: Any
) -> None:
    unusable = signed_manifest([entry(uri=server.url_of("/gone.whl"), sha256=SHA256)], source="acme", sequence_number=2)
    url = server.on("/manifest.json", Reply(manifest()), Reply(unusable))
    options = {"cache_dir": world.path / "cache"}
    await sync(url, **options)
    with pytest.raises(RefusedFetchError):
        await sync(url, **options)
    await world.restart()
    assert "404" in (await sync(url, **options)).stale
    assert world.names() == {"adapter/cache/redis"}


async def test_its_artifacts_are_verified_again(server: ArtifactServer, sync: Any, world: Any) -> None:
    data = signed_manifest(
        [entry(uri=server.serve("/acme.whl", WHEEL), sha256=SHA256)], source="acme", sequence_number=1
    )
    url = server.serve("/manifest.json", data)
    cache = world.path / "cache"
    await sync(url, cache_dir=cache)
    await world.restart()
    down(server)
    assert (await sync(url, cache_dir=cache)).stale
    await world.restart()
    blob = cache / "blobs" / SHA256
    blob.chmod(0o600)
    blob.write_bytes(b"evil!!!")
    server.serve("/acme.whl", b"evil!!!")
    with pytest.raises(TransientFetchError) as caught:
        await sync(url, cache_dir=cache)
    assert any("cannot serve either" in note and "SHA256 mismatch" in note for note in caught.value.__notes__)
    assert world.names() == set()


@pytest.mark.parametrize("where", ["bytes", "head", "both", "link"])
async def test_what_is_kept_is_believed_no_more_than_what_comes(
    where: str, server: ArtifactServer, sync: Any, world: Any, tmp_path: Path
) -> None:
    """Whoever changes it, or puts another in its place, gets nothing out of it."""
    url = server.serve("/manifest.json", manifest())
    await sync(url)
    await world.restart()
    down(server)
    (kept,) = (world.path / "state").glob("kept-*.manifest")
    line, data = kept.read_bytes().split(b"\n", 1)
    evil = manifest("cache", "evil", number=2, signed_by=[STRANGER])
    kept.unlink()
    if where == "link":
        (tmp_path / "elsewhere").write_bytes(line + b"\n" + data)
        kept.symlink_to(tmp_path / "elsewhere")
    elif where == "both":
        with KeptStore(world.path / "state").stage(url, Kept(evil, JSON)) as staged:
            staged.commit()
    else:
        kept.write_bytes({"bytes": line + b"\n" + evil, "head": b"{}\n" + data}[where])
    with pytest.raises((TransientFetchError, TrustError)):
        await sync(url)
    assert world.names() == set()
    if where != "link":
        server.serve("/manifest.json", manifest())
        assert (await sync(url)).registered == 1
        await world.restart()
        down(server)
        assert (await sync(url)).stale


async def test_what_stood_before_something_newer_stood_does_not_come_back(
    server: ArtifactServer, sync: Any, world: Any
) -> None:
    """Somebody who can write one file, and put an old one in its place, cannot have it served."""
    url = server.on("/manifest.json", Reply(manifest()), Reply(manifest("cache", "queue", number=2)))
    await sync(url)
    (kept,) = (world.path / "state").glob("kept-*.manifest")
    old = kept.read_bytes()
    await sync(url)
    await world.restart()
    down(server)
    kept.write_bytes(old)
    with pytest.raises(TransientFetchError) as caught:
        await sync(url)
    assert any("was seen before" in note for note in caught.value.__notes__)
    assert world.names() == set()


async def test_nothing_is_kept_of_what_never_stood(server: ArtifactServer, sync: Any, world: Any) -> None:
    url = server.serve("/manifest.json", manifest(signed_by=[STRANGER]))
    with pytest.raises(SignatureError):
        await sync(url)
    broken = signed_manifest([entry(uri=server.url_of("/x"), sha256=SHA256)], source="acme", sequence_number=1)
    server.serve("/manifest.json", broken)
    with pytest.raises(RefusedFetchError):
        await sync(url, cache_dir=world.path / "cache")
    assert [*(world.path / "state").glob("kept-*.manifest")] == []
    assert [*(world.path / "state").glob("*.tmp")] == []


async def test_without_a_memory_there_is_no_last_known_good(server: ArtifactServer, sync: Any, world: Any) -> None:
    url = server.serve("/manifest.json", manifest())
    await sync(url, state_dir=None)
    await world.restart()
    down(server)
    with pytest.raises(TransientFetchError):
        await sync(url, state_dir=None)


async def test_a_file_that_is_broken_half_way_through_writing_does_no_harm(
    sync: Any, world: Any, tmp_path: Path
) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(manifest())
    await sync(path)
    path.write_bytes(manifest(number=2)[:100])
    with pytest.raises(ManifestError):
        await sync(path)
    await world.restart()
    assert (await sync(path)).stale
    assert world.names() == {"adapter/cache/redis"}


async def test_a_disk_that_is_full_is_found_out_while_everything_is_as_it_was(
    server: ArtifactServer,
    sync: Any,
    world: Any,
    disk: Callable[[str], Path],
    fill: Callable[[Path], Path],
) -> None:
    url = server.on("/manifest.json", Reply(manifest()), Reply(manifest("cache", "queue", number=2)))
    place = disk("size=128k")
    await sync(url, state_dir=place)
    state, names = StateStore(place).load("acme"), {path.name for path in place.iterdir()}
    ballast = fill(place)
    for _ in range(2):
        with pytest.raises(TrustError, match=r"cannot be written: No space left on device"):
            await sync(url, state_dir=place)
    assert world.names() == {"adapter/cache/redis"}
    assert StateStore(place).load("acme") == state
    assert {path.name for path in place.iterdir()} == names | {"ballast"}
    ballast.unlink()
    assert (await sync(url, state_dir=place)).registered == 1
    assert StateStore(place).load("acme").applied != state.applied


async def test_artifacts_that_lie_are_an_error_of_theirs(server: ArtifactServer, sync: Any, world: Any) -> None:
    data = signed_manifest(
        [entry(uri=server.serve("/acme.whl", b"evil"), sha256=SHA256)], source="acme", sequence_number=1
    )
    with pytest.raises(DigestMismatchError):
        await sync(server.serve("/manifest.json", data), cache_dir=world.path / "cache")
    assert len(server.requests_to("/acme.whl")) == 1
