"""Publishing into a directory, which others read meanwhile: one who replaces at a time, and nothing half-done in sight.

What is being written lies in a hidden directory beside it, with a lock in it. Where nobody holds that lock any more,
whoever wrote there was killed, and the next one who uploads clears it away.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from oneiric_core.artifacts.descriptors import open_directory
from oneiric_core.artifacts.locks import locked
from oneiric_core.errors import ArtifactError

__all__ = ["alone_in", "workplace_in"]

_PREFIX: Final = ".oneiric-upload-"
_IN_USE: Final = "in-use"
_PUBLISHING: Final = ".oneiric-publishing"


@contextmanager
def workplace_in(bucket: Path) -> Iterator[Path]:
    """A directory of our own in ``bucket``, to put a file together in; gone when the block ends.

    :raises ArtifactError: nothing can be written there.
    """
    with ExitStack() as stack:
        try:
            folder = _made(bucket, stack)
            _collect(bucket)
        except OSError as error:
            raise _not_writable(bucket, error) from error
        yield folder


@contextmanager
def alone_in(bucket: Path) -> Iterator[None]:
    """Be the only one who replaces anything in ``bucket``, among those of this machine who ask.

    :raises ArtifactError: somebody else does just now, or it cannot be told.
    """
    with ExitStack() as stack:
        try:
            ours = stack.enter_context(locked(_PUBLISHING, stack.enter_context(open_directory(bucket))))
        except OSError as error:
            raise _not_writable(bucket, error) from error
        if not ours:
            raise ArtifactError(
                f"somebody else publishes into {str(bucket)!r} just now",
                fix="See what they publish, and say the command again",
            )
        yield


def _made(bucket: Path, stack: ExitStack) -> Path:
    """A new directory whose lock is ours."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=bucket))
        with ExitStack() as attempt:
            try:
                ours = attempt.enter_context(locked(_IN_USE, attempt.enter_context(open_directory(folder))))
            except FileNotFoundError:  # collected between the two steps
                continue
            if ours and folder.exists():
                attempt.callback(shutil.rmtree, folder, ignore_errors=True)
                stack.push(attempt.pop_all())
                return folder


def _collect(bucket: Path) -> None:
    """Clear away what was left by those who were killed."""
    for folder in bucket.glob(f"{_PREFIX}*"):
        with ExitStack() as stack:
            try:
                left = stack.enter_context(locked(_IN_USE, stack.enter_context(open_directory(folder))))
            except OSError:  # gone meanwhile, or somebody else's
                continue
            if left:
                shutil.rmtree(folder, ignore_errors=True)


def _not_writable(bucket: Path, error: OSError) -> ArtifactError:
    return ArtifactError(
        f"nothing can be written into {str(bucket)!r}: {error.strerror}",
        fix="Name a directory that whoever publishes may write to",
        place=str(bucket),
    )
