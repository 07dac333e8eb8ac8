"""What a source needs is noted on disk, for whoever makes room later, in whatever process."""

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from oneiric_core.artifacts.store import BlobStore
from oneiric_core.errors import ArtifactError, DigestMismatchError

A, B = (hashlib.sha256(name).hexdigest() for name in (b"a", b"b"))


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "cache")


def pin_of(store: BlobStore, source: str) -> Path:
    return store.root / "pins" / hashlib.sha256(f"{source}\0".encode()).hexdigest()


def test_a_pin_is_there_for_the_next_process(store: BlobStore) -> None:
    assert store.pinned() == {}
    assert not store.root.exists()
    store.pin("acme", [B, A])
    store.pin("zeta", {A})
    assert {k: set(v) for k, v in BlobStore(store.root).pinned().items()} == {A: {"acme", "zeta"}, B: {"acme"}}
    assert stat.S_IMODE(pin_of(store, "acme").stat().st_mode) == 0o600
    assert len(list((store.root / "pins").iterdir())) == 2


def test_a_source_named_like_a_path_stays_inside(store: BlobStore, tmp_path: Path) -> None:
    for source in ("../../evil", "/etc/passwd", "a" * 1000, "nul\0", ""):
        store.pin(source, [A])
    assert len(list((store.root / "pins").iterdir())) == 5
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert len(store.pinned()[A]) == 5


def test_pinning_the_same_again_writes_nothing(store: BlobStore) -> None:
    store.pin("acme", [A, B])
    before = pin_of(store, "acme").stat()
    store.pin("acme", [B, A])
    assert pin_of(store, "acme").stat() == before


def test_what_is_no_digest_is_not_pinned(store: BlobStore) -> None:
    store.pin("acme", [A])
    with pytest.raises(DigestMismatchError):
        store.pin("acme", [B, "../x"])
    assert store.pinned() == {A: ("acme",)}


PLANTS: list[Callable[[Path], object]] = [
    lambda path: path.write_text("{}", encoding="utf-8"),
    lambda path: path.write_text('{"source": "acme", "artifacts": ["../x"]}', encoding="utf-8"),
    lambda path: path.write_bytes(b"\xff"),
    lambda path: (path.unlink(), path.symlink_to("/etc/hostname")),
    lambda path: (path.unlink(), os.mkfifo(path)),
]


@pytest.mark.parametrize("plant", PLANTS)
def test_nothing_is_evicted_where_a_pin_cannot_be_understood(store: BlobStore, plant: Callable[[Path], object]) -> None:
    store.add([b"a"], A)
    store.pin("acme", [A])
    plant(pin_of(store, "acme"))
    with pytest.raises(ArtifactError):
        store.gc(max_bytes=0)
    assert store.find(A) is not None
    store.pin("acme", [B])
    assert store.pinned() == {B: ("acme",)}
    assert [entry.sha256 for entry in store.gc(max_bytes=0).removed] == [A]


def test_other_files_beside_the_pins_are_not_read(store: BlobStore) -> None:
    store.pin("acme", [A])
    (store.root / "pins" / "notes.txt").write_text("hello", encoding="utf-8")
    assert store.pinned() == {A: ("acme",)}


def test_a_source_taken_from_two_places_needs_what_either_says(store: BlobStore) -> None:
    store.pin("acme", [A], place="here")
    store.pin("acme", [A, B], place="there")
    assert store.pinned() == {A: ("acme",), B: ("acme",)}
    store.pin("acme", [], place="there")
    assert store.pinned() == {A: ("acme",)}


def test_what_was_pinned_before_stays_if_asked(store: BlobStore) -> None:
    store.pin("acme", [A])
    store.pin("acme", [], besides=True)
    store.pin("acme", [B], besides=True)
    assert store.pinned() == {A: ("acme",), B: ("acme",)}
    store.pin("acme", [B])
    assert store.pinned() == {B: ("acme",)}


def test_who_needs_nothing_leaves_nothing(store: BlobStore) -> None:
    store.pin("acme", [])
    assert not store.root.exists()
    store.pin("acme", [A])
    store.pin("acme", [])
    store.pin("acme", [])
    assert list((store.root / "pins").iterdir()) == []
