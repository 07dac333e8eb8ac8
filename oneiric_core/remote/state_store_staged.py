"""Files of the memory that are written before they are wanted, so that only a rename remains.

What is staged lies beside the file whose place it is to take, and keeps its room on the disk. It is locked as long as
somebody may put it in place: what a kill left is locked by nobody, and removed.
"""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeAlias

from oneiric_core.artifacts.descriptors import NEW_FILE
from oneiric_core.durability import fsync, fsync_directory
from oneiric_core.errors import TrustError

__all__ = ["Staged", "stage"]

Unusable: TypeAlias = Callable[[Path, str], TrustError]
"""The error that says of a file what is wrong with it."""

_LEFT: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PRIVATE: Final = 0o600


class Staged:
    """A file that is not yet in its place. Whatever the disk refuses is a :class:`TrustError`."""

    def __init__(self, descriptor: int, temporary: Path, target: Path, unusable: Unusable) -> None:
        self._descriptor = descriptor
        self._temporary = temporary
        self._target = target
        self._unusable = unusable
        self._written: tuple[bytes, ...] = ()

    def write(self, *pieces: bytes) -> None:
        """Let it be ``pieces``, on the disk. What was written before gives them its room."""
        if pieces == self._written:
            return
        with _telling(self._target, self._unusable):
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            with open(self._descriptor, "wb", closefd=False) as file:
                file.writelines(pieces)
                file.truncate()
            fsync(self._descriptor)
        self._written = pieces

    def commit(self) -> None:
        """Put it in place."""
        with _telling(self._target, self._unusable):
            self._temporary.replace(self._target)
            fsync_directory(self._target.parent)


@contextmanager
def stage(target: Path, unusable: Unusable) -> Iterator[Staged]:
    """A new file beside ``target``, which is gone when the block ends if it was not put in place.

    To be entered by one at a time, so that nobody takes it for left behind before it is locked.

    :raises TrustError: the disk refuses.
    """
    temporary = target.with_suffix(f".{secrets.token_hex(8)}.tmp")
    with _telling(target, unusable):
        for left in target.parent.glob(f"{target.stem}.*.tmp"):
            _remove_unless_locked(left)
        descriptor = os.open(temporary, NEW_FILE, _PRIVATE)
    try:
        with _telling(target, unusable):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield Staged(descriptor, temporary, target, unusable)
    finally:
        with suppress(OSError):  # committed
            temporary.unlink()
        os.close(descriptor)


@contextmanager
def _telling(path: Path, unusable: Unusable) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unusable(path, f"cannot be written: {error.strerror}") from error


def _remove_unless_locked(path: Path) -> None:
    with suppress(OSError):  # gone meanwhile, in use, or a link that is not ours
        descriptor = os.open(path, _LEFT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(descriptor)
