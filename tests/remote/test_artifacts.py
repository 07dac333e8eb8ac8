"""Fetching: what may be fetched is decided from the text, before anything is read or written."""

import asyncio
import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oneiric_core.artifacts.local import default_cache_dir
from oneiric_core.clock import FrozenClock
from oneiric_core.errors import (
    ArtifactTooLargeError,
    DigestMismatchError,
    FetchError,
    OneiricError,
    PathTraversalError,
    RefusedFetchError,
)
from oneiric_core.remote.artifacts import ArtifactManager

CONTENT = b"a wheel"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def spell(text: str, root: Path) -> str:
    return text.format(root=root, above=root.parent)


@pytest.fixture
def offered(tmp_path: Path) -> Path:
    root = tmp_path / "offered"
    (root / "deep" / "er").mkdir(parents=True)
    (root / "acme.whl").write_bytes(CONTENT)
    (root / "deep" / "er" / "acme 100%.whl").write_bytes(CONTENT)
    (tmp_path / "secret.whl").write_bytes(CONTENT)
    return root


@pytest.fixture
def manager(tmp_path: Path, offered: Path) -> ArtifactManager:
    return ArtifactManager(tmp_path / "cache", local_roots=[offered])


@pytest.mark.parametrize(
    "text",
    [
        "file://{root}/acme.whl",
        "file://localhost{root}/acme.whl",
        "FILE:{root}/acme.whl",
        "{root}/acme.whl",
        "acme.whl",
        "file:acme.whl",
        "file://{root}/deep/er/acme%20100%25.whl",
        "deep/er/acme 100%.whl",
    ],
)
async def test_a_local_file_below_a_listed_root_is_kept_under_its_digest(
    manager: ArtifactManager, offered: Path, tmp_path: Path, text: str
) -> None:
    path = await manager.fetch(spell(text, offered), SHA256, length=len(CONTENT))
    assert path == tmp_path / "cache" / "blobs" / SHA256
    assert path.read_bytes() == CONTENT


async def test_what_is_in_the_cache_is_not_fetched_again(manager: ArtifactManager, offered: Path) -> None:
    path = await manager.fetch("acme.whl", SHA256)
    (offered / "acme.whl").unlink()
    assert await manager.fetch("acme.whl", SHA256) == path


async def test_a_corrupt_entry_is_fetched_again(manager: ArtifactManager) -> None:
    path = await manager.fetch("acme.whl", SHA256)
    path.chmod(0o600)
    path.write_bytes(b"A wheel")
    assert (await manager.fetch("acme.whl", SHA256)).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "text",
    [
        "../secret.whl",
        "{root}/../secret.whl",
        "file://{root}/../secret.whl",
        "file://{root}/%2e%2e/secret.whl",
        "file://{root}/%252e%252e/secret.whl",
        "file://{root}/%ff.whl",
        "{above}/secret.whl",
        "file://{above}/secret.whl",
        "{root}-not/acme.whl",
        "{root}",
        "file://{root}",
        "file://",
        "file://host{root}/acme.whl",
        "file:///{root}/acme.whl",
        "//host{root}/acme.whl",
        "",
        "C:\\acme.whl",
        "C:acme.whl",
        "\\\\host\\share\\acme.whl",
        "acme.whl:stream",
        "acme.whl\0",
        "https://host/../acme.whl",
        "https://host/a/%2e%2e/acme.whl",
        "https://host/..%2facme.whl",
        "https://host/a\\acme.whl",
        "ftp://host/../acme.whl",
    ],
)
async def test_traversal_is_judged_first(manager: ArtifactManager, offered: Path, tmp_path: Path, text: str) -> None:
    """Even with a digest that is none, the traversal is what is reported, and nothing is touched."""
    with pytest.raises(PathTraversalError, match=r"^Path traversal"):
        await manager.fetch(spell(text, offered), "no digest")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    "uri",
    [
        "HTTP://127.0.0.1:8000/acme.whl",
        "ftp://host/acme.whl",
        "s3://bucket/acme.whl",
        "data:,x",
    ],
)
async def test_schemes_that_are_not_fetched_are_refused_before_the_digest_is_looked_at(
    manager: ArtifactManager, tmp_path: Path, uri: str
) -> None:
    with pytest.raises(RefusedFetchError, match=r"scheme|by http"):
        await manager.fetch(uri, "no digest")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("digest", ["", None, "0" * 63, SHA256.upper()])
async def test_a_malformed_digest_is_refused_before_any_io(
    manager: ArtifactManager, tmp_path: Path, digest: str | None
) -> None:
    with pytest.raises(DigestMismatchError):
        await manager.fetch("missing.whl", digest)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("file://{root}/acme.whl", RefusedFetchError),
        ("acme.whl", RefusedFetchError),
        ("{root}/acme.whl", PathTraversalError),
    ],
)
async def test_without_listed_roots_nothing_local_is_fetched(
    tmp_path: Path, offered: Path, text: str, error: type[OneiricError]
) -> None:
    with pytest.raises(error, match="local roots"):
        await ArtifactManager(tmp_path / "cache").fetch(spell(text, offered), SHA256)


async def test_other_bytes_than_promised_are_not_kept(manager: ArtifactManager, offered: Path, tmp_path: Path) -> None:
    (offered / "acme.whl").write_bytes(b"another")
    with pytest.raises(DigestMismatchError):
        await manager.fetch("acme.whl", SHA256)
    with pytest.raises(ArtifactTooLargeError):
        await manager.fetch("acme.whl", SHA256, length=3)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


async def test_links_on_the_way_are_not_followed(manager: ArtifactManager, offered: Path, tmp_path: Path) -> None:
    (offered / "link.whl").symlink_to(tmp_path / "secret.whl")
    (offered / "out").symlink_to(tmp_path)
    for uri in ("link.whl", "out/secret.whl"):
        with pytest.raises(RefusedFetchError, match="cannot be read"):
            await manager.fetch(uri, SHA256)


async def test_a_root_may_itself_be_a_link(offered: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(offered)
    manager = ArtifactManager(tmp_path / "cache", local_roots=[tmp_path / "current"])
    assert (await manager.fetch(f"file://{tmp_path}/current/acme.whl", SHA256)).read_bytes() == CONTENT


async def test_what_is_no_file_is_refused_at_once(manager: ArtifactManager, offered: Path) -> None:
    os.mkfifo(offered / "pipe")
    for uri in ("pipe", "deep"):
        with pytest.raises(OneiricError, match="no regular file"):
            await asyncio.wait_for(manager.fetch(uri, SHA256), 10)
    with pytest.raises(FetchError, match="No such file"):
        await manager.fetch("missing.whl", SHA256)


async def test_roots_are_searched_in_order(offered: Path, tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    manager = ArtifactManager(tmp_path / "cache", local_roots=[tmp_path / "first", offered])
    assert (await manager.fetch("acme.whl", SHA256)).read_bytes() == CONTENT
    with pytest.raises(RefusedFetchError, match=r"first: No such file.*offered: No such file"):
        await manager.fetch("missing.whl", hashlib.sha256(b"missing").hexdigest())


async def test_many_fetches_of_one_artifact_at_once_all_succeed(manager: ArtifactManager, tmp_path: Path) -> None:
    paths = await asyncio.gather(*(manager.fetch("acme.whl", SHA256) for _ in range(20)))
    assert set(paths) == {tmp_path / "cache" / "blobs" / SHA256}
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == [paths[0]]


async def test_orphans_of_a_crash_are_gone_after_the_first_fetch(offered: Path, tmp_path: Path) -> None:
    orphan = tmp_path / "cache" / "temporary" / f"{'0' * 32}.{'1' * 32}"  # of another machine
    await ArtifactManager(tmp_path / "cache", local_roots=[offered]).fetch("acme.whl", SHA256)
    orphan.write_bytes(b"half a wh")
    later = FrozenClock(datetime.now(UTC) + timedelta(days=1))
    await ArtifactManager(tmp_path / "cache", local_roots=[offered], clock=later).fetch("acme.whl", SHA256)
    assert not orphan.exists()


def test_the_default_cache_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_dir().is_relative_to(tmp_path)
    assert ArtifactManager().store.root == default_cache_dir()
    assert list(tmp_path.iterdir()) == []


async def test_a_root_may_be_named_from_anywhere(tmp_path: Path, offered: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    manager = ArtifactManager(tmp_path / "cache", local_roots=[tmp_path / "elsewhere" / ".." / offered.name])
    assert (await manager.fetch(f"file://{offered}/acme.whl", SHA256)).is_file()
