"""Somebody with our own rights meddles with the cache in use: nobody gets other bytes, nothing else is touched.

What an operation may do is be right, or raise an error of ours. What is outside of the cache stays as it was.
"""

import hashlib
import os
import random
import shutil
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from oneiric_core.artifacts.store import BlobStore
from oneiric_core.artifacts.unpack import unpack
from oneiric_core.artifacts.verification import find_faults
from oneiric_core.errors import ArtifactError, OneiricError
from oneiric_core.testing import make_wheel

CONTENT = make_wheel({"acme/__init__.py": "answer = 42\n", "acme/inner/module.py": "answer = 43\n"})
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PRECIOUS = b"nobody's business"


class Adversary(threading.Thread):
    """Puts something else wherever the store works, as fast as it can, and mends what would stop everything."""

    def __init__(self, root: Path, outside: Path, seed: int) -> None:
        super().__init__()
        self.root, self.outside, self.random = root, outside, random.Random(seed)  # noqa: S311 - not a secret
        self.done = threading.Event()
        self.deeds: dict[str, int] = {}

    def run(self) -> None:
        while not self.done.is_set():
            deed = self.random.choice(DEEDS)
            with suppress(OSError, shutil.Error):  # the store may be faster
                deed(self)
                self.deeds[deed.__name__] = self.deeds.get(deed.__name__, 0) + 1

    def target(self) -> Path:
        """Where the store will look, or is writing just now."""
        below = ["blobs", "trees", "temporary", "quarantine", "locks", "pins"]
        place = self.root / self.random.choice(below)
        there = list(place.iterdir())
        if there and self.random.random() < 0.6:
            chosen = self.random.choice(there)
            while chosen.is_dir() and not chosen.is_symlink() and self.random.random() < 0.6:
                inside = list(chosen.iterdir())  # of a tree, whole or being written
                chosen.chmod(0o700 if self.random.random() < 0.5 else 0o500)
                chosen = self.random.choice([*inside, chosen / "more"])
            return chosen
        return place / self.random.choice([SHA256, f"{SHA256}.using", f"{SHA256}.fetching"])

    def clear(self) -> Path:
        path = self.target()
        if path.is_dir() and not path.is_symlink():
            path.rename(self.outside.parent / f"away{self.random.random()}")
        else:
            path.unlink(missing_ok=True)
        return path


def is_of_the_cache(path: Path) -> bool:
    """Whether nothing precious has that name as well."""
    return path.is_dir() or path.lstat().st_nlink == 1


def link(adversary: Adversary) -> None:
    adversary.clear().symlink_to(adversary.outside / adversary.random.choice(["file", "directory", "nothing"]))


def hard_link(adversary: Adversary) -> None:
    adversary.clear().hardlink_to(adversary.outside / "file")


def second_name(adversary: Adversary) -> None:
    (adversary.outside.parent / f"name{adversary.random.random()}").hardlink_to(adversary.target())


def fifo(adversary: Adversary) -> None:
    os.mkfifo(adversary.clear())


def device(adversary: Adversary) -> None:
    """An endless one; for those who may not make it, a FIFO."""
    path = adversary.clear()
    if os.geteuid():
        os.mkfifo(path)
    else:
        os.mknod(path, stat.S_IFCHR | 0o400, os.makedev(1, 5))


def directory(adversary: Adversary) -> None:
    path = adversary.clear()
    path.mkdir()
    (path / "inside").touch()


def other_bytes(adversary: Adversary) -> None:
    path = adversary.target()
    if stat.S_ISREG(path.lstat().st_mode) and is_of_the_cache(path):
        path.chmod(0o600)
        path.write_bytes(b"?" * len(CONTENT))
        path.chmod(0o400)


def other_mode(adversary: Adversary) -> None:
    path = adversary.target()
    if not path.is_symlink() and is_of_the_cache(path):
        path.chmod(adversary.random.choice([0, 0o200, 0o444, 0o600, 0o777]))


def other_owner(adversary: Adversary) -> None:
    path = adversary.target()
    if is_of_the_cache(path):
        os.chown(path, 12345, 12345, follow_symlinks=False)


def removal(adversary: Adversary) -> None:
    adversary.clear()


def swap(adversary: Adversary) -> None:
    """A directory of the store is a link for a moment, then itself again."""
    place = adversary.root / adversary.random.choice(["blobs", "trees", "temporary", "quarantine", "locks", "."])
    place = place.resolve()
    away = adversary.outside.parent / "swapped"
    place.rename(away)
    try:
        place.symlink_to(adversary.outside / "directory")
        place.unlink()
    finally:
        if place.exists() and not place.is_symlink():  # made anew meanwhile
            place.rename(adversary.outside.parent / f"anew{adversary.random.random()}")
        away.rename(place)


def emptying(adversary: Adversary) -> None:
    """Somebody removes a directory of the store by hand, while it is in use."""
    shutil.rmtree(adversary.root / adversary.random.choice(["blobs", "trees", "temporary", "quarantine", "locks"]))


def foreign_directory(adversary: Adversary) -> None:
    place = adversary.root / adversary.random.choice(["blobs", "trees", "temporary", "quarantine", "locks"])
    place.chmod(0o755)
    place.chmod(0o700)


DEEDS: list[Callable[[Adversary], None]] = [
    *(link, hard_link, second_name, fifo, device, directory, other_bytes, other_mode, other_owner, removal, swap),
    *(emptying, foreign_directory),
]


def state(outside: Path) -> dict[str, tuple[bytes, int, int, int]]:
    """All that is precious: bytes, mode, owner, time of change."""
    found = {}
    for path in [outside, *outside.rglob("*")]:
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (content, status.st_mode, status.st_uid, status.st_mtime_ns)
    return found


def read(store: BlobStore) -> None:
    with store.open(SHA256) as file:
        assert file.read() == CONTENT


OPERATIONS: list[Callable[[BlobStore], object]] = [
    lambda store: store.add([CONTENT[:100], CONTENT[100:]], SHA256),
    lambda store: store.add([CONTENT], SHA256),
    lambda store: store.find(SHA256),
    read,
    lambda store: unpack(store, SHA256),
    lambda store: store.hold(SHA256).__enter__(),
    lambda store: find_faults(store, SHA256),
    lambda store: store.pin("acme", [SHA256]),
    lambda store: store.entries(),
    lambda store: store.gc(max_bytes=0),
    lambda store: store.remove_orphans(0),
]


def besiege(tmp_path: Path, seed: int, rounds: int) -> None:
    outside = tmp_path / "outside"
    (outside / "directory").mkdir(parents=True, mode=0o700)
    (outside / "file").write_bytes(PRECIOUS)
    (outside / "directory" / "file").write_bytes(PRECIOUS)
    before = state(outside)
    store = BlobStore(tmp_path / "cache")
    store.add([CONTENT], SHA256)
    unpack(store, SHA256)
    for name in ("quarantine", "locks", "pins"):
        (store.root / name).mkdir(0o700)
    adversary = Adversary(store.root, outside, seed)
    choice = random.Random(seed)  # noqa: S311 - not a secret
    outcomes = {"done": 0, "refused": 0}
    adversary.start()
    try:
        for _ in range(rounds):
            try:
                choice.choice(OPERATIONS)(store)
            except OneiricError as error:
                assert isinstance(error, ArtifactError)  # noqa: PT017 - which error of ours it is
                outcomes["refused"] += 1
            else:
                outcomes["done"] += 1
    finally:
        adversary.done.set()
        adversary.join()
    assert state(outside) == before
    assert min(outcomes.values()) > rounds // 100, outcomes  # the control: it was a siege, and not a blockade
    assert len(adversary.deeds) >= len(DEEDS) - 2, adversary.deeds
    heals(store)


def heals(store: BlobStore) -> None:
    """With nobody around, the store is as good as new by itself."""
    store.add([CONTENT], SHA256)
    read(store)
    wheel, tree = unpack(store, SHA256)
    for file in wheel.files:
        assert hashlib.sha256((tree / file.name).read_bytes()).hexdigest() == file.sha256
    assert find_faults(store, SHA256) == ()


def test_a_siege(tmp_path: Path) -> None:
    besiege(tmp_path, seed=1, rounds=400)


@pytest.mark.usefixtures("unprivileged")
def test_a_siege_without_the_rights_of_root(place: Path) -> None:
    """Modes count: what lets nobody in has to be put aside, and removed, all the same."""
    besiege(place, seed=1, rounds=400)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 6))
def test_a_long_siege(tmp_path: Path, seed: int) -> None:
    besiege(tmp_path, seed=seed, rounds=2000)
