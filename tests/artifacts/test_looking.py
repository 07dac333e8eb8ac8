"""Whoever looks at what is in the cache follows no link, counts every byte, and leaves nothing elsewhere."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from oneiric_core.artifacts.store import BlobStore
from oneiric_core.artifacts.unpack import unpack
from oneiric_core.artifacts.verification import find_faults
from oneiric_core.errors import ArtifactError
from oneiric_core.testing import make_wheel

WHEEL = make_wheel({"acme/__init__.py": "one = 1\n", "acme/inner/deep.py": "two = 2\n"})
SHA256 = hashlib.sha256(WHEEL).hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()


@pytest.fixture
def store(with_tree: Callable[[bytes], BlobStore]) -> BlobStore:
    return with_tree(WHEEL)


@pytest.fixture
def tree(store: BlobStore) -> Path:
    return store.trees.path(SHA256)


def test_a_link_in_a_tree_is_not_followed_when_it_is_measured(store: BlobStore, tree: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "big").write_bytes(bytes(1_000_000))
    tree.chmod(0o700)
    (tree / "directory").symlink_to(tmp_path / "elsewhere")
    (tree / "file").symlink_to(tmp_path / "elsewhere" / "big")
    tree.chmod(0o500)
    size = next(entry.size for entry in store.entries() if entry.sha256 == SHA256)
    assert size < 10_000
    assert [finding.name for finding in find_faults(store, SHA256)] == ["directory", "file"]


def test_the_size_of_an_entry_is_that_of_all_its_files(store: BlobStore, tree: Path) -> None:
    unpacked = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file())
    assert {entry.sha256: entry.size for entry in store.entries()} == {SHA256: unpacked + len(WHEEL), OTHER: 5}


def test_whoever_opens_what_is_not_there_is_told_what_to_do(store: BlobStore) -> None:
    with pytest.raises(ArtifactError) as caught, store.open("0" * 64):
        pass
    assert str(caught.value) == f"artifact {'0' * 64} is not in the cache, or not whole. Fetch it again."
    assert dict(caught.value.evidence) == {"sha256": "0" * 64}


def test_nothing_ever_lands_where_the_process_happens_to_be(
    store: BlobStore, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A descriptor left out would mean the working directory."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    store.pin("acme", [SHA256])
    store.pin("acme", [])
    with store.hold(SHA256):
        store.path(OTHER).chmod(0o600)
        (tree / "acme" / "__init__.py").chmod(0o600)
        assert [len(find_faults(store, sha256)) for sha256 in (SHA256, OTHER)] == [1, 1]
    store.path(OTHER).mkdir()
    store.add([b"other"], OTHER)
    unpack(store, SHA256)
    assert len(store.gc(max_bytes=0).removed) == 2
    assert list(here.iterdir()) == []
    assert [path for path in store.root.rglob("*") if path.is_file()] == []
