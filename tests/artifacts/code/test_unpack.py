"""A tree holds the files of its wheel and nothing else, or is put aside and written anew."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.artifacts.unpack import unpack
from oneiric_core.artifacts.wheel_rules import WheelLimits
from oneiric_core.errors import ArtifactError, UnsafeWheelError
from oneiric_core.testing import make_wheel

FILES = {"acme/__init__.py": "", "acme/inner/deep/data.txt": "data", "acme/other.py": "1"}


def change(path: Path, act: Callable[[Path], object]) -> None:
    """Do something to a file although its directory may not be written."""
    path.parent.chmod(0o700)
    act(path)
    path.parent.chmod(0o500)


def rewrite(path: Path) -> None:
    path.chmod(0o600)
    path.write_text("changed")
    path.chmod(0o400)


def relink(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    (path.parents[3] / "elsewhere").write_bytes(content)
    path.symlink_to(path.parents[3] / "elsewhere")


def plant_fifo(path: Path) -> None:
    os.mkfifo(path.with_name("fifo"))


def plant_directory(path: Path) -> None:
    path.with_name("empty").mkdir()


def put_file_for_directory(path: Path) -> None:
    for each in [*(path.parent / "inner").rglob("*"), path.parent / "inner"]:
        each.chmod(0o700)
    (path.parent / "inner" / "deep" / "data.txt").unlink()
    (path.parent / "inner" / "deep").rmdir()
    (path.parent / "inner").rmdir()
    (path.parent / "inner").touch()


def names(tree: Path) -> set[str]:
    return {each.relative_to(tree).as_posix() for each in tree.rglob("*") if each.is_file()}


def test_every_file_is_there_and_nobody_may_write_it(bench: Any) -> None:
    wheel, tree = unpack(bench.store, bench.add(make_wheel(FILES)))
    assert names(tree) == {file.name for file in wheel.files}
    assert (tree / "acme" / "inner" / "deep" / "data.txt").read_text() == "data"
    assert {stat.S_IMODE(each.lstat().st_mode) for each in tree.rglob("*") if each.is_file()} == {0o400}
    assert {stat.S_IMODE(each.lstat().st_mode) for each in [tree, *tree.rglob("*")] if each.is_dir()} == {0o500}


def test_a_right_tree_stays_as_it_is(bench: Any) -> None:
    sha256 = bench.add(make_wheel(FILES))
    first = unpack(bench.store, sha256)
    inode = first[1].stat().st_ino
    assert unpack(bench.store, sha256) == first
    assert first[1].stat().st_ino == inode


@pytest.mark.parametrize(
    "act",
    [
        rewrite,
        Path.unlink,
        relink,
        plant_fifo,
        plant_directory,
        put_file_for_directory,
        lambda path: path.chmod(0o600),
        lambda path: path.with_name("more.py").touch(),
        lambda path: path.with_name("more.py").hardlink_to(path),
    ],
)
def test_a_tree_that_somebody_changed_is_written_anew(bench: Any, act: Callable[[Path], object]) -> None:
    sha256 = bench.add(make_wheel(FILES))
    wheel, tree = unpack(bench.store, sha256)
    change(tree / "acme" / "other.py", act)
    assert unpack(bench.store, sha256) == (wheel, tree)
    assert names(tree) == {file.name for file in wheel.files}
    assert (tree / "acme" / "other.py").read_text() == "1"
    assert not (tree / "acme" / "empty").exists()


def test_limits_are_those_of_the_caller(bench: Any) -> None:
    sha256 = bench.add(make_wheel(FILES))
    with pytest.raises(UnsafeWheelError):
        unpack(bench.store, sha256, limits=WheelLimits(members=3))
    with pytest.raises(UnsafeWheelError, match="a module of somebody"):
        unpack(bench.store, sha256, shadowed=lambda *_: "somebody")
    assert unpack(bench.store, sha256)


def test_a_wheel_that_is_not_there_is_an_error(bench: Any) -> None:
    with pytest.raises(ArtifactError, match="is not in the cache"):
        unpack(bench.store, "0" * 64)
