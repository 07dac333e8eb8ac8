"""What is written outside of the cache is found, with path and stack; what is written in it is nobody's business."""

import asyncio
import importlib
import os
import re
import ssl
import stat
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from oneiric_core import ViolationError
from oneiric_core.testing import CacheSandbox

HERE = Path(__file__).name


def by_open(path: Path) -> None:
    with open(path, "w") as file:  # noqa: PTH123 - it is about open
        file.write("x")


def by_subprocess(path: Path) -> None:
    subprocess.run([sys.executable, "-c", f"open({str(path)!r}, 'w').write('x')"], check=True)


def test_changes_of_what_is_there_already_are_found(guarded, outside: Path) -> None:
    acts: list[Callable[[Path], object]] = [Path.unlink, lambda path: path.chmod(0o644), os.utime]
    for act in acts:
        source = outside / "source"
        source.write_bytes(b"source")
        with pytest.raises(ViolationError, match="source"):
            guarded(lambda _, act=act, source=source: act(source))  # type: ignore[misc]


def test_what_is_read_outside_is_fine(guarded, outside: Path) -> None:
    def act(_: CacheSandbox) -> None:
        (outside / "source").read_bytes()
        os.listdir(outside)  # noqa: PTH208 - any way of reading
        subprocess.run(["cat", outside / "source"], check=True, stdout=subprocess.DEVNULL)

    assert guarded(act).trespasses == ()


def test_a_server_with_tls_may_be_made_beside_it(guarded) -> None:
    """What makes its certificate writes it to a temporary file, for OpenSSL to read."""
    issued = trustme.CA().issue_cert("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert guarded(lambda _: issued.configure_cert(context)).trespasses == ()


def test_a_link_in_the_cache_leads_out_of_it(guarded, outside: Path) -> None:
    def act(sandbox: CacheSandbox) -> None:
        sandbox.plant_link("way-out", outside)
        (sandbox.path / "way-out" / "target").write_bytes(b"x")

    with pytest.raises(ViolationError, match=str(outside / "target")):
        guarded(act)


def test_who_does_not_follow_the_link_stays_inside(guarded, outside: Path) -> None:
    def act(sandbox: CacheSandbox) -> None:
        link = sandbox.plant_link("link", outside / "source")
        with pytest.raises(OSError, match="symbolic links"):
            os.open(link, os.O_WRONLY | os.O_NOFOLLOW)

    assert guarded(act).trespasses == ()


def test_making_sure_that_a_directory_is_there_is_fine(guarded) -> None:
    assert guarded(lambda sandbox: sandbox.path.parent.mkdir(parents=True, exist_ok=True)).trespasses == ()


def test_a_name_beside_the_cache_is_outside(guarded) -> None:
    """Also one that only begins as the cache's does."""
    with pytest.raises(ViolationError, match="cache-2"):
        guarded(lambda sandbox: (sandbox.root / "cache-2").mkdir())


def test_climbing_out_is_outside(guarded) -> None:
    with pytest.raises(ViolationError, match="escaped"):
        guarded(lambda sandbox: (sandbox.path / ".." / "escaped").write_bytes(b"x"))


def test_what_is_allowed_is_fine_also_afterwards(guarded, outside: Path) -> None:
    def late(sandbox: CacheSandbox) -> None:
        (outside / "target").write_bytes(b"x")
        sandbox.allow(outside)

    assert guarded(lambda _: (outside / "target").write_bytes(b"x"), allow=[outside]).trespasses == ()
    assert guarded(late).trespasses == ()


def test_what_a_test_arranges_is_not_judged(guarded, outside: Path) -> None:
    def act(sandbox: CacheSandbox) -> None:
        subprocess.run(["true", outside], check=True)
        with sandbox.unguarded():
            (outside / "target").write_bytes(b"x")
        os.close(os.open(os.devnull, os.O_WRONLY))

    assert guarded(act).trespasses == ()


def test_a_directory_that_is_watched_is_looked_at_whoever_writes(guarded, outside: Path) -> None:
    """A process that was told of the place in its environment, say."""

    def act(sandbox: CacheSandbox) -> None:
        sandbox.watch(outside)
        subprocess.run("echo x > $PLACE/target; rm $PLACE/source", shell=True, env={"PLACE": str(outside)}, check=True)  # noqa: S602

    with pytest.raises(ViolationError) as caught:
        guarded(act)
    found = {(each.kind, each.path) for each in caught.value.evidence["trespasses"]}  # type: ignore[attr-defined]
    assert found == {("write", str(outside / "target")), ("remove", str(outside / "source"))}


def test_a_process_is_named_with_who_started_it(guarded, outside: Path) -> None:
    with pytest.raises(ViolationError) as caught:
        guarded(lambda _: by_subprocess(outside / "target"))
    (trespass,) = caught.value.evidence["trespasses"]  # type: ignore[misc]
    assert trespass.by.startswith(sys.executable)
    assert any(f"{HERE}:" in line and "by_subprocess" in line for line in trespass.stack)


async def test_what_a_loop_calls_back_is_nobodys_but_found(outside: Path) -> None:
    """Whoever runs the loop, as an async plugin does, has not asked for it."""

    async def call_back(path: Path) -> None:
        asyncio.get_running_loop().call_soon(os.mkdir, path)
        await asyncio.sleep(0)

    with pytest.raises(ViolationError, match="target"), CacheSandbox():
        await call_back(outside / "target")


async def test_what_a_loop_calls_in_a_thread_is_found(outside: Path) -> None:
    with pytest.raises(ViolationError, match="target"), CacheSandbox():
        await asyncio.get_running_loop().run_in_executor(None, os.mkdir, outside / "target")


def test_what_a_fork_wrote_is_told_with_its_stack(outside: Path, guarded) -> None:
    def fork(_: CacheSandbox) -> None:
        child = os.fork()
        if child == 0:
            by_open(outside / "target")
            os._exit(0)
        os.waitpid(child, 0)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads that other tests may have left here
        with pytest.raises(ViolationError) as caught:
            guarded(fork)
    (trespass,) = caught.value.evidence["trespasses"]  # type: ignore[misc]
    assert (trespass.kind, trespass.by) == ("write", "a fork of this one")
    assert any(line.endswith("in fork") and HERE in line for line in trespass.stack)


def test_a_fork_that_closed_everything_harms_nobody(outside: Path, guarded) -> None:
    """It is not heard of any more, and what it opens in the place of our file is left alone."""

    def daemon(sandbox: CacheSandbox) -> None:
        child = os.fork()
        if child == 0:
            os.closerange(3, 100)
            kept = [os.open(sandbox.path / f"{number}", os.O_RDWR | os.O_CREAT) for number in range(3, 100)]
            os.mkdir(outside / "target")  # noqa: PTH102 - as plain as it gets
            os._exit(len(kept) - 97)
        assert os.waitpid(child, 0)[1] == 0
        assert {path.stat().st_size for path in sandbox.path.iterdir()} == {0}

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # likewise
        assert guarded(daemon).trespasses == ()
    assert (outside / "target").is_dir()


@pytest.mark.parametrize("name", ["__pycache__evil", "evil.pyc", "__pycache__/evil.txt", "a__pycache__/x.pyc"])
def test_what_is_named_almost_as_bytecode_is_outside(outside: Path, guarded, name: str) -> None:
    (outside / name).parent.mkdir(exist_ok=True)
    with pytest.raises(ViolationError, match=re.escape(name)):
        guarded(lambda _: (outside / name).write_bytes(b"x"))
    (outside / name).unlink()
    with pytest.raises(ViolationError, match=re.escape(name)):  # also where it is found on the disk
        guarded(lambda _: subprocess.run(["touch", outside / name], check=True))


def test_bytecode_is_not_judged(outside: Path, guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside its source, or where PYTHONPYCACHEPREFIX says."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.syspath_prepend(outside)
    for name, prefix in (("beside", None), ("elsewhere", str(outside / "prefix"))):
        (outside / f"{name}.py").touch()
        monkeypatch.setattr(sys, "pycache_prefix", prefix)
        assert guarded(lambda _, name=name: importlib.import_module(name)).trespasses == ()
    assert len(list(outside.rglob("*.pyc"))) == 2


def test_it_is_told_once() -> None:
    with CacheSandbox() as sandbox:
        (sandbox.root / "one").mkdir()
        with pytest.raises(ViolationError, match="one"):
            sandbox.check()
        sandbox.check()
        (sandbox.root / "two").mkdir()
        with pytest.raises(ViolationError, match="two") as caught:
            sandbox.check()
        assert "mkdir" in str(caught.value)
        assert "/one\n" not in str(caught.value)


def test_an_error_in_the_block_is_not_hidden() -> None:
    with pytest.raises(KeyError), CacheSandbox() as sandbox:
        os.mkdir(sandbox.root / "one") or {}["none"]  # noqa: PTH102 - one expression


def test_nothing_is_left_whatever_became_of_the_permissions() -> None:
    with CacheSandbox() as sandbox:
        sandbox.plant_file("deep/er/file")
        sandbox.plant_directory("deep/er", mode=0o000)
        root = sandbox.root
    assert not root.exists()


def test_nobody_listens_afterwards(guarded, outside: Path) -> None:
    sandbox = guarded(lambda _: None)
    by_open(outside / "target")
    assert sandbox._seen == []


@pytest.mark.parametrize(
    "act", [os.mkfifo, pytest.param(lambda path: os.mknod(path, 0o600 | stat.S_IFREG), id="mknod")]
)
def test_what_python_tells_nobody_of_is_found_where_it_is_watched(outside: Path, guarded, act) -> None:
    assert guarded(lambda _: act(outside / "first")).trespasses == ()

    def watched(sandbox: CacheSandbox) -> None:
        sandbox.watch(outside)
        act(outside / "second")

    with pytest.raises(ViolationError, match="second"):
        guarded(watched)
