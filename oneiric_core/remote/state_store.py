"""What is remembered of each source, on disk: it survives a kill at any point, and two processes at once.

One file per source, 0600. To change it: lock, read again, let the pure transition decide, write beside it, fsync,
rename, fsync the directory. A reader sees the old state or the new one.

What must not fail for want of room is staged before: written with what the transition makes of what is remembered then.
The lock is let go of, so that nobody waits for whatever comes in between. To put it in place is a change like any
other: lock, read again, decide; only that it is written over what was staged, where others changed the memory
meanwhile, and else just renamed.
"""

import fcntl
import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from oneiric_core.artifacts.descriptors import NEW_FILE
from oneiric_core.durability import fsync, fsync_directory
from oneiric_core.errors import TrustError
from oneiric_core.remote.state_store_staged import Staged, stage
from oneiric_core.trust.trusted_state import SourceState

__all__ = ["StateStore"]

_STATES: Final = TypeAdapter(SourceState)
_PRIVATE: Final = 0o600


class StateStore:
    """The memory below one directory, which is made with mode 0700 when first needed.

    :param directory: not one that others can write, and not the artifact cache, which may be emptied.
    """

    def __init__(self, directory: Path | str) -> None:
        self._directory = Path(directory)

    def load(self, source: str) -> SourceState:
        """What is remembered of ``source``; nothing is, of one never heard of.

        :raises TrustError: the file cannot be read, or is not one of ours.
        """
        content = self._read(self._path("source", source, ".json"))
        if content is None:
            return SourceState(source)
        try:
            state = _STATES.validate_json(content, strict=False)
        except ValidationError as error:
            raise _unusable(self._path("source", source, ".json"), f"says something else: {error}") from error
        if state.source != source:
            raise _unusable(self._path("source", source, ".json"), f"is about {state.source!r}")
        return state

    def update(
        self, source: str, transition: Callable[[SourceState], SourceState], staged: Staged | None = None
    ) -> SourceState:
        """Put the transition of what is remembered now in its place; what it raises changes nothing.

        :param staged: has the room for it, from :meth:`stage`; without it room is taken now.
        :raises TrustError: the file cannot be read or written.
        """
        with self._locked(self._path("source", source, ".lock")):
            former = self.load(source)
            state = transition(former)
            if state != former:
                self._write(self._path("source", source, ".json"), _STATES.dump_json(state), staged)
        return state

    @contextmanager
    def stage(self, source: str, transition: Callable[[SourceState], SourceState]) -> Iterator[Staged]:
        """Write the transition of what is remembered now beside it, for an update that shall not want for room.

        :raises TrustError: the file cannot be read, or there is no room.
        """
        with ExitStack() as stack:
            with self._locked(self._path("source", source, ".lock")):
                staged = stack.enter_context(stage(self._path("source", source, ".json"), _unusable))
                staged.write(_STATES.dump_json(transition(self.load(source))))
            yield staged

    def pin(self, location: str, source: str, signers: Collection[str]) -> None:
        """Remember that ``location`` speaks for ``source``, from the first time on.

        :param signers: of what it offers.
        :raises TrustError: it spoke for another source before, or others spoke for this one.
        """
        path = self._path("location", location, ".json")
        with self._locked(self._path("location", location, ".lock")):
            known = self._read(path)
            if known is None:
                self.load(source).refuse_newcomer(location, signers)
                self._write(path, source.encode("utf-8"))
            elif known != source.encode("utf-8"):
                former = known.decode("utf-8", errors="replace")
                raise TrustError(
                    f"{location} was the place of {former!r}, and now offers a manifest of {source!r}",
                    fix=f"Name the source you expect in the policy, or delete {path} if this change is right",
                    source=source,
                    expected=former,
                )

    def _path(self, kind: str, name: str, suffix: str) -> Path:
        return self._directory / f"{kind}-{hashlib.sha256(name.encode('utf-8')).hexdigest()}{suffix}"

    def _read(self, path: Path) -> bytes | None:
        try:
            # A link is none of ours, and a FIFO without a writer would keep us waiting.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise _unusable(path, "cannot be read: it is no regular file")
                return file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unusable(path, f"cannot be read: {error.strerror}") from error

    @contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _PRIVATE)
        except OSError as error:
            raise _unusable(path, f"cannot be used: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)  # which also unlocks

    def _write(self, path: Path, content: bytes, staged: Staged | None = None) -> None:
        if staged is not None:
            staged.write(content)
            staged.commit()
            return
        beside = path.with_suffix(".tmp")  # one name is enough: the lock is held, and what a kill left is removed
        try:
            beside.unlink(missing_ok=True)
            try:
                with os.fdopen(os.open(beside, NEW_FILE, _PRIVATE), "wb") as file:
                    file.write(content)
                    file.flush()
                    fsync(file.fileno())
                beside.replace(path)
            except OSError:
                beside.unlink(missing_ok=True)  # a full disk has no room for it
                raise
            fsync_directory(self._directory)
        except OSError as error:
            raise _unusable(path, f"cannot be written: {error.strerror}") from error


def _unusable(path: Path, what: str) -> TrustError:
    return TrustError(
        f"the memory {path} {what}",
        fix="Restore it; deleting it means to trust the next manifest without knowing what came before",
        path=path,
    )
