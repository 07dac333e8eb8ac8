"""How an artifact gets into the cache: from a server, or from a listed directory of this machine."""

import os
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from oneiric_core.artifacts.digest import check_syntax, chunks_of
from oneiric_core.artifacts.local import default_cache_dir, open_local
from oneiric_core.artifacts.locate import LocalFile, RemoteFile, locate
from oneiric_core.artifacts.store import BlobStore
from oneiric_core.clock import SYSTEM_CLOCK, Clock
from oneiric_core.remote.belt import through_thread
from oneiric_core.remote.fetcher import Answer, Fetcher, Progress, Tally
from oneiric_core.remote.limits import FetchLimits
from oneiric_core.remote.threads import in_thread

__all__ = ["ArtifactManager"]

_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class ArtifactManager:
    """Brings artifacts into a content-addressed cache and hands out their paths.

    :param cache_dir: the cache's directory, made with mode 0700 at the first use; the user's own if None.
    :param local_roots: directories below which local files may be fetched; none allows nothing.
    :param fetcher: asks servers; if None, one that goes by HTTPS to public addresses.
    """

    def __init__(
        self,
        cache_dir: Path | str | None = None,
        *,
        local_roots: Iterable[Path | str] = (),
        fetcher: Fetcher | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._roots = tuple(Path(os.path.abspath(root)) for root in local_roots)  # noqa: PTH100 - a URI has no ..
        self._clock = clock
        self._fetcher = fetcher
        self.store = self._make_store(default_cache_dir() if cache_dir is None else Path(cache_dir))
        self._swept = False

    def _make_store(self, cache_dir: Path) -> BlobStore:
        limits = FetchLimits() if self._fetcher is None else self._fetcher.limits
        return BlobStore(cache_dir.absolute(), limit=limits.artifact_bytes, clock=self._clock)

    async def fetch(
        self,
        uri: str,
        sha256: str | None,
        headers: Mapping[str, str] | None = None,
        length: int | None = None,
        *,
        progress: Progress | None = None,
        tally: Tally | None = None,
    ) -> Path:
        """The path of the artifact in the cache, verified just now. The disk is touched by threads of their own.

        Checked in this order: traversal, scheme, digest syntax; only then is anything read, written or sent. Several
        at once for one artifact cause one download.

        :param uri: ``https://host/path``; or ``file:///absolute/path``, or a path, in one of the local roots.
        :param sha256: 64 lower-case hexadecimal digits.
        :param headers: sent to the host of ``uri`` and to no other; a local file has no use for them.
        :param length: the declared number of bytes.
        :param progress: called on the loop with the bytes received and the length announced, while they come.
        :param tally: counts what was asked and received.
        :raises PathTraversalError: the URI's path leaves where it starts, or lies in none of the local roots.
        :raises RefusedFetchError: a scheme, host, address or answer that is not accepted, or there is no such file.
        :raises TransientFetchError: the server could not be asked, or not to the end; it may work later.
        :raises DigestMismatchError: the digest is malformed, or the bytes have another one, or are fewer than declared.
        :raises ArtifactTooLargeError: there are more bytes than declared or allowed.
        :raises ArtifactError: the cache directory is not ours alone.
        """
        place = self._locate(uri)
        if isinstance(place, LocalFile):
            digest = check_syntax(sha256)
            async with self.store.exclusive(digest):
                return await in_thread(self._find_or_copy, place, digest, length)
        fetcher = self._make_sure_of_a_fetcher()
        fetcher.origin(place.url)
        digest = check_syntax(sha256)
        request = fetcher.artifact(place.url, headers=headers or _NO_HEADERS, length=length)
        async with self.store.exclusive(digest, patience=request.seconds):
            if (path := await in_thread(self._find, digest)) is not None:
                return path
            return await fetcher.fetch(request, partial(self._keep, digest, length), progress=progress, tally=tally)

    def _locate(self, uri: str) -> LocalFile | RemoteFile:
        return locate(uri, self._roots)

    def _make_sure_of_a_fetcher(self) -> Fetcher:
        if self._fetcher is None:
            from oneiric_core.remote.http import HttpFetcher  # noqa: PLC0415 - costs more than all the rest

            self._fetcher = HttpFetcher(clock=self._clock)
        return self._fetcher

    def _find(self, sha256: str) -> Path | None:
        if not self._swept:
            self.store.remove_orphans(self._clock.now().timestamp())
            self._swept = True
        return self.store.find(sha256)

    def _find_or_copy(self, place: LocalFile, sha256: str, length: int | None) -> Path:
        if (path := self._find(sha256)) is not None:
            return path
        with open_local(place) as file:
            return self.store.add(chunks_of(file), sha256, length=length)

    async def _keep(self, sha256: str, length: int | None, answer: Answer) -> Path:
        return await through_thread(answer.chunks, lambda pieces: self.store.add(pieces, sha256, length=length))
