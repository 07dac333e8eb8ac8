"""Modes count for those who are not root, as applications should not be; root would see through them all."""

import hashlib
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.artifacts.store import BlobStore
from oneiric_core.artifacts.unpack import unpack
from oneiric_core.artifacts.verification import find_faults
from oneiric_core.errors import ArtifactError
from oneiric_core.testing import make_wheel

NOBODY = 65534
WHEEL = make_wheel({"package/__init__.py": "", "package/below/module.py": ""}, name="package")
SHA256 = hashlib.sha256(WHEEL).hexdigest()
DROP = f"""
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
import time
from oneiric_core.artifacts.unpack import unpack
from oneiric_core.artifacts.verification import find_faults
from oneiric_core.errors import ArtifactError

SHA256, WHEEL = "{SHA256}", {WHEEL!r}

def refused(said, call, *arguments, **options):
    try:
        call(*arguments, **options)
    except ArtifactError as error:
        assert said in str(error), error
    else:
        raise AssertionError("it was not refused")
"""


@pytest.fixture
def nobody(place: Path, unprivileged: None) -> BlobStore:
    """A store of somebody who is not root."""
    return BlobStore(place / "cache")


def run(forks: Any, place: Path, code: str) -> None:
    assert forks.run(DROP + code, place / "cache") == 0


def names_below(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


LIFE = """
path = store.add([WHEEL], SHA256)
assert store.find(SHA256) == path and path.read_bytes() == WHEEL
unpack(store, SHA256)
assert store.trees.find(SHA256, lambda _: True) is not None
assert find_faults(store, SHA256) == ()
for write in (lambda: path.write_bytes(b"x"), lambda: (store.trees.path(SHA256) / "package" / "x.py").touch()):
    try:
        write()
    except PermissionError:
        pass
    else:
        raise AssertionError("it could be written")
(store.trees.path(SHA256) / "package").chmod(0o700)
(store.trees.path(SHA256) / "package" / "x.py").touch(0o400)
(store.trees.path(SHA256) / "package").chmod(0o500)
assert [finding.name for finding in find_faults(store, SHA256)] == ["package/x.py"]
unpack(store, SHA256)
done = store.gc(max_bytes=0)
assert [entry.sha256 for entry in done.removed] == [SHA256] and done.removed[0].unpacked, done
assert done.quarantined == 1, done
"""


def test_read_only_artifacts_and_trees_come_go_and_are_put_aside(forks: Any, place: Path) -> None:
    run(forks, place, LIFE)
    left = names_below(place / "cache")
    assert {name for name in left if "/" in name} == set()


LOCKED_OUT = """
store.add([WHEEL], SHA256)
tree = unpack(store, SHA256)[1]
locked = tree / NAME
locked.chmod(MODE)
assert [entry.sha256 for entry in store.entries()] == [SHA256]
assert [finding.name for finding in find_faults(store, SHA256)] == [NAME.strip(".")]
assert unpack(store, SHA256)[1] == tree
locked.chmod(MODE)
assert unpack(store, SHA256)[1] == tree
done = store.gc()
assert done.quarantined == (0 if NAME == "." else 2), done  # what has another mode itself may be somebody's
assert find_faults(store, SHA256) == ()
"""


@pytest.mark.parametrize("mode", [0o000, 0o100, 0o200, 0o300, 0o400, 0o700])
@pytest.mark.parametrize("name", [".", "package", "package/below", "package/below/module.py"])
def test_a_tree_of_which_something_cannot_be_looked_at_is_put_aside_and_removed(
    forks: Any, place: Path, name: str, mode: int
) -> None:
    if (name, mode) == ("package/below/module.py", 0o400):
        mode = 0o440
    run(forks, place, f"NAME, MODE = {name!r}, {mode}\n{LOCKED_OUT}")
    assert {path.name for path in (place / "cache" / "trees").iterdir()} == {SHA256}


def test_what_a_dead_process_had_made_read_only_already_is_removed(forks: Any, place: Path) -> None:
    code = """
with store.trees.new(SHA256) as directory:
    os.mkdir("package", dir_fd=directory)
    os.close(os.open("package/module.py", os.O_CREAT | os.O_WRONLY, 0o400, dir_fd=directory))
    os.chmod("package", 0o500, dir_fd=directory)
    os.fchmod(directory, 0o500)
    os._exit(9)
"""
    assert forks.run(DROP + code, place / "cache") == 9
    assert len(list((place / "cache" / "trees").iterdir())) == 1
    run(forks, place, "assert store.remove_orphans(time.time()) == 1")
    assert list((place / "cache" / "trees").iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(forks: Any, place: Path) -> None:
    place.chmod(0o500)
    run(forks, place, 'refused("Permission denied. Name a cache directory that you may write", store.add, [], SHA256)')
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("name", ["blobs", "temporary"])
def test_a_directory_of_ours_that_cannot_be_written_is_told_and_nothing_is_left(
    forks: Any, place: Path, name: str
) -> None:
    run(forks, place, "store.add([WHEEL], SHA256)")
    (place / "cache" / name).chmod(0o500)
    before = names_below(place)
    code = """
other = "0" * 64
import hashlib
refused("Permission denied", store.add, [b"other"], hashlib.sha256(b"other").hexdigest())
assert store.find(SHA256) is not None
refused("Permission denied", store.gc, max_bytes=0)
"""
    run(forks, place, code)
    assert names_below(place) - {"cache/locks", "cache/trees"} == before


@pytest.mark.parametrize("mode", [0o000, 0o200, 0o444, 0o600, 0o4400])
def test_an_entry_of_another_mode_is_put_aside_and_fetched_again(forks: Any, place: Path, mode: int) -> None:
    run(forks, place, "store.add([WHEEL], SHA256)")
    path = place / "cache" / "blobs" / SHA256
    path.chmod(mode)
    run(forks, place, "assert store.find(SHA256) is None")
    run(forks, place, "store.add([WHEEL], SHA256)\nassert store.find(SHA256) is not None")
    assert stat.S_IMODE(path.stat().st_mode) == 0o400


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_an_entry_of_somebody_else_is_put_aside(forks: Any, place: Path) -> None:
    """Its owner could change it after we have looked, even where we could not."""
    run(forks, place, "store.add([WHEEL], SHA256)")
    path = place / "cache" / "blobs" / SHA256
    os.chown(path, 12345, NOBODY)
    path.chmod(0o444)
    run(forks, place, "assert store.find(SHA256) is None")
    assert len(list((place / "cache" / "quarantine").iterdir())) == 1
    run(forks, place, "assert store.gc(max_bytes=0).quarantined == 0")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
@pytest.mark.parametrize("name", [".", "blobs"])
def test_a_directory_of_somebody_else_is_refused(forks: Any, place: Path, name: str) -> None:
    run(forks, place, "store.add([WHEEL], SHA256)")
    os.chown(place / "cache" / name, 12345, 12345)
    run(forks, place, 'refused("Permission denied", store.find, SHA256)')
    (place / "cache" / name).chmod(0o755)
    run(forks, place, 'refused("belongs to user 12345", store.find, SHA256)')


def test_a_read_only_tree_is_moved_to_quarantine(nobody: BlobStore) -> None:
    """A directory that gets another parent is written to."""
    nobody.add([WHEEL], SHA256)
    _, tree = unpack(nobody, SHA256)
    (tree / "package" / "below" / "module.py").chmod(0o600)
    assert [finding.name for finding in find_faults(nobody, SHA256)] == ["package/below/module.py"]
    assert not tree.exists()
    assert len(list((nobody.root / "quarantine").iterdir())) == 1


def test_what_is_wrong_and_cannot_be_moved_is_told(nobody: BlobStore) -> None:
    path = nobody.add([WHEEL], SHA256)
    path.chmod(0o600)
    path.parent.chmod(0o500)
    with pytest.raises(ArtifactError, match="Permission denied"):
        find_faults(nobody, SHA256)
    assert path.read_bytes() == WHEEL
