"""The last known good manifest of each place, on disk: what serves after a restart while the network is down.

One file per place, 0600: a line of JSON that says what the rest is, and the bytes as they came. They are written
before anything of the manifest is put in place, so that a full disk is found out while everything is as it was, and
take the place of the former ones when all of it stands. A file that was damaged counts as none: it is verified like
anything else before it is believed, and written anew by the next sync.
"""

import fcntl
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from oneiric_core.durability import fsync, fsync_directory
from oneiric_core.errors import TrustError
from oneiric_core.remote.sources import Kept

__all__ = ["KeptStore", "Staged"]

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a FIFO would keep us waiting
_LOCK: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_PRIVATE: Final = 0o600


class Staged:
    """Bytes that are on the disk, and are not yet the last known good."""

    def __init__(self, temporary: Path, target: Path) -> None:
        self._temporary = temporary
        self._target = target

    def commit(self) -> None:
        """Let them be it.

        :raises TrustError: the disk refuses.
        """
        try:
            self._temporary.replace(self._target)
            fsync_directory(self._target.parent)
        except OSError as error:
            raise _unusable(self._target, f"cannot be written: {error.strerror}") from error


class KeptStore:
    """The last known good manifests below one directory, which is made with mode 0700 when first needed."""

    def __init__(self, directory: Path | str) -> None:
        self._directory = Path(directory)

    def recall(self, location: str) -> Kept | None:
        """What was kept of ``location``; None if nothing was, or it is damaged.

        :raises TrustError: it cannot be read.
        """
        path = self._path(location)
        try:
            with open(os.open(path, _READ), "rb") as file:  # noqa: PTH123 - a descriptor
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise _unusable(path, "is no regular file")
                line, data = file.readline(), file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unusable(path, f"cannot be read: {error.strerror}") from error
        try:
            head = json.loads(line)
            kept = Kept(data, head["media_type"], head["etag"])
        except (ValueError, KeyError, TypeError):
            return None
        return kept if head == _head(location, kept) else None

    @contextmanager
    def stage(self, location: str, kept: Kept) -> Iterator[Staged]:
        """Write ``kept`` beside what is kept. What is not committed when the block ends is gone.

        :raises TrustError: the disk refuses.
        """
        path = self._path(location)
        temporary = path.with_suffix(f".{secrets.token_hex(8)}.tmp")
        try:
            descriptor = self._create(path, temporary)
        except OSError as error:
            raise _unusable(path, f"cannot be written: {error.strerror}") from error
        try:
            try:
                with open(descriptor, "wb", closefd=False) as file:
                    file.write(json.dumps(_head(location, kept)).encode("ascii") + b"\n")
                    file.write(kept.data)
                    file.flush()
                    fsync(descriptor)
            except OSError as error:
                raise _unusable(path, f"cannot be written: {error.strerror}") from error
            yield Staged(temporary, path)
        finally:
            with suppress(OSError):  # committed
                temporary.unlink()
            os.close(descriptor)

    def _create(self, path: Path, temporary: Path) -> int:
        """A new file, locked as long as it is open; those that a kill left, which nobody has locked, are removed."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(path.with_suffix(".lock"), _LOCK, _PRIVATE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for left in self._directory.glob(f"{path.stem}.*.tmp"):
                _remove_unless_locked(left)
            descriptor = os.open(temporary, _NEW, _PRIVATE)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            return descriptor
        finally:
            os.close(lock)

    def _path(self, location: str) -> Path:
        return self._directory / f"kept-{hashlib.sha256(location.encode('utf-8')).hexdigest()}.manifest"


def _head(location: str, kept: Kept) -> dict[str, str | None]:
    """What the first line says; its digest covers everything, so that damage anywhere is found out."""
    head = {"location": location, "media_type": kept.media_type, "etag": kept.etag}
    return {**head, "sha256": hashlib.sha256(json.dumps(head).encode("ascii") + kept.data).hexdigest()}


def _remove_unless_locked(path: Path) -> None:
    with suppress(OSError):  # gone meanwhile, in use, or a link that is not ours
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(descriptor)


def _unusable(path: Path, what: str) -> TrustError:
    return TrustError(
        f"the last known good manifest {path} {what}", fix="See to the disk and the rights of the directory", path=path
    )
