"""Adapter ``storage/local``: bytes under names, each in one file of one directory.

A name becomes the name of a single file, percent-encoded: ``reports/may`` is kept in ``reports%2Fmay``. So a name
cannot reach another directory, and ``a`` and ``a/b`` may both exist.
"""

import asyncio
import errno
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from pydantic import Field

from oneiric_core.artifacts.confine import confine
from oneiric_core.artifacts.descriptors import NEW_FILE, names_in, open_directory, open_file
from oneiric_core.builtin.base import OWNER, Component, Settings
from oneiric_core.components import AdapterMetadata
from oneiric_core.errors import ArtifactError

__all__ = ["LocalStorage", "LocalStorageSettings"]

_UNFINISHED: Final = "+"  # never occurs in an encoded name
_LONGEST: Final = 255  # bytes in the name of a file
_NOWHERE: Final = Path("/")
_LINK_OR_SOCKET: Final = frozenset({errno.ELOOP, errno.ENXIO})


class LocalStorageSettings(Settings):
    """Where the files are."""

    base_path: Path = Field(description="the directory that holds the files; made, for us alone, if it is not there")


class LocalStorage(Component[LocalStorageSettings]):
    """A directory of files. A save is seen as a whole or not at all, also by other processes; no link is followed."""

    metadata = AdapterMetadata(
        category="storage",
        provider="local",
        factory="oneiric_core.builtin.adapters.storage_local:LocalStorage",
        description="Bytes under names, in one directory that no name can leave",
        capabilities=["blob"],
        owner=OWNER,
        settings_model=LocalStorageSettings,
    )

    def __init__(self, settings: LocalStorageSettings) -> None:
        super().__init__(settings)
        self._root = settings.base_path

    async def init(self) -> None:
        await asyncio.to_thread(self._root.mkdir, mode=0o700, parents=True, exist_ok=True)
        await super().init()

    async def health(self) -> bool:
        return self._open and await asyncio.to_thread(self._root.is_dir)

    async def save(self, name: str, data: bytes) -> None:
        """Keep ``data`` under ``name``, in place of what was there.

        :raises ValueError: the name cannot be used, or ``data`` is not bytes.
        """
        file = self._file(name)
        if not isinstance(data, bytes | bytearray | memoryview):
            raise ValueError(f"{name!r} cannot hold {type(data).__name__}. Pass bytes.")  # noqa: TRY004 - as for names
        await asyncio.to_thread(_write, self._root, file, bytes(data))

    async def read(self, name: str) -> bytes | None:
        """The bytes, or None if there are none.

        :raises PathTraversalError: (a ValueError) the name is one that some system would read as another place.
        :raises ValueError: the name is no text or too long, or its file is a link or a device that somebody planted.
        :raises OSError: the system refuses, as when too many files are open; that says nothing about the bytes.
        """
        return await asyncio.to_thread(_read, self._root, self._file(name))

    async def delete(self, name: str) -> bool:
        """Remove the bytes; whether there were any."""
        return await asyncio.to_thread(_remove, self._root, self._file(name))

    async def list(self, prefix: str = "") -> Sequence[str]:
        """The names that begin with ``prefix``, sorted; those that cannot be read now as well.

        :raises OSError: the system refuses.
        """
        self._refuse_if_closed()
        names = await asyncio.to_thread(_names, self._root)
        return [name for name in names if name.startswith(prefix)]

    def _file(self, name: object) -> str:
        self._refuse_if_closed()
        if not isinstance(name, str):
            raise ValueError(f"the name {name!r} is no text. Pass a string.")  # noqa: TRY004 - bad names are one kind
        confine(_NOWHERE, name)
        encoded = quote(name, safe=" ")
        if len(encoded) > _LONGEST:
            raise ValueError(f"the name {name[:40]!r}… needs {len(encoded)} bytes of {_LONGEST}. Use a shorter one.")
        return encoded


def _write(root: Path, file: str, data: bytes) -> None:
    unfinished = _UNFINISHED + secrets.token_hex(16)
    with open_directory(root) as directory:
        try:
            with open(os.open(unfinished, NEW_FILE, 0o600, dir_fd=directory), "wb") as content:  # noqa: PTH123 - a descriptor
                content.write(data)
                content.flush()
                os.fsync(content.fileno())
            os.replace(unfinished, file, src_dir_fd=directory, dst_dir_fd=directory)
            os.fsync(directory)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(unfinished, dir_fd=directory)
            raise


def _read(root: Path, file: str) -> bytes | None:
    try:
        with open_directory(root) as directory, _opened(file, directory) as content:
            return content.read()
    except FileNotFoundError:
        return None


@contextmanager
def _opened(file: str, directory: int) -> Iterator[BufferedReader]:
    try:
        with open_file(file, above=directory) as content:
            yield content
    except (OSError, ArtifactError) as error:
        if isinstance(error, OSError) and error.errno not in _LINK_OR_SOCKET:
            raise
        raise ValueError(f"{file} cannot be read: {error}. This store makes plain files; look who made it.") from error


def _remove(root: Path, file: str) -> bool:
    with open_directory(root) as directory:
        try:
            os.unlink(file, dir_fd=directory)
        except FileNotFoundError:
            return False
    return True


def _names(root: Path) -> list[str]:
    with open_directory(root) as directory:
        files = [file for file in names_in(directory) if not file.startswith(_UNFINISHED)]
        return sorted(unquote(file) for file in files if _is_file(file, directory))


def _is_file(file: str, directory: int) -> bool:
    try:
        return stat.S_ISREG(os.stat(file, dir_fd=directory, follow_symlinks=False).st_mode)
    except FileNotFoundError:  # gone meanwhile
        return False
