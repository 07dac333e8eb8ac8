"""Looking at everything without using it: what is right stays, what is not is put aside and said so."""

import hashlib
import os
from pathlib import Path

import pytest

from oneiric_core.artifacts.store import BlobStore
from oneiric_core.errors import ArtifactError, DigestMismatchError

CONTENT = b"a wheel"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    """An artifact with a tree of 1 + 20 + 300 bytes, and one without."""
    store = BlobStore(tmp_path / "cache")
    store.add([CONTENT], SHA256)
    store.add([b"other"], OTHER)
    with store.trees.new(SHA256) as directory:
        os.mkdir("package", dir_fd=directory)
        os.mkdir("package/below", dir_fd=directory)
        for name, size in (("a.py", 1), ("package/b.py", 20), ("package/below/c.py", 300)):
            with os.fdopen(os.open(name, os.O_CREAT | os.O_WRONLY, dir_fd=directory), "wb") as file:
                file.write(bytes(size))
    return store


def verified(store: BlobStore) -> dict[str, bool]:
    return {sha256: store.verify(sha256) for sha256 in store.digests()}


def test_what_is_as_we_left_it_is_right(store: BlobStore) -> None:
    assert verified(store) == {SHA256: True, OTHER: True}
    assert not (store.root / "quarantine").exists()


def test_what_is_not_there_is_not_wrong(store: BlobStore) -> None:
    assert store.verify("0" * 64)
    assert BlobStore(store.root.with_name("none")).verify("0" * 64)
    assert BlobStore(store.root.with_name("none")).digests() == ()
    with pytest.raises(DigestMismatchError):
        store.verify("../x")


def test_a_tree_whose_artifact_is_gone_is_judged_alone(store: BlobStore) -> None:
    store.path(SHA256).unlink()
    assert verified(store) == {SHA256: True, OTHER: True}


def test_a_wrong_artifact_is_wrong_whatever_its_tree(store: BlobStore) -> None:
    store.path(SHA256).chmod(0o600)
    assert verified(store) == {SHA256: False, OTHER: True}
    assert not store.path(SHA256).exists()
    assert store.trees.path(SHA256).exists()


@pytest.mark.parametrize("name", ["a.py", "package", "package/below/c.py", "."])
def test_a_wrong_tree_is_wrong_whatever_its_artifact(store: BlobStore, name: str) -> None:
    (store.trees.path(SHA256) / name).chmod(0o777)
    assert verified(store) == {SHA256: False, OTHER: True}
    assert store.path(SHA256).exists()
    assert not store.trees.path(SHA256).exists()


def test_a_link_in_a_tree_is_wrong_and_not_followed(store: BlobStore, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "big").write_bytes(bytes(100_000))
    package = store.trees.path(SHA256) / "package"
    package.chmod(0o700)
    (package / "directory").symlink_to(tmp_path / "elsewhere")
    (package / "file").symlink_to(tmp_path / "elsewhere" / "big")
    package.chmod(0o500)
    size = next(entry.size for entry in store.entries() if entry.sha256 == SHA256)
    assert 321 + len(CONTENT) <= size < 1000
    assert not store.verify(SHA256)


def test_the_size_of_an_entry_is_that_of_all_its_files(store: BlobStore) -> None:
    assert {entry.sha256: entry.size for entry in store.entries()} == {SHA256: 321 + len(CONTENT), OTHER: 5}


def test_whoever_opens_what_is_not_there_is_told_what_to_do(store: BlobStore) -> None:
    with pytest.raises(ArtifactError) as caught, store.open("0" * 64):
        pass
    assert str(caught.value) == f"artifact {'0' * 64} is not in the cache, or not whole. Fetch it again."
    assert dict(caught.value.evidence) == {"sha256": "0" * 64}


def test_nothing_ever_lands_where_the_process_happens_to_be(
    store: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A descriptor left out would mean the working directory."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    store.pin("acme", [SHA256])
    store.pin("acme", [])
    with store.hold(SHA256):
        store.path(OTHER).chmod(0o600)
        (store.trees.path(SHA256) / "a.py").chmod(0o600)
        assert verified(store) == {SHA256: False, OTHER: False}
    store.path(OTHER).mkdir()
    store.add([b"other"], OTHER)
    with store.trees.new(SHA256):
        pass
    assert len(store.gc(max_bytes=0).removed) == 2
    assert list(here.iterdir()) == []
    assert [path for path in store.root.rglob("*") if path.is_file()] == []
