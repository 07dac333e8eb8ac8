"""A disk that is full or read-only: an error that says so, nothing half-written, and what is there can be used."""

import asyncio
import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from oneiric_core.artifacts.store import BlobStore
from oneiric_core.artifacts.unpack import unpack
from oneiric_core.artifacts.verification import find_faults
from oneiric_core.errors import ArtifactError
from oneiric_core.testing import make_wheel

SMALL, LARGE = make_wheel({"acme.py": "answer = 42\n"}), b"large" * 100_000
SMALL_SHA, LARGE_SHA = (hashlib.sha256(each).hexdigest() for each in (SMALL, LARGE))
OTHER_SHA = hashlib.sha256(b"other").hexdigest()
LARGE_WHEEL = make_wheel({f"acme/part{number}.bin": os.urandom(50_000) for number in range(6)})
LARGE_WHEEL_SHA = hashlib.sha256(LARGE_WHEEL).hexdigest()
Disk = Callable[[str], Path]
Fill = Callable[[Path], Path]


def files_below(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


def the_full(place: Path) -> BlobStore:
    store = BlobStore(place / "cache")
    store.add([SMALL], SMALL_SHA)
    return store


@pytest.mark.parametrize("piece", [1 << 20, 4096, 100])
def test_what_does_not_fit_leaves_nothing_and_harms_nothing(disk: Disk, piece: int) -> None:
    store = the_full(disk("size=256k"))
    pieces = [LARGE[start : start + piece] for start in range(0, len(LARGE), piece)]
    with pytest.raises(ArtifactError, match=r"No space left on device\. Make room on its disk") as caught:
        store.add(pieces, LARGE_SHA)
    assert caught.value.evidence["errno"] == errno.ENOSPC
    assert files_below(store.root) == {f"blobs/{SMALL_SHA}"}
    assert store.find(SMALL_SHA) is not None
    assert store.find(LARGE_SHA) is None


def test_room_made_is_room_used(disk: Disk, fill: Fill) -> None:
    place = disk("size=1m")
    store = the_full(place)
    ballast = fill(place)
    for _ in range(2):
        with pytest.raises(ArtifactError, match="No space left"):
            store.add([LARGE], LARGE_SHA)
    assert files_below(store.root) == {f"blobs/{SMALL_SHA}"}
    ballast.unlink()
    assert store.add([LARGE], LARGE_SHA).read_bytes() == LARGE


def test_where_no_file_can_be_made_at_all_it_is_told_and_nothing_is_lost(disk: Disk) -> None:
    """All inodes are taken: not even a lock or a directory fits."""
    place = disk("nr_inodes=64")
    store = the_full(place)
    for number in range(64):
        try:
            (place / str(number)).touch()
        except OSError:
            break
    with pytest.raises(ArtifactError, match="No space left on device"):
        store.add([b"other"], OTHER_SHA)
    with pytest.raises(ArtifactError, match="No space left on device"):
        store.pin("acme", [SMALL_SHA])
    with pytest.raises(ArtifactError, match="No space left on device"), store.trees.new(SMALL_SHA):
        pass

    async def fetch() -> Path | None:
        async with store.exclusive(SMALL_SHA):
            with store.hold(SMALL_SHA):
                return store.find(SMALL_SHA)

    assert asyncio.run(fetch()) == store.path(SMALL_SHA)
    assert files_below(store.root) == {f"blobs/{SMALL_SHA}"}


@pytest.mark.parametrize("room", [0, 4096, 60_000, 200_000])
def test_a_tree_that_does_not_fit_leaves_nothing_and_is_there_once_there_is_room(
    disk: Disk, fill: Fill, room: int
) -> None:
    place = disk("size=1m")
    store = BlobStore(place / "cache")
    store.add([LARGE_WHEEL], LARGE_WHEEL_SHA)
    ballast = fill(place)
    os.truncate(ballast, ballast.stat().st_size - room)
    for _ in range(2):
        with pytest.raises(ArtifactError, match=r"No space left on device\. Make room on its disk") as caught:
            unpack(store, LARGE_WHEEL_SHA)
        assert caught.value.evidence["errno"] == errno.ENOSPC
    assert files_below(store.root) == {f"blobs/{LARGE_WHEEL_SHA}"}
    assert [*store.root.glob("trees/*")] == []
    ballast.unlink()
    wheel, tree = unpack(store, LARGE_WHEEL_SHA)
    assert files_below(tree) == {file.name for file in wheel.files}
    assert find_faults(store, LARGE_WHEEL_SHA) == ()


def test_a_corrupt_entry_is_put_aside_on_a_full_disk_too(disk: Disk, fill: Fill) -> None:
    place = disk("size=256k")
    store = the_full(place)
    (store.root / "quarantine").mkdir(0o700)
    ballast = fill(place)
    store.path(SMALL_SHA).chmod(0o600)
    assert store.find(SMALL_SHA) is None
    ballast.unlink()
    assert store.add([SMALL], SMALL_SHA).read_bytes() == SMALL


@pytest.fixture
def frozen(disk: Disk) -> BlobStore:
    """A cache with an artifact, its tree and a wrong one, on a disk that is read-only now."""
    store = the_full(disk("size=1m"))
    unpack(store, SMALL_SHA)
    store.add([b"other"], OTHER_SHA).chmod(0o600)
    disk("ro")
    return store


def test_from_a_read_only_disk_artifacts_are_used_as_from_any_other(frozen: BlobStore) -> None:
    async def fetch() -> Path | None:
        async with frozen.exclusive(SMALL_SHA):
            with frozen.hold(SMALL_SHA):
                return frozen.find(SMALL_SHA)

    assert asyncio.run(fetch()) == frozen.path(SMALL_SHA)
    with frozen.open(SMALL_SHA) as file:
        assert file.read() == SMALL
    assert frozen.trees.find(SMALL_SHA, lambda _: True) == frozen.trees.path(SMALL_SHA)
    assert find_faults(frozen, SMALL_SHA) == ()
    assert [entry.sha256 for entry in frozen.entries()] == [SMALL_SHA]
    assert frozen.find(LARGE_SHA) is None
    assert frozen.remove_orphans(0) == 0
    frozen.pin("acme", [SMALL_SHA])
    assert frozen.pinned() == {}


WRITES: dict[str, Callable[[BlobStore], object]] = {
    "add": lambda store: store.add([LARGE], LARGE_SHA),
    "add to a new cache": lambda store: BlobStore(store.root.with_name("new")).add([LARGE], LARGE_SHA),
    "add to a new cache in a new directory": lambda store: BlobStore(store.root.parent / "a" / "b").add([], LARGE_SHA),
    "unpack": lambda store: store.trees.new(LARGE_SHA).__enter__(),
    "make room": lambda store: store.gc(max_bytes=0),
    "put aside": lambda store: store.find(OTHER_SHA),
    "verify": lambda store: find_faults(store, OTHER_SHA),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_whatever_has_to_be_written_to_a_read_only_disk_is_told(
    frozen: BlobStore, write: Callable[[BlobStore], object]
) -> None:
    before = files_below(frozen.root.parent)
    with pytest.raises(ArtifactError, match=r"Read-only file system\. Name a cache directory that can be written"):
        write(frozen)
    assert files_below(frozen.root.parent) == before


def test_too_many_open_files_condemn_nothing(tmp_path: Path, forks: object) -> None:
    """That no descriptor can be had says nothing about the artifact, nor about what was unpacked from it."""
    store = BlobStore(tmp_path / "cache")
    store.add([SMALL], SMALL_SHA)
    unpack(store, SMALL_SHA)
    code = f"""
import resource
from oneiric_core.artifacts.verification import find_faults
from oneiric_core.errors import ArtifactError
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
opened = []
try:
    while True:
        opened.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
for free in range(16):
    try:
        found = store.find("{SMALL_SHA}")
    except ArtifactError as error:
        assert "Too many open files" in str(error), error
    else:
        assert found is not None and free > 2, (found, free)
    try:
        faults = find_faults(store, "{SMALL_SHA}")
    except ArtifactError as error:
        assert "Too many open files" in str(error), error
    else:
        assert faults == () and free > 4, (faults, free)
    os.close(opened.pop())
assert find_faults(store, "{SMALL_SHA}") == ()
"""
    before = files_below(store.root)
    assert forks.run(code, store.root) == 0  # type: ignore[attr-defined]  # from conftest
    assert files_below(store.root) == before
