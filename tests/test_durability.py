"""What is said to be on the disk is, but in tests that do not mind a power cut."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from oneiric_core.durability import fsync, fsync_directory
from oneiric_core.testing import without_fsync


@pytest.fixture
def no_file() -> Iterator[int]:
    """A descriptor that cannot be on any disk, so that whoever asks for it hears that."""
    reader, writer = os.pipe()
    yield reader
    os.close(reader)
    os.close(writer)


def waits(descriptor: int) -> bool:
    try:
        fsync(descriptor)
    except OSError:
        return True
    return False


def test_the_disk_is_waited_for(no_file: int, tmp_path: Path) -> None:
    assert waits(no_file)
    fsync_directory(tmp_path)
    with pytest.raises(FileNotFoundError):
        fsync_directory(tmp_path / "gone")
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        fsync_directory(tmp_path / "file")


def test_the_block_waits_for_no_disk_and_afterwards_everybody_does(no_file: int) -> None:
    with without_fsync():
        assert not waits(no_file)
        with without_fsync():
            assert not waits(no_file)
        assert not waits(no_file)
    assert waits(no_file)


def test_an_exception_ends_it_too(no_file: int) -> None:
    with pytest.raises(KeyError), without_fsync():
        raise KeyError
    assert waits(no_file)


def test_it_holds_for_all_threads(no_file: int) -> None:
    """A sync does its writing in threads."""
    with ThreadPoolExecutor(1) as threads:
        with without_fsync():
            assert not threads.submit(waits, no_file).result()
        assert threads.submit(waits, no_file).result()
