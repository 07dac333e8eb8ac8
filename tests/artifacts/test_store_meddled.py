"""Somebody is at work in the store's directories while it writes, and nobody may be where it looks."""

import hashlib
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oneiric_core.artifacts.store import BlobStore
from oneiric_core.clock import FrozenClock
from oneiric_core.errors import ArtifactError

CONTENT = b"the code of a component"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
START = datetime(2026, 6, 1, tzinfo=UTC)


class Meddling(FrozenClock):
    """The time is asked for when an artifact is whole and not yet published: somebody acts just then."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__(START)
        self.act = act

    def now(self) -> datetime:
        self.act()
        return super().now()


def test_an_artifact_that_has_a_second_name_is_none_and_says_so(tmp_path: Path) -> None:
    """It was linked while it was written, so that whoever did it could change the bytes later."""
    root, outside = tmp_path / "cache", tmp_path / "linked"

    def link() -> None:
        if not outside.exists():
            [written] = (root / "temporary").iterdir()
            os.link(written, outside)

    with pytest.raises(ArtifactError) as caught:
        BlobStore(root, clock=Meddling(link)).add([CONTENT], SHA256)
    assert str(caught.value) == (
        f"artifact {SHA256} was written and is gone again: somebody makes room, or works in the cache's directories. "
        "Fetch it once more, and hold it while it is needed."
    )
    assert dict(caught.value.evidence) == {"sha256": SHA256}
    assert BlobStore(root).find(SHA256) is None


def test_what_is_planted_under_its_name_just_before_makes_way(tmp_path: Path) -> None:
    root = tmp_path / "cache"

    def plant() -> None:
        (root / "blobs" / SHA256).mkdir(exist_ok=True)

    path = BlobStore(root, clock=Meddling(plant)).add([CONTENT], SHA256)
    assert path.read_bytes() == CONTENT
    assert len([*(root / "quarantine").iterdir()]) == 1


def test_looking_makes_nothing_where_there_is_no_cache(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "cache")
    assert store.find(SHA256) is None
    assert (store.entries(), store.digests()) == ((), ())
    with pytest.raises(ArtifactError, match=SHA256), store.open(SHA256):
        pass
    assert list(tmp_path.iterdir()) == []


def test_looking_makes_no_place_in_a_cache_that_lacks_it(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir(0o700)
    store = BlobStore(tmp_path / "cache")
    assert store.find(SHA256) is None
    assert store.digests() == ()
    assert list(store.root.iterdir()) == []


def test_only_digests_are_listed(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "cache")
    store.add([CONTENT], SHA256)
    for name in ("notes", SHA256[:-1], SHA256.upper()):
        (store.root / "blobs" / name).write_bytes(b"")
    assert store.digests() == (SHA256,)


def test_the_last_use_is_that_of_artifact_or_tree_whichever_was_later(tmp_path: Path) -> None:
    clock = FrozenClock(START)
    store = BlobStore(tmp_path / "cache", clock=clock)
    store.add([CONTENT], SHA256)
    tree = store.root / "trees" / SHA256
    tree.mkdir(0o700, parents=True)
    tree.parent.chmod(0o700)
    (tree / "code.py").write_bytes(b"")
    tree.chmod(0o500)
    for of_the_tree, last in ((-1, START), (1, START + timedelta(hours=1))):
        moment = (START + timedelta(hours=of_the_tree)).timestamp()
        os.utime(tree, (moment, moment))
        [entry] = store.entries()
        assert (entry.unpacked, entry.used) == (True, last)
