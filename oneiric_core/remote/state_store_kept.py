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
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from oneiric_core.errors import TrustError
from oneiric_core.remote.sources import Kept
from oneiric_core.remote.state_store_staged import Staged, stage

__all__ = ["KeptStore"]

_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a FIFO would keep us waiting
_LOCK: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_PRIVATE: Final = 0o600


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
        with ExitStack() as stack:
            with self._locked(path):
                staged = stack.enter_context(stage(path, _unusable))
            staged.write(json.dumps(_head(location, kept)).encode("ascii") + b"\n", kept.data)
            yield staged

    @contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(path.with_suffix(".lock"), _LOCK, _PRIVATE)
        except OSError as error:
            raise _unusable(path, f"cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)  # which also unlocks

    def _path(self, location: str) -> Path:
        return self._directory / f"kept-{hashlib.sha256(location.encode('utf-8')).hexdigest()}.manifest"


def _head(location: str, kept: Kept) -> dict[str, str | None]:
    """What the first line says; its digest covers everything, so that damage anywhere is found out."""
    head = {"location": location, "media_type": kept.media_type, "etag": kept.etag}
    return {**head, "sha256": hashlib.sha256(json.dumps(head).encode("ascii") + kept.data).hexdigest()}


def _unusable(path: Path, what: str) -> TrustError:
    return TrustError(
        f"the last known good manifest {path} {what}", fix="See to the disk and the rights of the directory", path=path
    )
