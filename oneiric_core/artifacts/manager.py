"""How an artifact gets into the cache."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from io import BufferedReader
from pathlib import Path

from oneiric_core.artifacts.descriptors import open_below
from oneiric_core.artifacts.digest import check_syntax, chunks_of
from oneiric_core.artifacts.locate import LocalFile, locate
from oneiric_core.artifacts.store import BlobStore
from oneiric_core.clock import SYSTEM_CLOCK, Clock
from oneiric_core.errors import RefusedFetchError

__all__ = ["ArtifactManager", "default_cache_dir"]


def default_cache_dir() -> Path:
    """The cache of the user we run as; never a predictable directory that others can write."""
    from platformdirs import user_cache_path  # noqa: PLC0415 - only where no directory is given

    return user_cache_path("oneiric") / "artifacts"


class ArtifactManager:
    """Brings artifacts into a content-addressed cache and hands out their paths.

    :param cache_dir: the cache's directory, made with mode 0700 at the first use; the user's own if None.
    :param local_roots: directories below which local files may be fetched; none allows nothing.
    """

    def __init__(
        self,
        cache_dir: Path | str | None = None,
        *,
        local_roots: Iterable[Path | str] = (),
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.store = self._make_store(default_cache_dir() if cache_dir is None else Path(cache_dir))
        self._roots = tuple(Path(root).absolute() for root in local_roots)
        self._clock = clock
        self._swept = False

    def _make_store(self, cache_dir: Path) -> BlobStore:
        return BlobStore(cache_dir.absolute())

    async def fetch(
        self, uri: str, sha256: str | None, headers: Mapping[str, str] | None = None, length: int | None = None
    ) -> Path:
        """The path of the artifact in the cache, verified just now. The disk is touched by a worker thread.

        Checked in this order: traversal, scheme, digest syntax; only then is anything read or written.

        :param uri: ``file:///absolute/path``, or a path in one of the local roots.
        :param sha256: 64 lower-case hexadecimal digits.
        :param headers: sent along where a server is asked; a local file has no use for them.
        :param length: the declared number of bytes.
        :raises PathTraversalError: the URI's path leaves where it starts, or lies in none of the local roots.
        :raises RefusedFetchError: its scheme is not one artifacts are fetched by, or there is no such file.
        :raises DigestMismatchError: the digest is malformed, or the bytes have another one, or are fewer than declared.
        :raises ArtifactTooLargeError: there are more bytes than declared.
        :raises ArtifactError: the cache directory is not ours alone.
        """
        del headers
        place = self._locate(uri)
        digest = check_syntax(sha256)
        return await asyncio.to_thread(self._bring, place, digest, length)

    def _locate(self, uri: str) -> LocalFile:
        return locate(uri, self._roots)

    def _bring(self, place: LocalFile, sha256: str, length: int | None) -> Path:
        if not self._swept:
            self.store.remove_orphans(self._clock.now().timestamp())
            self._swept = True
        return self.store.find(sha256) or self._copy(place, sha256, length)

    def _copy(self, place: LocalFile, sha256: str, length: int | None) -> Path:
        with _open_first(place) as file:
            return self.store.add(chunks_of(file), sha256, length=length)


@contextmanager
def _open_first(place: LocalFile) -> Iterator[BufferedReader]:
    reasons: list[str] = []
    with ExitStack() as stack:
        for root in place.roots:
            try:
                file = stack.enter_context(open_below(root, place.names))
            except OSError as error:
                reasons.append(f"{root}: {error.strerror}")
            else:
                yield file
                return
    name = "/".join(place.names)
    raise RefusedFetchError(
        f"{name!r} cannot be read ({'; '.join(reasons)})",
        fix="Name a regular file that exists and is reached without links",
        name=name,
    )
