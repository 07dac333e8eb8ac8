"""Stores that do not give back the bytes they were given."""

import asyncio
from pathlib import Path

from mutants import mutant, reference


@mutant("BLOB-001", expects=r"b'one\ntwo")
class OpensAsText(reference.Folder):
    """Reads as text, which turns every end of line into a newline."""

    async def read(self, key: str) -> bytes | None:
        data = await super().read(key)
        return None if data is None else data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


@mutant("BLOB-001", expects="nexter than the next")
class OverwritesInPlace(reference.Folder):
    """Writes over the old bytes without cutting off what is left of them."""

    async def save(self, key: str, data: bytes) -> None:
        old = await self.read(key) or b""
        await super().save(key, data + old[len(data) :])


@mutant("BLOB-001", expects="read('b.txt') answered")
class FoldsKeys(reference.Folder):
    """Takes keys that differ in case only for one."""

    def path(self, key: str) -> Path:
        return super().path(key.casefold())


@mutant("BLOB-001", expects="list() answered")
class ListsTheLastFolder(reference.Folder):
    """Leaves the folders out of the names it lists."""

    async def list(self, prefix: str = "") -> "list[str]":
        return sorted({key.rpartition("/")[2] for key in await super().list(prefix)})


@mutant("BLOB-001", expects="read('a') answered")
class KeepsWhatIsDeleted(reference.Folder):
    """Says that it has deleted, and keeps it."""

    async def delete(self, key: str) -> bool:
        return self.path(key).is_file()


@mutant(
    "BLOB-001",
    expects="control: what was saved is read back: it answers to any method",
    also={"BLOB-002": "its controls do not take such answers for a store's either"},
)
class AnswersToAnything(reference.Folder):
    """Has every method one may ask for, like a mock."""

    def __getattr__(self, name: str) -> object:
        return lambda *_: None


@mutant("BLOB-001", expects="read('b.txt') answered b'\\x00text'")
class TrimsZeros(reference.Folder):
    """Reads in blocks, and takes the zeros at the end for padding."""

    async def read(self, key: str) -> bytes | None:
        data = await super().read(key)
        return None if data is None else data.rstrip(b"\0")


@mutant("BLOB-001", expects="read('a') answered")
class StopsAtAMegabyte(reference.Folder):
    """Keeps the first megabyte only."""

    async def save(self, key: str, data: bytes) -> None:
        await super().save(key, data[: 1 << 20])


@mutant("BLOB-001", expects="read('folder/one') answered b'folder__one'")
class JoinsFolders(reference.Folder):
    """Writes two underscores where a key has a slash, and a slash for them in its list."""

    def path(self, key: str) -> Path:
        return super().path(key.replace("/", "__"))

    async def list(self, prefix: str = "") -> "list[str]":
        names = [key.replace("__", "/") for key in await super().list()]
        return [name for name in names if name.startswith(prefix)]


@mutant("BLOB-001", expects="read('a.tmp') answered None")
class WritesBeside(reference.Folder):
    """Writes a file beside first, under a name that is another key's."""

    async def save(self, key: str, data: bytes) -> None:
        beside = self.path(f"{key}.tmp")
        beside.write_bytes(data)
        beside.replace(self.path(key))


@mutant("BLOB-001", expects="list() answered")
class HidesWhatLooksUnfinished(reference.Folder):
    """Leaves what ends like a temporary file out of its list."""

    async def list(self, prefix: str = "") -> "list[str]":
        return [key for key in await super().list(prefix) if not key.endswith(".tmp")]


@mutant("BLOB-001", expects="list() answered")
class HidesDots(reference.Folder):
    """Leaves what begins with a dot out of its list, as a shell does."""

    async def list(self, prefix: str = "") -> "list[str]":
        return [key for key in await super().list(prefix) if not key.startswith(".")]


class _Remembers(reference.Folder):
    """Remembers what was read."""

    def __init__(self, settings: reference.FolderSettings) -> None:
        super().__init__(settings)
        self._read: dict[str, bytes] = {}

    async def read(self, key: str) -> bytes | None:
        if key not in self._read and (data := await super().read(key)) is not None:
            self._read[key] = data
        return self._read.get(key)

    async def cleanup(self) -> None:
        self._read.clear()
        await super().cleanup()


@mutant("BLOB-001", expects="read('a') answered b'1'")
class RemembersWhatIsReplaced(_Remembers):
    """Forgets what it has read when that is deleted, and not when other bytes are saved."""

    async def delete(self, key: str) -> bool:
        self._read.pop(key, None)
        return await super().delete(key)


@mutant("BLOB-001", expects="read('a') answered b'1'")
class RemembersWhatIsDeleted(_Remembers):
    """Forgets what it has read when other bytes are saved, and not when it is deleted."""

    async def save(self, key: str, data: bytes) -> None:
        self._read.pop(key, None)
        await super().save(key, data)


@mutant("BLOB-001", expects="list() answered ['a', 'b.txt']")
class RemembersItsList(reference.Folder):
    """Remembers the list it gave until the next time that something is saved."""

    _listed: "list[str] | None" = None

    async def save(self, key: str, data: bytes) -> None:
        self._listed = None
        await super().save(key, data)

    async def list(self, prefix: str = "") -> "list[str]":
        if self._listed is None:
            self._listed = await super().list()
        return [key for key in self._listed if key.startswith(prefix)]

    async def cleanup(self) -> None:
        self._listed = None
        await super().cleanup()


_everywhere: dict[str, bytes] = {}


@mutant(
    "BLOB-002",
    expects="read('only here') answered b'1'",
    also={"LIFE-001": "what they all remember it in changes when one of them works"},
)
class RemembersForAll(reference.Folder):
    """Remembers for all stores at once what was saved."""

    async def save(self, key: str, data: bytes) -> None:
        await super().save(key, data)
        _everywhere[key] = data

    async def read(self, key: str) -> bytes | None:
        found = await super().read(key)
        return _everywhere.get(key) if found is None else found

    async def delete(self, key: str) -> bool:
        _everywhere.pop(key, None)
        return await super().delete(key)


@mutant("BLOB-002", expects="while others saved 'a', read('a') answered")
class WritesInPieces(reference.Folder):
    """Writes a file in two pieces, and lets others read in between."""

    async def save(self, key: str, data: bytes) -> None:
        self.path(key).write_bytes(data[: len(data) // 2])
        await asyncio.sleep(0)
        self.path(key).write_bytes(data)
