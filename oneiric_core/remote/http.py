"""Bytes by HTTPS, with nothing of the conveniences of a browser.

https only, and http to loopback where that was allowed. No proxies and no ``.netrc``: the environment is not looked at.
No cookies. No content coding. Redirects are followed here, one at a time: to the same scheme only, and without the
configured headers once they leave the origin these were meant for.
"""

import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
from opentelemetry.metrics import MeterProvider

from oneiric_core.clock import SYSTEM_CLOCK, Clock
from oneiric_core.errors import RefusedFetchError, TransientFetchError
from oneiric_core.remote.breaker import Breaker
from oneiric_core.remote.fetcher import Answer, Fetcher, Request
from oneiric_core.remote.http_addresses import AddressPolicy
from oneiric_core.remote.http_transport import Reply, Resolve, Transport, system_resolve
from oneiric_core.remote.http_urls import Place, read_url
from oneiric_core.remote.limits import FetchLimits
from oneiric_core.remote.threads import in_thread

__all__ = ["AddressPolicy", "HttpFetcher"]

_DEFAULT_LIMITS: Final = FetchLimits()
_PUBLIC_ONLY: Final = AddressPolicy()
_OURS: Final = {"accept": "*/*", "accept-encoding": "identity", "connection": "close", "user-agent": "oneiric-core"}
# What a caller may not set: what is ours, and what would change how the answer is framed or which part of it comes.
_RESERVED: Final = frozenset(
    {"accept-encoding", "connection", "content-length", "expect", "host", "if-none-match", "keep-alive", "range"}
    | {"proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.6.2
_VALUE: Final = re.compile(r"[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?|")  # 5.5
_ETAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,1022}"')  # 8.8.3, without obs-text
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_TRANSIENT: Final = frozenset({408, 425, 429})
_LENGTH: Final = re.compile(r"[0-9]{1,18}")


class HttpFetcher(Fetcher):
    """Fetches by HTTPS (HTTP/1.1).

    :param addresses: which addresses may be connected to besides public ones.
    :param tls: the context all connections share; one that trusts what the system trusts if None.
    :param resolve: gives the addresses of a name; the system's resolver if None. What it says is checked all the same.
    """

    def __init__(
        self,
        *,
        addresses: AddressPolicy = _PUBLIC_ONLY,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = system_resolve,
        limits: FetchLimits = _DEFAULT_LIMITS,
        breaker: Breaker | None = None,
        clock: Clock = SYSTEM_CLOCK,
        meters: MeterProvider | None = None,
    ) -> None:
        super().__init__(limits=limits, breaker=breaker, clock=clock, meters=meters)
        self._addresses = addresses
        self._tls = tls
        self._resolve = resolve

    def origin(self, url: str) -> str:
        return str(self._place(read_url(url)).origin)

    @asynccontextmanager
    async def _fetch(self, request: Request) -> AsyncIterator[Answer]:
        headers = _checked(request.headers)
        place = first = self._place(read_url(request.url))
        transport = await self._transport(first)
        for _ in range(self.limits.redirects + 1):
            async with AsyncExitStack() as stack:
                asked = _asked(request, headers if place.origin == first.origin else {})
                reply = await stack.enter_async_context(transport.ask(place, asked))
                if reply.status not in _REDIRECTS:
                    yield self._answer(place, reply)
                    return
                target = self._place(_target(place, reply))
            if target.origin.scheme != first.origin.scheme:
                raise _refused(place, f"redirects to {target.origin}", "Redirect to the same scheme, or not at all")
            place = target
        raise _refused(
            place,
            f"still redirects after {self.limits.redirects} redirects from {first.origin}",
            "Name the URL that these lead to, or raise the limit on redirects",
        )

    def _place(self, place: Place) -> Place:
        if place.origin.scheme == "http" and not self._addresses.http_to_loopback:
            raise _refused(place, "is asked for by http", "Use https; http can be allowed to loopback addresses only")
        return place

    async def _transport(self, place: Place) -> Transport:
        if self._tls is None and place.origin.scheme == "https":  # reading what the system trusts takes a while
            self._tls = await in_thread(ssl.create_default_context)
        limits = self.limits
        return Transport(self._addresses, self._resolve, self._tls, limits.patience, limits.header_bytes, self._clock)

    def _answer(self, place: Place, reply: Reply) -> Answer:
        """What a reply that leads nowhere else means.

        :raises TransientFetchError, RefusedFetchError: it is a failure.
        """
        status, headers = reply.status, reply.headers
        if status in _TRANSIENT or status >= 500:  # noqa: PLR2004 - RFC 9110 15.6
            raise TransientFetchError(
                f"{place.origin} answers {status}",
                fix="Try again later",
                status=status,
                **self._retry_after(headers),
            )
        if status not in {200, 304}:
            raise _refused(place, f"answers {status}", "Look at what it has under this URL, and to whom", status=status)
        etag = headers.get("etag", "")
        answer = Answer(
            reply.chunks,
            media_type=headers.get("content-type", ""),
            coding=headers.get("content-encoding", ""),
            etag=etag if _ETAG.fullmatch(etag) else None,
            unchanged=status == 304,  # noqa: PLR2004 - RFC 9110 15.4.5
        )
        return replace(answer, length=None if answer.unchanged else _length(place, headers))

    def _retry_after(self, headers: httpx.Headers) -> dict[str, float]:
        """``Retry-After`` as seconds from now (RFC 9110 10.2.3); nothing if it cannot be read."""
        value = headers.get("retry-after", "").strip()
        if _LENGTH.fullmatch(value):
            return {"retry_after": float(value)}
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, OverflowError):  # no date, or in a zone that is further away than numbers reach
            return {}
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return {"retry_after": max(0.0, (moment - self._clock.now()).total_seconds())}


def _asked(request: Request, headers: Mapping[str, str]) -> httpx.Headers:
    conditional = {} if request.etag is None else {"if-none-match": request.etag}
    return httpx.Headers(_OURS | {name.lower(): value for name, value in headers.items()} | conditional)


def _checked(headers: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or name.lower() in _RESERVED or not _VALUE.fullmatch(value):
            raise RefusedFetchError(
                f"the header {name[:40]!r} cannot be sent",  # its value may be a secret
                fix="Remove it if it is one of HTTP's own, or write it in printable characters on one line",
                header=name,
            )
    return headers


def _target(place: Place, reply: Reply) -> Place:
    locations = reply.headers.get_list("location")
    if len(locations) != 1:
        raise _refused(place, f"redirects ({reply.status}) to {len(locations)} places", "Have it redirect to one")
    return place.follow(locations[0])


def _length(place: Place, headers: httpx.Headers) -> int | None:
    if "content-length" not in headers:
        return None
    if "transfer-encoding" in headers:  # RFC 9112 6.3: ought to be handled as an error
        raise _refused(place, "announces a length and sends chunks", "Look at what answers in its place")
    lengths = {value.strip() for value in headers["content-length"].split(",")}
    if len(lengths) != 1 or not _LENGTH.fullmatch(length := lengths.pop()):
        raise _refused(place, "announces no length that can be read", "Look at what answers in its place")
    return int(length)


def _refused(place: Place, what: str, fix: str, **evidence: object) -> RefusedFetchError:
    return RefusedFetchError(f"{place.origin} {what}", fix=fix, origin=str(place.origin), **evidence)
