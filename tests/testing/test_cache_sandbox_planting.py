"""What a cache may meet, planted in the sandbox; and what is left when its process dies at any place."""

import hashlib
import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from oneiric_core import ArtifactError, ArtifactManager, MisuseError, ViolationError
from oneiric_core.testing import CacheSandbox, take_inventory

CONTENT = b"an artifact"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def add(cache: Path) -> None:
    """Put one artifact into the cache."""
    ArtifactManager(cache).store.add([CONTENT], DIGEST)


def test_files_links_fifos_and_directories_are_what_they_are_called() -> None:
    with CacheSandbox() as sandbox:
        file = sandbox.plant_file("a/file", b"bytes", mode=0o644)
        assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (b"bytes", 0o644)
        link = sandbox.plant_link("b/link", "../../away")
        assert (link.is_symlink(), os.readlink(link)) == (True, "../../away")  # noqa: PTH115 - the text, not a path
        assert stat.S_ISFIFO(sandbox.plant_fifo("fifo").stat().st_mode)
        assert stat.S_IMODE(sandbox.plant_directory("open", mode=0o777).stat().st_mode) == 0o777
        assert stat.S_IMODE(sandbox.plant_directory("", mode=0o755).stat().st_mode) == 0o755


@pytest.mark.parametrize("name", ["../beside", "/etc/passwd", "a/../../beside"])
def test_nothing_is_planted_elsewhere(name: str) -> None:
    with CacheSandbox() as sandbox, pytest.raises(MisuseError, match="is not in the cache"):
        sandbox.plant_file(name)


def test_our_own_store_keeps_to_the_cache() -> None:
    with CacheSandbox() as sandbox:
        add(sandbox.path)
        assert sandbox.manager().store.find(DIGEST) is not None


def test_a_store_that_may_be_changed_by_others_is_refused_by_ours() -> None:
    with CacheSandbox() as sandbox:
        sandbox.plant_directory("", mode=0o777)
        with pytest.raises(ArtifactError):
            add(sandbox.path)


def test_a_kill_comes_before_the_act_it_names() -> None:
    with CacheSandbox() as sandbox:

        def two(path: Path) -> None:
            (path / "one").write_bytes(b"1")
            (path / "two").write_bytes(b"2")

        assert sandbox.kill(two, before=2) == f"write {sandbox.path / 'two'}"
        assert [path.name for path in sandbox.path.iterdir()] == ["one"]
        assert sandbox.kill(two, before=3) is None
        assert len(list(sandbox.path.iterdir())) == 2


def test_only_acts_on_the_disk_count() -> None:
    with CacheSandbox() as sandbox:
        assert sandbox.kill(lambda _: socket.gethostbyname("127.0.0.1"), before=1) is None


def test_a_kill_works_beside_other_threads() -> None:
    """A fork of a process with threads is warned of; here the child does one thing and dies."""
    waiting = threading.Event()
    thread = threading.Thread(target=waiting.wait)
    thread.start()
    try:
        with CacheSandbox() as sandbox:
            assert sandbox.kill(add, before=1) is not None
    finally:
        waiting.set()
        thread.join()


def test_after_each_crash_the_store_works_again() -> None:
    acts, before = [], take_inventory().children
    with CacheSandbox() as sandbox:
        for act in sandbox.crashes(add):
            acts.append(act)
            found = sandbox.manager().store.find(DIGEST)
            assert found is None or found.read_bytes() == CONTENT
            add(sandbox.path)
            again = sandbox.manager().store.find(DIGEST)
            assert again is not None
            assert again.read_bytes() == CONTENT
    assert take_inventory().children == before
    assert len(acts) >= 3
    assert any(act.startswith(("rename ", "link ")) for act in acts), acts


def test_an_action_that_fails_by_itself_is_told() -> None:
    def fail(path: Path) -> None:
        raise OSError(f"no {path.name}")

    with CacheSandbox() as sandbox, pytest.raises(ViolationError, match="failed by itself: OSError: no cache"):
        sandbox.kill(fail, before=1)


MISUSES = {
    "an act before the first": (lambda box: box.kill(add, before=0), "Count from 1"),
    "a second time": (lambda box: box.__enter__(), "Make another one"),
}


@pytest.mark.parametrize(("act", "told"), MISUSES.values(), ids=MISUSES)
def test_a_misuse_says_what_to_do(act, told: str) -> None:
    with CacheSandbox() as sandbox, pytest.raises(MisuseError, match=told):
        act(sandbox)


def test_outside_of_its_block_it_is_nowhere() -> None:
    with pytest.raises(MisuseError, match="Use it in a with block"):
        _ = CacheSandbox().path
