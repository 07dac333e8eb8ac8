"""The verb that shows, verifies and empties the cache, for people and for programs."""

import hashlib
import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.artifacts import BlobStore
from oneiric_core.cli.main import main
from oneiric_core.clock import FrozenClock

Capture = pytest.CaptureFixture[str]
SMALL, LARGE = b"small", b"large" * 1000
SMALL_SHA, LARGE_SHA = (hashlib.sha256(each).hexdigest() for each in (SMALL, LARGE))


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal on which no path is wrapped."""
    monkeypatch.setenv("COLUMNS", "400")


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    """The large one was used at the beginning of 2026, the small one a day ago."""
    BlobStore(tmp_path / "cache", clock=FrozenClock()).add([LARGE], LARGE_SHA)
    yesterday = FrozenClock(datetime.now(UTC) - timedelta(days=1))
    BlobStore(tmp_path / "cache", clock=yesterday).add([SMALL], SMALL_SHA)
    return BlobStore(tmp_path / "cache")


def answer(capsys: Capture, *arguments: str, code: int = 0) -> dict[str, Any]:
    assert main(["cache", *arguments, "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_the_list_says_what_a_person_asks_for(store: BlobStore, capsys: Capture) -> None:
    store.pin("acme", [LARGE_SHA])
    with store.trees.new(SMALL_SHA):
        pass
    assert main(["cache", "list", "--cache-dir", str(store.root)]) == 0
    captured = capsys.readouterr()
    head, large, small, _, summary = captured.out.splitlines()
    assert re.split(r"\s{2,}", head) == ["artifact", "size", "last used (UTC)", "unpacked", "needed by"]
    assert re.split(r"\s{2,}", large) == [LARGE_SHA[:12], "5.0 kB", "2026-01-01 00:00", "no", "acme"]
    assert re.split(r"\s{2,}", small)[:2] == [SMALL_SHA[:12], "5 B"]
    assert small.endswith("yes")
    assert summary == f"2 artifacts, 5.0 kB, in {store.root}"
    assert captured.err == ""


def test_programs_are_told_whole_digests_and_bytes(store: BlobStore, capsys: Capture) -> None:
    store.pin("acme", [LARGE_SHA])
    with store.trees.new(SMALL_SHA):
        pass
    found = answer(capsys, "list", "--cache-dir", str(store.root))
    assert (found["cache_dir"], found["bytes"]) == (str(store.root), 5005)
    large, small = found["artifacts"]
    assert large == {
        "sha256": LARGE_SHA,
        "size": 5000,
        "used": "2026-01-01T00:00:00+00:00",
        "unpacked": False,
        "needed_by": ["acme"],
    }
    assert (small["sha256"], small["unpacked"], small["needed_by"]) == (SMALL_SHA, True, [])


@pytest.mark.parametrize("verb", ["list", "verify"])
def test_an_empty_cache_is_no_error_and_is_not_made(tmp_path: Path, capsys: Capture, verb: str) -> None:
    where = tmp_path / "cache"
    assert main(["cache", verb, "--cache-dir", str(where)]) == 0
    assert " ".join(capsys.readouterr().out.split()) == f"No artifact is cached in {where} yet."
    assert main(["cache", "gc", "--max-bytes", "0", "--cache-dir", str(where)]) == 0
    assert "0 artifacts removed" in capsys.readouterr().out
    assert not where.exists()


def test_a_relative_directory_is_meant_from_here(
    store: BlobStore, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(store.root.parent)
    assert answer(capsys, "list", "--cache-dir", "cache")["cache_dir"] == str(store.root)


def test_without_a_directory_it_is_the_users_own(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert answer(capsys, "list")["cache_dir"] == str(tmp_path / "oneiric" / "artifacts")


def test_what_is_said_goes_before_the_environment_and_that_before_the_settings(
    store: BlobStore, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory in the settings is meant from where the file is."""
    (tmp_path / "oneiric.toml").write_text("cache_dir = 'cache'\n", encoding="utf-8")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    settings = ("--settings", str(tmp_path / "oneiric.toml"))
    assert len(answer(capsys, "list", *settings)["artifacts"]) == 2
    assert len(answer(capsys, "verify", *settings)["whole"]) == 2
    assert len(answer(capsys, "gc", "--max-age", "30d", *settings)["removed"]) == 1
    monkeypatch.chdir(tmp_path)
    assert answer(capsys, "list")["cache_dir"] == str(store.root)
    monkeypatch.setenv("ONEIRIC_CACHE_DIR", "from-the-environment")
    assert answer(capsys, "list")["cache_dir"] == str(tmp_path / "from-the-environment")
    assert answer(capsys, "list", "--cache-dir", "said")["cache_dir"] == str(tmp_path / "said")


def test_settings_that_cannot_be_read_are_no_reason_to_empty_another_cache(
    store: BlobStore, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "oneiric.toml").write_text("[remote\n", encoding="utf-8")
    assert main(["cache", "gc", "--max-bytes", "0", "--settings", str(tmp_path / "oneiric.toml")]) != 0
    assert "oneiric.toml" in capsys.readouterr().err
    assert len(store.entries()) == 2


@pytest.mark.parametrize(
    ("limits", "removed"),
    [
        (["--max-age", "2d"], [LARGE_SHA]),
        (["--max-age", "23h"], [LARGE_SHA, SMALL_SHA]),
        (["--max-age", "1.5d"], [LARGE_SHA]),
        (["--max-age", "2000w"], []),
        (["--max-bytes", "5005"], []),
        (["--max-bytes", "5kB"], [LARGE_SHA]),
        (["--max-bytes", "5KiB"], []),
        (["--max-bytes", "4B"], [LARGE_SHA, SMALL_SHA]),
        (["--max-bytes", "1 GiB", "--max-age", "2d"], [LARGE_SHA]),
        ([], []),
    ],
)
def test_what_is_too_old_or_too_much_is_removed(
    store: BlobStore, capsys: Capture, limits: list[str], removed: list[str]
) -> None:
    found = answer(capsys, "gc", *limits, "--cache-dir", str(store.root))
    assert [entry["sha256"] for entry in found["removed"]] == removed
    assert [entry["sha256"] for entry in found["kept"]] == [sha for sha in (LARGE_SHA, SMALL_SHA) if sha not in removed]
    assert found["freed"] == sum({LARGE_SHA: 5000, SMALL_SHA: 5}[sha] for sha in removed)
    assert [store.find(sha) is None for sha in (LARGE_SHA, SMALL_SHA)] == [
        sha in removed for sha in (LARGE_SHA, SMALL_SHA)
    ]


def test_a_person_is_told_what_went_and_what_had_to_stay(store: BlobStore, capsys: Capture) -> None:
    with store.trees.new(SMALL_SHA):
        pass
    store.path(SMALL_SHA).chmod(0o600)
    store.find(SMALL_SHA)
    store.pin("acme", [LARGE_SHA])
    assert main(["cache", "gc", "--max-bytes", "0", "--cache-dir", str(store.root)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines() == [
        "1 artifact removed, 0 B freed",
        f"1 artifact kept, 5.0 kB, in {store.root}",
        "1 removed that had been put aside",
        "1 of those kept should have gone, but they are in use or needed by a manifest",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gc", "--max-bytes", "-1"], "'-1' is no number of bytes"),
        (["gc", "--max-bytes", "lots"], "'lots' is no number of bytes"),
        (["gc", "--max-bytes", "1kb"], "'1kb' is no number of bytes"),
        (["gc", "--max-age", "30"], "'30' is no duration"),
        (["list", "--max-age", "30d"], "--max-age"),
        ([], "Missing command"),
        (["empty"], "empty"),
    ],
)
def test_wrong_usage_is_told_in_two_lines(capsys: Capture, arguments: list[str], said: str) -> None:
    assert main(["cache", *arguments]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert said in first
    assert second.startswith("Try 'oneiric-core cache")


@pytest.mark.parametrize("verb", ["list", "verify", "gc"])
def test_a_directory_that_is_not_ours_alone_is_refused(store: BlobStore, capsys: Capture, verb: str) -> None:
    store.root.chmod(0o755)
    assert main(["cache", verb, "--cache-dir", str(store.root)]) == 1
    first, _ = capsys.readouterr().err.splitlines()
    assert "can be used by others" in first


@pytest.mark.parametrize(("number", "shown"), [(999, "999 B"), (1_500_000, "1.5 MB"), (3_000_000_000, "3.0 GB")])
def test_sizes_are_told_as_people_say_them(tmp_path: Path, capsys: Capture, number: int, shown: str) -> None:
    store = BlobStore(tmp_path / "cache")
    path = store.add([b""], hashlib.sha256(b"").hexdigest())
    path.chmod(0o600)
    os.truncate(path, number)
    path.chmod(0o400)
    assert main(["cache", "list", "--cache-dir", str(store.root)]) == 0
    assert f"1 artifact, {shown}, in" in " ".join(capsys.readouterr().out.split())
