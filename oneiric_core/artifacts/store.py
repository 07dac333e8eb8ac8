"""Where artifacts are kept: files named by their own digest, and nothing else. Their places are drawn in :mod:`layout`.

An artifact is written under a temporary name, hashed meanwhile, made durable, and appears by rename. Reading trusts
nothing either: an entry counts only if it is a regular file of ours with one name, which nobody may write and whose
bytes have the digest now. What is there instead is put aside, and the artifact can be fetched again. No lock is needed
for any of this: whoever loses a race has written the same bytes.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from io import BufferedReader
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from oneiric_core.artifacts.descriptors import inode_from, inode_of, open_file, write_all
from oneiric_core.artifacts.digest import check_syntax, digest_of, verified_chunks
from oneiric_core.artifacts.eviction import Entry, Eviction, digests, entries, evict
from oneiric_core.artifacts.layout import (
    BLOB_MODE,
    BLOBS,
    LOCKS,
    QUARANTINE,
    TEMPORARY,
    Layout,
    is_blob,
    note_use,
    publish,
    put_aside,
    why_no_blob,
)
from oneiric_core.artifacts.locks import FETCHING, USING, holding, locked
from oneiric_core.artifacts.orphans import new_file, remove_orphans
from oneiric_core.artifacts.pins import pin, pinned
from oneiric_core.artifacts.trees import TreeStore
from oneiric_core.clock import SYSTEM_CLOCK, Clock
from oneiric_core.durability import fsync
from oneiric_core.errors import ArtifactError

__all__ = ["BlobStore"]

# How often something that somebody keeps putting in an artifact's place is moved out of the way.
ATTEMPTS: Final = 16
# How often to look for what somebody may be about to put back: some hundredths of a second.
_LOOKS: Final = 256
SHORTEST_WAIT: Final = 0.01
LONGEST_WAIT: Final = 0.25


class BlobStore:
    """A content-addressed store; its methods block (but for :meth:`exclusive`), and none keeps a descriptor.

    :param root: its directory, made when something is first added.
    :param limit: the most bytes one artifact may have where no length is declared.
    :param clock: tells when an artifact was last used.
    """

    def __init__(self, root: Path, *, limit: int = 4 << 30, clock: Clock = SYSTEM_CLOCK) -> None:
        self.root = root
        self.trees = TreeStore(Layout(root), clock)
        self._layout = Layout(root)
        self._limit = limit
        self._clock = clock
        self._turns: WeakValueDictionary[tuple[asyncio.AbstractEventLoop, str], asyncio.Lock] = WeakValueDictionary()

    def path(self, sha256: str) -> Path:
        """Where an artifact is or would be; says nothing about whether it is there and right."""
        return self.root / BLOBS / check_syntax(sha256)

    def add(self, chunks: Iterable[bytes], sha256: str, *, length: int | None = None) -> Path:
        """Keep ``chunks`` under their digest; the whole artifact appears at once, or nothing does.

        What the source of the chunks raises is passed on.

        :raises ArtifactTooLargeError, DigestMismatchError: they are not the promised bytes; nothing is kept.
        :raises ArtifactError: the cache directory is not ours alone, or cannot be written.
        """
        path = self.path(sha256)
        with self._layout.open(BLOBS, TEMPORARY) as (blobs, temporary), ExitStack() as stack:
            with self._layout.telling():
                name, descriptor = stack.enter_context(new_file(temporary))
            for chunk in verified_chunks(chunks, sha256, length=length, limit=self._limit):
                with self._layout.telling():
                    write_all(descriptor, chunk)
            with self._layout.telling():
                os.fchmod(descriptor, BLOB_MODE)
                note_use(descriptor, self._clock.now().timestamp())
                fsync(descriptor)
                self._publish(name, sha256, blobs, temporary)
                status = os.fstat(descriptor)
                untouched = is_blob(status) and inode_of(sha256, blobs) == inode_from(status)
        if not untouched and not self._comes_back(sha256):
            raise _meddled(sha256)
        return path

    def find(self, sha256: str) -> Path | None:
        """The artifact's path, verified just now, or None. What is there instead is put into quarantine.

        :raises ArtifactError: the cache directory is not ours alone, or its disk fails.
        """
        path = self.path(sha256)
        with suppress(FileNotFoundError), ExitStack() as stack:
            return None if isinstance(self._look(sha256, stack), str) else path
        return None

    @contextmanager
    def open(self, sha256: str) -> Iterator[BufferedReader]:
        """The artifact itself, verified through the very descriptor that is handed out.

        :raises ArtifactError: it is not there, or not what it should be, which is put into quarantine then.
        """
        with ExitStack() as stack:
            try:
                file = self._look(check_syntax(sha256), stack)
            except FileNotFoundError:
                file = None
            if file is None or isinstance(file, str):
                raise _missing(sha256)
            yield file

    @contextmanager
    def examine(self, sha256: str) -> Iterator[tuple[BufferedReader | None, str]]:
        """The artifact as :meth:`open` hands it out, or what is wrong with it; neither if there is none.

        What is wrong with it is the rest of a sentence; it is in quarantine by then. It is not a use of it.

        :raises ArtifactError: the cache directory is not ours alone, or its disk fails.
        """
        with ExitStack() as stack:
            try:
                found = self._look(check_syntax(sha256), stack, using=False)
            except FileNotFoundError:
                found = ""
            yield (None, found) if isinstance(found, str) else (found, "")

    @contextmanager
    def hold(self, sha256: str) -> Iterator[None]:
        """Keep an artifact and its tree from being evicted, by any process of this machine, while the block runs.

        Hold it first and look for it then: it may be evicted until it is held.
        """
        with ExitStack() as stack:
            try:
                (locks,) = stack.enter_context(self._layout.open(LOCKS))
                stack.enter_context(holding(f"{check_syntax(sha256)}.{USING}", locks))
            except (OSError, ArtifactError):
                pass  # no locks can be had, hence nothing is evicted either
            yield

    @asynccontextmanager
    async def exclusive(self, sha256: str, *, patience: float = 60.0) -> AsyncIterator[None]:
        """One block at a time for one artifact, among tasks, threads and processes of this machine.

        Whoever was waiting should look for the artifact before fetching it: it saves work, and that is all it is for.

        :param patience: how many seconds to wait for another process before going on all the same.
        """
        key = (asyncio.get_running_loop(), check_syntax(sha256))
        turn = self._turns.setdefault(key, asyncio.Lock())
        async with turn:
            with ExitStack() as stack:
                waited, wait = 0.0, SHORTEST_WAIT
                while not self._claim(sha256, stack) and waited < patience:
                    await self._clock.sleep(wait)
                    waited, wait = waited + wait, min(2 * wait, LONGEST_WAIT)
                yield

    def remove_orphans(self, now: float) -> int:
        """Remove what crashed processes of this machine left, and others an hour ago.

        :param now: seconds since the epoch.
        :return: how many files and trees were removed.
        """
        with self._layout.telling():
            return remove_orphans(self._layout, now)

    def entries(self) -> tuple[Entry, ...]:
        """Every artifact in the cache, the least recently used first; nothing is verified."""
        return entries(self._layout)

    def digests(self) -> tuple[str, ...]:
        """Every digest under which there is anything, be it an artifact, a tree, or something else."""
        return digests(self._layout)

    def gc(
        self,
        *,
        max_bytes: int | None = None,
        max_age: timedelta | None = None,
        keep: Collection[str] = (),
        progress: Callable[[Entry], object] = lambda _: None,
    ) -> Eviction:
        """Remove what was not used for ``max_age``, then the least recently used until ``max_bytes`` are left.

        What is held or pinned stays, whatever its age and size. What crashed processes left goes, and so does what was
        put into quarantine.

        :param keep: digests of more artifacts that have to stay.
        :param progress: called with each artifact, when it is gone or stays.
        :raises ArtifactError: the cache directory is not ours alone, cannot be written, or nobody can tell what is
            needed. What was removed until then is gone.
        """
        self.remove_orphans(self._clock.now().timestamp())
        return evict(
            self._layout,
            max_bytes=max_bytes,
            max_age=max_age,
            keep={*keep, *pinned(self._layout)},
            now=self._clock.now(),
            progress=progress,
        )

    def pin(self, source: str, artifacts: Collection[str], *, place: str = "", besides: bool = False) -> None:
        """Keep ``artifacts`` from being evicted, in the place of those that were pinned for ``source`` before.

        On a read-only disk nothing is noted; nothing is evicted there either.

        :param place: where the source is taken from, if it may be taken from several; each has pins of its own.
        :param besides: keep those that were pinned before as well.
        :raises ArtifactError: the cache directory is not ours alone, or cannot be written.
        """
        pin(self._layout, source, artifacts, place=place, besides=besides)

    def pinned(self) -> Mapping[str, tuple[str, ...]]:
        """The sources that need an artifact, by its digest.

        :raises ArtifactError: a pin cannot be understood.
        """
        return pinned(self._layout)

    def _claim(self, sha256: str, stack: ExitStack) -> bool:
        """Whether it is for us to fetch, until the stack is left; not while any other thread or process is at it."""
        with ExitStack() as attempt:
            try:
                (locks,) = attempt.enter_context(self._layout.open(LOCKS))
                mine = attempt.enter_context(locked(f"{sha256}.{FETCHING}", locks))
            except (OSError, ArtifactError):
                return True  # no locks here; whoever fetches will hear of what is wrong with the directory
            if mine:
                stack.push(attempt.pop_all())
            return mine

    def _look(self, sha256: str, stack: ExitStack, *, using: bool = True) -> BufferedReader | str:
        """The artifact, open until the stack is left, its bytes verified; or why something else was put aside.

        :raises FileNotFoundError: there was nothing of that name.
        """
        (blobs,) = stack.enter_context(self._layout.open(BLOBS, make=False))
        why = ""
        for _ in range(ATTEMPTS):
            with ExitStack() as attempt, self._layout.telling():
                try:
                    status = os.stat(sha256, dir_fd=blobs, follow_symlinks=False)
                    what = why_no_blob(status)
                    if not what:
                        file = attempt.enter_context(open_file(sha256, above=blobs))
                        status = os.fstat(file.fileno())
                        what = why_no_blob(status) or _why_not_the_bytes(file, sha256)
                        if not what:
                            if using:
                                note_use(file.fileno(), self._clock.now().timestamp())
                            file.seek(0)
                            stack.push(attempt.pop_all())
                            return file
                except FileNotFoundError:
                    break
                except ArtifactError:
                    continue  # it was a file a moment ago
                if status.st_nlink:  # else somebody published the same artifact once more: look at theirs
                    self._put_aside(sha256, status, blobs)
                    why = what
        if not why:
            raise FileNotFoundError(sha256)
        return why

    def _comes_back(self, sha256: str) -> bool:
        """Whether it is there after all: from somebody else who published it, or put back by who had taken it away for
        a wrong one that it replaced, a moment later.
        """
        for _ in range(_LOOKS):
            with self.examine(sha256) as (file, wrong):
                if file is not None or wrong:
                    return file is not None
        return False

    def _publish(self, name: str, sha256: str, blobs: int, temporary: int) -> None:
        for _ in range(ATTEMPTS):
            try:
                publish(name, sha256, source=temporary, target=blobs)
            except IsADirectoryError:  # planted: a rename replaces anything but a directory
                self._put_aside(sha256, os.stat(sha256, dir_fd=blobs, follow_symlinks=False), blobs)
            else:
                return
        raise _meddled(sha256)

    def _put_aside(self, sha256: str, condemned: os.stat_result, blobs: int) -> None:
        with self._layout.open(QUARANTINE) as (quarantine,):
            put_aside(sha256, condemned, source=blobs, quarantine=quarantine)


def _why_not_the_bytes(file: BufferedReader, sha256: str) -> str:
    try:
        return "" if digest_of(file) == sha256 else "has other bytes than its name says"
    except OSError as error:  # a disk that cannot read it has lost it
        return f"cannot be read: {error.strerror}"


def _missing(sha256: str) -> ArtifactError:
    return ArtifactError(f"artifact {sha256} is not in the cache, or not whole", fix="Fetch it again", sha256=sha256)


def _meddled(sha256: str) -> ArtifactError:
    return ArtifactError(
        f"artifact {sha256} was written and is gone again: somebody makes room, or works in the cache's directories",
        fix="Fetch it once more, and hold it while it is needed",
        sha256=sha256,
    )
