"""How bytes get here: implementations open a stream, and :class:`Fetcher` bounds it, whatever they forget.

An implementation gives :meth:`Fetcher._fetch`, one attempt at one request. :meth:`Fetcher.fetch` is what everybody
calls. It sees to

* one deadline for everything, retries and the work of who takes the bytes included;
* the beginning of the answer within the limit of patience, and a minimum rate from then on;
* length before, and bytes counted while they come; no content coding, which could make much of little;
* another attempt where that may help (:mod:`.retry`), none where a server failed often enough (:mod:`.breaker`);
* counting (:mod:`.instruments`).
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar

from opentelemetry.metrics import MeterProvider

from oneiric_core.clock import SYSTEM_CLOCK, Clock
from oneiric_core.errors import (
    ArtifactTooLargeError,
    DigestMismatchError,
    RefusedFetchError,
    TransientFetchError,
)
from oneiric_core.remote.breaker import Breaker
from oneiric_core.remote.instruments import Instruments, Tally
from oneiric_core.remote.limits import FetchLimits
from oneiric_core.remote.retry import Retries
from oneiric_core.remote.url_text import shown

__all__ = ["Answer", "Fetcher", "Progress", "Request", "Tally"]

T = TypeVar("T")
Progress: TypeAlias = Callable[[int, int | None], None]
"""Called with the bytes received so far and the length announced; another attempt begins again at 0."""

_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
_DEFAULT_LIMITS: Final = FetchLimits()


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    :param most: the most bytes allowed.
    :param seconds: until all of it has to be here.
    :param headers: for the origin of ``url`` and for nobody a redirect leads to; they may be secret.
    :param length: how many bytes there have to be, where that was declared.
    :param etag: of what we have; asks for an answer only if there is something else now.
    """

    url: str
    most: int
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    length: int | None = None
    etag: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "headers", MappingProxyType(dict(self.headers)))

    @property
    def shown(self) -> str:
        """The URL for messages and logs: without what may be secret in it."""
        return shown(self.url)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one attempt opened.

    :param chunks: the content, not decoded; to be read once.
    :param length: how many bytes it is said to have.
    :param media_type: what it is said to be; empty if nothing is said.
    :param coding: the content coding it is said to have; any but ``identity`` is refused.
    :param unchanged: it is what ``Request.etag`` names, and has no content here.
    """

    chunks: AsyncIterator[bytes]
    length: int | None = None
    media_type: str = ""
    coding: str = "identity"
    etag: str | None = None
    unchanged: bool = False


class Fetcher(ABC):
    """Brings bytes within limits.

    :param breaker: shared by those who shall learn from each other's failures; its own if None.
    :param meters: makes the instruments; the global provider of OpenTelemetry if None.
    """

    def __init__(
        self,
        *,
        limits: FetchLimits = _DEFAULT_LIMITS,
        breaker: Breaker | None = None,
        clock: Clock = SYSTEM_CLOCK,
        meters: MeterProvider | None = None,
    ) -> None:
        self.limits = limits
        self.breaker = Breaker(clock=clock) if breaker is None else breaker
        self._clock = clock
        self._retries = Retries(limits, self.breaker, clock)
        self._instruments = Instruments(self.breaker, clock, meters)

    # --- what an implementation gives ------------------------------------------------------------------------------

    @abstractmethod
    def origin(self, url: str) -> str:
        """Whose failures are counted together, decided from the text.

        :raises RefusedFetchError: it is nothing that can be fetched.
        """

    @abstractmethod
    def _fetch(self, request: Request) -> AbstractAsyncContextManager[Answer]:
        """Open a stream, once; leaving closes it. No limit needs to be kept, and an ``OSError`` may be raised as it is.

        :raises TransientFetchError: worth another try; ``evidence["retry_after"]`` seconds from now, if it says so.
        :raises RefusedFetchError: not worth another try.
        """

    # --- what everybody calls --------------------------------------------------------------------------------------

    def manifest(self, url: str, *, headers: Mapping[str, str] = _NO_HEADERS, etag: str | None = None) -> Request:
        """A request for a manifest."""
        return Request(url, self.limits.manifest_bytes, self.limits.seconds, headers, etag=etag)

    def artifact(self, url: str, *, headers: Mapping[str, str] = _NO_HEADERS, length: int | None = None) -> Request:
        """A request for an artifact; a longer one may take longer, where its length is declared."""
        most = self.limits.artifact_bytes if length is None else min(length, self.limits.artifact_bytes)
        return Request(url, most, self.limits.deadline(most, declared=length is not None), headers, length)

    async def fetch(
        self,
        request: Request,
        take: Callable[[Answer], Awaitable[T]],
        *,
        progress: Progress | None = None,
        tally: Tally | None = None,
    ) -> T:
        """What ``take`` makes of the answer. It is called again for each attempt that got as far as an answer.

        :raises TransientFetchError: it did not work, and may work later.
        :raises RefusedFetchError: it will not work as asked; the server was asked once, or not at all.
        :raises ArtifactTooLargeError: there are more bytes than declared or allowed.
        :raises DigestMismatchError: there are fewer than declared.
        """
        origin = self.origin(request.url)
        with self._instruments.fetch(origin) as mine:
            try:
                async with self._deadline(request):
                    return await self._retries.run(
                        origin, lambda: self._attempt(request, take, progress, mine), request.seconds
                    )
            finally:
                if tally is not None:
                    tally.add(mine)

    @asynccontextmanager
    async def _deadline(self, request: Request) -> AsyncIterator[None]:
        timer: asyncio.Timeout | None = None
        try:
            async with self._clock.timeout(request.seconds) as timer:
                yield
        except TimeoutError as error:
            if timer is None or not timer.expired():
                raise  # one of whoever takes the bytes
            raise TransientFetchError(
                f"all of it was not here within {request.seconds:g} s",
                fix="Try again later, or raise the limit on seconds",
                url=request.shown,
                seconds=request.seconds,
            ) from error

    async def _attempt(
        self, request: Request, take: Callable[[Answer], Awaitable[T]], progress: Progress | None, tally: Tally
    ) -> T:
        tally.attempts += 1
        async with AsyncExitStack() as stack:
            answer = await self._open(stack, request)
            _judge(request, answer)
            chunks = await stack.enter_async_context(aclosing(self._bounded(request, answer, progress, tally)))
            return await take(replace(answer, chunks=chunks))

    async def _open(self, stack: AsyncExitStack, request: Request) -> Answer:
        try:
            async with self._clock.timeout(self.limits.patience):
                return await stack.enter_async_context(self._fetch(request))
        except OSError as error:  # TimeoutError is one
            raise _broken(request, error, f"no answer within {self.limits.patience:g} s") from error

    async def _bounded(
        self, request: Request, answer: Answer, progress: Progress | None, tally: Tally
    ) -> AsyncGenerator[bytes, None]:
        """The content, as long as it keeps the limits on rate and size.

        Only waiting for the server counts as waiting. After each stretch of it the bytes are counted.
        """
        received = 0
        left, due = self.limits.patience, self.limits.patience * self.limits.min_rate
        while True:
            began = self._clock.monotonic()
            try:
                async with self._clock.timeout(left):
                    chunk = await anext(answer.chunks, None)
            except OSError as error:
                raise _broken(request, error, f"less than {self.limits.min_rate:g} bytes a second") from error
            if chunk is None:
                return
            received += len(chunk)
            tally.bytes += len(chunk)
            if received > request.most:
                raise _too_large(request, f"sends more than the {request.most} bytes")
            due -= len(chunk)
            left -= self._clock.monotonic() - began
            if due <= 0:  # enough for this stretch: the next one begins
                left, due = self.limits.patience, self.limits.patience * self.limits.min_rate
            yield chunk
            if progress is not None:
                progress(received, answer.length)


def _judge(request: Request, answer: Answer) -> None:
    """Whatever can be said before the first byte."""
    if answer.coding.lower() not in {"", "identity"}:
        raise RefusedFetchError(
            f"the answer is coded as {answer.coding[:40]!r}",
            fix="Have the server send the file as it is: it was asked for identity",
            url=request.shown,
            coding=answer.coding,
        )
    if answer.unchanged and request.etag is None:
        raise RefusedFetchError(
            "the server says that nothing has changed, and was not asked",
            fix="Look at what answers in its place",
            url=request.shown,
        )
    if answer.length is None or answer.unchanged:
        return
    if answer.length > request.most:
        raise _too_large(request, f"announces {answer.length} bytes, more than the {request.most}")
    if request.length is not None and answer.length < request.length:
        raise DigestMismatchError(
            f"SHA256 mismatch: the server announces {answer.length} bytes, and {request.length} were declared",
            fix="Fetch the file the manifest was made for, or ask the publisher for a new manifest",
            url=request.shown,
            length=answer.length,
        )


def _too_large(request: Request, what: str) -> ArtifactTooLargeError:
    return ArtifactTooLargeError(
        f"the server {what} {'allowed' if request.length is None else 'declared'}",
        fix="Ask the publisher for a manifest with the right length, or allow more",
        url=request.shown,
        limit=request.most,
    )


def _broken(request: Request, error: OSError, late: str) -> TransientFetchError:
    what = late if isinstance(error, TimeoutError) else f"{type(error).__name__}: {error}"
    return TransientFetchError(f"the connection failed: {what}", fix="Try again later", url=request.shown)
