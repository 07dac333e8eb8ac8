"""How large a manifest may be is said once, and holds wherever it comes from and whenever it is read again."""

from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest

from oneiric_core import FetchLimits
from oneiric_core.errors import FetchError, ManifestError
from oneiric_core.manifest import JSON, Limits
from oneiric_core.testing import (
    MEDIA_TYPES,
    ArtifactServer,
    Broken,
    Reply,
    WireFault,
    manifest_entry,
    signed_manifest,
)

Form = Literal["flat", "dsse"]
MIB = 1 << 20
ROOMY = {"manifest_bytes": 64 * MIB}
NAMES = {"adapter/cache/redis"}


@cache
def manifest(form: Form = "flat", size: int = 17 * MIB) -> bytes:
    entry = manifest_entry("adapter", "cache", "redis", "acme:Component", metadata={"description": "x" * size})
    return signed_manifest([entry], source="acme", form=form)


@pytest.fixture(autouse=True)
def components(world: Any) -> None:
    world.factories["acme:Component"] = dict


@pytest.mark.parametrize("form", ["flat", "dsse"])
async def test_one_that_is_larger_than_usual_is_applied_where_that_is_allowed(
    form: Form, world: Any, fetching: Any, tmp_path: Path
) -> None:
    path = tmp_path / ("manifest.json" if form == "flat" else "manifest.dsse.json")
    path.write_bytes(manifest(form))
    await world.sync(path, fetcher=fetching.fetcher(limits=ROOMY))
    assert world.names() == NAMES
    await world.restart()
    await world.sync((manifest(form), MEDIA_TYPES[form]), fetcher=fetching.fetcher(limits=ROOMY))
    assert world.names() == NAMES


async def test_it_serves_again_after_a_restart(server: ArtifactServer, world: Any, fetching: Any) -> None:
    url = server.on("/manifest.json", Reply(manifest()), Broken(WireFault.CLOSED))
    await world.sync(url, fetcher=fetching.fetcher(limits=ROOMY))
    await world.restart()
    report = await world.sync(url, fetcher=fetching.fetcher(limits=ROOMY))
    assert world.names() == NAMES
    assert "broke off" in report.stale


async def test_one_that_is_too_large_says_what_to_raise(
    server: ArtifactServer, world: Any, fetching: Any, tmp_path: Path
) -> None:
    (tmp_path / "manifest.json").write_bytes(manifest())
    url = server.serve("/manifest.json", manifest())
    for source in (tmp_path / "manifest.json", url, (manifest(), JSON)):
        with pytest.raises(ManifestError, match="raise max_manifest_bytes") as caught:
            await world.sync(source, fetcher=fetching.fetcher())
        assert caught.value.evidence["limit"] == 16 * MIB
    with pytest.raises(ManifestError, match="more than 16777216 bytes"):
        await world.sync((manifest(), JSON))
    assert world.names() == set()


async def test_less_may_be_allowed_than_is_usual(world: Any, fetching: Any) -> None:
    small = manifest(size=100)
    with pytest.raises(ManifestError, match="more than 99 bytes"):
        await world.sync((small, JSON), fetcher=fetching.fetcher(limits={"manifest_bytes": 99}))
    await world.sync((small, JSON), fetcher=fetching.fetcher(limits={"manifest_bytes": len(small)}))
    assert world.names() == NAMES


async def test_what_was_kept_may_be_too_large_by_now(server: ArtifactServer, world: Any, fetching: Any) -> None:
    small = manifest(size=100)
    url = f"{server.on('/manifest.json', Reply(small), Broken(WireFault.CLOSED))}?signature=secret"
    await world.sync(url, fetcher=fetching.fetcher())
    await world.restart()
    with pytest.raises(FetchError) as caught:
        await world.sync(url, fetcher=fetching.fetcher(limits={"manifest_bytes": 99}))
    [note] = caught.value.__notes__
    assert "cannot serve either" in note
    assert "manifest.json' has more than 99 bytes" in note
    assert world.names() == set()


def test_more_bytes_may_hold_more_values_and_fewer_no_less() -> None:
    usual = Limits()
    assert FetchLimits().document == usual
    assert FetchLimits(manifest_bytes=64 * MIB).document == Limits(max_bytes=64 * MIB, max_nodes=4 * usual.max_nodes)
    assert FetchLimits(manifest_bytes=MIB).document == Limits(max_bytes=MIB)
