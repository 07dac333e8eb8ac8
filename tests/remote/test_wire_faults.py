"""Whatever is wrong on the wire: an error that says so, within the deadline, and a cache exactly as before."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest

from oneiric_core import ArtifactManager
from oneiric_core.errors import (
    ArtifactTooLargeError,
    DigestMismatchError,
    OneiricError,
    RefusedFetchError,
    TransientFetchError,
)
from oneiric_core.testing import ArtifactServer, Broken, Reply, Tls, WireFault

BODY = bytes(range(256)) * 16
SHA256 = hashlib.sha256(BODY).hexdigest()
EARLIER = b"what was there before"

MAY_GO_RIGHT_NEXT_TIME = {
    "SILENT", "STALLED_HEAD", "STALLED_BODY", "DRIP", "CLOSED", "RESET", "CUT_HEAD", "SHORT", "RESET_BODY",
    "CUT_CHUNKS", "HUGE_CHUNK", "GARBAGE",
    "OTHER_PROTOCOL",  # a line and the end: nothing tells it from an answer that broke off
}  # fmt: skip
WILL_NOT = {
    "BROKEN_CHUNKS", "NEGATIVE_CHUNK", "NO_HEAD", "BAD_STATUS", "TWO_LENGTHS", "NEGATIVE_LENGTH",
    "WORDY_LENGTH", "LENGTH_AND_CHUNKS", "UNKNOWN_TRANSFER", "HUGE_HEADER", "MANY_HEADERS", "NUL_HEADER",
    "NAMELESS_HEADER", "WRONG_ENCODING", "UNKNOWN_ENCODING", "UNASKED_GZIP", "CUT_GZIP", "GZIP_BOMB", "NO_CONTENT",
    "UNASKED_PART", "OTHER_PART", "LOOP", "FOREVER", "NOWHERE",
}  # fmt: skip
OTHER_BYTES = {"CHANGED": DigestMismatchError, "EMPTY": DigestMismatchError, "ENDLESS": ArtifactTooLargeError}
HARMLESS = {"LONG", "STALE", "EARLY_ANSWERS"}
"""The content is all there and right, and what follows or precedes it is not looked at."""

FAULTS: dict[str, type[OneiricError]] = {
    **dict.fromkeys(sorted(MAY_GO_RIGHT_NEXT_TIME), TransientFetchError),
    **dict.fromkeys(sorted(WILL_NOT), RefusedFetchError),
    **OTHER_BYTES,
}
HANGING = {"SILENT", "STALLED_HEAD", "STALLED_BODY", "DRIP"}
DEADLINE = 30.0


def files(root: Path) -> dict[str, tuple[bytes, int]]:
    """All there is below the cache, with its modes and times of change."""
    return {
        str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mode)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_every_fault_of_the_server_is_expected_here() -> None:
    assert {*FAULTS, *HARMLESS} == {fault.name for fault in WireFault}


@pytest.mark.parametrize("declared", [True, False], ids=["length declared", "length unknown"])
@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_an_error_within_the_deadline_and_leaves_the_cache_as_it_was(
    name: str, declared: bool, server: ArtifactServer, fetching: Any, tmp_path: Path
) -> None:
    fetcher = fetching.fetcher(limits={"artifact_bytes": 1 << 20})
    manager = ArtifactManager(tmp_path / "cache", fetcher=fetcher)
    await manager.fetch(server.serve("/earlier", EARLIER), hashlib.sha256(EARLIER).hexdigest())
    before = files(tmp_path / "cache")
    url = server.on("/fault", Broken(WireFault[name], BODY))
    length = len(BODY) if declared else None

    began = fetching.clock.monotonic()
    fetch = manager.fetch(url, SHA256, length=length)
    if name in HANGING:
        fetch = fetching.passing(fetch, after=asyncio.to_thread(server.wait_for, "/fault"))
    with pytest.raises(FAULTS[name]) as caught:
        await fetch
    assert fetching.clock.monotonic() - began <= DEADLINE
    assert type(caught.value) is FAULTS[name]
    assert files(tmp_path / "cache") == before
    assert len(server.requests_to("/fault")) == {"LOOP": 6, "FOREVER": 6}.get(name, 1)

    server.on("/fault", Reply(BODY))
    assert (await manager.fetch(url, SHA256, length=length)).read_bytes() == BODY


@pytest.mark.parametrize("name", sorted(HARMLESS))
async def test_oddities_around_the_right_bytes_do_no_harm(
    name: str, server: ArtifactServer, fetching: Any, tmp_path: Path
) -> None:
    manager = ArtifactManager(tmp_path / "cache", fetcher=fetching.fetcher())
    url = server.on("/fault", Broken(WireFault[name], BODY))
    assert (await manager.fetch(url, SHA256, length=len(BODY))).read_bytes() == BODY


async def test_early_answers_without_an_end_are_a_head_that_is_too_long(
    server: ArtifactServer, fetching: Any, tmp_path: Path
) -> None:
    url = server.on("/fault", Broken(WireFault.EARLY_ANSWERS, BODY, amount=10_000))
    with pytest.raises(RefusedFetchError, match="before any content"):
        await ArtifactManager(tmp_path / "cache", fetcher=fetching.fetcher()).fetch(url, SHA256)


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_every_way_to_tell_the_end_is_understood(
    framing: str, server: ArtifactServer, fetching: Any, tmp_path: Path
) -> None:
    manager = ArtifactManager(tmp_path / "cache", fetcher=fetching.fetcher())
    path = await manager.fetch(server.on("/a", Reply(BODY, framing=framing)), SHA256, length=len(BODY))
    assert path.read_bytes() == BODY


@pytest.mark.parametrize("kind", [kind for kind in Tls if kind is not Tls.GOOD], ids=lambda kind: kind.name)
async def test_a_server_that_cannot_prove_who_it_is_is_asked_for_nothing(
    kind: Tls, fetching: Any, tmp_path: Path
) -> None:
    with ArtifactServer(tls=kind) as wrong, ArtifactServer(tls=Tls.GOOD) as right:
        fetcher = fetching.fetcher(tls=right.certificates.client_context(), attempts=3)
        manager = ArtifactManager(tmp_path / "cache", fetcher=fetcher)
        with pytest.raises(RefusedFetchError, match=r"TLS|certificate"):
            await manager.fetch(wrong.serve("/a", BODY), SHA256)
        assert wrong.requests == ()
        assert len(wrong.unexpected) <= 1
        path = await manager.fetch(right.serve("/a", BODY), SHA256, length=len(BODY))
        assert path.read_bytes() == BODY


async def test_by_default_whom_the_system_trusts_is_trusted_and_nobody_else(fetching: Any, tmp_path: Path) -> None:
    with ArtifactServer(tls=Tls.GOOD) as server:
        manager = ArtifactManager(tmp_path / "cache", fetcher=fetching.fetcher())
        with pytest.raises(RefusedFetchError, match="certificate"):
            await manager.fetch(server.serve("/a", BODY), SHA256)
