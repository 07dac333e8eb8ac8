"""Runtimes that look at an artifact's digest too late, or not at all."""

import hashlib
import io
import re
import zipfile
from pathlib import Path
from typing import Any

from mutants import mutant
from mutants.laundering import Laundering
from oneiric_core import OneiricError
from oneiric_core.manifest import parse_document
from oneiric_core.testing import CoreRuntime


def _offered(entry: dict[str, Any]) -> Path | None:
    """The file on offer that an entry names, if it names one."""
    uri, digest = entry.get("uri"), entry.get("sha256")
    if not isinstance(uri, str) or not isinstance(digest, str) or not re.fullmatch("[0-9a-f]{64}", digest):
        return None
    path = Path(uri.removeprefix("file://"))
    return path if path.is_absolute() and ".." not in path.parts and path.is_file() else None


def _artifacts(document: bytes, media_type: str) -> list[tuple[dict[str, Any], Path]]:
    try:
        entries = parse_document(document, media_type).get("entries")
    except OneiricError:
        return []
    listed = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return [(entry, path) for entry in listed if (path := _offered(entry)) is not None]


@mutant("SIG-014", expects="was accepted")
class TakesWhatIsThere(Laundering):
    """Takes the digest of what it finds for the one that was promised."""

    def passed_on(self, content: dict[str, Any]) -> dict[str, Any]:
        for entry in content.get("entries") or []:
            if isinstance(entry, dict) and (path := _offered(entry)) is not None:
                entry["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
                entry.pop("length", None)
        return content


@mutant("SIG-014", expects="is in the cache")
class KeepsItAnyway(CoreRuntime):
    """Refuses other bytes than were promised, when they are in the cache already."""

    async def _sync(self, document: bytes, media_type: str) -> Any:
        try:
            return await super()._sync(document, media_type)
        except OneiricError:
            for entry, path in _artifacts(document, media_type):
                place = self._workdir / "cache" / "blobs" / entry["sha256"]
                if not place.exists() and hashlib.sha256(path.read_bytes()).hexdigest() != entry["sha256"]:
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(path.read_bytes())
            raise


@mutant("SIG-014", expects="was imported")
class ImportsItFirst(CoreRuntime):
    """Imports the modules of an artifact to see what is in it, and verifies it afterwards."""

    async def _sync(self, document: bytes, media_type: str) -> Any:
        for _, path in _artifacts(document, media_type):
            if zipfile.is_zipfile(io.BytesIO(path.read_bytes())):
                _import_all(path)
        return await super()._sync(document, media_type)


def _import_all(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".py") and "/" not in name:
                exec(compile(archive.read(name), name, "exec"), {"__name__": name.removesuffix(".py")})
