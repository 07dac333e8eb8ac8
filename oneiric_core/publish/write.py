"""Files that a publisher has and gets: whole or not at all, and secret ones for nobody else."""

import os
import tempfile
from pathlib import Path
from typing import Final

from oneiric_core.durability import fsync
from oneiric_core.errors import ArtifactError

__all__ = ["PRIVATE", "read_file", "write_file", "write_new_file"]

PRIVATE: Final = 0o600
PUBLIC: Final = 0o644


def read_file(path: Path) -> bytes:
    """All of it.

    :raises ArtifactError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}", fix="Give a file that can be read") from error


def write_file(path: Path, data: bytes) -> None:
    """Replace the file at ``path`` (where a link leads, if it is one), keeping its mode. Whoever reads it meanwhile
    sees the old bytes or the new ones.

    :raises ArtifactError: that cannot be done; nothing is changed.
    """
    path = path.resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = path.stat().st_mode & 0o777 if path.exists() else PUBLIC & ~_umask()
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                fsync(file.fileno())
            Path(temporary).chmod(mode)
            os.replace(temporary, path)  # noqa: PTH105 - by the name under which it is looked for
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _unwritable(path, error) from error


def write_new_file(path: Path, data: bytes, *, mode: int = PUBLIC) -> None:
    """Make the file at ``path``, which no one may have made before, with ``mode`` from its first moment.

    :raises ArtifactError: there is one, or it cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            fsync(file.fileno())
    except FileExistsError as error:
        raise ArtifactError(
            f"{path} exists already", fix="Choose another name or directory; keys are never overwritten"
        ) from error
    except OSError as error:
        raise _unwritable(path, error) from error


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current


def _unwritable(path: Path, error: OSError) -> ArtifactError:
    return ArtifactError(
        f"{path} cannot be written: {error.strerror}", fix="Choose a place you may write to", path=path
    )
