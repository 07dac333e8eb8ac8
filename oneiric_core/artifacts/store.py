"""Where artifacts are kept: files named by their own digest, and nothing else.

::

    <root>/                0700, ours
    ├── blobs/<64 hex>     0400, complete and verified when it appears
    ├── temporary/         0600, being written; orphans are removed
    └── quarantine/        what was found under a digest and did not have it

Every step goes by directory descriptor and follows no link. Reading trusts nothing either: an entry counts only if it
is a regular file with one link whose bytes have the digest now. No lock is needed for correctness: a name appears by
rename, and whoever loses a race has written the same bytes.
"""

import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Final, TypeAlias

from oneiric_core.artifacts.descriptors import open_file, open_own_directory
from oneiric_core.artifacts.digest import check_syntax, digest_of, verified_chunks
from oneiric_core.errors import ArtifactError

__all__ = ["BLOBS", "BlobStore"]

BLOBS: Final = "blobs"
TEMPORARY: Final = "temporary"
QUARANTINE: Final = "quarantine"
ORPHAN_SECONDS: Final = 3600
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


_Inode: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Directories:
    blobs: int
    temporary: int
    quarantine: int


class BlobStore:
    """A content-addressed store; all methods block, and none keeps a descriptor.

    :param root: its directory, made at the first use; the directory above it must exist or can be made.
    :param limit: the most bytes one artifact may have where no length is declared.
    """

    def __init__(self, root: Path, *, limit: int = 4 << 30) -> None:
        self.root = root
        self._limit = limit

    def path(self, sha256: str) -> Path:
        """Where an artifact is or would be; says nothing about whether it is there and right."""
        return self.root / BLOBS / check_syntax(sha256)

    def add(self, chunks: Iterable[bytes], sha256: str, *, length: int | None = None) -> Path:
        """Keep ``chunks`` under their digest; the whole artifact appears at once, or nothing does.

        :raises ArtifactTooLargeError, DigestMismatchError: they are not the promised bytes; nothing is kept.
        """
        path = self.path(sha256)
        with self._directories() as directories:
            name = secrets.token_hex(16)
            try:
                with open(os.open(name, _NEW, 0o600, dir_fd=directories.temporary), "wb") as file:  # noqa: PTH123 - a descriptor
                    fcntl.flock(file, fcntl.LOCK_EX)  # tells remove_orphans() that somebody is at work
                    file.writelines(verified_chunks(chunks, sha256, length=length, limit=self._limit))
                    file.flush()
                    os.fchmod(file.fileno(), 0o400)
                    os.fsync(file.fileno())
                self._publish(directories, name, sha256)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=directories.temporary)
                raise
        return path

    def find(self, sha256: str) -> Path | None:
        """The artifact's path, verified just now, or None. What is there instead is put into quarantine."""
        path = self.path(sha256)
        with self._directories() as directories:
            while (seen := _inode(sha256, directories.blobs)) is not None:
                with suppress(FileNotFoundError), _readable(sha256, directories.blobs) as file:
                    if file is not None and _is_whole(file, sha256):
                        return path
                    if file is not None and os.fstat(file.fileno()).st_nlink == 0:
                        continue  # replaced by somebody who published the same artifact: look at theirs
                    self._quarantine(directories, sha256, seen)
        return None

    @contextmanager
    def open(self, sha256: str) -> Iterator[BufferedReader]:
        """The artifact itself, verified through the very descriptor that is handed out.

        :raises ArtifactError: it is not there, or not what it should be.
        """
        with self._directories() as directories, ExitStack() as stack:
            try:
                file = stack.enter_context(open_file(check_syntax(sha256), above=directories.blobs))
            except (OSError, ArtifactError) as error:
                raise _missing(sha256) from error
            if not _is_whole(file, sha256):
                raise _missing(sha256)
            file.seek(0)
            yield file

    def remove_orphans(self, now: float) -> int:
        """Remove temporary files that a crash left behind: an hour old, and nobody writing.

        :param now: seconds since the epoch.
        :return: how many were removed.
        """
        removed = 0
        with self._directories() as directories:
            for name in os.listdir(directories.temporary):  # noqa: PTH208 - a descriptor, not a path
                if _is_orphan(name, directories.temporary, now):
                    os.unlink(name, dir_fd=directories.temporary)
                    removed += 1
        return removed

    @contextmanager
    def _directories(self) -> Iterator[_Directories]:
        self.root.parent.mkdir(parents=True, exist_ok=True)
        with (
            open_own_directory(self.root) as root,
            open_own_directory(BLOBS, above=root) as blobs,
            open_own_directory(TEMPORARY, above=root) as temporary,
            open_own_directory(QUARANTINE, above=root) as quarantine,
        ):
            yield _Directories(blobs, temporary, quarantine)

    def _publish(self, directories: _Directories, name: str, sha256: str) -> None:
        try:
            os.replace(name, sha256, src_dir_fd=directories.temporary, dst_dir_fd=directories.blobs)
        except IsADirectoryError:  # planted: a rename replaces anything but a directory
            self._quarantine(directories, sha256, _inode(sha256, directories.blobs))
            os.replace(name, sha256, src_dir_fd=directories.temporary, dst_dir_fd=directories.blobs)
        os.fsync(directories.blobs)

    def _quarantine(self, directories: _Directories, sha256: str, condemned: _Inode | None) -> None:
        """Put aside what was found wrong; a good artifact published in its place meanwhile is put back."""
        aside = f"{sha256}.{secrets.token_hex(8)}"
        with suppress(FileNotFoundError):  # another process was faster
            os.rename(sha256, aside, src_dir_fd=directories.blobs, dst_dir_fd=directories.quarantine)
            if _inode(aside, directories.quarantine) != condemned:
                os.rename(aside, sha256, src_dir_fd=directories.quarantine, dst_dir_fd=directories.blobs)


def _inode(name: str, directory: int) -> _Inode | None:
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


@contextmanager
def _readable(name: str, directory: int) -> Iterator[BufferedReader | None]:
    """The regular file of that name; None for a link, a directory, a FIFO, which are never ours."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(open_file(name, above=directory))
        except FileNotFoundError:
            raise
        except (OSError, ArtifactError):
            file = None
        yield file


def _is_whole(file: BufferedReader, sha256: str) -> bool:
    return os.fstat(file.fileno()).st_nlink == 1 and digest_of(file) == sha256


def _is_orphan(name: str, directory: int, now: float) -> bool:
    try:
        with open_file(name, above=directory) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return now - os.fstat(file.fileno()).st_mtime >= ORPHAN_SECONDS
    except (OSError, ArtifactError):
        return False  # gone, being written, or not of our making


def _missing(sha256: str) -> ArtifactError:
    return ArtifactError(f"artifact {sha256} is not in the cache, or not whole", fix="Fetch it again", sha256=sha256)
