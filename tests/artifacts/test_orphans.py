"""What a crash leaves is gone after the next start; what somebody is writing stays."""

import hashlib
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.artifacts.store import BlobStore
from oneiric_core.errors import ArtifactError

CONTENT = b"the code of a component" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ANOTHER_MACHINE = f"{'0' * 32}.{'1' * 32}"


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    store = BlobStore(tmp_path / "cache")
    store.add([CONTENT], SHA256)
    return store


def left(store: BlobStore) -> list[str]:
    """What is there beside the one artifact."""
    found = [path for name in ("temporary", "trees", "locks") for path in (store.root / name).glob("*")]
    return sorted(str(path.relative_to(store.root)) for path in found)


def now(**later: int) -> float:
    return (datetime.now(UTC) + timedelta(**later)).timestamp()


DEATHS = {
    "temporary": """
def chunks():
    yield b"half of "
    os._exit(9)
store.add(chunks(), "0" * 64)
""",
    "trees": """
with store.trees.new("0" * 64) as directory:
    os.mkdir("package", dir_fd=directory)
    os.close(os.open("package/module.py", os.O_CREAT | os.O_WRONLY, 0o400, dir_fd=directory))
    os.chmod("package", 0o500, dir_fd=directory)
    os._exit(9)
""",
    "locks": """
with store.hold("0" * 64):
    os._exit(9)
""",
}


@pytest.mark.parametrize(("place", "code"), DEATHS.items(), ids=DEATHS)
def test_what_a_dead_process_left_is_removed_at_the_next_start(
    store: BlobStore, forks: Any, place: str, code: str
) -> None:
    assert forks.run(code, store.root) == 9
    [name] = left(store)
    assert name.startswith(f"{place}/")
    assert store.remove_orphans(now()) == 1
    assert left(store) == []
    assert store.find(SHA256) is not None


def test_what_is_being_written_is_no_orphan_however_old(store: BlobStore) -> None:
    def chunks() -> Iterator[bytes]:
        yield CONTENT
        assert store.remove_orphans(now(days=2)) == 0

    store.add(chunks(), SHA256)
    with store.trees.new(SHA256), store.hold(SHA256):
        assert store.remove_orphans(now(days=2)) == 0
    assert store.trees.find(SHA256, lambda _: True) is not None


def test_what_another_machine_may_be_writing_is_left_for_an_hour(store: BlobStore) -> None:
    """On a shared disk its locks may not be seen here."""
    (store.root / "temporary" / ANOTHER_MACHINE).touch()
    (store.root / "trees").mkdir(0o700)
    (store.root / "trees" / ANOTHER_MACHINE).mkdir(0o700)
    assert store.remove_orphans(now(minutes=59)) == 0
    assert len(left(store)) == 2
    assert store.remove_orphans(now(minutes=61)) == 2
    assert left(store) == []


@pytest.mark.parametrize("place", ["temporary", "trees", "locks"])
def test_what_does_not_bear_a_name_of_ours_stays(store: BlobStore, place: str) -> None:
    (store.root / place).mkdir(0o700, exist_ok=True)
    for name in ("notes.txt", "0123", "0" * 64, f"{'0' * 64}.lock", f"{'0' * 32}.{'1' * 33}"):
        (store.root / place / name).touch()
    (store.root / place / "directory").mkdir()
    before = left(store)
    assert store.remove_orphans(now(days=2)) == 0
    assert left(store) == before


def test_what_is_planted_under_a_name_of_ours_is_not_followed(store: BlobStore, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").touch()
    (store.root / "trees").mkdir(0o700)
    (store.root / "trees" / ANOTHER_MACHINE).symlink_to(tmp_path / "elsewhere")
    (store.root / "temporary" / ANOTHER_MACHINE).symlink_to(tmp_path / "elsewhere" / "file")
    os.mkfifo(store.root / "temporary" / f"{'0' * 32}.{'2' * 32}")
    (store.root / "locks").mkdir(0o700)
    (store.root / "locks" / f"{SHA256}.using").symlink_to(tmp_path / "elsewhere" / "file")
    assert store.remove_orphans(now(days=2)) == 0
    assert (tmp_path / "elsewhere" / "file").exists()
    assert len(left(store)) == 4


def test_nothing_is_made_where_there_is_no_cache_yet(tmp_path: Path) -> None:
    assert BlobStore(tmp_path / "cache").remove_orphans(now()) == 0
    assert list(tmp_path.iterdir()) == []


def test_collecting_never_harms_those_who_begin_to_write(store: BlobStore) -> None:
    """Between a file's creation and its lock it looks like an orphan; its writer then takes another."""
    stop = threading.Event()

    def collect() -> None:
        while not stop.is_set():
            store.remove_orphans(now())

    collecting = [threading.Thread(target=collect) for _ in range(3)]
    for thread in collecting:
        thread.start()
    try:
        for _ in range(25):
            assert store.add([CONTENT], SHA256).read_bytes() == CONTENT
            with store.hold(SHA256), store.trees.new(SHA256):
                pass
            assert store.trees.find(SHA256, lambda _: True) is not None
    finally:
        stop.set()
        for thread in collecting:
            thread.join()
    assert left(store) == [f"trees/{SHA256}"]


def publish(store: BlobStore) -> None:
    store.add([CONTENT], SHA256)


def unpack(store: BlobStore) -> None:
    with store.trees.new(SHA256):
        pass


@pytest.mark.parametrize(
    ("write", "place", "made_by"),
    [(publish, "temporary", os.open), (unpack, "trees", os.mkdir), (unpack, "trees", os.open)],
)
def test_what_is_taken_for_an_orphan_before_it_is_locked_is_made_again(
    store: BlobStore, write: Callable[[BlobStore], None], place: str, made_by: object
) -> None:
    """The interpreter tells when it is made, so that it can be taken at that very instant."""
    taken: list[Path] = []

    def collect(_frame: object, event: str, called: object) -> None:
        if event == "c_return" and called is made_by and not taken:
            for path in (store.root / place).glob("*.*"):
                path.rmdir() if path.is_dir() else path.unlink()
                taken.append(path)

    sys.setprofile(collect)
    try:
        write(store)
    finally:
        sys.setprofile(None)
    assert len(taken) == 1
    assert store.find(SHA256) is not None
    assert left(store) == ([f"trees/{SHA256}"] if write is unpack else [])


REMOVED = """
import shutil, signal
from oneiric_core.artifacts.orphans import new_directory, new_file
from oneiric_core.errors import ArtifactError

signal.alarm(30)  # whoever tries again and again is killed
place = root / "removed"
place.mkdir(parents=True)
descriptor = os.open(place, os.O_RDONLY)
place.rmdir()
for new in (new_file, new_directory):
    try:
        with new(descriptor):
            raise AssertionError("it was made")
    except FileNotFoundError:
        pass
"""


def test_in_a_directory_that_is_gone_nothing_is_tried_for_ever(forks: Any, tmp_path: Path) -> None:
    assert forks.run(REMOVED, tmp_path) == 0


def test_a_cache_that_is_emptied_by_hand_meanwhile_is_told_or_made_anew(store: BlobStore) -> None:
    stop = threading.Event()

    def empty() -> None:
        while not stop.is_set():
            shutil.rmtree(store.root, ignore_errors=True)

    emptying = threading.Thread(target=empty)
    emptying.start()
    refused = 0
    try:
        while refused < 5:  # it is emptied while it is written
            try:
                store.add([CONTENT], SHA256)
                with store.trees.new(SHA256):
                    pass
            except ArtifactError:
                refused += 1
    finally:
        stop.set()
        emptying.join()
    assert store.add([CONTENT], SHA256).read_bytes() == CONTENT
