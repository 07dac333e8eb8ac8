"""The store keeps files under their digests, trusts nothing it finds, and shows nothing that is not whole."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oneiric_core.artifacts.store import BlobStore
from oneiric_core.errors import ArtifactError, ArtifactTooLargeError, DigestMismatchError

CONTENT = b"the code of a component" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "cache")


def files_below(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_symlink() or not path.is_dir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_an_artifact_is_kept_under_its_digest_and_found_again(store: BlobStore) -> None:
    assert store.find(SHA256) is None
    path = store.add([CONTENT[:100], CONTENT[100:]], SHA256, length=len(CONTENT))
    assert path == store.root / "blobs" / SHA256
    assert path.read_bytes() == CONTENT
    assert store.find(SHA256) == path
    assert files_below(store.root) == [f"blobs/{SHA256}"]


def test_directories_are_ours_alone_and_blobs_read_only_whatever_the_umask(tmp_path: Path) -> None:
    former = os.umask(0)
    try:
        path = BlobStore(tmp_path / "cache").add([CONTENT], SHA256)
    finally:
        os.umask(former)
    assert mode(path) == 0o400
    assert {mode(each) for each in [tmp_path / "cache", *(tmp_path / "cache").iterdir()]} == {0o700}


def test_a_temporary_file_is_for_our_eyes_only_while_it_is_written(store: BlobStore) -> None:
    seen = []

    def chunks() -> Iterator[bytes]:
        yield CONTENT
        [name] = files_below(store.root)
        seen.append((name.partition("/")[0], mode(store.root / name)))

    store.add(chunks(), SHA256)
    assert seen == [("temporary", 0o600)]


@pytest.mark.parametrize(
    ("content", "length", "error"),
    [
        (CONTENT + b"x", None, DigestMismatchError),
        (CONTENT + b"x", len(CONTENT), ArtifactTooLargeError),
        (CONTENT, len(CONTENT) + 1, DigestMismatchError),
        (b"", None, DigestMismatchError),
    ],
)
def test_what_is_not_the_promised_artifact_leaves_no_file(
    store: BlobStore, content: bytes, length: int | None, error: type[Exception]
) -> None:
    with pytest.raises(error):
        store.add([content], SHA256, length=length)
    assert files_below(store.root) == []


def test_a_source_that_breaks_off_leaves_no_file(store: BlobStore) -> None:
    def chunks() -> Iterator[bytes]:
        yield CONTENT
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.add(chunks(), SHA256)
    assert files_below(store.root) == []


def test_the_limit_holds_where_no_length_is_declared(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "cache", limit=len(CONTENT) - 1)
    with pytest.raises(ArtifactTooLargeError, match="allowed"):
        store.add([CONTENT], SHA256)


def test_adding_what_is_there_already_changes_nothing(store: BlobStore) -> None:
    store.add([CONTENT], SHA256)
    assert store.add([CONTENT], SHA256).read_bytes() == CONTENT
    assert files_below(store.root) == [f"blobs/{SHA256}"]


def test_a_malformed_digest_is_refused_before_anything_is_written(store: BlobStore) -> None:
    with pytest.raises(DigestMismatchError):
        store.add([CONTENT], "../x")
    with pytest.raises(DigestMismatchError):
        store.find("../x")
    with pytest.raises(DigestMismatchError):
        store.path("../x")
    assert not store.root.exists()


def corrupt(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(b"?" + CONTENT[1:])


def plant_link(path: Path) -> None:
    target = path.parent.parent.parent / "elsewhere"
    target.write_bytes(CONTENT)
    path.unlink()
    path.symlink_to(target)


def plant_hard_link(path: Path) -> None:
    os.link(path, path.parent.parent.parent / "second name")


def plant_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def plant_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").touch()


def plant_empty(path: Path) -> None:
    path.unlink()
    path.touch()


PLANTS = [corrupt, plant_link, plant_hard_link, plant_fifo, plant_directory, plant_empty]


@pytest.mark.parametrize("plant", PLANTS)
def test_what_is_not_the_artifact_is_put_aside_and_can_be_replaced(
    store: BlobStore, plant: Callable[[Path], None]
) -> None:
    path = store.add([CONTENT], SHA256)
    plant(path)
    with pytest.raises(ArtifactError, match="Fetch it again"), store.open(SHA256):
        pass
    assert store.find(SHA256) is None
    assert not path.exists()
    [aside] = (store.root / "quarantine").iterdir()
    assert aside.name.startswith(f"{SHA256}.")
    assert store.add([CONTENT], SHA256).read_bytes() == CONTENT
    assert store.find(SHA256) == path


@pytest.mark.parametrize("plant", PLANTS)
def test_adding_never_writes_through_what_was_planted(store: BlobStore, plant: Callable[[Path], None]) -> None:
    path = store.add([CONTENT], SHA256)
    plant(path)
    target = store.root.parent / "elsewhere"
    before = target.stat() if target.exists() else None
    store.add([CONTENT], SHA256)
    assert stat.S_ISREG(path.lstat().st_mode)
    assert path.lstat().st_nlink == 1
    assert store.find(SHA256) == path
    assert (target.stat() if target.exists() else None) == before


def test_the_open_artifact_is_the_one_that_was_verified(store: BlobStore) -> None:
    """Whatever happens to the name afterwards, the descriptor stays with the bytes that were hashed."""
    path = store.add([CONTENT], SHA256)
    with store.open(SHA256) as file:
        path.unlink()
        path.write_bytes(b"other")
        assert file.read() == CONTENT


def test_an_error_of_the_reader_passes_through_the_open_artifact(store: BlobStore) -> None:
    store.add([CONTENT], SHA256)
    with pytest.raises(OSError, match="mine"), store.open(SHA256):
        raise OSError("mine")


def test_what_was_never_added_cannot_be_opened(store: BlobStore) -> None:
    with pytest.raises(ArtifactError, match="not in the cache"), store.open(SHA256):
        pass


def find_damaged(store: BlobStore) -> None:
    corrupt(store.path(SHA256))
    store.find(SHA256)


USES: dict[str, Callable[[BlobStore], object]] = {
    ".": lambda store: store.find(SHA256),
    "blobs": lambda store: store.find(SHA256),
    "temporary": lambda store: store.add([CONTENT], SHA256),
    "quarantine": find_damaged,
    "trees": lambda store: store.trees.new(SHA256).__enter__(),
}


@pytest.mark.parametrize("bits", [0o755, 0o750, 0o701, 0o770])
@pytest.mark.parametrize("name", USES)
def test_a_directory_that_others_can_use_is_refused(store: BlobStore, name: str, bits: int) -> None:
    store.add([CONTENT], SHA256)
    (store.root / name).mkdir(exist_ok=True)
    (store.root / name).chmod(bits)
    with pytest.raises(ArtifactError, match=f"{bits:04o}, not 0700"):
        USES[name](store)
    (store.root / name).chmod(0o700)
    USES[name](store)


@pytest.mark.parametrize("name", USES)
def test_a_directory_that_is_a_link_is_refused(store: BlobStore, tmp_path: Path, name: str) -> None:
    store.add([CONTENT], SHA256)
    elsewhere = tmp_path / "elsewhere"
    (store.root / name).mkdir(exist_ok=True)
    (store.root / name).rename(elsewhere)
    (store.root / name).symlink_to(elsewhere)
    before = files_below(elsewhere)
    with pytest.raises(ArtifactError, match="a link or a file"):
        USES[name](store)
    assert files_below(elsewhere) == before


def test_a_root_that_is_a_file_is_refused(store: BlobStore) -> None:
    store.root.touch()
    with pytest.raises(ArtifactError, match="a link or a file"):
        store.add([CONTENT], SHA256)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_somebody_else_is_refused(store: BlobStore) -> None:
    store.root.mkdir(0o700)
    os.chown(store.root, 12345, -1)
    with pytest.raises(ArtifactError, match="belongs to user 12345"):
        store.find(SHA256)


def open_descriptors() -> set[str]:
    return {path.name for path in Path("/dev/fd").iterdir()}


@pytest.mark.parametrize("plant", PLANTS)
def test_no_descriptor_is_kept(store: BlobStore, plant: Callable[[Path], None]) -> None:
    before = open_descriptors()
    path = store.add([CONTENT], SHA256)
    store.find(SHA256)
    plant(path)
    store.find(SHA256)
    with pytest.raises(DigestMismatchError):
        store.add([b"other"], SHA256)
    assert open_descriptors() == before
