"""What lies where in the cache, whose files are ours, and how one is moved.

::

    <root>/                  0700, ours
    ├── blobs/<64 hex>       0400, an artifact: complete and verified when it appears
    ├── trees/<64 hex>/      0500, what was unpacked from the artifact of that digest
    ├── temporary/           0600, being written; orphans are removed
    ├── quarantine/          what was found under a digest and was not that artifact
    ├── locks/               empty files that processes hold while they are at work
    └── pins/                0600, which artifacts the last good manifest of a source needs

Every step goes by directory descriptor and follows no link. What is of another make than above (another owner, mode or
type, a second name) was not left there by us: it is never used, and never removed by :mod:`eviction`.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from oneiric_core.artifacts.descriptors import Inode, inode_from, inode_of, let_us_in, open_own_directory
from oneiric_core.durability import fsync
from oneiric_core.errors import ArtifactError

__all__ = [
    "BLOBS",
    "BLOB_MODE",
    "LOCKS",
    "PINS",
    "QUARANTINE",
    "TEMPORARY",
    "TREES",
    "TREE_MODE",
    "Layout",
    "is_blob",
    "is_tree",
    "note_use",
    "publish",
    "put_aside",
    "take_out",
    "why_no_blob",
    "why_no_tree",
]

BLOBS: Final = "blobs"
TREES: Final = "trees"
TEMPORARY: Final = "temporary"
QUARANTINE: Final = "quarantine"
LOCKS: Final = "locks"
PINS: Final = "pins"
BLOB_MODE: Final = 0o400
TREE_MODE: Final = 0o500

_KINDS: Final = MappingProxyType(
    {
        stat.S_IFREG: "a file",
        stat.S_IFDIR: "a directory",
        stat.S_IFLNK: "a link",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
)
_ROOM: Final = "Make room on its disk, or in it by `oneiric-core cache gc`"
_FIXES: Final = MappingProxyType(
    {
        errno.ENOSPC: _ROOM,
        errno.EDQUOT: _ROOM,
        errno.EROFS: "Name a cache directory that can be written",
        errno.EACCES: "Name a cache directory that you may write",
    }
)


@dataclass(frozen=True, slots=True)
class Layout:
    """The cache below ``root``."""

    root: Path

    @contextmanager
    def open(self, *names: str, make: bool = True) -> Iterator[tuple[int, ...]]:
        """Descriptors of the directories of those names, each checked to be ours alone.

        :param make: make those that do not exist.
        :raises FileNotFoundError: one does not exist and is not to be made.
        :raises ArtifactError: one is not ours alone, or cannot be made.
        """
        with ExitStack() as stack:
            try:
                if make:
                    self.root.parent.mkdir(parents=True, exist_ok=True)
                root = stack.enter_context(open_own_directory(self.root, make=make))
                opened = [stack.enter_context(open_own_directory(name, above=root, make=make)) for name in names]
            except OSError as error:
                if isinstance(error, FileNotFoundError) and not make:
                    raise
                raise self._unusable(error) from error
            yield tuple(opened)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Tell of what the system refuses as an :class:`ArtifactError`; only around calls of our own."""
        try:
            yield
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> ArtifactError:
        return ArtifactError(
            f"the cache {str(self.root)!r} cannot be used: {error.strerror}",
            fix=_FIXES.get(error.errno or 0, "Look after its disk, or name another cache directory"),
            path=str(self.root),
            errno=error.errno,
        )


def is_blob(status: os.stat_result) -> bool:
    """Whether it is as we leave an artifact: a regular file of ours with one name, which nobody may write."""
    return not why_no_blob(status)


def is_tree(status: os.stat_result) -> bool:
    """Whether it is as we leave an unpacked artifact: a directory of ours, which nobody may write."""
    return not why_no_tree(status)


def why_no_blob(status: os.stat_result) -> str:
    """What it is that an artifact, or a file of a tree, is not; empty if :func:`is_blob`."""
    if what := _why_not(status, stat.S_IFREG, BLOB_MODE):
        return what
    return "" if status.st_nlink == 1 else f"has {status.st_nlink} names, by each of which it may be changed"


def why_no_tree(status: os.stat_result) -> str:
    """What it is that a tree, or a directory in one, is not; empty if :func:`is_tree`."""
    return _why_not(status, stat.S_IFDIR, TREE_MODE)


def _why_not(status: os.stat_result, kind: int, mode: int) -> str:
    found = stat.S_IFMT(status.st_mode)
    if found != kind:
        return f"is {_KINDS.get(found, 'something else')}, not {_KINDS[kind]}"
    if status.st_uid != os.geteuid():
        return f"belongs to user {status.st_uid}, not to {os.geteuid()}"
    if stat.S_IMODE(status.st_mode) != mode:
        return f"has mode {stat.S_IMODE(status.st_mode):04o}, not {mode:04o}"
    return ""


def note_use(descriptor: int, now: float) -> None:
    """Note when it was last used. Nothing else changes the time of modification of what is read-only.

    :param now: seconds since the epoch.
    """
    with suppress(OSError):  # on a read-only disk nothing is evicted either
        os.utime(descriptor, (now, now))


def publish(name: str, to: str, *, source: int, target: int) -> None:
    """Give a finished temporary file or directory its place, durably; a file or link that is there is replaced."""
    os.rename(name, to, src_dir_fd=source, dst_dir_fd=target)
    fsync(target)


def put_aside(name: str, status: os.stat_result, *, source: int, quarantine: int) -> None:
    """Move what was found wrong into quarantine. What nobody but us can have left there may be removed from it later.

    :param status: of what was found wrong.
    """
    ours = is_tree(status) or (stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and status.st_uid == os.geteuid())
    aside = f"{name}{'' if ours else '.foreign'}.{secrets.token_hex(8)}"
    take_out(name, inode_from(status), aside, source=source, target=quarantine)


def take_out(name: str, condemned: Inode, to: str, *, source: int, target: int) -> bool:
    """Move one certain file or directory out of its place, and tell whether it was there.

    Whatever was published in its place meanwhile is put back.
    """
    try:
        _move(name, to, source, target)
    except FileNotFoundError:  # another process was faster
        return False
    if inode_of(to, target) == condemned:
        return True
    _move(to, name, target, source)
    return False


def _move(name: str, to: str, source: int, target: int) -> None:
    try:
        os.rename(name, to, src_dir_fd=source, dst_dir_fd=target)
    except PermissionError as refusal:  # a directory gets another parent, which is a change to it
        try:
            let_us_in(name, above=source)
        except OSError:  # that was not the reason
            raise refusal from None
        os.rename(name, to, src_dir_fd=source, dst_dir_fd=target)
