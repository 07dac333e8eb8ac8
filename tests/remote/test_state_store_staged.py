"""Room on the disk that was taken before: to remember then wants no more of it, whatever others did meanwhile."""

import fcntl
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from oneiric_core.errors import TrustError
from oneiric_core.remote.state_store import StateStore
from oneiric_core.trust.trusted_state import Mark, SourceState

SEEN = SourceState("acme", seen=Mark(7, "ab" * 32))


def stands(state: SourceState) -> SourceState:
    return state.apply(Mark(7, "ab" * 32))


def sees_another(state: SourceState) -> SourceState:
    return replace(state, seen=Mark(8, "the digest of another one, and a little longer than that of the first one"))


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    store = StateStore(tmp_path / "state")
    store.update("acme", lambda _: SEEN)
    return store


def temporaries(tmp_path: Path) -> list[Path]:
    return [*(tmp_path / "state").glob("*.tmp")]


def test_what_is_staged_counts_once_it_is_put_in_place(store: StateStore, tmp_path: Path) -> None:
    with store.stage("acme", stands) as staged:
        assert store.load("acme") == SEEN
        assert [stat.S_IMODE(path.stat().st_mode) for path in temporaries(tmp_path)] == [0o600]
        assert store.update("acme", stands, staged) == stands(SEEN)
    assert StateStore(tmp_path / "state").load("acme") == stands(SEEN)
    assert temporaries(tmp_path) == []


def test_what_is_not_put_in_place_is_gone(store: StateStore, tmp_path: Path) -> None:
    with pytest.raises(KeyError), store.stage("acme", stands):
        raise KeyError
    with store.stage("acme", stands) as staged:
        assert store.update("acme", lambda state: state, staged) == SEEN
    assert store.load("acme") == SEEN
    assert temporaries(tmp_path) == []


@pytest.mark.parametrize("meanwhile", [sees_another, lambda _: SourceState("acme")], ids=["longer", "shorter"])
def test_what_others_remembered_meanwhile_is_not_lost(
    store: StateStore, tmp_path: Path, meanwhile: Callable[[SourceState], SourceState]
) -> None:
    with store.stage("acme", stands) as staged:
        others = StateStore(tmp_path / "state").update("acme", meanwhile)
        store.update("acme", stands, staged)
    assert store.load("acme") == stands(others)


def test_a_disk_that_filled_up_meanwhile_keeps_nothing_from_being_remembered(
    disk: Callable[[str], Path], fill: Callable[[Path], Path]
) -> None:
    place = disk("size=64k")
    store = StateStore(place / "state")
    store.update("acme", lambda _: SEEN)
    with store.stage("acme", stands) as same, store.stage("acme", stands) as other:
        ballast = fill(place)
        store.update("acme", stands, same)
        store.update("acme", sees_another, other)
    assert store.load("acme") == sees_another(stands(SEEN))
    fill(place)
    with pytest.raises(TrustError, match="cannot be written: No space left"), store.stage("acme", stands):
        pass
    assert {path.name for path in place.iterdir()} == {"state", ballast.name}
    assert {path.suffix for path in (place / "state").iterdir()} == {".json", ".lock"}


def test_what_a_kill_left_is_removed_and_what_another_process_holds_is_not(store: StateStore, tmp_path: Path) -> None:
    [file] = (tmp_path / "state").glob("source-*.json")
    left, held = (tmp_path / "state" / f"{file.stem}.{name}.tmp" for name in ("left", "held"))
    left.write_bytes(b"half")
    with held.open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with store.stage("acme", stands):
            assert not left.exists()
        assert temporaries(tmp_path) == [held]
    with store.stage("acme", stands):
        pass
    assert temporaries(tmp_path) == []


def test_a_source_is_not_locked_while_something_of_it_is_staged(store: StateStore, tmp_path: Path) -> None:
    """A component that starts may follow a root of its own source."""
    with store.stage("acme", stands):
        [lock] = (tmp_path / "state").glob("source-*.lock")
        descriptor = os.open(lock, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(descriptor)
