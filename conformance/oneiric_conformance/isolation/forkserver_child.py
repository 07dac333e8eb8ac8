"""The side of the server in :mod:`.forkserver`: one copy of itself for each request, and how that ended."""

import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress
from typing import Any, Final, NoReturn

from oneiric_conformance.isolation import elsewhere_child, scout_child, smoke_child
from oneiric_conformance.isolation.telling import confine

__all__ = ["serve"]

_MAINS: Final = {
    "smoke_child": smoke_child.main,
    "scout_child": scout_child.main,
    "elsewhere_child": elsewhere_child.main,
}
_PATH_BYTES: Final = 1 << 16


def serve(descriptor: int) -> None:
    """Answer each request with the number of the process that serves it, then with its exit code.

    :param descriptor: a socket, over which comes the path of a JSON file with ``module``, ``environment``, ``work``,
        ``sys.path`` and what that module's ``main`` reads, along with the pipe to tell on and the file for errors.
    """
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 2)
    os.close(null)
    os.chdir("/")
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with socket.socket(fileno=descriptor) as asked:
        while True:
            path, descriptors, _, _ = socket.recv_fds(asked, _PATH_BYTES, 2)
            if not path:
                return
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                os.close(woken)
                os.close(wake)
                asked.close()
                _become(os.fsdecode(path), *descriptors)
            for each in descriptors:
                os.close(each)
            asked.sendall(b"%d\n" % pid)
            if (code := _end_of(pid, asked, woken)) is None:
                return
            asked.sendall(b"%d\n" % code)


def _end_of(pid: int, asked: socket.socket, woken: int) -> int | None:
    """Its exit code; None if the process that asked ended first, and everything here with it."""
    ready = select.poll()
    ready.register(asked, select.POLLIN | select.POLLHUP)
    ready.register(woken, select.POLLIN)
    while True:
        found = dict(ready.poll())
        if woken in found:
            os.read(woken, _PATH_BYTES)
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if asked.fileno() in found:
            for end in (os.killpg, os.kill):  # it may be so young that it leads no group yet
                with suppress(ProcessLookupError):
                    end(pid, signal.SIGKILL)
            return None


def _become(path: str, tell: int, errors: int) -> NoReturn:
    """From here on this is a process like one that was just started for the request."""
    code = 1
    try:
        os.setsid()
        os.dup2(errors, 2)
        os.close(errors)
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - it may be any name
            request: dict[str, Any] = json.load(file)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["work"])
        sys.path[:] = request["sys.path"]
        sys.path_importer_cache.clear()
        importlib.invalidate_caches()
        confine()
        _MAINS[request["module"]](request, tell)
        code = 0
    except BaseException:  # noqa: BLE001 - the end of the process, which says why
        traceback.print_exc()
    finally:
        os._exit(code)
