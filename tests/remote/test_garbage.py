"""The collector's own searches wait while a large manifest comes in, and it is left as it was found."""

import gc
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from oneiric_core import Resolver, UnsafeAcceptUnsigned
from oneiric_core.remote.garbage import no_garbage_search
from oneiric_core.remote.sync import sync_remote_manifest
from oneiric_core.testing import manifest_entry


@pytest.fixture(params=[True, False], ids=["on", "off"])
def on(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Whether the application has the collector on."""
    before = gc.isenabled()
    if request.param:
        gc.enable()
    else:
        gc.disable()
    yield request.param
    if before:
        gc.enable()
    else:
        gc.disable()


def test_it_is_off_within_and_as_it_was_afterwards(on: bool) -> None:
    with no_garbage_search(many=True):
        assert not gc.isenabled()
    assert gc.isenabled() is on


def test_a_failure_leaves_it_as_it_was(on: bool) -> None:
    with pytest.raises(KeyError), no_garbage_search(many=True):
        raise KeyError
    assert gc.isenabled() is on


def test_for_few_it_stays_as_it_is(on: bool) -> None:
    with no_garbage_search(many=False):
        assert gc.isenabled() is on


def test_of_blocks_that_overlap_the_last_one_ends_it(on: bool) -> None:
    """As two threads have them: the first to begin is the first to end."""
    begun, end = threading.Event(), threading.Event()

    def hold() -> None:
        with no_garbage_search(many=True):
            begun.set()
            end.wait(60)

    other = threading.Thread(target=hold)
    other.start()
    assert begun.wait(60)
    with no_garbage_search(many=True):
        end.set()
        other.join()
        assert not gc.isenabled()
    assert gc.isenabled() is on


@pytest.fixture
def searches() -> Iterator[list[int]]:
    """The searches that the collector begins, by generation; none of what was dropped before."""
    begun: list[int] = []

    def seen(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            begun.append(info["generation"])

    gc.collect()
    gc.callbacks.append(seen)
    yield begun
    gc.callbacks.remove(seen)


def large() -> bytes:
    """One candidate is several objects, and seven hundred new objects start a search."""
    entries = [
        manifest_entry("adapter", f"key-{number}", "acme", "oneiric_core.testing.sample:Sample", owner="o" * 80)
        for number in range(3_000)
    ]
    return json.dumps({"source": "acme", "entries": entries}).encode()


async def test_a_large_manifest_comes_in_with_few_searches(searches: list[int]) -> None:
    data = large()
    searches.clear()
    report = await sync_remote_manifest(Resolver(), (data, "application/json"), trust=UnsafeAcceptUnsigned())
    assert report.registered == 3_000
    assert len(searches) < 10, searches
    assert gc.isenabled()


async def test_so_does_the_one_that_stood_before_where_there_is_none_now(tmp_path: Path, searches: list[int]) -> None:
    path, state = tmp_path / "manifest.json", tmp_path / "state"
    path.write_bytes(large())
    await sync_remote_manifest(Resolver(), path, trust=UnsafeAcceptUnsigned(), state_dir=state)
    path.unlink()
    searches.clear()
    report = await sync_remote_manifest(Resolver(), path, trust=UnsafeAcceptUnsigned(), state_dir=state)
    assert report.stale
    assert report.registered == 3_000
    assert len(searches) < 10, searches
    assert gc.isenabled()
