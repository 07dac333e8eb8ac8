"""One connection for one request: resolve, check, connect to what was checked, and nothing in between.

A name is resolved once, and the connection goes to one of the addresses that came of it and were allowed, so that a
second answer of the name server changes nothing (DNS rebinding). To the server, and to TLS, the name stays the name.
No connection outlives its request: none is stale, none belongs to somebody else, none has to be closed later.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final, TypeAlias

import httpcore
import httpx

from oneiric_core.clock import Clock
from oneiric_core.errors import RefusedFetchError, TransientFetchError, told
from oneiric_core.remote.http_addresses import Address, AddressPolicy
from oneiric_core.remote.http_urls import Origin, Place

__all__ = ["Resolve", "Transport", "system_resolve"]

Resolve: TypeAlias = Callable[[str], Awaitable[Sequence[str]]]
"""Gives the addresses of a host's name, as text, best first; raises ``OSError`` if there are none."""

_BROKEN: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


async def system_resolve(host: str) -> list[str]:
    """What the system's resolver says."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


@dataclass(frozen=True, slots=True)
class Transport:
    """How servers are asked.

    :param tls: the context all connections share; None where none is encrypted.
    :param patience: seconds for connecting, over all addresses of a host.
    :param header_bytes: the most bytes of an answer before its content.
    """

    policy: AddressPolicy
    resolve: Resolve
    tls: ssl.SSLContext | None
    patience: float
    header_bytes: int
    clock: Clock

    @asynccontextmanager
    async def ask(self, place: Place, headers: httpx.Headers) -> AsyncIterator["Reply"]:
        """The answer to one GET, with its content still to come. Leaving closes the connection.

        :raises TransientFetchError: no connection, or it broke off.
        :raises RefusedFetchError: an address, a certificate or an answer that must not be accepted.
        """
        request = httpx.Request("GET", place.url, headers=headers)
        wire = _Wire(self, place.origin)
        core = httpcore.URL(
            scheme=place.origin.scheme.encode(),
            host=place.origin.host.encode(),
            port=place.origin.port,
            target=request.url.raw_path,
        )
        async with httpcore.AsyncConnectionPool(
            ssl_context=self.tls, max_connections=1, max_keepalive_connections=0, network_backend=wire
        ) as pool:
            with wire.translating():
                answer = await pool.handle_async_request(httpcore.Request(b"GET", core, headers=request.headers.raw))
            wire.head_is_here = True
            try:
                async with aclosing(wire.content(answer)) as chunks:
                    yield Reply(answer.status, httpx.Headers(answer.headers), chunks)
            finally:
                await answer.aclose()


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers, and the content as it is sent, without the framing of the connection."""

    status: int
    headers: httpx.Headers
    chunks: AsyncIterator[bytes]


class _Wire(httpcore.AsyncNetworkBackend):
    """What httpcore connects by, for one request to one origin."""

    def __init__(self, transport: Transport, origin: Origin) -> None:
        self._transport = transport
        self._origin = origin
        self._inner = httpcore.AnyIOBackend()
        self.head_is_here = False
        self.ended = False

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._allowed(host)
        failures: list[str] = []
        for address in addresses:
            try:
                async with self._transport.clock.timeout(self._transport.patience / len(addresses)):
                    inner = await self._inner.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, TimeoutError) as error:
                failures.append(f"{address}: {told(error)}")
            else:
                return _Stream(inner, self, self._transport.header_bytes)
        raise self._broken(f"cannot be reached ({'; '.join(failures)})")

    async def _allowed(self, host: str) -> list[Address]:
        """The addresses of ``host`` that may be connected to.

        :raises RefusedFetchError: all of them are out of bounds.
        """
        try:
            addresses = [ip_address(host)]
        except ValueError:
            addresses = await self._resolved(host)
        verdicts = {address: self._transport.policy.why_not(address, self._origin.scheme) for address in addresses}
        if allowed := [address for address, reason in verdicts.items() if not reason]:
            return allowed
        reasons = ", ".join(f"{address} ({reason})" for address, reason in verdicts.items())
        raise self._refused(
            f"is at {reasons}, where nothing is fetched from",
            "If this is meant, list the network; if not, find out who gives out this address",
            addresses=tuple(map(str, verdicts)),
        )

    async def _resolved(self, host: str) -> list[Address]:
        try:
            addresses = [ip_address(text) for text in await self._transport.resolve(host)]
        except OSError as error:
            raise self._broken(f"cannot be resolved ({error.strerror or error})") from error
        if not addresses:
            raise self._broken("has no address")
        return addresses

    async def content(self, answer: httpcore.Response) -> AsyncGenerator[bytes, None]:
        with self.translating():
            async for chunk in answer.aiter_stream():
                yield chunk

    @contextmanager
    def translating(self) -> Iterator[None]:
        """Make errors of ours of those of httpcore."""
        try:
            yield
        except httpcore.RemoteProtocolError as error:
            if self.ended:
                raise self._broken("broke off before the end") from error
            raise self._refused(f"does not speak HTTP/1.1 ({error})", "Look at what answers in its place") from error
        except httpcore.NetworkError as error:
            if certificate := _reason_in_tls(error):
                raise self._refused(
                    f"cannot be trusted: {certificate}",
                    "Renew its certificate, or trust who issued it in the TLS context",
                ) from error
            raise self._broken(f"broke off ({told(error)})") from error

    def too_much(self) -> RefusedFetchError:
        return self._refused(
            f"sends more than {self._transport.header_bytes} bytes before any content",
            "Look at what answers in its place, or raise the limit on header_bytes",
        )

    def _broken(self, what: str) -> TransientFetchError:
        return TransientFetchError(f"{self._origin} {what}", fix="Try again later", origin=str(self._origin))

    def _refused(self, what: str, fix: str, **evidence: object) -> RefusedFetchError:
        return RefusedFetchError(f"{self._origin} {what}", fix=fix, origin=str(self._origin), **evidence)


class _Stream(httpcore.AsyncNetworkStream):
    """A connection that counts what comes before the content, and notes its end."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, wire: _Wire, left: int) -> None:
        self._inner = inner
        self._wire = wire
        self._left = left

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's signature
        if not self._wire.head_is_here and self._left <= 0:
            raise self._wire.too_much()
        data = await self._inner.read(max_bytes, timeout)
        self._left -= len(data)
        self._wire.ended = not data
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's signature
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        inner = await self._inner.start_tls(ssl_context, server_hostname, timeout)
        return _Stream(inner, self._wire, self._left)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _reason_in_tls(error: BaseException | None) -> str:
    """What is wrong with a server's TLS, if that is the reason of ``error`` and will still be so next time."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"its certificate is refused ({error.verify_message})"
        if isinstance(error, ssl.SSLError) and not isinstance(error, _BROKEN):
            return f"TLS failed ({error.reason or error})"
        error = error.__cause__ or error.__context__
    return ""
