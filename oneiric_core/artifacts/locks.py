"""Locks between tasks, threads and processes of one machine: an empty file each, which is there while it is held.

They only save work: two processes, one download. Where a file system has no locks, or lies about them as those of a
network may, everything still comes out right, and some of it is done twice.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from oneiric_core.artifacts.descriptors import inode_from, inode_of

__all__ = ["SUFFIXES", "holding", "locked"]

FETCHING: Final = "fetching"
USING: Final = "using"
SUFFIXES: Final = (FETCHING, USING)

_OPEN: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def locked(name: str, directory: int) -> Iterator[bool]:
    """Whether the lock of that name is ours alone, until the block ends; False at once where anybody else has it.

    :raises OSError: something else has that name, or there are no locks here.
    """
    descriptor = _take(name, directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        yield descriptor is not None
    finally:
        _release(name, directory, descriptor)


@contextmanager
def holding(name: str, directory: int) -> Iterator[None]:
    """Have the lock together with others who are ``holding`` it; waits while somebody has it ``locked``.

    :raises OSError: something else has that name, or there are no locks here.
    """
    descriptor = _take(name, directory, fcntl.LOCK_SH)
    try:
        yield
    finally:
        _release(name, directory, descriptor)


def _take(name: str, directory: int, kind: int) -> int | None:
    while True:
        descriptor = os.open(name, _OPEN, 0o600, dir_fd=directory)
        try:
            fcntl.flock(descriptor, kind)
            if inode_of(name, directory) == inode_from(os.fstat(descriptor)):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:  # there are no locks here; or who waits is interrupted
            os.close(descriptor)
            raise
        os.close(descriptor)  # its last holder removed it before we had it


def _release(name: str, directory: int, descriptor: int | None) -> None:
    if descriptor is None:
        return
    with suppress(OSError):  # others hold it still; or the disk is in no state to be tidied
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if inode_of(name, directory) == inode_from(os.fstat(descriptor)):
            os.unlink(name, dir_fd=directory)
    os.close(descriptor)
