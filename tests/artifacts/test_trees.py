"""Unpacked artifacts appear whole, read-only, and are verified whenever they are looked for."""

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from oneiric_core.artifacts.store import BlobStore
from oneiric_core.errors import ArtifactError, DigestMismatchError

SHA256 = hashlib.sha256(b"a wheel").hexdigest()
CODE = b"answer = 42\n"


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "cache")


def write(name: str, content: bytes, directory: int) -> None:
    with os.fdopen(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666, dir_fd=directory), "wb") as file:
        file.write(content)


def unpack(store: BlobStore, content: bytes = CODE) -> None:
    with store.trees.new(SHA256) as directory:
        os.mkdir("package", dir_fd=directory)
        write("package/module.py", content, directory)


def is_right(directory: int) -> bool:
    try:
        with os.fdopen(os.open("package/module.py", os.O_RDONLY, dir_fd=directory), "rb") as file:
            return file.read() == CODE
    except FileNotFoundError:
        return False


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_tree_is_kept_under_the_digest_of_its_artifact_read_only(store: BlobStore) -> None:
    assert store.trees.find(SHA256, is_right) is None
    unpack(store)
    path = store.root / "trees" / SHA256
    assert store.trees.find(SHA256, is_right) == store.trees.path(SHA256) == path
    assert (path / "package" / "module.py").read_bytes() == CODE
    assert [mode(each) for each in (path, path / "package", path / "package" / "module.py")] == [0o500, 0o500, 0o400]
    assert [each.name for each in path.parent.iterdir()] == [SHA256]


def test_nothing_is_seen_of_it_before_it_is_whole(store: BlobStore) -> None:
    with store.trees.new(SHA256) as directory:
        write("module.py", CODE, directory)
        assert not store.trees.path(SHA256).exists()
        assert store.trees.find(SHA256, is_right) is None


def test_who_fails_to_unpack_leaves_nothing(store: BlobStore) -> None:
    def begin() -> None:
        with store.trees.new(SHA256) as directory:
            os.mkdir("package", dir_fd=directory)
            write("package/module.py", CODE, directory)
            os.chmod("package", 0o500, dir_fd=directory)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin()
    assert list((store.root / "trees").iterdir()) == []


@pytest.mark.parametrize(
    "make", [lambda fd: os.symlink("/etc", "link", dir_fd=fd), lambda fd: os.mkfifo("p", dir_fd=fd)]
)
def test_only_files_and_directories_become_a_tree(store: BlobStore, make: Callable[[int], None]) -> None:
    with pytest.raises(ArtifactError), store.trees.new(SHA256) as directory:
        make(directory)
    assert list((store.root / "trees").iterdir()) == []


def test_a_file_of_somebody_elses_that_is_linked_into_a_tree_stays_as_it_is(store: BlobStore, tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(CODE)
    (tmp_path / "theirs").chmod(0o644)
    with pytest.raises(ArtifactError, match=r"'module\.py' has another name"), store.trees.new(SHA256) as directory:
        os.link(tmp_path / "theirs", "module.py", dst_dir_fd=directory)
    assert mode(tmp_path / "theirs") == 0o644
    assert list((store.root / "trees").iterdir()) == []


def test_of_two_that_unpack_at_once_the_first_stays(store: BlobStore) -> None:
    with store.trees.new(SHA256) as directory:
        write("late.py", CODE, directory)
        unpack(store)
    path = store.trees.find(SHA256, is_right)
    assert path is not None
    assert [each.name for each in path.iterdir()] == ["package"]
    assert len(list(path.parent.iterdir())) == 1


def damage(path: Path) -> None:
    (path / "package").chmod(0o700)
    (path / "package" / "module.py").unlink()


def open_to_others(path: Path) -> None:
    path.chmod(0o555)


def writable(path: Path) -> None:
    path.chmod(0o700)


def plant_link(path: Path) -> None:
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


def plant_file(path: Path) -> None:
    path.rename(path.parent.parent / "elsewhere")
    path.touch(0o400)


@pytest.mark.parametrize("harm", [damage, open_to_others, writable, plant_link, plant_file])
def test_what_is_not_the_tree_is_put_aside_and_can_be_replaced(store: BlobStore, harm: Callable[[Path], None]) -> None:
    unpack(store)
    path = store.trees.path(SHA256)
    harm(path)
    assert store.trees.find(SHA256, is_right) is None
    assert not path.is_symlink()
    assert not path.exists()
    assert len(list((store.root / "quarantine").iterdir())) == 1
    unpack(store)
    assert store.trees.find(SHA256, is_right) == path


def test_an_error_of_whoever_judges_is_passed_on_and_moves_nothing(store: BlobStore) -> None:
    unpack(store)

    def fail(_: int) -> bool:
        raise OSError("mine")

    with pytest.raises(OSError, match="mine"):
        store.trees.find(SHA256, fail)
    assert store.trees.find(SHA256, is_right) is not None


def test_a_malformed_digest_is_refused_before_anything_is_written(store: BlobStore) -> None:
    with pytest.raises(DigestMismatchError), store.trees.new("../x"):
        pass
    with pytest.raises(DigestMismatchError):
        store.trees.find("../x", is_right)
    assert not store.root.exists()
