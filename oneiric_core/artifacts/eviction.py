"""What is in the cache, and what leaves it to make room: the least recently used first, and never what is in use.

An artifact and its tree come and go together. Only what is as we left it is removed: whatever else lies there is not
ours. Using an artifact notes the time, so the order is that of use, not of arrival.
"""

import fcntl
import os
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from oneiric_core.artifacts.descriptors import inode_from, names_in, open_directory
from oneiric_core.artifacts.layout import (
    BLOBS,
    LOCKS,
    QUARANTINE,
    TEMPORARY,
    TREES,
    Layout,
    is_blob,
    is_tree,
    take_out,
)
from oneiric_core.artifacts.locks import USING, locked
from oneiric_core.artifacts.orphans import remove_tree, temporary_name

__all__ = ["Entry", "Eviction", "digests", "entries", "evict"]

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_ASIDE: Final = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One artifact in the cache.

    :param size: bytes of the artifact and of what was unpacked from it.
    :param used: when it was last published, found or opened, in UTC.
    :param unpacked: whether there is a tree.
    """

    sha256: str
    size: int
    used: datetime
    unpacked: bool = False


@dataclass(frozen=True, slots=True)
class Eviction:
    """What a collection did; entries are in order of use, the least recent first.

    :param needed: of ``kept``, those that should have gone and are in use or to be kept.
    :param quarantined: how many files were removed that had been put aside.
    """

    removed: tuple[Entry, ...] = ()
    kept: tuple[Entry, ...] = ()
    needed: tuple[Entry, ...] = ()
    quarantined: int = 0

    @property
    def freed(self) -> int:
        """Bytes of what was removed."""
        return sum(entry.size for entry in self.removed)


def entries(layout: Layout) -> tuple[Entry, ...]:
    """Every artifact in the cache, the least recently used first; nothing is verified. Empty where there is none."""
    found: dict[str, Entry] = {}
    for place, unpacked in ((BLOBS, False), (TREES, True)):
        with suppress(FileNotFoundError), layout.open(place, make=False) as (directory,), layout.telling():
            for sha256, size, used in _listed(directory, unpacked=unpacked):
                former = found.get(sha256)
                found[sha256] = Entry(
                    sha256,
                    size if former is None else former.size + size,
                    used if former is None else max(former.used, used),
                    unpacked=unpacked,
                )
    return tuple(sorted(found.values(), key=lambda entry: (entry.used, entry.sha256)))


def digests(layout: Layout) -> tuple[str, ...]:
    """Every digest under which there is anything, of our making or not."""
    found: set[str] = set()
    for place in (BLOBS, TREES):
        with suppress(FileNotFoundError), layout.open(place, make=False) as (directory,), layout.telling():
            found.update(filter(_DIGEST.fullmatch, names_in(directory)))
    return tuple(sorted(found))


def evict(
    layout: Layout,
    *,
    max_bytes: int | None,
    max_age: timedelta | None,
    keep: Collection[str],
    now: datetime,
    progress: Callable[[Entry], object] = lambda _: None,
) -> Eviction:
    """Remove what was not used for longer than ``max_age``, then the least recently used until ``max_bytes`` are left.

    :param keep: digests of artifacts to be kept, whatever their age and size.
    :param progress: called with each artifact, when it is gone or stays.
    """
    found = entries(layout)
    left = sum(entry.size for entry in found)
    removed: list[Entry] = []
    kept: list[Entry] = []
    needed: list[Entry] = []
    with ExitStack() as stack:
        try:
            stack.enter_context(layout.open(make=False))
        except FileNotFoundError:
            return Eviction()
        shelves = _Shelves(*stack.enter_context(layout.open(BLOBS, TREES, TEMPORARY, LOCKS)))
        stack.enter_context(layout.telling())
        for entry in found:
            expired = max_age is not None and now - entry.used > max_age
            too_much = max_bytes is not None and left > max_bytes
            if not expired and not too_much:
                kept.append(entry)
            elif entry.sha256 not in keep and _remove(entry, shelves):
                removed.append(entry)
                left -= entry.size
            else:
                kept.append(entry)
                needed.append(entry)
            progress(entry)
        return Eviction(tuple(removed), tuple(kept), tuple(needed), _empty_quarantine(layout))


@dataclass(frozen=True, slots=True)
class _Shelves:
    blobs: int
    trees: int
    temporary: int
    locks: int


def _listed(directory: int, *, unpacked: bool) -> Iterator[tuple[str, int, datetime]]:
    """Digest, size and last use of everything that is as we leave it."""
    with os.scandir(directory) as found:
        for each in found:
            with suppress(FileNotFoundError):  # somebody else removed it
                status = each.stat(follow_symlinks=False)
                if _DIGEST.fullmatch(each.name) and (is_tree(status) if unpacked else is_blob(status)):
                    size = _size_of_tree(each.name, directory) if unpacked else status.st_size
                    yield each.name, size, _used(status)


def _used(status: os.stat_result) -> datetime:
    return datetime.fromtimestamp(status.st_mtime, UTC)


def _size_of_tree(name: str, above: int) -> int:
    size = 0
    denied = suppress(PermissionError)  # somebody took our own rights: what is in there counts for nothing
    with denied, open_directory(name, above=above) as directory, os.scandir(directory) as found:
        for each in found:
            if each.is_dir(follow_symlinks=False):
                size += _size_of_tree(each.name, directory)
            else:
                size += each.stat(follow_symlinks=False).st_size
    return size


def _remove(entry: Entry, shelves: _Shelves) -> bool:
    """Remove an artifact and its tree; False if somebody uses it, or has used it since it was listed."""
    with ExitStack() as stack:
        try:
            free = stack.enter_context(locked(f"{entry.sha256}.{USING}", shelves.locks))
        except OSError:  # something else has the lock's name: there is no telling who uses the artifact
            return False
        return free and _take_tree(entry, shelves.trees) and _take_blob(entry, shelves)


def _take_tree(entry: Entry, trees: int) -> bool:
    with suppress(FileNotFoundError, NotADirectoryError), open_directory(entry.sha256, above=trees) as tree:
        status = os.fstat(tree)
        if is_tree(status):
            name = temporary_name()
            fcntl.flock(tree, fcntl.LOCK_EX)  # so that it is nobody's orphan yet
            if _used(status) > entry.used or not take_out(
                entry.sha256, inode_from(status), name, source=trees, target=trees
            ):
                return False
            remove_tree(name, trees)
    return True


def _take_blob(entry: Entry, shelves: _Shelves) -> bool:
    with suppress(FileNotFoundError):
        status = os.stat(entry.sha256, dir_fd=shelves.blobs, follow_symlinks=False)
        if is_blob(status):
            name = temporary_name()
            if _used(status) > entry.used or not take_out(
                entry.sha256, inode_from(status), name, source=shelves.blobs, target=shelves.temporary
            ):
                return False
            os.unlink(name, dir_fd=shelves.temporary)
    return True


def _empty_quarantine(layout: Layout) -> int:
    """Remove what was put aside, but for what was none of ours; how much was."""
    removed = 0
    with suppress(FileNotFoundError), layout.open(QUARANTINE, make=False) as (quarantine,):
        for name in filter(_ASIDE.fullmatch, names_in(quarantine)):
            with suppress(FileNotFoundError):  # somebody else removed it
                try:
                    remove_tree(name, quarantine)
                except NotADirectoryError:
                    os.unlink(name, dir_fd=quarantine)
                removed += 1
    return removed
