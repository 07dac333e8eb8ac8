"""The place that examples share: as new for each, and truly new after one that failed."""

from pathlib import Path
from typing import Any

import pytest

from mutants import reference
from oneiric_conformance import PROFILES, Session, Status
from oneiric_conformance.handling.places import Ground, Place
from oneiric_conformance.observing.quarters import Quarters
from oneiric_conformance.strategies import MARKER, NESTING
from oneiric_core.testing import CoreRuntime


def test_what_a_runtime_kept_is_gone_for_the_next_example() -> None:
    with Quarters().sandbox() as box:
        ground = Ground(box)
        with ground.place() as first:
            (first.cache / "blobs").mkdir(parents=True)
            (first.cache / "blobs" / "kept").touch()
            first.state.mkdir()
            before = first.outside()
        with ground.place() as second:
            assert second == first
            assert not second.cache.exists()
            assert not second.state.exists()
            assert second.outside() == before


def spoilt(place: Place, before: dict[str, str]) -> LookupError:
    (place.root / "escaped").touch()
    (place.offered / "here").mkdir(mode=0o000)
    assert place.outside() != before
    return LookupError()


def test_after_a_finding_it_is_new_under_the_same_name() -> None:
    with Quarters().sandbox() as box:
        ground = Ground(box)
        with pytest.raises(LookupError), ground.place() as first:
            raise spoilt(first, before := first.outside())
        with ground.place() as second:
            assert second == first
            assert second.outside() == before


class LeavesOne(CoreRuntime):
    """Makes a file beside whatever absolute path it is asked for in the directory above its own."""

    async def fetch(self, uri: str, sha256: str, length: int | None) -> Any:
        asked = Path(uri.removeprefix("file:").replace("\0", ""))
        if asked.is_absolute() and asked.parts[-len(NESTING) - 1 :] == (*NESTING, MARKER) and "offered" not in uri:
            asked.with_name("left").touch()
        return await super().fetch(uri, sha256, length)


def test_an_absolute_name_leads_into_the_place_where_it_is_seen() -> None:
    with Session(reference.package(), profile=PROFILES["gate"], runtime_factory=LeavesOne) as session:
        (planned,) = [each for each in session.plan() if each.check == "PATH-001"]
        result = session.judge(planned)
    assert result.status is Status.FAIL
    assert "outside the cache" in result.reason
    assert "left' appeared" in result.reason
