"""What leaves the cache: the least recently used first, and never what somebody needs or what is not ours."""

import hashlib
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oneiric_core.artifacts.eviction import evict
from oneiric_core.artifacts.layout import Layout
from oneiric_core.artifacts.store import BlobStore
from oneiric_core.artifacts.verification import find_faults
from oneiric_core.clock import FrozenClock

KIB = 1024
DAY = 86400
START = datetime(2026, 1, 1, tzinfo=UTC)


def content(name: str) -> bytes:
    return name.encode() * KIB


def digest(name: str) -> str:
    return hashlib.sha256(content(name)).hexdigest()


class Shelf:
    """A store whose artifacts have one letter and as many KiB, and are added an hour apart."""

    def __init__(self, root: Path) -> None:
        self.clock = FrozenClock(START)
        self.store = BlobStore(root, clock=self.clock)

    async def add(self, names: str) -> None:
        for name in names:
            self.store.add([content(name)], digest(name))
            await self.clock.advance(3600)

    def unpack(self, name: str) -> None:
        with self.store.trees.new(digest(name)) as directory:
            os.mkdir("package", dir_fd=directory)
            with os.fdopen(os.open("package/m.py", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=directory), "wb") as file:
                file.write(content("t"))

    def names(self) -> str:
        """What is listed, the least recently used first."""
        letters = {digest(letter): letter for letter in "abcdef"}
        return "".join(letters[entry.sha256] for entry in self.store.entries())

    def evict(
        self, *, max_bytes: int | None = None, max_age: timedelta | None = None, keep: str = ""
    ) -> tuple[str, str, str]:
        """What was removed, kept, and needed."""
        letters = {digest(letter): letter for letter in "abcdef"}
        done = self.store.gc(max_bytes=max_bytes, max_age=max_age, keep=[digest(name) for name in keep])
        assert "".join(letters[entry.sha256] for entry in done.kept) == self.names()
        found = ("".join(letters[entry.sha256] for entry in part) for part in (done.removed, done.kept, done.needed))
        removed, kept, needed = found
        return removed, kept, needed


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "cache")


async def test_artifacts_are_listed_with_size_and_last_use(shelf: Shelf) -> None:
    await shelf.add("ab")
    first, second = shelf.store.entries()
    assert (first.sha256, first.size, first.used, first.unpacked) == (digest("a"), KIB, START, False)
    assert second.used == START + timedelta(hours=1)


async def test_the_least_recently_used_go_until_the_rest_fits(shelf: Shelf) -> None:
    await shelf.add("abcd")
    assert shelf.evict(max_bytes=4 * KIB) == ("", "abcd", "")
    assert shelf.evict(max_bytes=4 * KIB - 1) == ("a", "bcd", "")
    assert shelf.evict(max_bytes=KIB) == ("bc", "d", "")
    assert shelf.evict(max_bytes=0) == ("d", "", "")


@pytest.mark.parametrize("use", ["find", "open", "add"])
async def test_use_is_what_counts_not_arrival(shelf: Shelf, use: str) -> None:
    await shelf.add("abc")
    if use == "find":
        shelf.store.find(digest("a"))
    elif use == "add":
        shelf.store.add([content("a")], digest("a"))
    else:
        with shelf.store.open(digest("a")):
            pass
    assert shelf.names() == "bca"
    assert shelf.evict(max_bytes=2 * KIB) == ("b", "ca", "")


async def test_looking_at_them_is_no_use(shelf: Shelf) -> None:
    """Neither ours, nor that of a backup that reads the files."""
    await shelf.add("ab")
    assert find_faults(shelf.store, digest("a")) == ()
    shelf.store.path(digest("a")).read_bytes()
    shelf.store.entries()
    assert shelf.names() == "ab"


async def test_what_was_not_used_for_too_long_goes(shelf: Shelf) -> None:
    await shelf.add("abc")  # used three, two and one hours ago
    assert shelf.evict(max_age=timedelta(hours=3)) == ("", "abc", "")
    assert shelf.evict(max_age=timedelta(hours=2)) == ("a", "bc", "")
    shelf.store.find(digest("b"))
    assert shelf.evict(max_age=timedelta(minutes=30)) == ("c", "b", "")


async def test_both_limits_hold(shelf: Shelf) -> None:
    await shelf.add("abcd")
    assert shelf.evict(max_bytes=2 * KIB, max_age=timedelta(hours=3)) == ("ab", "cd", "")


async def test_without_limits_nothing_goes(shelf: Shelf) -> None:
    await shelf.add("ab")
    await shelf.clock.advance(10_000 * DAY)
    assert shelf.evict() == ("", "ab", "")


async def test_what_is_to_be_kept_stays_and_is_named(shelf: Shelf) -> None:
    await shelf.add("abcd")
    assert shelf.evict(max_bytes=KIB, keep="ac") == ("bd", "ac", "ac")
    assert shelf.evict(max_age=timedelta(0), keep="a") == ("c", "a", "a")


async def test_what_is_held_stays_until_it_is_let_go(shelf: Shelf) -> None:
    await shelf.add("ab")
    another = BlobStore(shelf.store.root, clock=shelf.clock)
    with another.hold(digest("a")), another.hold(digest("a")):
        assert shelf.evict(max_bytes=0) == ("b", "a", "a")
    assert shelf.evict(max_bytes=0) == ("a", "", "")


async def test_what_a_source_needs_stays_until_it_needs_something_else(shelf: Shelf) -> None:
    await shelf.add("abc")
    shelf.store.pin("acme", [digest("a"), digest("b")])
    assert shelf.evict(max_bytes=0) == ("c", "ab", "ab")
    shelf.store.pin("acme", [digest("b")])
    assert shelf.evict(max_bytes=0) == ("a", "b", "b")


async def test_an_artifact_and_its_tree_go_together(shelf: Shelf) -> None:
    await shelf.add("ab")
    shelf.unpack("a")  # two hours after the artifact itself
    first, second = shelf.store.entries()
    assert (first.sha256, first.unpacked) == (digest("b"), False)
    assert (second.sha256, second.size, second.unpacked) == (digest("a"), 2 * KIB, True)
    assert second.used == START + timedelta(hours=2)
    with shelf.store.hold(digest("a")):
        assert shelf.evict(max_bytes=0) == ("b", "a", "a")
    assert shelf.evict(max_bytes=2 * KIB - 1) == ("a", "", "")
    assert [*(shelf.store.root / "trees").iterdir()] == []


async def test_a_tree_without_its_artifact_can_be_evicted(shelf: Shelf) -> None:
    shelf.unpack("a")
    assert shelf.names() == "a"
    assert shelf.evict(max_bytes=0) == ("a", "", "")


class UsedMeanwhile(list[str]):
    """What is to be kept: nothing. But whenever it is asked, somebody has just used the artifact in question."""

    use: Callable[[str], object]

    def __contains__(self, sha256: object) -> bool:
        self.use(str(sha256))
        return False


@pytest.mark.parametrize("tree", [False, True])
async def test_what_was_used_since_it_was_listed_stays(shelf: Shelf, tree: bool) -> None:
    await shelf.add("a")
    shelf.unpack("a")
    await shelf.clock.advance(3600)
    used = UsedMeanwhile()
    used.use = lambda sha256: shelf.store.trees.find(sha256, lambda _: True) if tree else shelf.store.find(sha256)
    done = evict(Layout(shelf.store.root), max_bytes=0, max_age=None, keep=used, now=shelf.clock.now())
    assert (done.removed, [entry.sha256 for entry in done.needed]) == ((), [digest("a")])
    assert shelf.store.find(digest("a")) is not None


def plant_link(path: Path) -> None:
    target = path.parent.parent.parent / "precious"
    path.rename(target)
    path.symlink_to(target)


def plant_hard_link(path: Path) -> None:
    os.link(path, path.parent.parent.parent / "precious")


def plant_writable(path: Path) -> None:
    path.chmod(0o600)


def plant_other_name(path: Path) -> None:
    path.rename(path.with_name("precious.whl"))


def plant_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "precious").touch()


def plant_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "plant", [plant_link, plant_hard_link, plant_writable, plant_other_name, plant_directory, plant_fifo]
)
async def test_what_is_not_ours_is_neither_listed_nor_removed(shelf: Shelf, plant: Callable[[Path], None]) -> None:
    await shelf.add("ab")
    plant(shelf.store.path(digest("a")))
    before = sorted(shelf.store.root.parent.rglob("*"))
    assert shelf.evict(max_bytes=KIB) == ("", "b", "")
    assert shelf.evict(max_bytes=0) == ("b", "", "")
    gone = set(before) - set(shelf.store.root.parent.rglob("*"))
    assert gone == {shelf.store.path(digest("b"))}


async def test_what_was_put_aside_goes_but_not_what_was_planted(shelf: Shelf) -> None:
    await shelf.add("abcd")
    assert shelf.store.gc().quarantined == 0
    assert not (shelf.store.root / "quarantine").exists()
    for name, plant in zip("abcd", (plant_writable, plant_directory, plant_hard_link, plant_writable), strict=True):
        plant(shelf.store.path(digest(name)))
        assert shelf.store.find(digest(name)) is None
    assert len(list((shelf.store.root / "quarantine").iterdir())) == 4
    assert shelf.store.gc().quarantined == 2
    left = {path.name.partition(".")[0] for path in (shelf.store.root / "quarantine").iterdir()}
    assert left == {digest("b"), digest("c")}
    assert shelf.store.gc().quarantined == 0


async def test_a_damaged_tree_that_was_put_aside_goes_too(shelf: Shelf) -> None:
    shelf.unpack("a")
    assert shelf.store.trees.find(digest("a"), lambda _: False) is None
    assert shelf.store.gc().quarantined == 1
    assert [*(shelf.store.root / "quarantine").iterdir()] == []


async def test_what_was_planted_in_a_trees_place_stays_when_the_artifact_goes(shelf: Shelf) -> None:
    await shelf.add("ab")
    (shelf.store.root / "trees").mkdir(0o700)
    shelf.store.trees.path(digest("a")).touch(0o400)
    shelf.store.trees.path(digest("b")).symlink_to("/nowhere")
    assert shelf.evict(max_bytes=0) == ("ab", "", "")
    assert len(list((shelf.store.root / "trees").iterdir())) == 2


async def test_what_was_planted_in_an_artifacts_place_stays_when_the_tree_goes(shelf: Shelf) -> None:
    precious = shelf.store.root.parent / "precious"
    precious.touch(0o400)
    shelf.unpack("a")
    (shelf.store.root / "blobs").mkdir(0o700)
    shelf.store.path(digest("a")).symlink_to(precious)
    assert shelf.evict(max_bytes=0) == ("a", "", "")
    assert shelf.store.path(digest("a")).is_symlink()
    assert precious.exists()


async def test_each_artifact_is_told_of_when_it_is_gone_or_stays(shelf: Shelf) -> None:
    await shelf.add("abc")
    told: list[str] = []
    shelf.store.gc(max_bytes=KIB, progress=lambda entry: told.append(entry.sha256))
    assert sorted(told) == sorted(digest(letter) for letter in "abc")


def test_nothing_is_made_where_there_is_no_cache_yet(shelf: Shelf, tmp_path: Path) -> None:
    assert shelf.evict(max_bytes=0) == ("", "", "")
    assert list(tmp_path.iterdir()) == []


async def test_nothing_is_left_of_what_was_removed(shelf: Shelf) -> None:
    await shelf.add("ab")
    shelf.unpack("a")
    shelf.evict(max_bytes=0)
    assert [path for path in shelf.store.root.rglob("*") if path.parent != shelf.store.root] == []


@pytest.mark.parametrize("plant", [Path.mkdir, lambda path: path.symlink_to("/nowhere")])
async def test_where_nobody_can_tell_whether_it_is_used_it_stays(shelf: Shelf, plant: Callable[[Path], None]) -> None:
    await shelf.add("ab")
    (shelf.store.root / "locks").mkdir(0o700)
    plant(shelf.store.root / "locks" / f"{digest('a')}.using")
    assert shelf.evict(max_bytes=0) == ("b", "a", "a")


async def test_what_is_held_and_found_is_there_while_others_evict(shelf: Shelf) -> None:
    """The promise to those who load code from the cache, against evictions as fast as they come."""
    stop = threading.Event()

    def evict() -> None:
        while not stop.is_set():
            shelf.store.gc(max_bytes=0)

    evicting = [threading.Thread(target=evict) for _ in range(2)]
    for thread in evicting:
        thread.start()
    found = 0
    try:
        for _ in range(60):
            with shelf.store.hold(digest("a")):
                path = shelf.store.find(digest("a")) or shelf.store.add([content("a")], digest("a"))
                for _ in range(10):
                    assert path.read_bytes() == content("a")
                    found += shelf.store.find(digest("a")) == path
    finally:
        stop.set()
        for thread in evicting:
            thread.join()
    assert found == 600
