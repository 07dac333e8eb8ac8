"""A process that has loaded what a first run needs, and is copied for each: as good as a new one, and quicker.

It has seen nothing but the kit's own modules, and runs nothing itself. It is nobody's child, so that a component which
waits for children, or is asked for those it left, never meets it; it ends with the process that uses it.
"""

import os
import socket
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, Self

__all__ = ["ForkServer", "Forked"]

_BOOT: Final = (
    "import os,sys;os.fork() and os._exit(0);sys.path[:]=sys.argv[2:];"
    "from oneiric_conformance.isolation.forkserver_child import serve;serve(int(sys.argv[1]))"
)
_WORD: Final = 32
"""Bytes that hold any of its answers, which are numbers on lines of their own: two may come together."""
_PATIENCE: Final = 60.0
"""Seconds in which it starts, on however busy a machine."""

_of_this_thread = threading.local()


class ForkServer:
    """The server of one thread of one process; it serves one first run after the other."""

    @classmethod
    def mine(cls, errors: BinaryIO) -> Self:
        """The one of this thread, started if there is none that can be used.

        :param errors: where a server that cannot start says why.
        :raises ChildProcessError: if it does not start.
        """
        server: Self | None = getattr(_of_this_thread, "server", None)
        if server is None or not server.usable():
            server = _of_this_thread.server = cls(errors)
        return server

    @classmethod
    def begin(cls) -> None:
        """Have the one of this thread load its modules while this process loads its own.

        If it does not start, whoever first needs one tries once more, and hears why.
        """
        with suppress(OSError), open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - no file, but the null device
            cls.mine(nowhere)

    def __init__(self, errors: BinaryIO) -> None:
        self._connection, far = socket.socketpair()
        self._identity = (os.getpid(), os.fstat(self._connection.fileno()).st_ino)
        self._owed, self._held = 0, b""
        weakref.finalize(self, self._connection.close)
        with far:
            starter = subprocess.Popen(  # noqa: S603 - our own interpreter and our own program
                [sys.executable, "-B", "-P", "-c", _BOOT, str(far.fileno()), *sys.path],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=(far.fileno(),),
                start_new_session=True,
                env={**os.environ, "PYTHONHASHSEED": _another_seed()},
            )
        try:
            starter.wait(_PATIENCE)
        except subprocess.TimeoutExpired as error:
            starter.kill()
            starter.wait()
            raise ChildProcessError(f"it had not started after {_PATIENCE:g} s") from error

    def fork(self, request: Path, tell: int, errors: BinaryIO) -> "Forked":
        """Have the request served by a new process.

        :param request: a file with what :func:`.forkserver_child.serve` reads.
        :param tell: the descriptor that becomes its pipe to us.
        :raises ChildProcessError: if the server is gone.
        """
        self._owed = 2  # numbers: which process it is, and how it ended
        try:
            socket.send_fds(self._connection, [os.fsencode(request)], [tell, errors.fileno()])
            return Forked(self.number(_PATIENCE), self)
        except OSError as error:
            raise ChildProcessError(f"the process that it is copied from is gone ({error})") from error

    def number(self, timeout: float | None) -> int:
        """The next one it answers.

        :raises TimeoutError: if there is none after ``timeout`` seconds.
        :raises ChildProcessError: if the server is gone.
        """
        self._connection.settimeout(timeout)
        try:
            while b"\n" not in self._held:
                said = self._connection.recv(_WORD)
                if not said:
                    raise ChildProcessError("it ended")
                self._held += said
        except ConnectionError as error:
            raise ChildProcessError("it ended") from error
        finally:
            self._connection.settimeout(None)
        line, _, self._held = self._held.partition(b"\n")
        self._owed -= 1
        return int(line)

    def usable(self) -> bool:
        """Whether this process started it, has had all its answers, lost no connection to it, and it has not ended."""
        if self._identity[0] != os.getpid():
            return False
        try:
            ours = os.fstat(self._connection.fileno()).st_ino == self._identity[1]
        except OSError:
            ours = False
        if not ours:
            self._connection.detach()  # the number may be somebody else's by now
            return False
        if self._owed:  # whoever waited was interrupted; what comes next would be taken for something else
            self._connection.close()
            return False
        try:
            return bool(self._connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return True


def _another_seed() -> str:
    """Texts have other hashes in its copies than here, and the same ones in each run."""
    return "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"


class Forked:
    """A process that the server made.

    :param pid: it leads a session of its own, and its process group has the same number.
    """

    def __init__(self, pid: int, server: ForkServer) -> None:
        self.pid = pid
        self._server = server
        self._code: int | None = None

    @property
    def known(self) -> bool:
        """Whether its end is known."""
        return self._code is not None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, negative for a signal, as of :meth:`subprocess.Popen.wait`.

        :raises subprocess.TimeoutExpired: if it has not ended after ``timeout`` seconds.
        :raises ChildProcessError: if the server is gone, and nobody will ever know.
        """
        if self._code is None:
            try:
                self._code = self._server.number(timeout)
            except TimeoutError:
                raise subprocess.TimeoutExpired("fork", timeout or 0) from None
        return self._code
