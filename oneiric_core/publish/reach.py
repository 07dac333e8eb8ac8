"""Is it there for everybody? Asked without credentials, from outside, as a runtime asks."""

import asyncio
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from oneiric_core.artifacts.digest import digest_of
from oneiric_core.errors import ArtifactError, DigestMismatchError, OneiricError
from oneiric_core.remote.fetcher import Answer, Fetcher
from oneiric_core.remote.http import HttpFetcher
from oneiric_core.remote.http_addresses import AddressPolicy

__all__ = ["Promise", "refuse_unkept"]

# The URLs are the publisher's own, not those of a stranger: a server in the next room is as good as any.
_ADDRESSES: Final = AddressPolicy(
    ("10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"), http_to_loopback=True
)


@dataclass(frozen=True, slots=True)
class Promise:
    """Under ``url`` are bytes with this digest, and this many of them where that is said."""

    url: str
    sha256: str
    length: int | None = None


def refuse_unkept(promises: Iterable[Promise]) -> None:
    """Fetch what each of them promises, and compare.

    :raises ArtifactError: it is not to be had without credentials.
    :raises DigestMismatchError: it is something else.
    """
    asyncio.run(_look(tuple(dict.fromkeys(promises))))


async def _look(promises: tuple[Promise, ...]) -> None:
    fetcher = HttpFetcher(addresses=_ADDRESSES)
    for promise in promises:
        found = await _digest(fetcher, promise)
        if found != promise.sha256:
            raise DigestMismatchError(
                f"SHA256 mismatch: {promise.url} gives bytes with digest {found}, not {promise.sha256}",
                fix="Upload what was promised, and empty the caches in front of it",
                url=promise.url,
            )


async def _digest(fetcher: Fetcher, promise: Promise) -> str:
    if promise.url.startswith("file:"):
        return await asyncio.to_thread(_digest_of_file, promise)
    digest = hashlib.sha256()

    async def take(answer: Answer) -> None:
        nonlocal digest
        digest = hashlib.sha256()  # of this attempt
        async for chunk in answer.chunks:
            digest.update(chunk)

    try:
        await fetcher.fetch(fetcher.artifact(promise.url, length=promise.length), take)
    except DigestMismatchError:
        raise
    except OneiricError as error:
        raise ArtifactError(
            f"{promise.url} is not there for everybody: {error.what}",
            fix="Let the bucket's policy allow reading to all, or say where it is published by --public-url",
            url=promise.url,
        ) from error
    return digest.hexdigest()


def _digest_of_file(promise: Promise) -> str:
    try:
        with Path(unquote(urlsplit(promise.url).path)).open("rb") as file:
            found, length = digest_of(file), file.tell()
    except OSError as error:
        raise ArtifactError(f"{promise.url} cannot be read: {error.strerror}", fix="Upload it first") from error
    except ValueError as error:
        raise ArtifactError(f"{promise.url!r} is no address of a file: {error}", fix="Correct it") from error
    if promise.length not in {None, length}:
        raise DigestMismatchError(
            f"SHA256 mismatch: {promise.url} has {length} bytes, not {promise.length}",
            fix="Upload what was promised",
            url=promise.url,
        )
    return found
