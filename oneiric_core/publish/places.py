"""Where an object goes, and under which URL others find it there."""

import mimetypes
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import quote

from oneiric_core.artifacts.confine import confine
from oneiric_core.errors import ManifestError
from oneiric_core.manifest import media_type_of

__all__ = ["Backend", "Place", "content_type_of"]

_WHEEL: Final = "application/zip"
_UNKNOWN: Final = "application/octet-stream"


class Backend(StrEnum):
    """What keeps the objects."""

    S3 = "s3"
    GCS = "gcs"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Place:
    """One object in one bucket.

    :param bucket: its name; with ``file`` the directory.
    :param key: a relative path of plain names.
    :param region: where the bucket is (S3); None leaves it to the environment.
    :param endpoint_url: of a server that speaks the same protocol; None is the vendor's own.
    :param public_url: what the key is appended to, where the bucket is published under another name.
    :raises PathTraversalError: the key is no such path.
    """

    backend: Backend
    bucket: str
    key: str
    region: str | None = None
    endpoint_url: str | None = None
    public_url: str | None = None

    def __post_init__(self) -> None:
        confine(Path("/"), self.key)

    @property
    def url(self) -> str:
        """Under which anybody finds the object, if its bucket lets them."""
        key = quote(self.key)
        if self.public_url is not None:
            return f"{self.public_url.rstrip('/')}/{key}"
        if self.backend is Backend.FILE:
            return (Path(self.bucket).resolve() / self.key).as_uri()
        if self.endpoint_url is not None:
            return f"{self.endpoint_url.rstrip('/')}/{self.bucket}/{key}"
        if self.backend is Backend.GCS:
            return f"https://storage.googleapis.com/{self.bucket}/{key}"
        host = f"s3.{self.region}.amazonaws.com" if self.region else "s3.amazonaws.com"
        if "." in self.bucket:  # the certificate of *.s3.amazonaws.com does not cover further dots
            return f"https://{host}/{self.bucket}/{key}"
        return f"https://{self.bucket}.{host}/{key}"

    def __str__(self) -> str:
        return f"{self.backend}://{self.bucket}/{self.key}"


def content_type_of(key: str) -> str:
    """What an object is, as its name says it. A runtime reads a manifest as what it is declared to be."""
    if key.lower().endswith(".whl"):
        return _WHEEL
    try:
        return media_type_of(key)
    except ManifestError:
        return mimetypes.guess_type(key)[0] or _UNKNOWN
