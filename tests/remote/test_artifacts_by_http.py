"""Artifacts from a server: asked for once, checked before anything is sent, kept whole or not at all."""

import asyncio
import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest

from oneiric_core import ArtifactManager
from oneiric_core.errors import (
    ArtifactError,
    ArtifactTooLargeError,
    DigestMismatchError,
    OneiricError,
    PathTraversalError,
    RefusedFetchError,
    TransientFetchError,
)
from oneiric_core.testing import ArtifactServer, Broken, Reply, WireFault

BODY = bytes(range(256)) * 64
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def manager(fetching: Any, tmp_path: Path) -> ArtifactManager:
    return ArtifactManager(tmp_path / "cache", fetcher=fetching.fetcher())


def leftovers(root: Path) -> list[str]:
    """Files in the cache that are no blobs."""
    return [str(path) for path in root.rglob("*") if path.is_file() and path.parent.name != "blobs"]


async def test_it_is_kept_under_its_digest_and_not_asked_for_again(
    server: ArtifactServer, manager: ArtifactManager, tmp_path: Path
) -> None:
    url = server.serve("/acme.whl", BODY)
    for _ in range(3):
        path = await manager.fetch(url, SHA256, length=len(BODY))
    assert path == tmp_path / "cache" / "blobs" / SHA256
    assert path.read_bytes() == BODY
    assert len(server.requests) == 1
    assert leftovers(tmp_path / "cache") == []


async def test_a_corrupt_entry_is_put_aside_and_fetched_again(server: ArtifactServer, manager: ArtifactManager) -> None:
    path = await manager.fetch(server.serve("/acme.whl", BODY), SHA256)
    path.chmod(0o600)
    path.write_bytes(BODY[:-1] + b"!")
    assert (await manager.fetch(server.url_of("/acme.whl"), SHA256)).read_bytes() == BODY
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("path", "digest", "error"),
    [
        ("/../acme.whl", "no digest", PathTraversalError),
        ("/a/%2e%2e/%2e%2e/acme.whl", "no digest", PathTraversalError),
        ("/acme.whl\\..", "no digest", PathTraversalError),
        ("/acme.whl", "no digest", DigestMismatchError),
        ("/acme.whl", SHA256.upper(), DigestMismatchError),
        ("/acme.whl", None, DigestMismatchError),
    ],
)
async def test_nothing_is_sent_or_written_before_the_text_is_checked(
    path: str, digest: str | None, error: type[OneiricError], server: ArtifactServer, manager: ArtifactManager
) -> None:
    server.serve("/acme.whl", BODY)
    with pytest.raises(error):
        await manager.fetch(server.url + path, digest)
    assert (server.requests, server.unexpected) == ((), ())
    assert not manager.store.root.exists()


@pytest.mark.parametrize(
    "uri", ["http://acme.example/a.whl", "https://127.1/a.whl", "https://u:p@acme.example/a.whl", "ftp://h/a.whl"]
)
async def test_where_nothing_is_fetched_from_is_said_before_the_digest_is_looked_at(uri: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedFetchError):
        await ArtifactManager(tmp_path / "cache").fetch(uri, "no digest")


async def test_many_at_once_cause_one_download(
    server: ArtifactServer, manager: ArtifactManager, tmp_path: Path
) -> None:
    url = server.on("/acme.whl", Reply(BODY, held=True))
    fetches = [asyncio.ensure_future(manager.fetch(url, SHA256)) for _ in range(32)]
    await asyncio.to_thread(server.wait_for, "/acme.whl")
    server.release()
    assert set(await asyncio.gather(*fetches)) == {tmp_path / "cache" / "blobs" / SHA256}
    assert len(server.requests) == 1


async def test_two_managers_on_one_directory_cause_one_download(
    server: ArtifactServer, fetching: Any, tmp_path: Path
) -> None:
    url = server.on("/acme.whl", Reply(BODY, held=True))

    def fetch() -> Path:
        manager = ArtifactManager(tmp_path / "cache", fetcher=fetching.fetcher())
        return asyncio.run(manager.fetch(url, SHA256))

    first = asyncio.to_thread(fetch)
    manager = ArtifactManager(tmp_path / "cache", fetcher=fetching.fetcher())
    async with asyncio.TaskGroup() as group:
        one = group.create_task(first)
        await asyncio.to_thread(server.wait_for, "/acme.whl")
        two = group.create_task(fetching.passing(manager.fetch(url, SHA256), step=0.01))
        server.release()
    assert one.result() == two.result()
    assert len(server.requests) == 1


async def test_one_that_fails_leaves_its_turn_to_the_next(server: ArtifactServer, manager: ArtifactManager) -> None:
    url = server.on("/acme.whl", Broken(WireFault.CLOSED), Reply(BODY))
    outcomes = await asyncio.gather(*(manager.fetch(url, SHA256) for _ in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(TransientFetchError) == 1
    assert len(server.requests) == 2


async def test_one_that_is_cancelled_leaves_nothing_behind_and_its_turn_to_the_next(
    server: ArtifactServer, manager: ArtifactManager, tmp_path: Path
) -> None:
    url = server.on("/acme.whl", Broken(WireFault.STALLED_BODY, BODY), Reply(BODY))
    threads = threading.active_count()
    first = asyncio.ensure_future(manager.fetch(url, SHA256))
    await asyncio.to_thread(server.wait_for, "/acme.whl")
    second = asyncio.ensure_future(manager.fetch(url, SHA256))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (await second).read_bytes() == BODY
    assert leftovers(tmp_path / "cache") == []
    assert not [thread for thread in threading.enumerate() if thread.name == "oneiric-artifact"]
    assert threading.active_count() <= threads + 8  # of the loop's own pool


async def test_different_ones_do_not_wait_for_each_other(server: ArtifactServer, manager: ArtifactManager) -> None:
    server.on("/slow.whl", Reply(BODY, held=True))
    slow = asyncio.ensure_future(manager.fetch(server.url_of("/slow.whl"), SHA256))
    await asyncio.to_thread(server.wait_for, "/slow.whl")
    other = hashlib.sha256(b"another").hexdigest()
    await manager.fetch(server.serve("/other.whl", b"another"), other)
    assert not slow.done()
    server.release()
    await slow


async def test_other_bytes_are_asked_for_once_and_not_kept(
    server: ArtifactServer, fetching: Any, tmp_path: Path
) -> None:
    manager = ArtifactManager(tmp_path / "cache", fetcher=fetching.fetcher(attempts=5))
    with pytest.raises(DigestMismatchError, match=r"^SHA256 mismatch"):
        await manager.fetch(server.serve("/acme.whl", BODY[::-1]), SHA256, length=len(BODY))
    assert len(server.requests) == 1
    assert leftovers(tmp_path / "cache") == []


async def test_what_came_of_an_attempt_that_broke_off_is_not_mixed_with_the_next(
    server: ArtifactServer, fetching: Any, tmp_path: Path
) -> None:
    manager = ArtifactManager(tmp_path / "cache", fetcher=fetching.fetcher(attempts=3))
    url = server.on("/acme.whl", *[Broken(WireFault.SHORT, BODY)] * 2, Reply(BODY))
    path = await fetching.passing(manager.fetch(url, SHA256, length=len(BODY)), step=0.001)
    assert path.read_bytes() == BODY
    assert leftovers(tmp_path / "cache") == []


async def test_progress_is_told_on_the_loop(server: ArtifactServer, manager: ArtifactManager) -> None:
    told: list[tuple[int, int | None]] = []
    me = threading.get_ident()

    def progress(received: int, expected: int | None) -> None:
        assert threading.get_ident() == me
        told.append((received, expected))

    await manager.fetch(server.serve("/acme.whl", BODY), SHA256, progress=progress)
    assert told[-1] == (len(BODY), len(BODY))
    assert told == sorted(told)
    told.clear()
    await manager.fetch(server.url_of("/acme.whl"), SHA256, progress=progress)
    assert told == [], "nothing is received where it is in the cache"


@pytest.mark.parametrize("declared", [True, False])
async def test_the_limit_on_bytes_holds_with_and_without_a_length(
    declared: bool, server: ArtifactServer, fetching: Any, tmp_path: Path
) -> None:
    manager = ArtifactManager(tmp_path / "cache", fetcher=fetching.fetcher(limits={"artifact_bytes": len(BODY) - 1}))
    for framing in ("length", "chunked"):
        url = server.on("/acme.whl", Reply(BODY, framing=framing))
        with pytest.raises(ArtifactTooLargeError):
            await manager.fetch(url, SHA256, length=len(BODY) if declared else None)
    manager = ArtifactManager(tmp_path / "cache", fetcher=fetching.fetcher(limits={"artifact_bytes": len(BODY)}))
    assert (await manager.fetch(url, SHA256, length=len(BODY) if declared else None)).read_bytes() == BODY


async def test_a_cache_that_is_not_ours_alone_is_said_so_and_nothing_hangs(
    server: ArtifactServer, manager: ArtifactManager, tmp_path: Path
) -> None:
    (tmp_path / "cache").mkdir(mode=0o755)
    big = b"x" * (8 << 20)  # more than fits between the loop and the thread that has failed
    with pytest.raises(ArtifactError, match="not 0700"):
        await manager.fetch(server.serve("/acme.whl", big), hashlib.sha256(big).hexdigest())
