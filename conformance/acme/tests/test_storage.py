import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from acme_oneiric.storage import FileStore, StorageSettings


async def opened(path: Path) -> FileStore:
    store = FileStore(StorageSettings(base_path=path))
    await store.init()
    return store


def test_bytes_come_back_exactly_as_they_were_saved(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = await opened(tmp_path / "blobs")
        data = bytes(range(256)) * 300
        await store.save("reports/may 1.bin", data)
        assert await store.read("reports/may 1.bin") == data
        await store.save("reports/may 1.bin", b"")
        assert await store.read("reports/may 1.bin") == b""
        assert await store.delete("reports/may 1.bin") is True
        assert await store.read("reports/may 1.bin") is None
        assert await store.delete("reports/may 1.bin") is False

    asyncio.run(scenario())


def test_names_are_listed_sorted_and_by_prefix(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = await opened(tmp_path)
        for name in ("b", "a/b", "a", "ä %2F+"):
            await store.save(name, b"x")
        assert await store.list() == sorted(["a", "a/b", "b", "ä %2F+"], key=lambda name: name)
        assert await store.list("a") == ["a", "a/b"]

    asyncio.run(scenario())


def test_a_second_store_of_the_same_directory_sees_what_the_first_saved(tmp_path: Path) -> None:
    async def scenario() -> None:
        first, second = await opened(tmp_path), await opened(tmp_path)
        await first.save("a", b"1")
        await first.cleanup()
        assert await second.read("a") == b"1"

    asyncio.run(scenario())


HOSTILE = ["", "..", "../a", "a/../../b", "/etc/passwd", "a//b", "./a", "a\0b", "x" * 300, "\ud800", 7, None]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_name_that_cannot_be_used_is_refused_and_nothing_is_written(tmp_path: Path, name: Any) -> None:
    async def scenario() -> None:
        store = await opened(tmp_path / "root")
        for attempt in (store.save(name, b"x"), store.read(name), store.delete(name)):
            with pytest.raises(ValueError, match=r"name|surrogate"):
                await attempt

    asyncio.run(scenario())
    assert list(tmp_path.rglob("*")) == [tmp_path / "root"]


def test_planted_links_are_neither_read_nor_written_through(tmp_path: Path) -> None:
    async def scenario() -> None:
        secret = tmp_path / "secret"
        secret.write_bytes(b"secret")
        store = await opened(tmp_path / "root")
        (tmp_path / "root" / "link").symlink_to(secret)
        (tmp_path / "root" / "out").symlink_to(tmp_path)
        with pytest.raises(ValueError, match="is a link"):
            await store.read("link")
        assert await store.list() == []
        assert await store.read("out/secret") is None
        await store.save("link", b"mine")
        assert await store.read("link") == b"mine"
        assert secret.read_bytes() == b"secret"

    asyncio.run(scenario())


def test_what_is_not_bytes_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = await opened(tmp_path)
        with pytest.raises(ValueError, match="Pass bytes"):
            await store.save("a", cast("bytes", "text"))

    asyncio.run(scenario())


def test_a_failed_save_leaves_the_old_bytes_and_no_litter(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = await opened(tmp_path)
        (tmp_path / "taken").mkdir()
        with pytest.raises(OSError, match="taken"):
            await store.save("taken", b"x")

    asyncio.run(scenario())
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_it_is_usable_and_healthy_only_between_init_and_cleanup(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = FileStore(StorageSettings(base_path=tmp_path / "root"))
        await store.cleanup()
        assert await store.health() is False
        with pytest.raises(RuntimeError, match="closed"):
            await store.list()
        await store.init()
        assert await store.health() is True
        (tmp_path / "root").rmdir()
        assert await store.health() is False
        await store.cleanup()
        await store.cleanup()
        assert await store.health() is False

    asyncio.run(scenario())
