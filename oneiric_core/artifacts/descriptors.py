"""Opening directories and files step by step, each by the descriptor of the one above, never through a link."""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Final

from oneiric_core.durability import fsync
from oneiric_core.errors import ArtifactError

__all__ = [
    "DIRECTORY",
    "NEW_FILE",
    "Inode",
    "inode_from",
    "inode_of",
    "let_us_in",
    "names_in",
    "open_below",
    "open_directory",
    "open_file",
    "open_own_directory",
]

Inode = tuple[int, int]
"""Device and number: which file it is, whatever its name."""

DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# A FIFO without a writer would keep us waiting; a regular file does not mind O_NONBLOCK.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def inode_of(name: str, directory: int) -> Inode | None:
    """Which file has that name now, a link itself rather than what it leads to; None if there is none."""
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return inode_from(status)


def inode_from(status: os.stat_result) -> Inode:
    """Which file it is the status of."""
    return status.st_dev, status.st_ino


def names_in(directory: int) -> list[str]:
    """The names in a directory, in no order."""
    return os.listdir(directory)


@contextmanager
def open_directory(path: Path | str, *, above: int | None = None) -> Iterator[int]:
    """A descriptor of an existing directory; its last name must not be a link."""
    descriptor = os.open(path, DIRECTORY, dir_fd=above)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def let_us_in(name: str, *, above: int) -> None:
    """Give a directory mode 0700, though not even we may look into it as it is; a link is not followed.

    :raises OSError: it is no directory, or not ours.
    """
    descriptor = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
    try:
        Path(f"/proc/self/fd/{descriptor}").chmod(0o700)  # fchmod would need one that was opened for reading
    finally:
        os.close(descriptor)


@contextmanager
def open_own_directory(path: Path | str, *, above: int | None = None, make: bool = True) -> Iterator[int]:
    """The same for a directory that is ours alone (0700).

    :param make: make it if it does not exist.
    :raises OSError: it cannot be opened or made.
    :raises ArtifactError: it is a link or a file, belongs to somebody else, or others may use it.
    """
    try:
        descriptor = _open_or_make(path, above) if make else os.open(path, DIRECTORY, dir_fd=above)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise _not_ours(path, "is a link or a file, not a directory") from error
        raise
    try:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid():
            raise _not_ours(path, f"belongs to user {status.st_uid}, not to {os.geteuid()}")
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise _not_ours(path, f"can be used by others (mode {stat.S_IMODE(status.st_mode):04o}, not 0700)")
        yield descriptor
    finally:
        os.close(descriptor)


def _open_or_make(path: Path | str, above: int | None) -> int:
    try:
        return os.open(path, DIRECTORY, dir_fd=above)
    except FileNotFoundError:
        with suppress(FileExistsError):  # another process was faster
            os.mkdir(path, 0o700, dir_fd=above)
        if above is not None:
            fsync(above)
        return os.open(path, DIRECTORY, dir_fd=above)


@contextmanager
def open_file(name: str, *, above: int) -> Iterator[BufferedReader]:
    """A regular file, to be read.

    :raises OSError: there is none, or it is a link.
    :raises ArtifactError: it is a directory, FIFO, socket or device.
    """
    descriptor = os.open(name, _FILE, dir_fd=above)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ArtifactError(f"{name!r} is no regular file", fix="Put the artifact itself there", name=name)
        with open(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of it, however little the system takes at a time."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


@contextmanager
def open_below(root: Path, names: Sequence[str]) -> Iterator[BufferedReader]:
    """A regular file some directories below ``root``, none of them a link; raises like :func:`open_file`.

    ``root`` itself comes from whoever configured it, and may be reached by links.
    """
    with open_directory(root.resolve()) as directory:
        yield from _walk(directory, names)


def _walk(directory: int, names: Sequence[str]) -> Iterator[BufferedReader]:
    if len(names) == 1:
        with open_file(names[0], above=directory) as file:
            yield file
        return
    with open_directory(names[0], above=directory) as below:
        yield from _walk(below, names[1:])


def _not_ours(path: Path | str, why: str) -> ArtifactError:
    return ArtifactError(
        f"the cache directory {str(path)!r} {why}",
        fix="Remove it, or name another cache directory that only you can use (mode 0700)",
        path=str(path),
    )
