"""Adapter ``storage``: bytes under names, each in one file of one directory.

A name becomes the name of a single file, percent-encoded: ``reports/may`` is kept in ``reports%2Fmay``. So a name
cannot reach another directory, and ``a`` and ``a/b`` may both exist.
"""

import asyncio
import errno
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final
from urllib.parse import quote, unquote

from pydantic import BaseModel, ConfigDict, Field

from oneiric_core import AdapterMetadata

_UNFINISHED: Final = "+"  # never occurs in an encoded name
_LONGEST: Final = 255  # bytes in the name of a file


class StorageSettings(BaseModel):
    """Where the files are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_path: Path = Field(description="the directory that holds the files; made if it does not exist")


class FileStore:
    """A directory of blobs. A save is seen as a whole or not at all, also by other processes."""

    metadata = AdapterMetadata(
        category="storage",
        provider="acme",
        factory="acme_oneiric.storage:FileStore",
        version="1.4.0",
        description="Bytes under names, in one directory that no name can leave",
        capabilities=["blob"],
        owner="Acme",
        settings_model=StorageSettings,
    )

    def __init__(self, settings: StorageSettings) -> None:
        self._root = settings.base_path
        self._open = False

    async def init(self) -> None:
        await asyncio.to_thread(self._root.mkdir, parents=True, exist_ok=True)
        self._open = True

    async def health(self) -> bool:
        return self._open and await asyncio.to_thread(self._root.is_dir)

    async def cleanup(self) -> None:
        self._open = False

    async def save(self, name: str, data: bytes) -> None:
        """Keep ``data`` under ``name``, in place of what was there.

        :raises ValueError: the name cannot be used; see :meth:`read`.
        """
        path = self._path(name)
        if not isinstance(data, bytes | bytearray | memoryview):
            raise ValueError(f"{name!r} cannot hold {type(data).__name__}. Pass bytes.")  # noqa: TRY004 - as for names
        await asyncio.to_thread(_write, path, bytes(data))

    async def read(self, name: str) -> bytes | None:
        """The bytes, or None if there are none.

        :raises ValueError: the name is no string, empty, too long, absolute, has an empty, ``.`` or ``..`` part or a
            zero byte; or its file is a link that somebody planted.
        """
        return await asyncio.to_thread(_read, self._path(name))

    async def delete(self, name: str) -> bool:
        """Remove the bytes; whether there were any."""
        return await asyncio.to_thread(_unlink, self._path(name))

    async def list(self, prefix: str = "") -> Sequence[str]:
        """The names that begin with ``prefix``, sorted."""
        self._refuse_if_closed()
        names = await asyncio.to_thread(_names, self._root)
        return [name for name in names if name.startswith(prefix)]

    def _path(self, name: object) -> Path:
        self._refuse_if_closed()
        if not isinstance(name, str) or not name or "\0" in name or {"", ".", ".."} & set(name.split("/")):
            raise ValueError(f"the name {name!r} cannot be used. Use parts joined by '/', none empty, '.' or '..'.")
        encoded = quote(name, safe="")
        if len(encoded) > _LONGEST:
            raise ValueError(f"the name {name[:40]!r}… needs {len(encoded)} bytes of {_LONGEST}. Use a shorter one.")
        return self._root / encoded

    def _refuse_if_closed(self) -> None:
        if not self._open:
            raise RuntimeError("the file store is closed. Await init() first.")


def _opened(path: Path, flags: int) -> IO[bytes]:
    """The file itself, never what a link in its place points to."""
    mode = "wb" if flags & os.O_CREAT else "rb"
    return os.fdopen(os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), mode)


def _write(path: Path, data: bytes) -> None:
    unfinished = path.with_name(_UNFINISHED + uuid.uuid4().hex)
    try:
        with _opened(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as file:
            file.write(data)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _read(path: Path) -> bytes | None:
    try:
        with _opened(path, os.O_RDONLY) as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise ValueError(f"{path.name} is a link, which this store never makes. Remove it.") from error


def _unlink(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _names(root: Path) -> list[str]:
    with os.scandir(root) as entries:
        files = [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
    return sorted(unquote(name) for name in files if not name.startswith(_UNFINISHED))
