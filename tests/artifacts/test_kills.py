"""Killed at any instant while it publishes, unpacks, heals or makes room, the store is sound at the next start."""

import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.artifacts.store import BlobStore

KILLED = -9
CONTENTS = [bytes([number]) * 5000 for number in range(4)]
DIGESTS = [hashlib.sha256(content).hexdigest() for content in CONTENTS]

COMMON = f"""
import hashlib, random, signal, sys
CONTENTS = [bytes([number]) * 5000 for number in range({len(CONTENTS)})]
DIGESTS = [hashlib.sha256(content).hexdigest() for content in CONTENTS]

def publish(number):
    store.add([CONTENTS[number][:100], CONTENTS[number][100:]], DIGESTS[number])

def unpack(number):
    with store.trees.new(DIGESTS[number]) as directory:
        os.mkdir("package", dir_fd=directory)
        file = os.open("package/module.py", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=directory)
        os.write(file, CONTENTS[number])
        os.close(file)

def is_right(directory):
    if os.listdir(directory) != ["package"]:
        return False
    with open(os.open("package/module.py", os.O_RDONLY, dir_fd=directory), "rb") as file:
        return file.read() in CONTENTS

def heal(number):
    if store.find(DIGESTS[number]) is None:
        publish(number)
    if store.trees.find(DIGESTS[number], is_right) is None:
        unpack(number)

def make_room(number):
    store.gc(max_bytes=0)

def note(number):
    store.pin("acme", [DIGESTS[number]])
    store.pin("acme", [])

def die_after(calls):
    # the interpreter tells of every call of a function written in C: system calls, and what is between them
    def count(frame, event, argument):
        nonlocal calls
        if event in ("c_call", "c_return"):
            calls -= 1
            if calls < 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.setprofile(count)
"""


def spoil(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(b"?" * 5000)
    path.chmod(0o400)


def prepare(store: BlobStore, work: str) -> None:
    """What the work finds: an artifact and its tree; spoiled ones for healing, nothing for those who bring them."""
    store.gc(max_bytes=0)
    if work in {"heal", "make_room"}:
        path = store.add([CONTENTS[0]], DIGESTS[0])
        with store.trees.new(DIGESTS[0]):
            pass
        if work == "heal":
            spoil(path)


def is_sound(store: BlobStore) -> None:
    """Start again, and look at everything."""
    store.remove_orphans(datetime.now(UTC).timestamp())
    for place in ("temporary", "locks"):
        assert not list((store.root / place).glob("*"))
    for place in ("blobs", "trees"):
        assert {path.name for path in (store.root / place).glob("*")} <= set(DIGESTS)
    for content, digest in zip(CONTENTS, DIGESTS, strict=True):
        if (path := store.find(digest)) is not None:
            assert path.read_bytes() == content
        tree = store.trees.path(digest)
        if (module := tree / "package" / "module.py").exists():
            assert module.read_bytes() == content
            assert [path.name for path in tree.iterdir()] == ["package"]
    assert all(pin in DIGESTS for pin in store.pinned())


def instants(forks: Any, store: BlobStore, work: str, step: int) -> Iterator[int]:
    """Each instant at which the work was killed, until it was done first."""
    calls = 0
    while True:
        prepare(store, work)
        ended = forks.run(f"{COMMON}\ndie_after({calls})\n{work}(0)\nsys.setprofile(None)", store.root)
        yield calls
        if ended != KILLED:
            assert ended == 0
            return
        calls += step


WORKS = ["publish", "unpack", "heal", "make_room", "note"]


@pytest.mark.parametrize("work", WORKS)
def test_killed_between_any_two_calls_it_is_sound_at_the_next_start(forks: Any, tmp_path: Path, work: str) -> None:
    """Every so many calls; the long suite tries most."""
    store = BlobStore(tmp_path / "cache")
    tried = 0
    for _ in instants(forks, store, work, step=41):
        is_sound(store)
        tried += 1
    assert tried > 3


@pytest.mark.long
@pytest.mark.parametrize(("work", "step"), [("publish", 1), ("unpack", 1), ("heal", 5), ("make_room", 5), ("note", 1)])
def test_killed_between_calls_next_to_each_other_it_is_sound_at_the_next_start(
    forks: Any, tmp_path: Path, work: str, step: int
) -> None:
    store = BlobStore(tmp_path / "cache")
    tried = 0
    for _ in instants(forks, store, work, step):
        is_sound(store)
        tried += 1
    assert tried > 100


AT_RANDOM = """
choice = random.Random({seed})
while True:
    choice.choice([publish, publish, unpack, heal, heal, make_room, note])(choice.randrange(len(DIGESTS)))
"""


@pytest.mark.long
def test_a_thousand_kills_at_random(forks: Any, tmp_path: Path) -> None:
    """Real ones, while it does one thing after the other; and entries are spoiled in between."""
    store = BlobStore(tmp_path / "cache")
    choice = random.Random(7)  # noqa: S311 - not a secret
    found = 0
    for seed in range(1000):
        after = choice.uniform(0.0, 0.03)
        assert forks.run(COMMON + AT_RANDOM.format(seed=seed), store.root, kill_after=after) == KILLED
        is_sound(store)
        for digest in DIGESTS:
            if (path := store.find(digest)) is not None:
                found += 1
                if choice.random() < 0.3:
                    spoil(path)
    assert found > 100  # the control: the killed ones did get something done
    for content, digest in zip(CONTENTS, DIGESTS, strict=True):
        assert store.add([content], digest).read_bytes() == content
        assert store.find(digest) is not None
