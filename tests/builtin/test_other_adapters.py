"""Local storage, secrets from the environment, and the HTTP client."""

import fcntl
import os
import resource
import signal
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from oneiric_core.builtin.adapters.http_client import HttpClient, HttpClientSettings
from oneiric_core.builtin.adapters.secrets_env import EnvironmentSecrets, EnvironmentSecretsSettings
from oneiric_core.builtin.adapters.storage_local import LocalStorage, LocalStorageSettings
from oneiric_core.errors import PathTraversalError
from oneiric_core.testing import ArtifactServer, Redirect, Reply

Open = Callable[..., Awaitable[Any]]


def below(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


@pytest.fixture
async def storage(opened: Open, tmp_path: Path) -> Any:
    return await opened(LocalStorage, settings=LocalStorageSettings(base_path=tmp_path / "files"))


async def test_bytes_come_back_and_are_listed(storage: Any) -> None:
    names = ["a", "a/b", "A", "two words", "ключ", "b.txt"]
    for name in names:
        await storage.save(name, name.encode() + b"\r\n\x00")
    assert await storage.list() == sorted(names)
    assert await storage.list("a") == ["a", "a/b"]
    assert [await storage.read(name) for name in names] == [name.encode() + b"\r\n\x00" for name in names]
    assert await storage.delete("a") is True
    assert await storage.delete("a") is False
    assert await storage.read("a") is None
    assert await storage.read("a/b") == b"a/b\r\n\x00"


@pytest.mark.parametrize(
    "name", ["", "..", "../a", "/a", "a/../../b", "C:a", "a\\..\\b", "a\0", "CON", "%2e%2e/a", "a//b"]
)
async def test_a_name_that_some_system_reads_as_another_place_is_refused(
    storage: Any, name: str, tmp_path: Path
) -> None:
    before = below(tmp_path)
    for act in (storage.save(name, b"x"), storage.read(name), storage.delete(name)):
        with pytest.raises(PathTraversalError):
            await act
    assert below(tmp_path) == before


async def test_a_name_that_is_too_long_or_no_text_is_refused(storage: Any) -> None:
    with pytest.raises(ValueError, match="bytes of 255"):
        await storage.save("é" * 100, b"x")
    with pytest.raises(ValueError, match="no text"):
        await storage.read(7)
    with pytest.raises(ValueError, match="Pass bytes"):
        await storage.save("a", "text")


async def test_no_link_is_followed_and_none_is_listed(storage: Any, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"secret")
    (tmp_path / "files" / "link").symlink_to(outside)
    os.mkfifo(tmp_path / "files" / "fifo")
    (tmp_path / "files" / "folder").mkdir()
    os.mknod(tmp_path / "files" / "socket", stat.S_IFSOCK | 0o600)
    assert await storage.list() == []
    for name in ("link", "fifo", "folder", "socket"):
        with pytest.raises(ValueError, match=r"cannot be read: .* look who made it"):
            await storage.read(name)
    await storage.save("link", b"mine")
    assert await storage.read("link") == b"mine"
    assert outside.read_bytes() == b"secret"


async def test_that_no_descriptor_can_be_had_is_told_as_it_is(storage: Any) -> None:
    """It says nothing about who made the file."""
    await storage.save("a", b"x")
    free = os.dup(0)
    os.close(free)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, hard))  # one for the directory, and none for the file
    try:
        with pytest.raises(OSError, match="Too many open files"):
            await storage.read("a")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert await storage.read("a") == b"x"


async def test_what_cannot_be_opened_now_is_listed_all_the_same(storage: Any, tmp_path: Path) -> None:
    """As when a server of files has a lease on it: who opens it has to wait, whatever his rights."""
    await storage.save("a", b"x")
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # which tells the holder that somebody waits
    try:
        with (tmp_path / "files" / "a").open("r+b") as file:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            assert await storage.list() == ["a"]
            with pytest.raises(BlockingIOError):
                await storage.read("a")
    finally:
        signal.signal(signal.SIGIO, before)
    assert await storage.read("a") == b"x"


async def test_a_save_that_fails_leaves_what_was_there_and_nothing_else(storage: Any, tmp_path: Path) -> None:
    await storage.save("a", b"before")
    (tmp_path / "files" / "b").mkdir()
    with pytest.raises(IsADirectoryError):
        await storage.save("b", b"after")
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == ["a", "b"]


async def test_storage_whose_directory_is_gone_is_not_healthy(storage: Any, tmp_path: Path) -> None:
    assert await storage.health() is True
    (tmp_path / "files").rmdir()
    assert await storage.health() is False


async def test_files_are_for_their_owner_alone(storage: Any, tmp_path: Path) -> None:
    await storage.save("a", b"x")
    assert (tmp_path / "files").stat().st_mode & 0o077 == 0
    assert (tmp_path / "files" / "a").stat().st_mode & 0o077 == 0


async def test_secrets_are_looked_up_anew_and_only_below_the_prefix(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = await opened(EnvironmentSecrets, settings=EnvironmentSecretsSettings(prefix="MY_"))
    monkeypatch.setenv("MY_DATABASE_PASSWORD", "one")
    assert await secrets.get_secret("database.password") == await secrets.get_secret("database-password") == "one"
    monkeypatch.setenv("MY_DATABASE_PASSWORD", "two")
    assert await secrets.get_secret("database.password") == "two"
    monkeypatch.delenv("MY_DATABASE_PASSWORD")
    assert await secrets.get_secret("database.password") is None
    assert await secrets.get_secret("PATH") is None


@pytest.mark.parametrize("name", ["", "1a", "a b", "a=b", "a\0", None, 7])
async def test_what_is_no_name_of_a_secret_is_refused(opened: Open, name: Any) -> None:
    secrets = await opened(EnvironmentSecrets)
    with pytest.raises(ValueError, match="cannot be used"):
        await secrets.get_secret(name)


async def test_the_client_asks_its_service_with_its_headers(opened: Open, server: ArtifactServer) -> None:
    url = server.serve("/api/thing", b"here")
    settings = HttpClientSettings(base_url=url.removesuffix("/thing"), headers={"X-Mine": "1"})
    client = await opened(HttpClient, settings=settings)
    answer = await client.get("thing", params={"q": "a b"})
    assert answer.content == b"here"
    assert (await client.post("thing", json={"a": 1})).status_code == 200
    asked, posted = server.requests
    assert (asked.query, asked.header("X-Mine")) == ("q=a+b", "1")
    assert (posted.method, posted.body) == ("POST", b'{"a":1}')


async def test_the_token_goes_to_the_service_and_nowhere_else(opened: Open, server: ArtifactServer) -> None:
    with ArtifactServer() as stranger:
        elsewhere = stranger.serve("/else", b"stranger")
        home = server.serve("/home", b"home")
        server.on("/away", Redirect(elsewhere))
        settings = HttpClientSettings(
            base_url=home.removesuffix("/home"), bearer_token=SecretStr("hunter2"), follow_redirects=True
        )
        client = await opened(HttpClient, settings=settings)
        assert (await client.get("/home")).text == "home"
        assert (await client.get("/away")).text == "stranger"
        assert (await client.get(elsewhere)).text == "stranger"
        assert [each.header("Authorization") for each in server.requests] == ["Bearer hunter2"] * 2
        assert [each.header("Authorization") for each in stranger.requests] == [None, None]
    assert "hunter2" not in repr(settings)


async def test_an_answer_of_any_status_is_an_answer_and_no_answer_is_an_error(
    opened: Open, server: ArtifactServer
) -> None:
    url = server.on("/gone", Reply(b"", status=410))
    client = await opened(HttpClient)
    assert (await client.get(url)).status_code == 410
    with pytest.raises(httpx.ConnectError):
        await client.get("http://127.0.0.1:1/")
    await client.cleanup()
    with pytest.raises(RuntimeError, match="Await init"):
        await client.get(url)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError):
        HttpClientSettings(base_url="file:///etc")
