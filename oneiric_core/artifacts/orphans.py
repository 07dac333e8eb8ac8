"""Temporary names, and what a crash leaves under them.

A temporary file says which kernel its writer runs on, and is locked while it is written. Among processes of one kernel
a lock can be believed: what nobody holds was left behind. Of another machine's files, on a shared disk, only the age
tells: an hour without a write.
"""

import fcntl
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final

from oneiric_core.artifacts.descriptors import (
    DIRECTORY,
    NEW_FILE,
    inode_of,
    let_us_in,
    names_in,
    open_directory,
    open_file,
)
from oneiric_core.artifacts.layout import LOCKS, TEMPORARY, TREES, Layout
from oneiric_core.artifacts.locks import SUFFIXES, locked
from oneiric_core.errors import ArtifactError

__all__ = ["new_directory", "new_file", "remove_orphans", "remove_tree", "temporary_name"]

ORPHAN_SECONDS: Final = 3600
_ELSEWHERE: Final = "0" * 32
_TEMPORARY: Final = re.compile(r"([0-9a-f]{32})\.[0-9a-f]{32}")
_LOCK: Final = re.compile(rf"[0-9a-f]{{64}}\.(?:{'|'.join(SUFFIXES)})")


@cache
def _kernel() -> str:
    """Which kernel we run on since when; a name that is nobody's where there is no telling."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip().replace("-", "")
    except OSError:
        return _ELSEWHERE


def temporary_name() -> str:
    """A new one, for this process on this kernel."""
    return f"{_kernel()}.{secrets.token_hex(16)}"


@contextmanager
def new_file(directory: int) -> Iterator[tuple[str, int]]:
    """Name and descriptor of a new file, to be written and moved away before the block ends; else it is removed."""
    name, descriptor = _until_locked(directory, lambda name: os.open(name, NEW_FILE, 0o600, dir_fd=directory))
    try:
        yield name, descriptor
    finally:
        with suppress(OSError):  # it was moved away, as it should; or the disk is in no state to be tidied
            os.unlink(name, dir_fd=directory)
        os.close(descriptor)


@contextmanager
def new_directory(directory: int) -> Iterator[tuple[str, int]]:
    """The same for a directory, which is removed with all that is in it."""

    def make(name: str) -> int | None:
        os.mkdir(name, 0o700, dir_fd=directory)
        try:
            return os.open(name, DIRECTORY, dir_fd=directory)
        except FileNotFoundError:  # taken for an orphan before it is locked
            return None

    name, descriptor = _until_locked(directory, make)
    try:
        yield name, descriptor
    finally:
        with suppress(OSError):
            remove_tree(name, directory)
        os.close(descriptor)


def remove_tree(name: str, directory: int) -> None:
    """Remove a directory and what is in it, whatever the modes, following no link."""
    let_us_in(name, above=directory)
    with open_directory(name, above=directory) as descriptor, os.scandir(descriptor) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                remove_tree(entry.name, descriptor)
            else:
                os.unlink(entry.name, dir_fd=descriptor)
    os.rmdir(name, dir_fd=directory)


def remove_orphans(layout: Layout, now: float) -> int:
    """Remove what crashed processes left: files and trees they were writing, and locks.

    :param now: seconds since the epoch.
    :return: how many were removed. Whatever does not bear a name of ours stays.
    """
    removed = 0
    for place in (TEMPORARY, TREES):
        with suppress(FileNotFoundError), layout.open(place, make=False) as (directory,):
            for name in names_in(directory):
                match = _TEMPORARY.fullmatch(name)
                removed += match is not None and _remove_if_orphan(name, directory, match[1], now)
    with suppress(FileNotFoundError), layout.open(LOCKS, make=False) as (directory,):
        for name in filter(_LOCK.fullmatch, names_in(directory)):
            with suppress(OSError), locked(name, directory) as abandoned:
                removed += abandoned  # and gone when the block ends
    return removed


def _until_locked(directory: int, make: Callable[[str], int | None]) -> tuple[str, int]:
    """What ``make`` makes under a new name, locked; that ``directory`` itself is gone is an error at once."""
    while True:
        name = temporary_name()
        descriptor = make(name)
        if descriptor is None:
            continue
        with suppress(OSError):  # no locks here: age has to tell
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if inode_of(name, directory) is not None:  # else it was taken for an orphan before it was locked
            return name, descriptor
        os.close(descriptor)


def _remove_if_orphan(name: str, directory: int, kernel: str, now: float) -> bool:
    try:
        with open_file(name, above=directory) as file:
            if abandoned := _is_abandoned(file.fileno(), kernel, now):
                os.unlink(name, dir_fd=directory)
            return abandoned
    except ArtifactError:
        pass  # a tree, or nothing of our making
    except OSError:
        return False  # gone, or nothing of our making
    with suppress(OSError), open_directory(name, above=directory) as descriptor:
        if abandoned := _is_abandoned(descriptor, kernel, now):
            remove_tree(name, directory)
        return abandoned
    return False


def _is_abandoned(descriptor: int, kernel: str, now: float) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no locks here
        kernel = _ELSEWHERE
    return kernel == _kernel() != _ELSEWHERE or now - os.fstat(descriptor).st_mtime >= ORPHAN_SECONDS
