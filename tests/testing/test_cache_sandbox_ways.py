"""Each way to write is seen, in this process and from it, and none is anybody's business in the cache."""

import _io
import asyncio
import ctypes
import multiprocessing
import os
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

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


def by_os_system(path: Path) -> None:
    assert os.system(f"echo x > {path}") == 0  # noqa: S605 - a text of ours


def by_posix_spawn(path: Path) -> None:
    os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", f"echo x > {path}"], os.environ), 0)


def by_spawnv(path: Path) -> None:
    """A fork that becomes another program."""
    os.spawnv(os.P_WAIT, "/bin/sh", ["sh", "-c", f"echo x > {path}"])  # noqa: S606 - a text of ours


def in_a_fork(act: Callable[[], object]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads that other tests may have left here
        child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def by_fork(path: Path) -> None:
    in_a_fork(lambda: by_open(path))


def by_a_fork_of_a_fork(path: Path) -> None:
    in_a_fork(lambda: in_a_fork(lambda: by_open(path)))


def by_a_relative_name_in_a_fork(path: Path) -> None:
    in_a_fork(lambda: by_a_relative_name(path))


def by_a_program_that_a_fork_starts(path: Path) -> None:
    in_a_fork(lambda: by_subprocess(path))


def by_multiprocessing(path: Path) -> None:
    worker = multiprocessing.get_context("fork").Process(target=by_open, args=(path,))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # likewise
        worker.start()
    worker.join()


def by_bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


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
    """_ssl, written in C over OpenSSL, has the interpreter open the file, and then has C's own stream of it."""
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).keylog_filename = str(path)


def by_the_c_api(path: Path) -> None:
    """What a C extension calls for such a stream; no Python code is between it and the file."""
    opens = ctypes.pythonapi._Py_fopen_obj
    opens.restype, opens.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    closes = ctypes.pythonapi.fclose
    closes.argtypes = (ctypes.c_void_p,)
    closes(opens(str(path), b"wb"))


def by_c_that_runs_python(path: Path) -> None:
    """As a program in C does that has an interpreter in it."""
    code = f"import os; os.close(os.open({str(path)!r}, os.O_CREAT | os.O_WRONLY))"
    assert ctypes.pythonapi.PyRun_SimpleString(code.encode()) == 0


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
    by_os_system,
    by_posix_spawn,
    by_spawnv,
    by_fork,
    by_a_fork_of_a_fork,
    by_a_relative_name_in_a_fork,
    by_a_program_that_a_fork_starts,
    by_multiprocessing,
    by_bind,
    by_thread,
    by_executor,
    by_c,
    by_a_c_extension,
    by_the_c_api,
    by_c_that_runs_python,
    by_mkdir,
    by_symlink,
    by_link,
    by_tempfile,
]


@pytest.mark.parametrize("way", WAYS)
def test_a_write_outside_is_found_with_its_path_and_stack(guarded, outside: Path, way: Callable[[Path], None]) -> None:
    with pytest.raises(ViolationError) as caught:
        guarded(lambda _: way(outside / "target"))
    found = {each.path: each for each in caught.value.evidence["trespasses"]}  # type: ignore[attr-defined]
    assert any(HERE in line for line in found[str(outside / "target")].stack)
    assert str(outside / "target") in str(caught.value)
    assert str(caught.value).endswith("Keep to the cache; say allow(path) of what the test itself writes elsewhere.")


@pytest.mark.parametrize("way", WAYS)
def test_the_same_in_the_cache_is_fine(guarded, way: Callable[[Path], None]) -> None:
    def act(sandbox: CacheSandbox) -> None:
        sandbox.plant_file("source")
        way(sandbox.path / "target")

    assert guarded(act).trespasses == ()


def test_reading_by_the_c_api_is_fine(outside: Path, guarded) -> None:
    def act(_: CacheSandbox) -> None:
        opens = ctypes.pythonapi._Py_fopen_obj
        opens.restype, opens.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
        closes = ctypes.pythonapi.fclose
        closes.argtypes = (ctypes.c_void_p,)
        closes(opens(str(outside / "source"), b"rb"))

    assert guarded(act).trespasses == ()


def test_what_c_opens_by_itself_is_found_only_where_it_is_watched(outside: Path, guarded) -> None:
    """As the documentation says."""

    def by_libc(name: str) -> None:
        closes, opens = ctypes.pythonapi.close, ctypes.pythonapi.open
        closes(opens(os.fsencode(outside / name), os.O_CREAT | os.O_WRONLY, 0o600))
        assert (outside / name).exists()

    assert guarded(lambda _: by_libc("first")).trespasses == ()

    def watched(sandbox: CacheSandbox) -> None:
        sandbox.watch(outside)
        by_libc("second")

    with pytest.raises(ViolationError, match="second"):
        guarded(watched)
