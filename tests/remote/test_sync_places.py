"""Syncing from a path or a URL: asking, not asking again, and who hears what."""

import asyncio
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from oneiric_core import ArtifactManager
from oneiric_core.errors import (
    ManifestError,
    RefusedFetchError,
)
from oneiric_core.manifest import ENVELOPE, JSON, YAML
from oneiric_core.testing import (
    ArtifactServer,
    Reply,
    make_wheel,
    manifest_entry,
    signed_manifest,
)

CODE = {"acme/__init__.py": "class Component(dict): ...\n"}
WHEEL, OTHER = make_wheel(CODE, version="1.0"), make_wheel(CODE, version="2.0")
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


async def test_what_a_url_offers_is_applied_and_counted(server: ArtifactServer, sync: Any, world: Any) -> None:
    data = manifest()
    report = await sync(server.serve("/manifest.json", data))
    assert world.names() == {"adapter/cache/redis"}
    assert (report.registered, report.attempts, report.bytes_received) == (1, 1, len(data))
    assert report.stale == ""


async def test_what_has_not_changed_costs_one_304(server: ArtifactServer, sync: Any) -> None:
    url = server.on("/manifest.json", Reply(manifest(), etag='"one"'))
    await sync(url)
    for _ in range(2):
        report = await sync(url)
        assert (report.unchanged, report.attempts, report.bytes_received) == (True, 1, 0)
    asked = [request.header("If-None-Match") for request in server.requests]
    assert asked == [None, '"one"', '"one"']


async def test_a_restart_asks_for_changes_only_and_applies_what_was_kept(
    server: ArtifactServer, sync: Any, world: Any
) -> None:
    url = server.on("/manifest.json", Reply(manifest(), etag='"one"'))
    await sync(url)
    await world.restart()
    report = await sync(url)
    assert (report.registered, report.bytes_received, report.stale) == (1, 0, "")
    assert world.names() == {"adapter/cache/redis"}


async def test_a_new_one_is_applied(server: ArtifactServer, sync: Any, world: Any) -> None:
    url = server.on(
        "/manifest.json",
        Reply(manifest(), etag='"one"'),
        Reply(manifest("cache", "queue", number=2), etag='"two"'),
    )
    await sync(url)
    assert (await sync(url)).registered == 1
    assert (await sync(url)).unchanged
    assert world.names() == {"adapter/cache/redis", "adapter/queue/redis"}


async def test_one_that_could_not_be_applied_is_asked_for_again(server: ArtifactServer, sync: Any, world: Any) -> None:
    """Its tag is not remembered: a 304 would mean that the old one is the right one."""
    broken = signed_manifest([entry(uri=server.url_of("/gone.whl"), sha256=SHA256)], source="acme", sequence_number=2)
    url = server.on("/manifest.json", Reply(manifest(), etag='"one"'), Reply(broken, etag='"two"'))
    await sync(url)
    options = {"cache_dir": world.path / "cache"}
    for _ in range(2):
        with pytest.raises(RefusedFetchError, match="404"):
            await sync(url, **options)
    server.serve("/gone.whl", WHEEL)
    assert (await sync(url, **options)).registered == 1
    assert [request.header("If-None-Match") for request in server.requests_to("/manifest.json")] == [
        None, '"one"', '"one"', '"one"'
    ]  # fmt: skip


async def test_headers_go_to_the_origin_of_the_url_also_for_artifacts_and_to_no_other(
    server: ArtifactServer, sync: Any, world: Any
) -> None:
    with ArtifactServer() as other:
        entries = [
            entry("here", uri=server.serve("/here.whl", WHEEL), sha256=SHA256),
            entry("there", uri=other.serve("/there.whl", OTHER), sha256=hashlib.sha256(OTHER).hexdigest()),
        ]
        url = server.serve("/manifest.json", signed_manifest(entries, source="acme", sequence_number=1))
        await sync(url, headers={"Authorization": "Bearer x"}, cache_dir=world.path / "cache")
        assert [request.header("Authorization") for request in server.requests] == ["Bearer x", "Bearer x"]
        assert [request.header("Authorization") for request in other.requests] == [None]


@pytest.mark.parametrize(
    ("name", "declared", "media_type"),
    [
        ("manifest.json", "text/plain", JSON),
        ("manifest.yaml", "application/json", YAML),
        ("manifest.dsse.json", "application/json", ENVELOPE),
        ("manifest", "application/json; charset=utf-8", JSON),
        ("manifest", "application/x-yaml", YAML),
        ("manifest", ENVELOPE, ENVELOPE),
    ],
)
async def test_the_extension_says_what_it_is_and_the_server_where_there_is_none(
    name: str, declared: str, media_type: str, server: ArtifactServer, sync: Any
) -> None:
    data = signed_manifest([entry()], form="dsse" if media_type == ENVELOPE else "flat")
    if media_type == YAML:
        data = yaml.safe_dump(json.loads(data)).encode()
    url = server.on(f"/{name}", Reply(data, headers=(("Content-Type", declared),)))
    assert (await sync(url)).registered == 1


@pytest.mark.parametrize("declared", [(), (("Content-Type", "text/html"),)])
async def test_what_nobody_says_is_not_guessed(declared: Any, server: ArtifactServer, sync: Any) -> None:
    with pytest.raises(ManifestError, match="does not say what"):
        await sync(server.on("/manifest", Reply(manifest(), headers=declared)))


async def test_one_that_is_too_large_is_a_manifest_error(
    server: ArtifactServer, sync: Any, fetching: Any, world: Any, tmp_path: Path
) -> None:
    fetcher = fetching.fetcher(limits={"manifest_bytes": 100})
    path = tmp_path / "manifest.json"
    path.write_bytes(manifest())
    for place in (server.serve("/manifest.json", manifest()), path):
        with pytest.raises(ManifestError, match="more than 100 bytes"):
            await sync(place, fetcher=fetcher)
    assert world.names() == set()


async def test_two_at_once_ask_one_after_the_other(server: ArtifactServer, sync: Any) -> None:
    url = server.on("/manifest.json", Reply(manifest(), etag='"one"'))
    reports = await asyncio.gather(*(sync(url) for _ in range(5)))
    assert [report.registered for report in reports] == [1, 0, 0, 0, 0]
    assert [request.header("If-None-Match") for request in server.requests] == [None, *['"one"'] * 4]


async def test_a_path_is_read_by_its_extension(sync: Any, world: Any, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(manifest())
    assert (await sync(path)).registered == 1
    assert (await sync(str(path))).unchanged
    assert world.names() == {"adapter/cache/redis"}


async def test_paths_that_cannot_be_read_say_why(sync: Any, tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    for name, said in (("missing", "No such file"), ("folder", "directory|regular"), ("pipe", "no regular file")):
        with pytest.raises(RefusedFetchError, match=said):
            await sync(tmp_path / f"{name}.json")


@pytest.mark.parametrize("url", ["ftp://acme.example/manifest.json", "http://acme.example/m.json", "https://:1/m.json"])
async def test_urls_that_are_not_fetched_are_refused(url: str, sync: Any) -> None:
    with pytest.raises(RefusedFetchError):
        await sync(url, fetcher=None)


async def test_headers_are_no_obstacle_to_artifacts_that_are_files(
    server: ArtifactServer, sync: Any, world: Any, tmp_path: Path
) -> None:
    (tmp_path / "acme.whl").write_bytes(WHEEL)
    data = signed_manifest([entry(uri="acme.whl", sha256=SHA256)])
    artifacts = ArtifactManager(world.path / "cache", local_roots=[tmp_path])
    url = server.serve("/manifest.json", data)
    assert (await sync(url, headers={"Authorization": "Bearer x"}, artifacts=artifacts)).registered == 1
