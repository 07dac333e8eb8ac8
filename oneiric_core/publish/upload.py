"""An artifact on its way to where runtimes fetch it.

- A key is immutable: what is there stays. The same bytes are done already, other bytes are refused.
- What was uploaded is read back and compared before anybody is told about it.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from oneiric_core.artifacts.digest import chunks_of, digest_of
from oneiric_core.errors import ArtifactError, DigestMismatchError
from oneiric_core.publish.object_store import PART, ObjectStore
from oneiric_core.publish.places import Place, content_type_of

__all__ = ["Upload", "upload_artifact"]

_FOREVER: Final = "public, max-age=31536000, immutable"

Progress = Callable[[int], object]
"""Told of bytes as they are done: each byte once when it is sent and once when it is read back."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What came of it.

    :param created: False where the same bytes were there already.
    :param sha256: of the object as it was read back, 64 hexadecimal digits; ``length`` in bytes.
    """

    place: Place
    url: str
    sha256: str
    length: int
    created: bool


def upload_artifact(
    path: Path,
    place: Place,
    *,
    content_type: str | None = None,
    progress: Progress = lambda _: None,
) -> Upload:
    """Bring the file at ``path`` to ``place``.

    :param content_type: as the key says if None.
    :raises DigestMismatchError: other bytes stand under the key; they are left alone.
    :raises ArtifactError: the file cannot be read, or the place not be used; nothing half-done can be seen there.
    """
    store = ObjectStore(place)
    try:
        with path.open("rb") as file:
            sha256 = digest_of(file)
            length = file.tell()
            file.seek(0)
            chunks = _counted(chunks_of(file), progress)
            kind = content_type or content_type_of(place.key)
            # Only creating it decides; asking before saves sending a gigabyte to be told that it is there.
            created = (length <= PART or store.size() is None) and store.create(
                chunks, length, content_type=kind, cache_control=_FOREVER
            )
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}", fix="Give a file that can be read") from error
    _compare(store, sha256, length, progress, created=created)
    return Upload(place, place.url, sha256, length, created)


def _compare(store: ObjectStore, sha256: str, length: int, progress: Progress, *, created: bool) -> None:
    """Is what stands there what was to be brought?"""
    size = store.size()
    if size is None:
        raise ArtifactError(
            f"{store.place} cannot be read back, so nobody knows what stands there",
            fix="Allow whoever uploads to read (s3:GetObject), and say the command again",
            place=str(store.place),
        )
    found = hashlib.sha256()
    if size == length:
        for chunk in _counted(store.read(), progress):
            found.update(chunk)
    if size != length or found.hexdigest() != sha256:
        told = f"{size} bytes" if size != length else f"{length} bytes with digest {found.hexdigest()}"
        raise DigestMismatchError(
            f"SHA256 mismatch: under {store.place} stand {told}, not the {length} with digest {sha256}",
            fix="Upload it again, and see who else writes there"
            if created
            else "Keys are never used twice: choose another one, such as one with the version in it",
            place=str(store.place),
            sha256=sha256,
        )


def _counted(chunks: Iterator[bytes], progress: Progress) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk
        progress(len(chunk))
