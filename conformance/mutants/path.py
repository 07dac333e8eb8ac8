"""Runtimes that let names from outside become paths, and components that write where they like."""

import asyncio
import hashlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mutants import mutant, reference
from oneiric_core.testing import CoreRuntime


@mutant(
    "PATH-001",
    expects="not named by its digest",
    also={"PATH-004": "the copy is written through whatever was planted under its name"},
)
class NamesByUri(CoreRuntime):
    """Keeps a second copy of an artifact under the last name of its uri."""

    async def fetch(self, uri: str, sha256: str, length: int | None) -> Any:
        answer = await super().fetch(uri, sha256, length)
        if answer.ok:
            blobs = self._workdir / "cache" / "blobs"
            copy = blobs / uri.rpartition("/")[2]
            copy.write_bytes((blobs / sha256).read_bytes())
            copy.chmod(0o600)
        return answer


@mutant("PATH-001", expects="outside the cache")
class NamesByKey(CoreRuntime):
    """Makes a file for each key that a manifest lists, before it looks at the key."""

    async def sync(self, document: bytes, media_type: str) -> Any:
        cache = self._workdir / "cache"
        cache.mkdir(0o700, exist_ok=True)
        for entry in json.loads(document)["entries"]:
            if "/" in entry["key"] and "\0" not in entry["key"]:
                place = cache / entry["key"]
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(b"")
        return await super().sync(document, media_type)


@mutant("PATH-002", expects="was fetched")
class FollowsDots(CoreRuntime):
    """Fetches whatever file a climbing uri leads to."""

    async def fetch(self, uri: str, sha256: str, length: int | None) -> Any:
        answer = await super().fetch(uri, sha256, length)
        path = Path(os.path.normpath(unquote(uri.removeprefix("file://")).replace("\0", "")))
        if answer.kind == "PathTraversalError" and path.is_absolute() and path.is_file():
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() == sha256:
                self.parts.artifacts.store.add([data], sha256)
                return replace(answer, ok=True, kind="", reason="")
        return answer


@mutant("PATH-002", expects="refused with RefusedFetchError")
class RefusesVaguely(CoreRuntime):
    """Refuses hostile names like any file that is not there."""

    async def fetch(self, uri: str, sha256: str, length: int | None) -> Any:
        answer = await super().fetch(uri, sha256, length)
        return replace(answer, kind="RefusedFetchError") if answer.kind == "PathTraversalError" else answer


@mutant("PATH-002", expects="after the refusal", also={"SIG-014": "what it refuses there is in the cache as well"})
class CachesWhatItRefused(CoreRuntime):
    """Keeps the bytes of an artifact whose digest it refuses."""

    async def fetch(self, uri: str, sha256: str, length: int | None) -> Any:
        answer = await super().fetch(uri, sha256, length)
        if answer.kind == "DigestMismatchError":
            data = Path(uri.removeprefix("file://")).read_bytes()
            self.parts.artifacts.store.add([data], hashlib.sha256(data).hexdigest())
        return answer


@mutant("PATH-005", expects="in the home directory")
class WritesHome(reference.WordCount):
    """Keeps a note of its work in the home directory."""

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        (Path.home() / ".word-count").write_text("1", encoding="utf-8")
        return await super().run(payload)


@mutant("PATH-005", expects="in the home directory")
class WritesHomeLater(reference.WordCount):
    """Leaves its note in the home directory to a thread that takes its time."""

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        threading.Thread(target=self._note, args=(Path.home(),), daemon=True).start()
        return await super().run(payload)

    def _note(self, home: Path) -> None:
        time.sleep(0.1)
        with suppress(FileNotFoundError):  # by then it may be over
            home.joinpath(".word-count").write_text("1", encoding="utf-8")


class _Notes:
    def note(self, name: str) -> None:
        (Path.home() / name).write_text("1", encoding="utf-8")


@mutant("PATH-005", expects="home/.deleted: in the home directory")
class NotesWhatItDeletes(_Notes, reference.Cache):
    """Notes in the home directory that a value is deleted."""

    async def delete(self, key: str) -> bool:
        self.note(".deleted")
        return await super().delete(key)


@mutant("PATH-005", expects="home/.unread: in the home directory")
class NotesWhatItCannotRead(_Notes, reference.Folder):
    """Notes in the home directory that it was asked for bytes which it has not got."""

    async def read(self, key: str) -> bytes | None:
        found = await super().read(key)
        if found is None:
            self.note(".unread")
        return found


@mutant("PATH-005", expects="home/.cleared: in the home directory")
class NotesThatItIsCleared(_Notes, reference.Cache):
    """Notes in the home directory that all values are."""

    async def clear(self) -> None:
        self.note(".cleared")
        await super().clear()


@mutant("PATH-005", expects="home/.limited: in the home directory")
class NotesHowLongItKeeps(_Notes, reference.TimedCache):
    """Notes in the home directory how long it is to keep a value."""

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        if ttl is not None:
            self.note(".limited")
        await super().set(key, value, ttl)


@mutant("PATH-005", expects="home/.index: in the home directory")
class KeepsAnIndex(_Notes, reference.Folder):
    """Writes an index into the home directory when it is asked for its keys."""

    async def list(self, prefix: str = "") -> list[str]:
        self.note(".index")
        return await super().list(prefix)


@mutant("PATH-005", expects="home/.trash: in the home directory")
class KeepsTrash(_Notes, reference.Folder):
    """Puts a note into the home directory about each file it deletes."""

    async def delete(self, key: str) -> bool:
        self.note(".trash")
        return await super().delete(key)


@mutant("PATH-005", expects="home/.secrets: in the home directory")
class CachesSecrets(_Notes, reference.Vault):
    """Keeps the secrets it has found in the home directory."""

    async def get_secret(self, secret_id: str) -> str | None:
        found = await super().get_secret(secret_id)
        if found is not None:
            self.note(".secrets")
        return found


@mutant("PATH-005", expects="home/.missing: in the home directory")
class NotesWhatIsMissing(_Notes, reference.Vault):
    """Keeps the names of secrets that nobody has in the home directory."""

    async def get_secret(self, secret_id: str) -> str | None:
        found = await super().get_secret(secret_id)
        if found is None:
            self.note(".missing")
        return found


@mutant("PATH-005", expects="home/.asked: in the home directory (by work handed to a thread")
class NotesInAThread(reference.Vault):
    """Has a thread of the loop's own keep the name of the last secret asked for in the home directory."""

    async def get_secret(self, secret_id: str) -> str | None:
        await asyncio.to_thread((Path.home() / ".asked").write_text, secret_id)
        return await super().get_secret(secret_id)


@mutant("PATH-005", expects="home/.total: in the home directory")
class KeepsItsTotal(_Notes, reference.Meter):
    """Has no work but what its exercise shows, and keeps the total of that in the home directory."""

    async def add(self, amount: int) -> int:
        self.note(".total")
        return await super().add(amount)


@mutant("PATH-005", expects="home/.jobs: in the home directory")
class NotesItsJobs(_Notes, reference.Ticker):
    """A service that notes in the home directory that it was given a job, as its exercise does and ``status()`` not."""

    exercise = "mutants.path:is_given_a_job"

    async def submit(self, job: str) -> str:
        self.note(".jobs")
        return f"{job} is taken"


async def is_given_a_job(service: NotesItsJobs) -> None:
    if await service.submit("it") != "it is taken":
        raise AssertionError("it was not taken")


@mutant("PATH-005", expects="predictable name")
class PredictableTemporary(reference.WordCount):
    """Uses a temporary file whose name anybody can guess."""

    async def init(self) -> None:
        await super().init()
        place = Path(tempfile.gettempdir()) / "word-count.tmp"
        place.write_text("1", encoding="utf-8")
        place.unlink()


@mutant("PATH-005", expects="still there after clean-up")
class LeavesTemporary(reference.WordCount):
    """Makes a temporary file properly, and leaves it behind."""

    async def init(self) -> None:
        await super().init()
        descriptor, _ = tempfile.mkstemp()
        os.close(descriptor)


@mutant(
    "PATH-005",
    expects="outside the sandbox",
    also={"PATH-006": "what it prepares is outside of the directory it was given"},
)
class StagesBeside(reference.Folder):
    """Prepares its work in a directory beside the one it was given, named after that one."""

    async def init(self) -> None:
        await super().init()
        given = self._root.parent
        given.with_name(f"{given.name}-staging").mkdir(exist_ok=True)


@mutant("PATH-006", expects="outside")
class JoinsKeys(reference.Folder):
    """Joins directory and key, and hopes for the best."""

    def path(self, key: str) -> Path:
        return self._root / key

    async def save(self, key: str, data: bytes) -> None:
        self.path(key).parent.mkdir(parents=True, exist_ok=True)
        self.path(key).write_bytes(data)

    async def list(self, prefix: str = "") -> list[str]:
        files = [path for path in self._root.rglob("*") if path.is_file()]
        return sorted(name for path in files if (name := str(path.relative_to(self._root))).startswith(prefix))


@mutant("PATH-006", expects="outside its directory")
class ComparesBeginnings(JoinsKeys):
    """Takes a path for one below its directory if it begins with the same letters."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self._root = settings.base_path

    def path(self, key: str) -> Path:
        root = self._root.resolve()
        path = (root / key.strip("/")).resolve()
        if not str(path).startswith(str(root)):
            raise ValueError("this key leads out of the directory")
        return path


@mutant("PATH-006", expects="appeared, a file")
class WritesAnywhere(reference.Folder):
    """Keeps what it saves where it can read it again, and writes a copy wherever the key leads to."""

    async def save(self, key: str, data: bytes) -> None:
        await super().save(key, data)
        if ".." in key:
            (self._root / f"{key}.copy").write_bytes(data)


@mutant("PATH-006", expects="gave away")
class ReadsAnywhere(reference.Folder):
    """Writes safely, and reads whatever the key leads to."""

    async def read(self, key: str) -> bytes | None:
        if (found := await super().read(key)) is not None:
            return found
        place = self._root / key
        return place.read_bytes() if place.is_file() else None


@mutant("PATH-006", expects="is gone")
class DeletesAnywhere(reference.Folder):
    """Writes safely, and deletes whatever the key leads to."""

    async def delete(self, key: str) -> bool:
        found = await super().delete(key)
        (self._root / key).unlink(missing_ok=True)
        return found
