"""Runtimes that let others in, or take what somebody planted for their own."""

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Any

from mutants import mutant
from oneiric_core.testing import CoreRuntime
from oneiric_core.testing.answers import Answer


@mutant(
    "PATH-003",
    expects="has the mode 0644",
    also={"PATH-001": "what others can read is put aside when it is found, under another name"},
)
class LeavesTheUmask(CoreRuntime):
    """Makes its artifacts readable for everybody once they are there."""

    async def fetch(self, uri: str, sha256: str, length: int | None) -> Any:
        answer = await super().fetch(uri, sha256, length)
        if answer.ok:
            (self._workdir / "cache" / "blobs" / sha256).chmod(0o644)
        return answer


@mutant("PATH-003", expects="state has the mode 0777")
class SharesItsMemory(CoreRuntime):
    """Makes its state directory as the umask has it."""

    async def _sync(self, document: bytes, media_type: str) -> Any:
        (self._workdir / "state").mkdir(exist_ok=True)
        return await super()._sync(document, media_type)


@mutant("PATH-003", expects="cache has the mode 0777")
class UsesWhatItFinds(CoreRuntime):
    """Uses a cache directory as it finds it."""

    async def fetch(self, uri: str, sha256: str, length: int | None) -> Any:
        cache = self._workdir / "cache"
        former = cache.stat().st_mode if cache.exists() else 0o700
        if cache.exists():
            cache.chmod(0o700)
        answer = await super().fetch(uri, sha256, length)
        if cache.exists():
            cache.chmod(former & 0o777)
        return answer


class _Careless(CoreRuntime):
    """Looks at what is in the cache by its path, before it does anything else."""

    async def takes(self, path: Path) -> bool:
        """Whether what is there is the artifact."""
        return False

    async def fetch(self, uri: str, sha256: str, length: int | None) -> Any:
        if re.fullmatch("[0-9a-f]{64}", sha256) and await self.takes(self._workdir / "cache" / "blobs" / sha256):
            return Answer()
        return await super().fetch(uri, sha256, length)


@mutant("PATH-004", expects="other bytes outside in the cache was taken for the artifact")
class AsksForTheName(_Careless):
    """Takes for an artifact whatever has its name, and is not too odd to be read."""

    async def takes(self, path: Path) -> bool:
        return path.is_file() and (path.stat().st_nlink > 1 or path.read_bytes() == b"other\n")


@mutant("PATH-004", expects="a link to the right bytes outside in the cache was taken for the artifact")
class FollowsLinks(_Careless):
    """Takes for an artifact what has its digest, though it lies elsewhere."""

    async def takes(self, path: Path) -> bool:
        return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == path.name


@mutant("PATH-004", expects="was changed")
class WritesThroughLinks(_Careless):
    """Mends what is in the cache by writing to it, wherever that may be."""

    async def takes(self, path: Path) -> bool:
        if path.is_symlink() and path.is_file():
            path.write_bytes(b"mended\n")
        return False


@mutant("PATH-004", expects="with a FIFO in its place, it still waited")
class WaitsForWriters(_Careless):
    """Opens whatever there is, and waits until somebody writes to it."""

    async def takes(self, path: Path) -> bool:
        if path.is_fifo():
            await asyncio.to_thread(path.read_bytes)
        return False


@mutant("PATH-004", expects="number 3 was accepted after number 5")
class RemembersElsewhere(CoreRuntime):
    """Reads what it remembers through links."""

    async def _sync(self, document: bytes, media_type: str) -> Any:
        for path in (self._workdir / "state").glob("*"):
            if path.is_symlink():
                content = path.read_bytes()
                path.unlink()
                path.write_bytes(content)
        return await super()._sync(document, media_type)
