"""What every fetcher keeps to, whatever its implementation forgets. The implementations here forget all of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneiric_core import Answer, Fetcher, FetchLimits, FrozenClock, Request
from oneiric_core.errors import (
    ArtifactTooLargeError,
    DigestMismatchError,
    FetchError,
    RefusedFetchError,
    TransientFetchError,
)
from oneiric_core.remote.fetcher import Tally

URL = "x://host/a?secret"


class Forgetful(Fetcher):
    """Gives what it was made with, and knows no limit.

    :param pieces: the content; a number is a pause of so many seconds, an exception is raised.
    """

    def __init__(self, *pieces: bytes | float | Exception, answer: Answer | None = None, **options: Any) -> None:
        self.clock = options.setdefault("clock", FrozenClock())
        options.setdefault("limits", FetchLimits(attempts=1))
        super().__init__(**options)
        self.pieces = pieces
        self.answer = answer
        self.opened = self.closed = 0

    def origin(self, url: str) -> str:
        return url.partition("?")[0]

    @asynccontextmanager
    async def _fetch(self, request: Request) -> AsyncIterator[Answer]:
        self.opened += 1
        try:
            if self.answer is None:
                yield Answer(self._chunks())
            else:
                yield self.answer
        finally:
            self.closed += 1

    async def _chunks(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            if isinstance(piece, bytes):
                yield piece
            else:
                await self.clock.sleep(piece)


async def nothing() -> AsyncIterator[bytes]:
    return
    yield b""


async def read(answer: Answer) -> bytes:
    return b"".join([chunk async for chunk in answer.chunks])


async def passing(clock: FrozenClock, work: Awaitable[bytes]) -> bytes:
    """What ``work`` gives, while the clock goes on as often as it must."""
    task = asyncio.ensure_future(work)
    while not task.done():
        await clock.advance(0.5)
    return await task


async def test_content_within_all_limits_passes() -> None:
    fetcher = Forgetful(b"ab", b"c")
    assert await fetcher.fetch(fetcher.artifact(URL, length=3), read) == b"abc"
    assert (fetcher.opened, fetcher.closed) == (1, 1)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=10), st.integers(0, 200))
async def test_never_is_a_byte_more_handed_out_than_was_allowed(pieces: list[bytes], most: int) -> None:
    fetcher, got = Forgetful(*pieces), []

    async def take(answer: Answer) -> None:
        async for chunk in answer.chunks:
            got.append(chunk)  # noqa: PERF401 - what came before the error counts

    total = sum(map(len, pieces))
    try:
        await fetcher.fetch(Request(URL, most, 30), take)
    except ArtifactTooLargeError:
        assert total > most
    else:
        assert total <= most
        assert b"".join(got) == b"".join(pieces)
    assert len(b"".join(got)) <= most
    assert fetcher.closed == 1


@pytest.mark.parametrize(
    ("answer", "length", "error"),
    [
        (Answer(nothing(), length=11), 10, ArtifactTooLargeError),
        (Answer(nothing(), length=9), 10, DigestMismatchError),
        (Answer(nothing(), length=5 << 30), None, ArtifactTooLargeError),
        (Answer(nothing(), coding="gzip"), None, RefusedFetchError),
        (Answer(nothing(), coding="gzip, identity"), None, RefusedFetchError),
        (Answer(nothing(), unchanged=True), None, RefusedFetchError),
    ],
)
async def test_what_can_be_said_before_the_first_byte_is(
    answer: Answer, length: int | None, error: type[Exception]
) -> None:
    fetcher = Forgetful(answer=answer)
    with pytest.raises(error):
        await fetcher.fetch(fetcher.artifact(URL, length=length), read)
    assert fetcher.closed == 1


@pytest.mark.parametrize("coding", ["", "identity", "IDENTITY"])
async def test_no_coding_is_fine_by_any_name(coding: str) -> None:
    fetcher = Forgetful(answer=Answer(nothing(), length=0, coding=coding))
    assert await fetcher.fetch(fetcher.artifact(URL), read) == b""


async def test_an_answer_that_does_not_begin_is_given_up_on() -> None:
    class Silent(Forgetful):
        @asynccontextmanager
        async def _fetch(self, request: Request) -> AsyncIterator[Answer]:
            await self.clock.sleep(10**9)
            yield Answer(self._chunks())

    fetcher = Silent()
    with pytest.raises(TransientFetchError, match="no answer within 10 s"):
        await passing(fetcher.clock, fetcher.fetch(fetcher.manifest(URL), read))
    assert fetcher.clock.monotonic() <= 11


async def test_a_drip_is_broken_off_though_each_byte_comes_in_time() -> None:
    """Five bytes every 0.3 s pass a time-out of 0.4 s on each read for as long as anybody has patience."""
    fetcher = Forgetful(*[0.3, b"12345"] * 1000)
    with pytest.raises(TransientFetchError, match="less than 16384 bytes a second"):
        await passing(fetcher.clock, fetcher.fetch(fetcher.artifact(URL), read))
    assert fetcher.clock.monotonic() <= 11


async def test_what_came_fast_before_earns_no_patience_later() -> None:
    fetcher = Forgetful(b"x" * (1 << 24), *[0.3, b"12345"] * 1000)
    with pytest.raises(TransientFetchError, match="bytes a second"):
        await passing(fetcher.clock, fetcher.fetch(fetcher.artifact(URL), read))
    assert fetcher.clock.monotonic() <= 11


async def test_slow_and_steady_arrives() -> None:
    """A control: just above the least rate, for longer than any single time-out."""
    fetcher = Forgetful(*[1.0, b"x" * 20000] * 120)
    content = await passing(fetcher.clock, fetcher.fetch(fetcher.artifact(URL, length=20000 * 120), read))
    assert len(content) == 20000 * 120
    assert fetcher.clock.monotonic() >= 120


async def test_time_taken_by_whoever_takes_the_bytes_is_not_the_servers() -> None:
    fetcher = Forgetful(b"x", b"y", limits=FetchLimits(seconds=1000))

    async def slowly(answer: Answer) -> bytes:
        got = b""
        async for chunk in answer.chunks:
            await fetcher.clock.sleep(100)
            got += chunk
        return got

    assert await passing(fetcher.clock, fetcher.fetch(fetcher.manifest(URL), slowly)) == b"xy"


async def test_but_it_counts_towards_the_deadline_of_the_whole() -> None:
    fetcher = Forgetful(b"x")

    async def forever(answer: Answer) -> bytes:
        await fetcher.clock.sleep(10**9)
        return b""

    with pytest.raises(TransientFetchError, match="within 30 s"):
        await passing(fetcher.clock, fetcher.fetch(fetcher.manifest(URL), forever))
    assert fetcher.clock.monotonic() <= 31
    assert fetcher.closed == 1


async def test_no_retry_goes_beyond_the_deadline() -> None:
    fetcher = Forgetful(9.0, TransientFetchError("no", fix="x"), limits=FetchLimits(attempts=100, retry_seconds=1000))
    with pytest.raises(TransientFetchError):
        await passing(fetcher.clock, fetcher.fetch(fetcher.manifest(URL), read))
    assert fetcher.clock.monotonic() <= 31
    assert fetcher.opened <= 4


@pytest.mark.parametrize("error", [ConnectionResetError("gone"), OSError(5, "I/O error"), TimeoutError("late")])
async def test_errors_of_the_system_are_worth_another_try(error: OSError) -> None:
    class Opens(Forgetful):
        @asynccontextmanager
        async def _fetch(self, request: Request) -> AsyncIterator[Answer]:
            raise error
            yield

    for fetcher in (Forgetful(b"x", error), Opens()):
        with pytest.raises(TransientFetchError) as caught:
            await fetcher.fetch(fetcher.artifact(URL), read)
        assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), TimeoutError("a slow disk"), ValueError()])
async def test_errors_of_whoever_takes_the_bytes_stay_what_they_are(error: Exception) -> None:
    async def fails(answer: Answer) -> None:
        raise error

    fetcher = Forgetful(b"x", limits=FetchLimits(attempts=3))
    with pytest.raises(type(error)) as caught:
        await fetcher.fetch(fetcher.artifact(URL), fails)
    assert caught.value is error
    assert (fetcher.opened, fetcher.closed) == (1, 1)


async def test_a_cancellation_closes_what_is_open_and_is_no_failure() -> None:
    fetcher = Forgetful(b"x", 10**9)
    task = asyncio.ensure_future(fetcher.fetch(fetcher.artifact(URL), read))
    await fetcher.clock.advance(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (fetcher.opened, fetcher.closed) == (1, 1)
    assert fetcher.breaker.states() == {}


async def test_progress_is_told_and_begins_again_with_each_attempt() -> None:
    fetcher = Forgetful(b"ab", b"c", TransientFetchError("no", fix="x"), limits=FetchLimits(attempts=2))
    told: list[tuple[int, int | None]] = []
    tally = Tally()
    with pytest.raises(TransientFetchError):
        await passing(
            fetcher.clock,
            fetcher.fetch(fetcher.artifact(URL), read, progress=lambda *seen: told.append(seen), tally=tally),
        )
    assert told == [(2, None), (3, None), (2, None), (3, None)]
    assert (tally.attempts, tally.bytes) == (2, 6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: FetchLimits(seconds=0),
        lambda: FetchLimits(min_rate=-1),
        lambda: FetchLimits(attempts=0),
        lambda: FetchLimits(patience=0),
        lambda: FetchLimits(redirects=-1),
    ],
)
def test_limits_under_which_nothing_could_be_fetched_cannot_be_made(make: Callable[[], FetchLimits]) -> None:
    with pytest.raises(ValueError, match="Give a positive number"):
        make()


def test_a_longer_artifact_may_take_longer_and_a_manifest_may_not() -> None:
    limits = FetchLimits(seconds=30, min_rate=1000)
    fetcher = Forgetful(limits=limits)
    assert fetcher.artifact(URL, length=1_000_000).seconds == 1000
    assert fetcher.artifact(URL, length=10).seconds == 30
    assert fetcher.manifest(URL).seconds == 30


@pytest.mark.parametrize("announced", [None, 4 << 30])
async def test_a_server_of_what_has_no_declared_length_holds_nobody_up_for_hours(announced: int | None) -> None:
    """Just above the least rate, and for ever; what it announces is its own word, and changes nothing."""
    fetcher = Forgetful(*[1.0, b"x" * 20000] * 1000)
    fetcher.answer = None if announced is None else Answer(fetcher._chunks(), length=announced)
    with pytest.raises(TransientFetchError, match="within 600 s"):
        await passing(fetcher.clock, fetcher.fetch(fetcher.artifact(URL), read))
    assert fetcher.clock.monotonic() <= 601


def test_what_has_no_declared_length_has_as_long_as_a_manifest_and_no_longer_than_the_largest_would_take() -> None:
    assert Forgetful(limits=FetchLimits(seconds=3600)).artifact(URL).seconds == 3600
    assert Forgetful(limits=FetchLimits(artifact_bytes=1_000_000, min_rate=10_000)).artifact(URL).seconds == 100


def test_a_declared_length_beyond_the_limit_is_no_way_around_it() -> None:
    fetcher = Forgetful(limits=FetchLimits(artifact_bytes=100))
    assert fetcher.artifact(URL, length=10**12).most == 100


async def test_neither_headers_nor_the_query_are_in_what_is_told() -> None:
    fetcher = Forgetful(TransientFetchError("no", fix="x"), b"")
    request = fetcher.artifact(URL, headers={"Authorization": "Bearer sesame"})
    assert "sesame" not in repr(request)
    fetcher = Forgetful(0.0, ConnectionResetError())
    with pytest.raises(FetchError) as caught:
        await passing(fetcher.clock, fetcher.fetch(fetcher.artifact(URL), read))
    assert "secret" not in f"{caught.value} {dict(caught.value.evidence)}"


def test_headers_are_fixed_when_the_request_is_made() -> None:
    headers = {"A": "1"}
    request = Forgetful().artifact(URL, headers=headers)
    headers["A"] = "2"
    assert dict(request.headers) == {"A": "1"}
