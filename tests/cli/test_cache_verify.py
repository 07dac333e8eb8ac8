"""``cache verify``: each fault is a line with what to do, and whoever looks on sees how far it is."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from oneiric_core.artifacts import BlobStore
from oneiric_core.artifacts.unpack import unpack
from oneiric_core.cli.main import main
from oneiric_core.testing import make_wheel

Capture = pytest.CaptureFixture[str]
WHEEL, LARGE = make_wheel({"acme/__init__.py": "answer = 42\n"}), b"large" * 1_000_000
WHEEL_SHA, LARGE_SHA = (hashlib.sha256(each).hexdigest() for each in (WHEEL, LARGE))
SYNC = "Sync its source to fetch it again"
NOTHING = "There is nothing to do: whoever needs it unpacks it again"


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    """A wheel, with its tree, and something large."""
    store = BlobStore(tmp_path / "cache")
    store.add([WHEEL], WHEEL_SHA)
    store.add([LARGE], LARGE_SHA)
    unpack(store, WHEEL_SHA)
    return store


def spoil(store: BlobStore) -> None:
    """A FIFO in place of an artifact, bytes that are not those of another, and two faults in a tree."""
    path = store.path(LARGE_SHA)
    path.chmod(0o600)
    path.write_bytes(LARGE[1:])
    path.chmod(0o400)
    os.mkfifo(store.path("0" * 64))
    package = store.trees.path(WHEEL_SHA) / "acme"
    package.chmod(0o700)
    (package / "__init__.py").chmod(0o600)
    (package / "__init__.py").write_text("answer = 43\n")
    (package / "__init__.py").chmod(0o400)
    (package / "evil\x1b[2J.py").touch(0o400)
    package.chmod(0o500)


def test_a_whole_cache_is_verified(store: BlobStore, capsys: Capture) -> None:
    assert main(["cache", "verify", "--cache-dir", str(store.root)]) == 0
    captured = capsys.readouterr()
    assert " ".join(captured.out.split()) == f"2 artifacts whole, 0 not, in {store.root}"
    assert captured.err == ""


def test_each_fault_is_one_line_with_what_to_do(
    store: BlobStore, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    spoil(store)
    assert main(["cache", "verify", "--cache-dir", str(store.root)]) == 1
    captured = capsys.readouterr()
    assert " ".join(captured.out.split()) == f"0 artifacts whole, 3 not, in {store.root}"
    aside = f"was put into {store.root / 'quarantine'}"
    tree = f"oneiric-core: tree {WHEEL_SHA} {aside}"
    assert sorted(captured.err.splitlines()) == sorted(
        [
            f"oneiric-core: artifact {'0' * 64} {aside}: it is a FIFO, not a file. {SYNC}.",
            f"oneiric-core: artifact {LARGE_SHA} {aside}: it has other bytes than its name says. {SYNC}.",
            f"{tree}: 'acme/__init__.py' has other bytes than in its wheel. {NOTHING}.",
            f"{tree}: 'acme/evil\\x1b[2J.py' should not be there. {NOTHING}.",
        ]
    )
    assert main(["cache", "verify", "--cache-dir", str(store.root)]) == 0
    unpack(store, WHEEL_SHA)
    assert main(["cache", "verify", "--cache-dir", str(store.root)]) == 0


def test_programs_are_told_each_fault(store: BlobStore, capsys: Capture) -> None:
    spoil(store)
    assert main(["cache", "verify", "--json", "--cache-dir", str(store.root)]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["cache_dir"], found["whole"]) == (str(store.root), [])
    assert found["damaged"] == sorted(["0" * 64, WHEEL_SHA, LARGE_SHA])
    assert [fault for fault in found["findings"] if fault["of"] == "tree"] == [
        {
            "sha256": WHEEL_SHA,
            "of": "tree",
            "name": "acme/__init__.py",
            "what": "has other bytes than in its wheel",
            "fix": NOTHING,
        },
        {
            "sha256": WHEEL_SHA,
            "of": "tree",
            "name": "acme/evil\x1b[2J.py",
            "what": "should not be there",
            "fix": NOTHING,
        },
    ]


@pytest.mark.parametrize(
    ("verb", "label", "summary"),
    [
        (["verify"], b"Verifying artifacts", b"2 artifacts whole"),
        (["gc", "--max-bytes", "0"], b"Making room", b"2 artifacts removed"),
    ],
)
def test_who_looks_sees_how_far_it_is(
    store: BlobStore,
    at_a_terminal: Callable[[Sequence[str]], bytes],
    verb: list[str],
    label: bytes,
    summary: bytes,
) -> None:
    shown = at_a_terminal(["cache", *verb, "--cache-dir", str(store.root)])
    assert label in shown
    assert b"5.0/5.0 MB" in shown
    assert summary in shown


@pytest.mark.parametrize("verb", [["verify"], ["gc", "--max-bytes", "0"]])
def test_whoever_asks_for_json_sees_json_and_nothing_else(
    store: BlobStore, at_a_terminal: Callable[[Sequence[str]], bytes], verb: list[str]
) -> None:
    found = json.loads(at_a_terminal(["cache", *verb, "--json", "--cache-dir", str(store.root)]))
    assert found["cache_dir"] == str(store.root)


@pytest.mark.parametrize("verb", [["verify"], ["gc", "--max-bytes", "0"]])
def test_a_pipe_gets_no_progress(store: BlobStore, capsys: Capture, verb: list[str]) -> None:
    assert main(["cache", *verb, "--cache-dir", str(store.root)]) == 0
    assert capsys.readouterr().err == ""
