# ruff: noqa: ASYNC240 - the files are small, and of the test alone
"""A file that has changed is noticed once it has stood still; by looking, and at once where the system tells."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.clock import SYSTEM_CLOCK, FrozenClock
from oneiric_core.runtime.watchers import FileWatch, SystemEvents


async def noticed(watch: FileWatch, clock: FrozenClock, seconds: float = 3) -> bool:
    """Whether the watch returns within ``seconds``."""
    waiting = asyncio.create_task(watch.changed())
    await clock.advance(seconds)
    if waiting.done():
        return True
    waiting.cancel()
    await asyncio.wait({waiting})
    return False


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"a")
    return path


async def test_what_was_marked_is_no_change(file: Path, clock: FrozenClock) -> None:
    watch = FileWatch(file, clock, 1)
    watch.mark()
    assert not await noticed(watch, clock, 100)


@pytest.mark.parametrize("change", ["written", "longer", "replaced", "removed", "linked", "dated back"])
async def test_every_way_to_change_a_file_is_noticed(file: Path, clock: FrozenClock, change: str) -> None:
    watch = FileWatch(file, clock, 1)
    watch.mark()
    other = file.with_name("other")
    other.write_bytes(b"b")
    match change:
        case "written":
            file.write_bytes(b"b")
            os.utime(file, ns=(1, 1))
        case "longer":
            file.write_bytes(b"ab")
        case "replaced":
            other.replace(file)
        case "removed":
            file.unlink()
        case "linked":
            file.unlink()
            file.symlink_to(other)
        case "dated back":
            status = file.stat()
            while file.stat().st_ctime_ns == status.st_ctime_ns:  # the clock of a file system is coarse
                file.write_bytes(b"b")
                os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert await noticed(watch, clock)
    watch.mark()
    assert not await noticed(watch, clock, 100)


async def test_a_file_that_appears_is_noticed_and_a_missing_one_is_not(tmp_path: Path, clock: FrozenClock) -> None:
    path = tmp_path / "below" / "file"
    watch = FileWatch(path, clock, 1)
    watch.mark()
    assert not await noticed(watch, clock)
    path.parent.mkdir()
    path.write_bytes(b"a")
    assert await noticed(watch, clock)


async def test_a_link_of_links_that_leads_elsewhere_is_noticed(tmp_path: Path, clock: FrozenClock) -> None:
    """How Kubernetes changes what it has mounted: all at once, by one link to a directory."""
    for version in ("v1", "v2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "file").write_bytes(version.encode())
    (tmp_path / "data").symlink_to("v1")
    (tmp_path / "file").symlink_to("data/file")
    watch = FileWatch(tmp_path / "file", clock, 1)
    watch.mark()
    (tmp_path / "new").symlink_to("v2")
    (tmp_path / "new").replace(tmp_path / "data")
    assert await noticed(watch, clock)


async def test_one_that_is_still_written_is_waited_for(file: Path, clock: FrozenClock) -> None:
    watch = FileWatch(file, clock, 1)
    watch.mark()
    waiting = asyncio.create_task(watch.changed())
    for number in range(20):
        file.write_bytes(b"b" * number)
        await clock.advance(0.15)
    assert not waiting.done()
    await clock.advance(1)
    assert waiting.done()


async def test_a_change_that_is_taken_back_is_none(file: Path, clock: FrozenClock) -> None:
    watch = FileWatch(file, clock, 1)
    aside = file.with_name("aside")
    file.rename(aside)
    watch.mark()
    waiting = asyncio.create_task(watch.changed())
    aside.rename(file)
    await clock.advance(1)
    file.unlink()
    await clock.advance(10)
    assert not waiting.done()
    waiting.cancel()


async def test_looking_at_once_does_not_wait_for_the_period(file: Path, clock: FrozenClock) -> None:
    watch = FileWatch(file, clock, 3600)
    watch.mark()
    file.write_bytes(b"longer")
    assert not await noticed(watch, clock, 10)
    watch.tell()
    assert await noticed(watch, clock, 1)


@pytest.mark.parametrize("path", [None, Path("a\0b")])
async def test_no_file_never_changes(path: Path | None, clock: FrozenClock) -> None:
    watch = FileWatch(path, clock, 1)
    watch.mark()
    assert not await noticed(watch, clock)


async def test_the_system_tells_at_once(file: Path) -> None:
    watch = FileWatch(file, SYSTEM_CLOCK, 3600)
    watch.mark()
    events = SystemEvents([file], watch.tell)
    assert events.start()
    try:
        async with asyncio.timeout(60):
            waiting = asyncio.create_task(watch.changed())
            while not waiting.done():  # the system may not yet be listening when the first of these happens
                file.write_bytes(os.urandom(8))
                await asyncio.wait({waiting}, timeout=1)
    finally:
        await events.stop()


async def test_without_what_the_system_tells_looking_has_to_do(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    events = SystemEvents([file], lambda: None)
    assert not events.start()
    await events.stop()


async def test_a_directory_the_system_cannot_watch_is_told_and_looking_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    events = SystemEvents([tmp_path / "missing" / "file"], lambda: None)
    assert events.start()
    async with asyncio.timeout(60):
        while "looking goes on" not in caplog.text:  # noqa: ASYNC110 - a log tells nobody
            await asyncio.sleep(0)
    await events.stop()


async def test_a_runtime_follows_its_files_without_watchfiles(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    stage.publish(stage.entry("One", provider="p"))
    stage.configure("[adapters.selections]\ncache = 'p'")
    async with stage.runtime():
        stage.publish(stage.entry("Two", provider="p"))
        await stage.pass_by(3)
        assert stage.ledger.alive == ["Two"]


async def test_a_runtime_is_told_of_its_files_by_the_system(stage: Any) -> None:
    stage.publish(stage.entry("One", provider="p"))
    stage.configure("[adapters.selections]\ncache = 'p'")
    async with stage.runtime(clock=SYSTEM_CLOCK, poll_interval=3600) as runtime, asyncio.timeout(60):
        changed = asyncio.Event()
        runtime.observe(lambda snapshot: changed.set() if snapshot.sync.applied > 1 else None)
        while not changed.is_set():
            stage.publish(stage.entry("Two", provider="p"))
            await asyncio.wait({asyncio.ensure_future(changed.wait())}, timeout=1)
        assert stage.ledger.alive == ["Two"]
