"""What is written outside of the cache is found, with path and stack; what is written in it is nobody's business."""

import _io
import asyncio
import os
import shutil
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
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


def by_os_open(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT))


def by_dir_fd(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.close(os.open(path.name, os.O_WRONLY | os.O_CREAT, dir_fd=folder))
    finally:
        os.close(folder)


def by_a_relative_name(path: Path) -> None:
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        os.close(os.open(path.name, os.O_WRONLY | os.O_CREAT))
    finally:
        os.chdir(before)


def by_rename(path: Path) -> None:
    source = path.with_name("source")
    os.rename(source, path)  # noqa: PTH104 - it is about os.rename


def by_replace(path: Path) -> None:
    path.with_name("source").replace(path)


def by_shutil(path: Path) -> None:
    shutil.copyfile(path.with_name("source"), path)


def by_shutil_move(path: Path) -> None:
    shutil.move(path.with_name("source"), path)


def by_sqlite(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("create table t (x)")
    connection.close()


def by_subprocess(path: Path) -> None:
    subprocess.run([sys.executable, "-c", f"open({str(path)!r}, 'w').write('x')"], check=True)


def by_a_shell_where_it_runs(path: Path) -> None:
    subprocess.run(f"echo x > {path.name}", shell=True, cwd=path.parent, check=True)  # noqa: S602 - a text of ours


def by_thread(path: Path) -> None:
    thread = threading.Thread(target=by_open, args=(path,))
    thread.start()
    thread.join()


def by_executor(path: Path) -> None:
    asyncio.run(asyncio.to_thread(by_open, path))


def by_c(path: Path) -> None:
    """The C implementation of the interpreter's files, called from C."""
    for file in map(_io.FileIO, [str(path)], ["w"]):
        file.close()


def by_a_c_extension(path: Path) -> None:
    """lzma's C code is given a file; the one that opens it is the interpreter."""
    import lzma  # noqa: PLC0415 - only here

    with lzma.open(path, "wb") as file:
        file.write(b"x")


def by_mkdir(path: Path) -> None:
    path.mkdir()


def by_symlink(path: Path) -> None:
    path.symlink_to("anywhere")


def by_link(path: Path) -> None:
    path.hardlink_to(path.with_name("source"))


def by_tempfile(path: Path) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    os.close(descriptor)
    Path(name).rename(path)


WAYS = [
    by_open,
    by_os_open,
    by_dir_fd,
    by_a_relative_name,
    by_rename,
    by_replace,
    by_shutil,
    by_shutil_move,
    by_sqlite,
    by_subprocess,
    by_a_shell_where_it_runs,
    by_thread,
    by_executor,
    by_c,
    by_a_c_extension,
    by_mkdir,
    by_symlink,
    by_link,
    by_tempfile,
]


def guarded(act: Callable[[CacheSandbox], object], **options: object) -> CacheSandbox:
    with CacheSandbox(**options) as sandbox:  # type: ignore[arg-type]  # only allow, in these tests
        act(sandbox)
    return sandbox


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory with a file to be copied, linked and moved."""
    (tmp_path / "source").write_bytes(b"source")
    return tmp_path


@pytest.mark.parametrize("way", WAYS)
def test_a_write_outside_is_found_with_its_path_and_stack(outside: Path, way: Callable[[Path], None]) -> None:
    with pytest.raises(ViolationError) as caught:
        guarded(lambda _: way(outside / "target"))
    found = {each.path: each for each in caught.value.evidence["trespasses"]}  # type: ignore[attr-defined]
    assert any(HERE in line for line in found[str(outside / "target")].stack)
    assert str(outside / "target") in str(caught.value)
    assert str(caught.value).endswith("Keep to the cache; say allow(path) of what the test itself writes elsewhere.")


@pytest.mark.parametrize("way", WAYS)
def test_the_same_in_the_cache_is_fine(way: Callable[[Path], None]) -> None:
    def act(sandbox: CacheSandbox) -> None:
        sandbox.plant_file("source")
        way(sandbox.path / "target")

    assert guarded(act).trespasses == ()


def test_changes_of_what_is_there_already_are_found(outside: Path) -> None:
    acts: list[Callable[[Path], object]] = [Path.unlink, lambda path: path.chmod(0o644), os.utime]
    for act in acts:
        source = outside / "source"
        source.write_bytes(b"source")
        with pytest.raises(ViolationError, match="source"):
            guarded(lambda _, act=act, source=source: act(source))  # type: ignore[misc]


def test_what_is_read_outside_is_fine(outside: Path) -> None:
    def act(_: CacheSandbox) -> None:
        (outside / "source").read_bytes()
        os.listdir(outside)  # noqa: PTH208 - any way of reading
        subprocess.run(["cat", outside / "source"], check=True, stdout=subprocess.DEVNULL)

    assert guarded(act).trespasses == ()


def test_a_server_with_tls_may_be_made_beside_it() -> None:
    """What makes its certificate writes it to a temporary file, for OpenSSL to read."""
    issued = trustme.CA().issue_cert("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert guarded(lambda _: issued.configure_cert(context)).trespasses == ()


def test_a_link_in_the_cache_leads_out_of_it(outside: Path) -> None:
    def act(sandbox: CacheSandbox) -> None:
        sandbox.plant_link("way-out", outside)
        (sandbox.path / "way-out" / "target").write_bytes(b"x")

    with pytest.raises(ViolationError, match=str(outside / "target")):
        guarded(act)


def test_who_does_not_follow_the_link_stays_inside(outside: Path) -> None:
    def act(sandbox: CacheSandbox) -> None:
        link = sandbox.plant_link("link", outside / "source")
        with pytest.raises(OSError, match="symbolic links"):
            os.open(link, os.O_WRONLY | os.O_NOFOLLOW)

    assert guarded(act).trespasses == ()


def test_making_sure_that_a_directory_is_there_is_fine() -> None:
    assert guarded(lambda sandbox: sandbox.path.parent.mkdir(parents=True, exist_ok=True)).trespasses == ()


def test_a_name_beside_the_cache_is_outside() -> None:
    """Also one that only begins as the cache's does."""
    with pytest.raises(ViolationError, match="cache-2"):
        guarded(lambda sandbox: (sandbox.root / "cache-2").mkdir())


def test_climbing_out_is_outside() -> None:
    with pytest.raises(ViolationError, match="escaped"):
        guarded(lambda sandbox: (sandbox.path / ".." / "escaped").write_bytes(b"x"))


def test_what_is_allowed_is_fine_also_afterwards(outside: Path) -> None:
    def late(sandbox: CacheSandbox) -> None:
        (outside / "target").write_bytes(b"x")
        sandbox.allow(outside)

    assert guarded(lambda _: (outside / "target").write_bytes(b"x"), allow=[outside]).trespasses == ()
    assert guarded(late).trespasses == ()


def test_what_a_test_arranges_is_not_judged(outside: Path) -> None:
    def act(sandbox: CacheSandbox) -> None:
        subprocess.run(["true", outside], check=True)
        with sandbox.unguarded():
            (outside / "target").write_bytes(b"x")
        os.close(os.open(os.devnull, os.O_WRONLY))

    assert guarded(act).trespasses == ()


def test_a_directory_that_is_watched_is_looked_at_whoever_writes(outside: Path) -> None:
    """A process that was told of the place in its environment, say."""

    def act(sandbox: CacheSandbox) -> None:
        sandbox.watch(outside)
        subprocess.run("echo x > $PLACE/target; rm $PLACE/source", shell=True, env={"PLACE": str(outside)}, check=True)  # noqa: S602

    with pytest.raises(ViolationError) as caught:
        guarded(act)
    found = {(each.kind, each.path) for each in caught.value.evidence["trespasses"]}  # type: ignore[attr-defined]
    assert found == {("write", str(outside / "target")), ("remove", str(outside / "source"))}


def test_a_process_is_named_with_who_started_it(outside: Path) -> None:
    with pytest.raises(ViolationError) as caught:
        guarded(lambda _: by_subprocess(outside / "target"))
    (trespass,) = caught.value.evidence["trespasses"]  # type: ignore[misc]
    assert trespass.by.startswith(sys.executable)
    assert any(f"{HERE}:" in line and "by_subprocess" in line for line in trespass.stack)


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


def test_nobody_listens_afterwards(outside: Path) -> None:
    sandbox = guarded(lambda _: None)
    by_open(outside / "target")
    assert sandbox._seen == []
