"""What was unpacked from artifacts: one read-only directory each, under the digest of its artifact."""

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from oneiric_core.artifacts.contents import Fault
from oneiric_core.artifacts.descriptors import names_in, open_directory, open_file
from oneiric_core.artifacts.digest import check_syntax
from oneiric_core.artifacts.layout import (
    BLOB_MODE,
    QUARANTINE,
    TREE_MODE,
    TREES,
    Layout,
    note_use,
    publish,
    put_aside,
    why_no_tree,
)
from oneiric_core.artifacts.orphans import new_directory
from oneiric_core.clock import Clock
from oneiric_core.durability import fsync
from oneiric_core.errors import ArtifactError

__all__ = ["TreeStore"]

# What renaming a directory onto another one with something in it, or onto something else, ends with.
_TAKEN: Final = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR})
_WRONG: Final = Fault("", "is not the right one")


class TreeStore:
    """The trees of a cache, at :attr:`BlobStore.trees`; all methods block, and none keeps a descriptor."""

    def __init__(self, layout: Layout, clock: Clock) -> None:
        self._layout = layout
        self._clock = clock

    def path(self, sha256: str) -> Path:
        """Where the tree of an artifact is or would be; says nothing about whether it is there and right."""
        return self._layout.root / TREES / check_syntax(sha256)

    @contextmanager
    def new(self, sha256: str) -> Iterator[int]:
        """The descriptor of an empty directory, to be filled; it becomes the artifact's tree when the block ends.

        Everything in it is then made durable and read-only, and appears at once; if the block raises, nothing does. A
        tree that somebody else published meanwhile stays: look for the right one with :meth:`find` in either case.

        :raises ArtifactError: the cache cannot be written, or there is something else than files and directories in it.
        """
        path = self.path(sha256)
        with self._layout.open(TREES) as (trees,), ExitStack() as stack:
            with self._layout.telling():
                name, descriptor = stack.enter_context(new_directory(trees))
            yield descriptor
            with self._layout.telling():
                _settle(descriptor)
                note_use(descriptor, self._clock.now().timestamp())
                fsync(descriptor)
                try:
                    publish(name, path.name, source=trees, target=trees)
                except OSError as error:
                    if error.errno not in _TAKEN:
                        raise

    def find(self, sha256: str, is_right: Callable[[int], bool]) -> Path | None:
        """The tree's path, verified just now, or None. What is there instead is put into quarantine.

        :param is_right: whether the tree with this descriptor is what the artifact unpacks to.
        :raises ArtifactError: the cache directory is not ours alone; and whatever ``is_right`` raises.
        """
        path = self.path(sha256)
        found = self._look(path.name, lambda tree: [] if is_right(tree) else [_WRONG], using=True)
        return path if found == [] else None

    def verify(self, sha256: str, judge: Callable[[int], Sequence[Fault]]) -> Sequence[Fault]:
        """What is wrong with the tree, if there is one; if anything is, it is in quarantine now. Not a use of it.

        :param judge: what is wrong with the tree with this descriptor.
        :raises ArtifactError: the cache directory is not ours alone; and whatever ``judge`` raises.
        """
        return self._look(check_syntax(sha256), judge, using=False) or []

    def _look(self, sha256: str, judge: Callable[[int], Sequence[Fault]], *, using: bool) -> Sequence[Fault] | None:
        """What is wrong with the tree; None if there is none."""
        with ExitStack() as stack:
            try:
                (trees,) = stack.enter_context(self._layout.open(TREES, make=False))
                status = os.stat(sha256, dir_fd=trees, follow_symlinks=False)
            except FileNotFoundError:
                return None
            faults: Sequence[Fault]
            if what := why_no_tree(status):
                faults = [Fault("", what)]
            else:
                with self._layout.telling():
                    descriptor = stack.enter_context(open_directory(sha256, above=trees))
                faults = judge(descriptor)
                if not faults and using:
                    note_use(descriptor, self._clock.now().timestamp())
            if faults:
                (quarantine,) = stack.enter_context(self._layout.open(QUARANTINE))
                with self._layout.telling():
                    put_aside(sha256, status, source=trees, quarantine=quarantine)
            return faults


def _settle(directory: int) -> None:
    """Make everything in it durable and read-only, and itself read-only."""
    for name in names_in(directory):
        try:
            with open_directory(name, above=directory) as below:
                _settle(below)
                fsync(below)
        except NotADirectoryError:
            with open_file(name, above=directory) as file:
                if os.fstat(file.fileno()).st_nlink != 1:
                    raise _linked(name) from None
                os.fchmod(file.fileno(), BLOB_MODE)
                fsync(file.fileno())
    os.fchmod(directory, TREE_MODE)


def _linked(name: str) -> ArtifactError:
    return ArtifactError(
        f"{name!r} has another name: somebody put a file of theirs among those that are unpacked",
        fix="Stop whoever does, or name another cache directory",
        name=name,
    )
