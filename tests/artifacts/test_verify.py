"""Looking at everything without using it: what is right stays, what is not is put aside, and each fault is named."""

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from oneiric_core.artifacts.store import BlobStore
from oneiric_core.artifacts.unpack import unpack
from oneiric_core.artifacts.verification import Finding, find_faults
from oneiric_core.artifacts.wheel_rules import WheelLimits
from oneiric_core.errors import DigestMismatchError
from oneiric_core.testing import make_wheel

FILES = {"acme/__init__.py": "one = 1\n", "acme/inner/deep.py": "two = 2\n", "acme/data.txt": "three"}
WHEEL = make_wheel(FILES)
SHA256 = hashlib.sha256(WHEEL).hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()
RECORD = "acme-1.0.dist-info/RECORD"


@pytest.fixture
def store(with_tree: Callable[[bytes], BlobStore]) -> BlobStore:
    return with_tree(WHEEL)


@pytest.fixture
def tree(store: BlobStore) -> Path:
    return store.trees.path(SHA256)


def found(store: BlobStore) -> list[tuple[str, str, str]]:
    """Of the wheel and its tree: what, which file and why; and nothing is wrong with the other."""
    assert find_faults(store, OTHER) == ()
    return [(finding.of, finding.name, finding.what) for finding in find_faults(store, SHA256)]


def change(path: Path, act: Callable[[Path], object]) -> None:
    """Do something to a name although its directory may not be written."""
    path.parent.chmod(0o700)
    act(path)
    path.parent.chmod(0o500)


def flip(path: Path) -> None:
    """One byte is another one; size, mode and time are what they were."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)
    path.chmod(0o400)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def make(name: str, act: Callable[[Path], object]) -> Callable[[Path], None]:
    return lambda tree: change(tree / name, act)


def renew(act: Callable[[Path], object]) -> Callable[[Path], None]:
    def anew(path: Path) -> None:
        path.unlink()
        act(path)

    return anew


def link_away(path: Path) -> None:
    """A link to a file with the very bytes that should be there."""
    elsewhere = path.parents[4] / "elsewhere"
    elsewhere.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(elsewhere)


def directory_link(tree: Path) -> None:
    """The directory itself is moved out of the cache, and a link leads to it."""
    (tree / "acme").chmod(0o700)
    (tree / "acme" / "inner").chmod(0o700)
    elsewhere = tree.parents[2] / "elsewhere"
    (tree / "acme" / "inner").rename(elsewhere)
    elsewhere.chmod(0o500)
    (tree / "acme" / "inner").symlink_to(elsewhere)
    (tree / "acme").chmod(0o500)


def remove_directory(tree: Path) -> None:
    (tree / "acme" / "inner").chmod(0o700)
    (tree / "acme" / "inner" / "deep.py").unlink()
    change(tree / "acme" / "inner", Path.rmdir)


def bytecode(path: Path) -> None:
    path.mkdir()
    (path / "data.cpython-311.pyc").write_bytes(b"evil")


def second_name(path: Path) -> None:
    path.parents[3].joinpath("second").hardlink_to(path)


HARMS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a changed byte": (make("acme/data.txt", flip), "acme/data.txt", "has other bytes than in its wheel"),
    "an added byte": (
        make("acme/data.txt", lambda path: (path.chmod(0o600), path.write_bytes(b"three!"), path.chmod(0o400))),
        "acme/data.txt",
        "has other bytes than in its wheel",
    ),
    "a changed RECORD": (make(RECORD, flip), RECORD, "has other bytes than in its wheel"),
    "an added file": (
        make("acme/more.py", lambda path: path.touch(0o400)),
        "acme/more.py",
        "should not be there",
    ),
    "an added directory": (make("acme/__pycache__", bytecode), "acme/__pycache__", "should not be there"),
    "a name that is no text": (
        make("acme/\udcff", lambda path: path.touch(0o400)),
        "acme/\udcff",
        "should not be there",
    ),
    "a removed file": (make("acme/data.txt", Path.unlink), "acme/data.txt", "is missing"),
    "a removed directory": (remove_directory, "acme/inner", "is missing"),
    "a link to the same bytes": (make("acme/inner/deep.py", link_away), "acme/inner/deep.py", "is a link, not a file"),
    "a link to the same directory": (directory_link, "acme/inner", "is a link, not a directory"),
    "a link that should not be there": (
        make("acme/link", lambda path: path.symlink_to("data.txt")),
        "acme/link",
        "should not be there",
    ),
    "a FIFO for a file": (make("acme/data.txt", renew(os.mkfifo)), "acme/data.txt", "is a FIFO, not a file"),
    "a FIFO more": (make("fifo", os.mkfifo), "fifo", "should not be there"),
    "a directory for a file": (make("acme/data.txt", renew(Path.mkdir)), "acme/data.txt", "is a directory, not a file"),
    "a second name": (
        make("acme/data.txt", second_name),
        "acme/data.txt",
        "has 2 names, by each of which it may be changed",
    ),
    "a mode": (make("acme/data.txt", lambda path: path.chmod(0o644)), "acme/data.txt", "has mode 0644, not 0400"),
    "no mode at all": (make("acme/data.txt", lambda path: path.chmod(0)), "acme/data.txt", "has mode 0000, not 0400"),
    "the mode of a directory": (
        lambda tree: (tree / "acme" / "inner").chmod(0o700),
        "acme/inner",
        "has mode 0700, not 0500",
    ),
    "the mode of the tree": (lambda tree: tree.chmod(0o777), "", "has mode 0777, not 0500"),
    "a file for the tree": (
        lambda tree: (tree.rename(tree.parents[2] / "away"), tree.touch(0o400)),
        "",
        "is a file, not a directory",
    ),
    "a link for the tree": (
        lambda tree: (tree.rename(tree.parents[2] / "away"), tree.symlink_to(tree.parents[2] / "away")),
        "",
        "is a link, not a directory",
    ),
}


def test_what_is_as_we_left_it_is_right(store: BlobStore) -> None:
    assert found(store) == []
    assert not (store.root / "quarantine").exists()


@pytest.mark.parametrize("harm", HARMS)
def test_a_tree_is_judged_by_each_of_its_files_and_written_anew(
    store: BlobStore, tree: Path, tmp_path: Path, harm: str
) -> None:
    wheel, _ = unpack(store, SHA256)
    act, name, what = HARMS[harm]
    act(tree)
    before = {path: path.lstat().st_mtime_ns for path in tmp_path.glob("*") if path != store.root}
    assert found(store) == [("tree", name, what)]
    assert not tree.exists()
    assert not tree.is_symlink()
    assert len(list((store.root / "quarantine").iterdir())) == 1
    assert found(store) == []
    assert unpack(store, SHA256) == (wheel, tree)
    assert found(store) == []
    assert {path: path.lstat().st_mtime_ns for path in before} == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device or give a file away")
@pytest.mark.parametrize(
    ("act", "what"),
    [
        (renew(lambda path: os.mknod(path, stat.S_IFCHR | 0o400, os.makedev(1, 5))), "is a device, not a file"),
        (renew(lambda path: os.mknod(path, stat.S_IFBLK | 0o400, os.makedev(7, 99))), "is a device, not a file"),
        (lambda path: os.chown(path, 12345, -1), "belongs to user 12345, not to 0"),
    ],
)
def test_what_only_root_can_put_into_a_tree(
    store: BlobStore, tree: Path, act: Callable[[Path], object], what: str
) -> None:
    """An endless device is never read."""
    change(tree / "acme" / "data.txt", act)
    assert found(store) == [("tree", "acme/data.txt", what)]


def test_every_fault_of_a_tree_is_named_and_what_should_not_be_there_is_not_looked_into(
    store: BlobStore, tree: Path
) -> None:
    remove_directory(tree)
    change(tree / "acme" / "data.txt", Path.unlink)
    change(tree / "acme" / "data.txt", lambda path: path.hardlink_to(path.with_name("__init__.py")))
    change(tree / "more", Path.mkdir)
    (tree / "more" / "below").mkdir()
    assert found(store) == [
        ("tree", "acme/__init__.py", "has 2 names, by each of which it may be changed"),
        ("tree", "acme/data.txt", "has 2 names, by each of which it may be changed"),
        ("tree", "acme/inner", "is missing"),
        ("tree", "more", "should not be there"),
    ]


def test_a_finding_says_what_to_do(store: BlobStore, tree: Path) -> None:
    change(tree / "acme" / "data.txt", Path.unlink)
    [finding] = find_faults(store, SHA256)
    nothing = "There is nothing to do: whoever needs it unpacks it again"
    assert finding == Finding(SHA256, "tree", "acme/data.txt", "is missing", nothing)
    unpack(store, SHA256)
    store.path(SHA256).chmod(0o600)
    change(tree / "acme" / "data.txt", Path.unlink)
    sync = "Sync its source to fetch it again"
    assert find_faults(store, SHA256) == (
        Finding(SHA256, "artifact", "", "has mode 0600, not 0400", sync),
        Finding(SHA256, "tree", "acme/data.txt", "is missing", sync),
    )


def test_what_is_not_there_is_not_wrong(store: BlobStore) -> None:
    assert find_faults(store, "0" * 64) == ()
    assert find_faults(BlobStore(store.root.with_name("none")), "0" * 64) == ()
    assert BlobStore(store.root.with_name("none")).digests() == ()
    with pytest.raises(DigestMismatchError):
        find_faults(store, "../x")


@pytest.mark.parametrize("act", [flip, renew(Path.mkdir), renew(os.mkfifo), lambda path: path.chmod(0o600)])
def test_a_wrong_artifact_leaves_a_tree_that_has_what_its_record_says(
    store: BlobStore, tree: Path, act: Callable[[Path], object]
) -> None:
    """A process may have its code from there; it is compared with the wheel again before anybody else does."""
    change(store.path(SHA256), act)
    store.path(SHA256).parent.chmod(0o700)
    [(of, name, _)] = found(store)
    assert (of, name) == ("artifact", "")
    assert not store.path(SHA256).exists()
    assert tree.exists()
    assert found(store) == []


RECORDED = [harm for harm in HARMS if harm != "a changed RECORD"]


@pytest.mark.parametrize("harm", RECORDED)
def test_a_tree_whose_artifact_is_gone_is_judged_by_its_record(store: BlobStore, tree: Path, harm: str) -> None:
    store.path(SHA256).unlink()
    assert found(store) == []
    act, name, what = HARMS[harm]
    act(tree)
    assert found(store) == [("tree", name, what)]
    assert not tree.exists()


@pytest.mark.parametrize(
    ("act", "name", "what"),
    [
        (Path.unlink, RECORD, "cannot be read: No such file or directory"),
        (renew(os.mkfifo), RECORD, "is no regular file"),
        (renew(lambda path: path.symlink_to("METADATA")), RECORD, "cannot be read: Too many levels of symbolic links"),
        (
            lambda path: (path.chmod(0o600), path.write_text("a,b\n"), path.chmod(0o400)),
            RECORD,
            (
                "cannot be understood: unsafe wheel (record): 'a' has a line in RECORD that is not the only one, "
                "or not one of three columns"
            ),
        ),
    ],
)
def test_without_artifact_and_record_nobody_can_tell_what_a_tree_should_be(
    store: BlobStore, tree: Path, act: Callable[[Path], object], name: str, what: str
) -> None:
    store.path(SHA256).unlink()
    change(tree / RECORD, act)
    assert found(store) == [("tree", name, what)]
    assert not tree.exists()


def test_a_tree_of_something_that_is_no_wheel_is_wrong(store: BlobStore) -> None:
    with store.trees.new(OTHER):
        pass
    [finding] = find_faults(store, OTHER)
    assert (finding.of, finding.name) == ("tree", "")
    assert finding.what.startswith("is of an artifact that must not be unpacked: ")
    assert store.find(OTHER) is not None


def test_a_tree_of_a_wheel_beyond_the_limits_is_wrong(store: BlobStore) -> None:
    [finding] = find_faults(store, SHA256, limits=WheelLimits(members=3))
    assert finding.what.startswith("is of an artifact that must not be unpacked: ")
