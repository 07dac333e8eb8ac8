"""A fetcher for runtimes that take everything from files: it asks no server, and loads nothing that could."""

from contextlib import AbstractAsyncContextManager

from oneiric_core.errors import RefusedFetchError
from oneiric_core.remote.fetcher import Answer, Fetcher, Request

__all__ = ["OfflineFetcher"]


class OfflineFetcher(Fetcher):
    """Refuses every URL."""

    def origin(self, url: str) -> str:
        raise RefusedFetchError(
            f"{url.partition('?')[0]} was asked for, and this runtime keeps to files", fix="Offer it as a file"
        )

    def _fetch(self, request: Request) -> AbstractAsyncContextManager[Answer]:
        raise AssertionError(request.shown)  # pragma: no cover - origin() is asked first
