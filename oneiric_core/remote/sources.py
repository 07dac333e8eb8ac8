"""Where the bytes of a manifest come from: a file of this machine, or a server."""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from oneiric_core.errors import ArtifactTooLargeError, ManifestError, OneiricError, RefusedFetchError
from oneiric_core.manifest.documents import MEDIA_TYPES, base_type, media_type_of
from oneiric_core.remote.fetcher import Answer, Fetcher, Tally
from oneiric_core.remote.limits import too_large
from oneiric_core.remote.threads import in_thread

__all__ = ["Kept", "ManifestFile", "ManifestSource", "ManifestUrl", "Untold", "source_of"]

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_FILE: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC  # a FIFO without a writer would keep us waiting


@dataclass(frozen=True, slots=True)
class Kept:
    """The bytes of a manifest with what its place said of them.

    :param etag: by which its server recognises them.
    """

    data: bytes = field(repr=False)
    media_type: str
    etag: str | None = None

    @property
    def offer(self) -> tuple[bytes, str]:
        return self.data, self.media_type


class ManifestSource(Protocol):
    """A place to look for a manifest."""

    @property
    def location(self) -> str:
        """What it is remembered by."""

    async def read(self, known: Kept | None, tally: Tally) -> Kept:
        """What is there now; ``known`` itself if that is known to be it.

        :raises FetchError: it cannot be had.
        :raises ManifestError: it is too large, or does not say what it is.
        """

    def headers_for(self, uri: str) -> Mapping[str, str]:
        """What to send along when an artifact that the manifest names is asked for."""


def source_of(place: Path | str, fetcher: Fetcher, headers: Mapping[str, str]) -> ManifestSource:
    """The source that a path or a URL names."""
    if isinstance(place, str) and _SCHEME.match(place):
        return ManifestUrl(place, fetcher, headers)
    return ManifestFile(Path(place), fetcher.limits.manifest_bytes)


@dataclass(frozen=True, slots=True)
class Untold:
    """A place that is not asked, because of what went wrong before: only what is remembered of it can serve.

    :param error: what went wrong.
    """

    place: ManifestSource
    error: OneiricError

    @property
    def location(self) -> str:
        return self.place.location

    async def read(self, known: Kept | None, tally: Tally) -> Kept:
        del known, tally
        raise self.error

    def headers_for(self, uri: str) -> Mapping[str, str]:
        return self.place.headers_for(uri)


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A file; its extension says what it is.

    :param most: the most bytes read.
    """

    path: Path
    most: int

    @property
    def location(self) -> str:
        return str(self.path.absolute())

    async def read(self, known: Kept | None, tally: Tally) -> Kept:
        del known, tally  # reading it costs as little as asking whether it changed
        media_type = media_type_of(self.path.name)
        return Kept(await in_thread(self._read), media_type)

    def headers_for(self, uri: str) -> Mapping[str, str]:
        del uri
        return {}

    def _read(self) -> bytes:
        try:
            with open(os.open(self.path, _FILE), "rb") as file:  # noqa: PTH123 - a descriptor
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise self._unreadable("is no regular file")
                data = file.read(self.most + 1)
        except OSError as error:
            raise self._unreadable(f"cannot be read: {error.strerror}") from error
        if len(data) > self.most:
            raise too_large(str(self.path), self.most)
        return data

    def _unreadable(self, what: str) -> RefusedFetchError:
        return RefusedFetchError(
            f"the manifest {str(self.path)!r} {what}",
            fix="Name a file that exists and can be read",
            path=str(self.path),
        )


@dataclass(frozen=True, slots=True)
class ManifestUrl:
    """A URL; asked for again, it costs one answer without content while nothing has changed.

    What the document is, is said by the extension in the URL, and by the server where that says nothing: servers of
    plain files give wrong types, and a wrong type would have one reader take what was meant for another.
    """

    url: str
    fetcher: Fetcher
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def location(self) -> str:
        return self.url

    async def read(self, known: Kept | None, tally: Tally) -> Kept:
        async def take(answer: Answer) -> Kept:
            if answer.unchanged and known is not None:
                return known
            media_type = self._media_type(answer.media_type)
            return Kept(b"".join([chunk async for chunk in answer.chunks]), media_type, answer.etag)

        request = self.fetcher.manifest(self.url, headers=self.headers, etag=None if known is None else known.etag)
        try:
            return await self.fetcher.fetch(request, take, tally=tally)
        except ArtifactTooLargeError as error:
            raise too_large(request.shown, request.most) from error

    def headers_for(self, uri: str) -> Mapping[str, str]:
        """The same for artifacts of the same origin, and nothing for others."""
        try:
            return self.headers if self.fetcher.origin(uri) == self.fetcher.origin(self.url) else {}
        except RefusedFetchError:
            return {}  # no URL of this fetcher: a local file, or something whoever fetches it will refuse

    def _media_type(self, declared: str) -> str:
        path = self.url.partition("?")[0].partition("#")[0]
        try:
            return media_type_of(path.rpartition("/")[2])
        except ManifestError:
            if base_type(declared) in MEDIA_TYPES:
                return declared
            raise
