"""Files are there as a whole or not at all, and secret ones are secret from their first moment."""

import os
import stat
from pathlib import Path

import pytest

from oneiric_core.errors import ArtifactError
from oneiric_core.publish import write_file, write_new_file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "manifest.yaml"
    write_file(path, b"one")
    path.chmod(0o640)
    before = path.stat().st_ino
    write_file(path, b"two")
    assert (path.read_bytes(), mode(path)) == (b"two", 0o640)
    assert path.stat().st_ino != before
    assert [*path.parent.iterdir()] == [path]


def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path: Path) -> None:
    former = os.umask(0o027)
    try:
        write_file(tmp_path / "manifest.yaml", b"one")
    finally:
        os.umask(former)
    assert mode(tmp_path / "manifest.yaml") == 0o640


def test_a_link_is_followed_and_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"one")
    link.symlink_to(real)
    write_file(link, b"two")
    assert link.is_symlink()
    assert real.read_bytes() == b"two"


def test_where_nothing_can_be_written_the_error_says_so(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with pytest.raises(ArtifactError, match="cannot be written"):
        write_file(blocked / "manifest.yaml", b"one")
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(ArtifactError, match="cannot be written: Is a directory"):
        write_file(folder, b"one")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_new_file_is_never_one_that_exists_not_even_as_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "key", tmp_path / "link"
    former = os.umask(0)
    try:
        write_new_file(path, b"secret", mode=0o600)
    finally:
        os.umask(former)
    assert (path.read_bytes(), mode(path)) == (b"secret", 0o600)
    link.symlink_to(tmp_path / "elsewhere")
    for taken in (path, link):
        with pytest.raises(ArtifactError, match="exists already"):
            write_new_file(taken, b"other")
    assert path.read_bytes() == b"secret"
    assert not (tmp_path / "elsewhere").exists()
    with pytest.raises(ArtifactError, match="cannot be written: No such file"):
        write_new_file(tmp_path / "missing" / "key", b"x")
