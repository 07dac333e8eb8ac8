"""Waiting for one another saves work among tasks, threads and processes; nothing goes wrong without it."""

import asyncio
import hashlib
import os
import re
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.artifacts.locks import holding, locked
from oneiric_core.artifacts.store import BlobStore
from oneiric_core.clock import FrozenClock

CONTENT = b"the code of a component"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = hashlib.sha256(b"another").hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "cache")


async def fetch(store: BlobStore, downloads: list[str]) -> None:
    """What a manager does: wait, look, and bring it if it is not there."""
    async with store.exclusive(SHA256):
        if store.find(SHA256) is None:
            downloads.append(SHA256)
            await asyncio.sleep(0)  # others get their turn while bytes arrive
            store.add([CONTENT], SHA256)


async def test_of_many_tasks_one_does_the_work(store: BlobStore) -> None:
    downloads: list[str] = []
    await asyncio.gather(*(fetch(store, downloads) for _ in range(32)))
    assert downloads == [SHA256]


async def test_two_stores_on_one_directory_wait_for_each_other(store: BlobStore) -> None:
    downloads: list[str] = []
    another = BlobStore(store.root)
    await asyncio.gather(*(fetch(each, downloads) for each in (store, another) * 16))
    assert downloads == [SHA256]


def test_threads_with_loops_of_their_own_share_one_download(store: BlobStore) -> None:
    downloads: list[str] = []
    threads = [threading.Thread(target=asyncio.run, args=(fetch(store, downloads),)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert downloads == [SHA256]


PROCESSES = """
arrivals, downloads = root.with_name("arrivals"), root.with_name("downloads")

def note(path):
    with path.open("ab", buffering=0) as file:
        file.write(b"x")

async def fetch():
    note(arrivals)
    async with store.exclusive(SHA256):
        if store.find(SHA256) is None:
            note(downloads)
            while arrivals.stat().st_size < 4 * 8:  # the bytes arrive when all others wait for them
                await asyncio.sleep(0)
            store.add([CONTENT], SHA256)

async def all_at_once():
    await asyncio.gather(*(fetch() for _ in range(8)))

others = []
for _ in range(2):
    pid = os.fork()
    others = [*others, pid] if pid else []
asyncio.run(all_at_once())
for pid in others:
    assert os.waitpid(pid, 0)[1] == 0
"""


def test_processes_share_one_download(store: BlobStore, forks: Any, tmp_path: Path) -> None:
    """Four of them, since both of two forked once more."""
    assert forks.run(f"CONTENT, SHA256 = {CONTENT!r}, {SHA256!r}\n{PROCESSES}", store.root) == 0
    assert (tmp_path / "arrivals").stat().st_size == 32
    assert (tmp_path / "downloads").read_bytes() == b"x"
    assert store.find(SHA256) is not None
    assert list((store.root / "locks").iterdir()) == []


async def test_other_artifacts_do_not_wait(store: BlobStore) -> None:
    async with store.exclusive(SHA256), asyncio.timeout(30), store.exclusive(OTHER):
        pass


async def test_an_error_lets_the_next_one_try(store: BlobStore) -> None:
    with pytest.raises(OSError, match="mine"):
        async with store.exclusive(SHA256):
            raise OSError("mine")
    downloads: list[str] = []
    await fetch(store, downloads)
    assert downloads == [SHA256]


async def test_who_waits_for_another_process_may_be_cancelled(store: BlobStore) -> None:
    async with store.exclusive(SHA256):
        waiting = asyncio.create_task(fetch(BlobStore(store.root), []))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with asyncio.timeout(30), store.exclusive(SHA256):
        pass


async def test_who_has_waited_long_enough_goes_on(store: BlobStore) -> None:
    """A process that hangs must not stop all others for good."""
    clock = FrozenClock()
    entered = []

    async def wait() -> None:
        async with BlobStore(store.root, clock=clock).exclusive(SHA256, patience=10):
            entered.append(clock.monotonic())

    async with store.exclusive(SHA256):
        waiting = asyncio.create_task(wait())
        await clock.advance(9)
        assert entered == []
        await clock.advance(2)
        await waiting
    assert len(entered) == 1


async def test_one_store_serves_one_loop_after_another(store: BlobStore) -> None:
    def run() -> None:
        downloads: list[str] = []

        async def all_at_once() -> None:
            await asyncio.gather(*(fetch(store, downloads) for _ in range(4)))

        asyncio.run(all_at_once())

    for _ in range(2):
        await asyncio.to_thread(run)


@pytest.mark.parametrize("plant", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/nowhere")])
async def test_something_in_a_locks_place_does_not_stop_a_fetch(store: BlobStore, plant: object) -> None:
    (store.root / "locks").mkdir(0o700, parents=True)
    store.root.chmod(0o700)
    plant(store.root / "locks" / f"{SHA256}.fetching")  # type: ignore[operator]  # one of three
    plant(store.root / "locks" / f"{SHA256}.using")  # type: ignore[operator]
    downloads: list[str] = []
    async with asyncio.timeout(30):
        with store.hold(SHA256):
            await fetch(store, downloads)
    assert downloads == [SHA256]


async def test_no_lock_is_left(store: BlobStore) -> None:
    async with store.exclusive(SHA256):
        assert [path.name for path in (store.root / "locks").iterdir()] == [f"{SHA256}.fetching"]
    assert list((store.root / "locks").iterdir()) == []
    await fetch(store, [])
    with store.hold(SHA256), store.hold(SHA256):
        assert len(list((store.root / "locks").iterdir())) == 1
    assert list((store.root / "locks").iterdir()) == []


def test_who_is_interrupted_while_it_waits_keeps_no_descriptor_and_no_lock(
    store: BlobStore, sweep: Callable[[], None]
) -> None:
    (store.root / "locks").mkdir(0o700, parents=True)
    directory = os.open(store.root / "locks", os.O_RDONLY)
    me = threading.get_ident()
    former = signal.signal(signal.SIGUSR1, signal.default_int_handler)

    def interrupt_once_it_waits() -> None:
        inode = (store.root / "locks" / "mine").stat().st_ino
        while not re.search(rf"-> FLOCK .*:{inode} ", Path("/proc/locks").read_text(encoding="ascii")):
            pass
        signal.pthread_kill(me, signal.SIGUSR1)

    try:
        with locked("mine", directory) as mine:
            assert mine
            sweep()
            before = sorted(Path("/proc/self/fd").iterdir())
            interrupting = threading.Thread(target=interrupt_once_it_waits)
            interrupting.start()
            with pytest.raises(KeyboardInterrupt), holding("mine", directory):
                pass
            interrupting.join()
            assert sorted(Path("/proc/self/fd").iterdir()) == before
        assert list((store.root / "locks").iterdir()) == []
    finally:
        signal.signal(signal.SIGUSR1, former)
        os.close(directory)
