"""The scripted server: a socket on the loopback interface, a thread with a loop of its own, and scripts by path."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, Final, Self

from oneiric_core.errors import MisuseError, ViolationError
from oneiric_core.testing.choosing import chosen, did_you_mean
from oneiric_core.testing.origins import SOCKETS, Origins
from oneiric_core.testing.wire.certificates import Certificates, Tls, certificates
from oneiric_core.testing.wire.connection import LARGEST_HEAD, Connection, UnreadableRequest
from oneiric_core.testing.wire.log import Log, Unexpected, told_at_length
from oneiric_core.testing.wire.replies import Reply
from oneiric_core.testing.wire.script import Headers, Script, WireRequest

__all__ = ["ArtifactServer"]

_HOST: Final = "127.0.0.1"
_HOSTS: Final = (_HOST, "localhost")
_BACKLOG: Final = 128


class ArtifactServer:
    """An HTTP/1.1 server that answers each path as its scripts say, and keeps what it was asked.

    Use it as a context manager, or with :meth:`start` and :meth:`stop`; it can be started once. What has no script is
    answered with 404. All methods may be called from any thread, except that :meth:`wait_for` blocks the one it is
    called from.

    :param tls: None for ``http``; otherwise the server is at ``https`` with the certificate that :class:`Tls` says.
    :param strict: whether :meth:`check`, and so :meth:`stop`, fails after a request that no script was for.
    :raises MisuseError: TLS without the extra ``testing``, or an unknown kind of it.
    """

    def __init__(self, *, tls: Tls | str | None = None, strict: bool = False) -> None:
        self.strict: Final = strict
        self.tls: Final = None if tls is None else chosen(Tls, tls)
        self._certificates = None if tls is None else certificates()
        self._scripts: dict[str, tuple[list[Script], bool, str]] = {}
        self._log = Log()
        self._origins: Final = Origins(SOCKETS)
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._held = asyncio.Event()
        self._ending: asyncio.Future[None] | None = None
        self._defect: BaseException | None = None
        self._told = False

    # --- scripts ---------------------------------------------------------------------------------------------------

    def on(self, path: str, *scripts: Script, repeat: bool = True) -> str:
        """Answer requests for a path: the first with the first script, the next with the second, and so on.

        :param path: as it is in a URL; with a query it is for that query only, without one for any.
        :param repeat: whether the last script is for all further requests; if not, those are unexpected.
        :returns: the URL.
        :raises MisuseError: a path that does not begin with a slash, or no script.
        """
        self._refuse_afterwards()
        _refuse_no_path(path)
        for script in scripts:
            if not isinstance(script, Script):
                fix = "Pass a Reply, Redirect, Broken or Raw; Reply(b'…') for some bytes"
                raise MisuseError(f"{script!r} is no script", fix=fix, script=script)
        if not scripts:
            raise MisuseError(f"no script for {path}", fix="Pass at least one, for example Reply(b'…')", path=path)
        with self._lock:
            self._scripts[path] = ([*scripts], repeat, f"{len(scripts)} scripts, not to be repeated")
        return self.url_of(path)

    def serve(self, path: str, body: bytes) -> str:
        """Answer requests for a path with these bytes; the URL."""
        return self.on(path, Reply(body))

    def release(self) -> None:
        """Let all go on that is held (``Reply(held=True)``), now and later."""
        self._refuse_afterwards()
        self._call(self._held.set)

    def _refuse_afterwards(self) -> None:
        if self._thread is not None and not self._thread.is_alive():
            raise MisuseError("the artifact server was stopped", fix="Use it in the block, or the test, it belongs to")

    # --- where it is -----------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """``http://127.0.0.1:port``, without a slash at the end.

        :raises MisuseError: before the start, or after the end.
        """
        return self._at(_HOST)

    def url_of(self, path: str, *, host: str = _HOST) -> str:
        """The URL of a path; ``localhost`` as the host is another origin on the same server."""
        if host not in _HOSTS:
            raise MisuseError(f"{host!r} is not a name of this server", fix=did_you_mean(host, _HOSTS), host=host)
        _refuse_no_path(path)
        return self._at(host) + path

    @property
    def port(self) -> int:
        """The TCP port; nobody listens there once the server was stopped."""
        if self._listener is None:
            raise MisuseError("the artifact server was not started", fix="Use it in a with block, or call start()")
        return self._port

    def _at(self, host: str) -> str:
        self._refuse_afterwards()
        return f"{'http' if self.tls is None else 'https'}://{host}:{self.port}"

    @property
    def certificates(self) -> Certificates:
        """The authority that clients may trust.

        :raises MisuseError: of a server without TLS.
        """
        if self._certificates is None:
            raise MisuseError("a server without TLS has no certificates", fix="Make it with tls=Tls.GOOD, for example")
        return self._certificates

    # --- what it was asked -----------------------------------------------------------------------------------------

    @property
    def requests(self) -> tuple[WireRequest, ...]:
        """All requests so far, in the order in which they arrived."""
        return self._log.requests

    def requests_to(self, path: str) -> tuple[WireRequest, ...]:
        """Those for a path, whatever their query."""
        return self._log.to(path)

    @property
    def unexpected(self) -> tuple[Unexpected, ...]:
        """What no script was for: other paths, requests too many, and what was no request."""
        return self._log.unexpected

    def wait_for(self, path: str, count: int = 1, *, within: float = 30.0) -> tuple[WireRequest, ...]:
        """Block until a path was asked for ``count`` times; those requests.

        In a coroutine: ``await asyncio.to_thread(server.wait_for, path)``.

        :raises ViolationError: if that does not happen within so many seconds.
        :raises MisuseError: after the end, when nothing can happen any more.
        """
        self._refuse_afterwards()
        return self._log.wait_for(path, count, within)

    def check(self) -> None:
        """Look whether all was as expected.

        :raises ViolationError: in strict mode after anything unexpected, once.
        """
        if self._defect is not None:
            raise self._defect
        if self.strict and self.unexpected and not self._told:
            self._told = True
            raise ViolationError(
                f"the artifact server was asked for what it has no script for: {told_at_length(self.unexpected)}",
                fix="Script it with on(path, …), or mend what asks for it",
                unexpected=self.unexpected,
            )

    # --- coming and going ------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Listen on a free port of 127.0.0.1.

        :raises MisuseError: if it was started before.
        """
        if self._listener is not None:
            raise MisuseError("the artifact server was started before", fix="Make another one")
        context = None if self.tls is None else self.certificates.server_context(self.tls)
        if self.strict:
            self._origins.listen()
        self._listener = socket.create_server((_HOST, 0), backlog=_BACKLOG)
        self._listener.setblocking(False)
        self._port: int = self._listener.getsockname()[1]
        # The loop is made here, so that nobody has to wait for the thread: who connects waits in the backlog.
        self._ending = asyncio.SelectorEventLoop().create_future()
        args = (self._ending, self._accept(self._listener, context, self._ending))
        self._thread = threading.Thread(target=self._run, args=args, name=f"artifact server :{self._port}", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close all connections, whatever they wait for, and the port; idempotent.

        :raises ViolationError: as :meth:`check`.
        """
        if self._thread is not None and self._ending is not None:
            self._call(self._ending.cancel)
            self._thread.join()
        self._origins.close()
        self.check()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.stop()
            return
        with suppress(ViolationError):  # the error on its way says more
            self.stop()

    def _call(self, act: Any) -> None:
        if self._ending is not None:
            with suppress(RuntimeError):  # the loop was closed meanwhile
                self._ending.get_loop().call_soon_threadsafe(act)

    # --- in its thread ---------------------------------------------------------------------------------------------

    def _run(self, ending: "asyncio.Future[None]", serving: Coroutine[Any, Any, None]) -> None:
        try:
            with asyncio.Runner(loop_factory=ending.get_loop) as runner:
                runner.run(serving)
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # noqa: BLE001 - a defect of this server, raised where the test can see it
            self._defect = error

    async def _accept(
        self, listener: socket.socket, context: ssl.SSLContext | None, ending: "asyncio.Future[None]"
    ) -> None:
        loop = ending.get_loop()
        loop.set_exception_handler(self._note_trouble)
        with listener:
            async with asyncio.TaskGroup() as group:
                loop.add_reader(listener, self._take, listener, context, group)
                try:
                    await ending
                finally:
                    loop.remove_reader(listener)

    def _take(self, listener: socket.socket, context: ssl.SSLContext | None, group: asyncio.TaskGroup) -> None:
        """A callback and not ``sock_accept``, which loses the connection that it has when it is cancelled."""
        with suppress(OSError):  # the client left again
            connection, _ = listener.accept()
            connection.setblocking(False)
            task = group.create_task(self._attend(connection, context))
            task.add_done_callback(partial(_close, connection))  # it may never begin

    def _note_trouble(self, _: asyncio.AbstractEventLoop, trouble: dict[str, Any]) -> None:
        """What a transport says of a client that left is no news; anything else is a defect of this server."""
        error = trouble.get("exception")
        if not isinstance(error, OSError):
            self._defect = error or RuntimeError(str(trouble.get("message")))

    async def _attend(self, connection: socket.socket, context: ssl.SSLContext | None) -> None:
        reader = asyncio.StreamReader(limit=LARGEST_HEAD)
        protocol = asyncio.StreamReaderProtocol(reader)
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection, ssl=context)
        except OSError:  # ssl.SSLError is one: the client refuses the certificate, as it may be meant to
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        # What was sent is to be with the kernel before a reset; under TLS a limit of 0 would let nothing through.
        transport.set_write_buffer_limits(0 if context is None else 1)
        try:
            with suppress(OSError):  # the client left, as clients do
                await self._converse(Connection(reader, writer, self._held))
                writer.close()
                await writer.wait_closed()
        finally:
            transport.abort()

    async def _converse(self, connection: Connection) -> None:
        try:
            while (request := await connection.request()) is not None:
                script = self._script_for(request, connection.peer)
                self._log.note(request)
                if not await connection.play(script.steps(request)) or request.wants_to_leave:
                    return
        except UnreadableRequest as reason:
            self._note_unexpected("something that is no request", str(reason), (), connection.peer)
            await connection.play(Reply(f"{reason}\n".encode(), status=400, keep=False).steps(WireRequest("GET", "/")))

    def _script_for(self, request: WireRequest, peer: tuple[str, int]) -> Script:
        with self._lock:
            known = next((path for path in (request.target, request.path) if path in self._scripts), None)
            scripts, repeat, why = self._scripts[known] if known is not None else ([], False, "")
            if len(scripts) > 1 or (scripts and not repeat):
                return scripts.pop(0)
            if scripts:
                return scripts[0]
            why = why or did_you_mean(request.path, self._scripts)
        self._note_unexpected(str(request), why, request.headers, peer)
        return Reply(b"no script for this\n", status=404)

    def _note_unexpected(self, what: str, why: str, headers: Headers, peer: tuple[str, int]) -> None:
        connected, waiting = self._origins.of_connection(peer[1])
        self._log.note_unexpected(
            Unexpected(
                what,
                why,
                peer=f"{peer[0]}:{peer[1]}",
                headers=headers,
                known=tuple(self._scripts),
                connected=connected,
                waiting=waiting,
            )
        )


def _refuse_no_path(path: object) -> None:
    if not isinstance(path, str) or not path.startswith("/") or path.startswith("//"):
        raise MisuseError(f"{path!r} is no path of a URL", fix="Begin it with one slash", path=path)


def _close(connection: socket.socket, _: object) -> None:
    connection.close()
