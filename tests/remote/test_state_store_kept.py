"""The last known good on disk: all of it or the former one, whenever the process dies."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneiric_core.errors import TrustError
from oneiric_core.remote.sources import Kept
from oneiric_core.remote.state_store_kept import KeptStore

HERE = "https://acme.example/manifest.json"
OLD = Kept(b"the old one\nin two lines", "application/json", '"old"')
NEW = Kept(b"the new one" * 1000, "application/yaml")


def keep(store: KeptStore, kept: Kept, location: str = HERE) -> None:
    with store.stage(location, kept) as staged:
        staged.commit()


def temporaries(directory: Path) -> list[Path]:
    return [*directory.glob("*.tmp")]


@settings(deadline=None, max_examples=40)
@given(st.binary(max_size=300), st.text(max_size=30), st.one_of(st.none(), st.text(max_size=30)))
def test_what_is_kept_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, media_type: str, etag: str | None
) -> None:
    store, kept = KeptStore(tmp_path_factory.mktemp("state")), Kept(data, media_type, etag)
    keep(store, kept)
    assert store.recall(HERE) == kept


def test_nothing_is_kept_of_a_place_never_heard_of(tmp_path: Path) -> None:
    keep(store := KeptStore(tmp_path), OLD)
    assert store.recall("https://acme.example/other.json") is None
    assert KeptStore(tmp_path / "missing").recall(HERE) is None
    assert not (tmp_path / "missing").exists()


def test_what_is_not_committed_is_gone_and_the_former_one_stays(tmp_path: Path) -> None:
    keep(store := KeptStore(tmp_path), OLD)
    with store.stage(HERE, NEW):
        assert store.recall(HERE) == OLD
    with pytest.raises(KeyError), store.stage(HERE, NEW):
        raise KeyError
    assert store.recall(HERE) == OLD
    assert temporaries(tmp_path) == []


def test_it_is_for_us_alone(tmp_path: Path) -> None:
    keep(KeptStore(tmp_path / "state"), OLD)
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "state").iterdir()} == {0o600}


@pytest.mark.parametrize("content", [b"", b"\n", b"{}\nx", b"[]\nx", b"null\nx", b"\xff\nx", b'{"etag": 1}\nx'])
def test_a_file_that_was_damaged_counts_as_none(content: bytes, tmp_path: Path) -> None:
    keep(store := KeptStore(tmp_path), OLD)
    (file,) = tmp_path.glob("*.manifest")
    file.write_bytes(content)
    assert store.recall(HERE) is None
    keep(store, OLD)
    assert store.recall(HERE) == OLD


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_no_bit_of_it_can_be_changed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    directory = tmp_path_factory.mktemp("state")
    keep(store := KeptStore(directory), OLD)
    (file,) = directory.glob("*.manifest")
    content = bytearray(file.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    file.write_bytes(content)
    assert store.recall(HERE) in {None, OLD}


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_it_is_read_from_a_file_of_its_own_only(kind: str, tmp_path: Path) -> None:
    keep(store := KeptStore(tmp_path / "state"), OLD)
    (file,) = (tmp_path / "state").glob("*.manifest")
    (tmp_path / "former").write_bytes(file.read_bytes())
    file.unlink()
    if kind == "link":
        file.symlink_to(tmp_path / "former")
    elif kind == "fifo":
        os.mkfifo(file)
    else:
        file.mkdir()
    with pytest.raises(TrustError, match=r"cannot be read|no regular file"):
        store.recall(HERE)


def test_a_directory_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TrustError, match="cannot be written"), KeptStore(tmp_path / "file").stage(HERE, NEW):
        pass
    keep(store := KeptStore(tmp_path / "state"), OLD)
    (file,) = (tmp_path / "state").glob("*.manifest")
    file.unlink()
    file.mkdir()
    with store.stage(HERE, NEW) as staged, pytest.raises(TrustError, match="cannot be written"):
        staged.commit()


def test_what_a_kill_left_is_removed_and_what_another_process_writes_is_not(tmp_path: Path) -> None:
    keep(store := KeptStore(tmp_path), OLD)
    (file,) = tmp_path.glob("*.manifest")
    left, used = (tmp_path / f"{file.stem}.{name}.tmp" for name in ("left", "used"))
    left.write_bytes(b"half")
    with used.open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        keep(store, NEW)
        assert temporaries(tmp_path) == [used]
    keep(store, OLD)
    assert temporaries(tmp_path) == []


def test_two_who_stage_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    store = KeptStore(tmp_path)
    with store.stage(HERE, OLD) as one, KeptStore(tmp_path).stage(HERE, NEW) as two:
        two.commit()
        assert store.recall(HERE) == NEW
        one.commit()
        assert store.recall(HERE) == OLD


KEEPING = """
import sys
from oneiric_core.remote.sources import Kept
from oneiric_core.remote.state_store_kept import KeptStore
store = KeptStore(sys.argv[1])
for number in range(10**9):
    with store.stage("here", Kept(str(number).encode() * 20_000, "t", str(number))) as staged:
        staged.commit()
    if number == 0:
        print("began", flush=True)
"""


@pytest.mark.parametrize("kills", [2, pytest.param(200, marks=pytest.mark.long)])
def test_a_kill_at_any_point_leaves_one_that_is_whole(kills: int, tmp_path: Path) -> None:
    """At a moment that nobody chose: as soon as it has begun to be written again and again."""
    store = KeptStore(tmp_path)
    for _ in range(kills):
        with subprocess.Popen([sys.executable, "-c", KEEPING, tmp_path], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGKILL)
        kept = store.recall("here")
        assert kept is not None
        assert kept.data == str(kept.etag).encode() * 20_000
    keep(store, NEW, "here")
    assert temporaries(tmp_path) == []
