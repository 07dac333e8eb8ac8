"""The memory on disk: private, never half-written, and shared by several processes without going back."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Self

import pytest

from oneiric_core.errors import TrustError
from oneiric_core.remote.state_store import StateStore
from oneiric_core.trust.trusted_state import Mark, SourceState

SIGNERS = ("0123456789abcdef", "fedcba9876543210")
FULL = SourceState(
    "acme",
    seen=Mark(7, "ab"),
    applied=Mark(None, "cd"),
    issued_floor=datetime(2026, 1, 1, 12, 0, 0, 5, tzinfo=UTC),
    signers=SIGNERS,
)


def raise_to(number: int) -> Callable[[SourceState], SourceState]:
    """The transition to a mark of what was seen, unless a newer one is there."""
    mark = Mark(number, f"digest {number}")
    return lambda state: state if state.seen and mark.is_older_than(state.seen) else replace(state, seen=mark)


COUNT_UP = """
import os, sys
from dataclasses import replace
from oneiric_core.remote.state_store import StateStore
from oneiric_core.trust.trusted_state import Mark

def count_up(directory, start, stop, step):
    for number in range(start, stop, step):
        mark = Mark(number, f"digest {number}")
        StateStore(directory).update(
            "acme", lambda state: state if state.seen and mark.is_older_than(state.seen) else replace(state, seen=mark)
        )
        print("+", flush=True)

for line in sys.stdin:  # every counting is a process of its own, so that one can be killed and the next starts at once
    child = os.fork()
    if not child:
        print(os.getpid(), flush=True)
        count_up(sys.argv[1], *map(int, line.split()))
        os._exit(0)
    print("ended", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Counter:
    """Counts what was seen upwards, in a process that says ``+`` after every update."""

    def __init__(self, directory: Path) -> None:
        command = [sys.executable, "-c", COUNT_UP, str(directory)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, start_new_session=True
        )

    def start(self, start: int, stop: int, step: int = 1) -> int:
        """Begin to count; the process id of who does."""
        self._to.write(f"{start} {stop} {step}\n")
        return int(self.said())

    def said(self) -> str:
        """The next line it says; waits for it."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ended(self) -> int:
        """How the counting ended, as an exit code."""
        while (said := self.said()) == "+":
            pass
        return int(said.removeprefix("+").removeprefix("ended "))  # who is killed may have said half a line

    @property
    def _to(self) -> IO[str]:
        assert self.process.stdin is not None
        return self.process.stdin

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)  # who counts, too
        self.process.communicate(timeout=60)


def seen_number(directory: Path) -> int:
    mark = StateStore(directory).load("acme").seen
    return -1 if mark is None or mark.sequence_number is None else mark.sequence_number


def test_nothing_is_remembered_of_a_source_never_heard_of(tmp_path: Path) -> None:
    assert StateStore(tmp_path / "none").load("acme") == SourceState("acme")
    assert list(tmp_path.iterdir()) == []


def test_what_was_remembered_is_there_for_the_next_process(tmp_path: Path) -> None:
    StateStore(tmp_path / "a" / "b").update("acme", lambda _: FULL)
    assert StateStore(tmp_path / "a" / "b").load("acme") == FULL
    assert StateStore(tmp_path / "a" / "b").load("other") == SourceState("other")


def test_the_memory_is_private(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    previous = os.umask(0)
    try:
        StateStore(directory).update("acme", lambda _: FULL)
        StateStore(directory).pin("there", "acme", SIGNERS)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}


def test_a_transition_that_refuses_changes_nothing(tmp_path: Path) -> None:
    store = StateStore(tmp_path)
    store.update("acme", lambda _: FULL)

    def refuse(state: SourceState) -> SourceState:
        raise TrustError(f"not after {state.seen}", fix="Stop")

    with pytest.raises(TrustError, match="not after"):
        store.update("acme", refuse)
    assert store.load("acme") == FULL
    assert store.update("acme", lambda state: state) == FULL


def test_a_source_named_like_a_path_stays_inside(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    for source in ("../../evil", "/etc/passwd", "a" * 1000, "nul\0"):
        StateStore(directory).update(source, lambda state: state.apply(Mark(1, "d")))
        assert StateStore(directory).load(source).applied == Mark(1, "d")
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_a_place_speaks_for_its_first_source_only(tmp_path: Path) -> None:
    StateStore(tmp_path).pin("https://acme.test", "acme", SIGNERS)
    StateStore(tmp_path).pin("https://acme.test", "acme", SIGNERS)
    StateStore(tmp_path).pin("https://other.test", "other", SIGNERS)
    with pytest.raises(TrustError, match="was the place of 'acme', and now offers a manifest of 'evil'"):
        StateStore(tmp_path).pin("https://acme.test", "evil", SIGNERS)


def test_a_place_does_not_begin_to_speak_for_a_source_that_others_signed(tmp_path: Path) -> None:
    store = StateStore(tmp_path)
    store.pin("https://before.test", "acme", ["another"])
    store.update("acme", lambda _: FULL)
    for _ in range(2):
        with pytest.raises(TrustError, match="others signed what was seen of that source"):
            store.pin("https://evil.test", "acme", ["another"])
    store.pin("https://before.test", "acme", ["another"])
    store.pin("https://mirror.test", "acme", [SIGNERS[1], "another"])
    store.pin("https://evil.test", "evil", ["another"])


def test_a_memory_from_before_signers_were_remembered_is_read(tmp_path: Path) -> None:
    store = StateStore(tmp_path)
    store.update("acme", lambda _: FULL)
    [file] = tmp_path.glob("source-*.json")
    former = json.loads(file.read_bytes())
    del former["signers"]
    file.write_text(json.dumps(former))
    assert store.load("acme") == replace(FULL, signers=())
    store.pin("https://acme.test", "acme", ["whoever"])


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"source": 1}', b'{"source": "other"}', b"\xff"])
def test_a_damaged_memory_is_refused_and_not_forgotten(tmp_path: Path, content: bytes) -> None:
    store = StateStore(tmp_path)
    store.update("acme", lambda _: FULL)
    [file] = tmp_path.glob("source-*.json")
    file.write_bytes(content)
    with pytest.raises(TrustError, match=r"the memory .* says something else|is about 'other'"):
        store.load("acme")
    with pytest.raises(TrustError):
        store.update("acme", lambda state: state)
    assert file.read_bytes() == content


def test_a_memory_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TrustError, match="cannot be used"):
        StateStore(tmp_path / "file").update("acme", lambda _: FULL)
    store = StateStore(tmp_path)
    store.update("acme", lambda _: FULL)
    [file] = tmp_path.glob("source-*.json")
    file.unlink()
    file.mkdir()
    with pytest.raises(TrustError, match="cannot be read"):
        store.load("acme")


@pytest.mark.parametrize("kind", ["link", "fifo"])
def test_a_memory_is_read_from_a_file_of_its_own_only(tmp_path: Path, kind: str) -> None:
    """A link could lead to what was known before, and a FIFO to nobody."""
    store = StateStore(tmp_path / "state")
    store.update("acme", lambda _: FULL)
    [file] = (tmp_path / "state").glob("source-*.json")
    (tmp_path / "former").write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(tmp_path / "former") if kind == "link" else os.mkfifo(file)
    with pytest.raises(TrustError, match="cannot be read"):
        store.load("acme")
    with pytest.raises(TrustError, match="cannot be read"):
        store.update("acme", raise_to(8))


def test_a_full_disk_changes_nothing_leaves_nothing_and_is_used_once_there_is_room(
    disk: Callable[[str], Path], fill: Callable[[Path], Path]
) -> None:
    place = disk("size=64k")
    store = StateStore(place / "state")
    store.update("acme", lambda _: FULL)
    store.pin("there", "acme", SIGNERS)
    before = {path.name: path.read_bytes() for path in (place / "state").iterdir()}
    ballast = fill(place)
    for _ in range(2):
        with pytest.raises(TrustError, match=r"the memory .* cannot be written: No space left on device"):
            store.update("acme", raise_to(8))
        assert store.load("acme") == FULL
    with pytest.raises(TrustError, match=r"cannot be written: No space left on device"):
        store.pin("elsewhere", "acme", SIGNERS)
    after = {path.name: path.read_bytes() for path in (place / "state").iterdir() if path.stat().st_size}
    assert after == {name: content for name, content in before.items() if content}
    assert [path for path in (place / "state").iterdir() if path.suffix not in {".json", ".lock"}] == []
    ballast.unlink()
    store.update("acme", raise_to(8))
    assert store.load("acme").seen == Mark(8, "digest 8")


@pytest.mark.parametrize("plant", ["link", "second name", "fifo"])
def test_what_is_planted_where_it_writes_is_never_written_to(tmp_path: Path, plant: str) -> None:
    store = StateStore(tmp_path / "state")
    store.update("acme", lambda _: FULL)
    [file] = (tmp_path / "state").glob("source-*.json")
    elsewhere, beside = tmp_path / "elsewhere", file.with_suffix(".tmp")
    elsewhere.write_bytes(b"nobody's business")
    if plant == "link":
        beside.symlink_to(elsewhere)
    elif plant == "fifo":
        os.mkfifo(beside)
    else:
        beside.hardlink_to(elsewhere)
    store.update("acme", raise_to(8))
    assert elsewhere.read_bytes() == b"nobody's business"
    assert not file.is_symlink()
    assert store.load("acme").seen == Mark(8, "digest 8")


def test_what_a_kill_left_behind_is_overwritten(tmp_path: Path) -> None:
    store = StateStore(tmp_path)
    store.update("acme", lambda _: FULL)
    [file] = tmp_path.glob("source-*.json")
    file.with_suffix(".tmp").write_bytes(b"half a sta")
    assert store.load("acme") == FULL
    store.update("acme", raise_to(8))
    assert store.load("acme").seen == Mark(8, "digest 8")
    assert not file.with_suffix(".tmp").exists()


def test_an_update_waits_for_the_one_under_way(tmp_path: Path) -> None:
    """Otherwise one of the two would be lost."""
    begun, go = threading.Event(), threading.Event()

    def dawdle(state: SourceState) -> SourceState:
        begun.set()
        go.wait(60)
        return state.apply(Mark(1, "applied"))

    with ThreadPoolExecutor() as pool:
        slow = pool.submit(StateStore(tmp_path).update, "acme", dawdle)
        assert begun.wait(60)
        quick = pool.submit(StateStore(tmp_path).update, "acme", raise_to(8))
        assert not wait([quick], timeout=0.1).done
        go.set()
        assert quick.result(60) != slow.result(60)
    assert StateStore(tmp_path).load("acme") == SourceState("acme", Mark(8, "digest 8"), Mark(1, "applied"))


@pytest.mark.parametrize("updates", [50, pytest.param(1000, marks=pytest.mark.long)])
def test_two_processes_never_take_the_memory_back(tmp_path: Path, updates: int) -> None:
    seen = [-1]
    with Counter(tmp_path) as odd, Counter(tmp_path) as even:
        odd.start(1, 2 * updates, 2)
        even.start(0, 2 * updates, 2)
        for _ in range(updates):  # looks once for each update, and waits in between: looking is work, too
            assert (odd.said(), even.said()) == ("+", "+")
            seen.append(seen_number(tmp_path))
        assert (odd.ended(), even.ended()) == (0, 0)
    assert seen == sorted(seen)
    assert StateStore(tmp_path).load("acme").seen == Mark(2 * updates - 1, f"digest {2 * updates - 1}")


@pytest.mark.parametrize("kills", [5, pytest.param(300, marks=pytest.mark.long)])
def test_a_kill_at_any_point_leaves_a_memory_that_is_readable_and_no_older(tmp_path: Path, kills: int) -> None:
    """Updates take about as long as looking at them, so that some looks later it is anywhere in one."""
    last = -1
    with Counter(tmp_path) as counter:
        for number in range(kills):
            child = counter.start(last + 1, last + 1_000_000)
            assert counter.said() == "+"
            looks = [seen_number(tmp_path) for _ in range(1 + number % 7)]
            os.kill(child, signal.SIGKILL)
            assert counter.ended() == -signal.SIGKILL
            assert looks == sorted(looks)
            assert seen_number(tmp_path) >= looks[-1] > last
            last = seen_number(tmp_path)
