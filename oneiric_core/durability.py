"""That what was written outlives a power cut: it is on the disk before anything builds on it.

After a kill the system writes it all the same, in order. So tests, which are killed but never cut off from power, may
do without; on most disks that is the larger part of the time a small file takes.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["fsync", "fsync_directory", "without_fsync"]

_lock: Final = threading.Lock()
_doing_without = 0


def fsync(descriptor: int) -> None:
    """Return when the file or directory is on the disk (:manpage:`fsync(2)`).

    :raises OSError: the disk refuses.
    """
    if not _doing_without:
        os.fsync(descriptor)


def fsync_directory(directory: Path) -> None:
    """Return when the names in ``directory`` are on the disk.

    :raises OSError: it is no directory, or the disk refuses.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def without_fsync() -> Iterator[None]:
    """In this process, until the block ends, wait for no disk. For tests only: a power cut may leave empty files."""
    _count(1)
    try:
        yield
    finally:
        _count(-1)


def _count(change: int) -> None:
    global _doing_without  # noqa: PLW0603 - one switch for a process, as its disk is one
    with _lock:
        _doing_without += change
