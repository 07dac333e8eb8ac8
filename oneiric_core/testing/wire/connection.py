"""One connection of the scripted server: requests are read from it, and scripts are played on it."""

import asyncio
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from oneiric_core.clock import SYSTEM_CLOCK
from oneiric_core.testing.wire.script import End, Hold, Pause, Send, Step, WireRequest

__all__ = ["LARGEST_BODY", "Connection", "UnreadableRequest"]

LARGEST_HEAD: Final = 1 << 16
LARGEST_BODY: Final = 1 << 28
_PIECE: Final = 1 << 16
_PATIENCE: Final = 5.0
_GLANCE: Final = 0.001


class UnreadableRequest(Exception):  # noqa: N818 - what a client did, told in the request log
    """What arrived is no request, or one with more to it than this server reads."""


class Connection:
    """The streams of one client.

    :param held: returns once what is held may go on.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, held: "asyncio.Event") -> None:
        self._reader = reader
        self._writer = writer
        self._held = held

    @property
    def peer(self) -> tuple[str, int]:
        """Address and port of the client."""
        host, port = self._writer.get_extra_info("peername")[:2]
        return host, port

    async def request(self) -> WireRequest | None:
        """The next request; None when the client has left.

        :raises UnreadableRequest: with the reason.
        """
        lines = await self._reader.read(1)
        if not lines:
            return None
        if not lines.isalpha():  # a handshake of TLS, say, whose client waits for an answer
            raise UnreadableRequest(f"it begins with the byte {lines!r}")
        try:
            lines += await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            raise UnreadableRequest(
                f"it ended in the middle of the headers: {(lines + error.partial)[:80]!r}"
            ) from error
        except asyncio.LimitOverrunError as error:
            raise UnreadableRequest(f"its headers have more than {LARGEST_HEAD:,} bytes") from error
        first, *rest = lines.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):  # noqa: PLR2004 - method, target, version
            raise UnreadableRequest(f"it begins with {first[:80]!r}")
        headers = tuple(_split(rest))
        return WireRequest(words[0], words[1], headers, await self._body(WireRequest(words[0], words[1], headers)))

    async def _body(self, request: WireRequest) -> bytes:
        if request.header("Transfer-Encoding") is not None:
            raise UnreadableRequest(f"{request} has a Transfer-Encoding. Send a body with its Content-Length.")
        length = request.header("Content-Length") or "0"
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            raise UnreadableRequest(f"{request} has a Content-Length of {length[:20]}")
        if (request.header("Expect") or "").lower() == "100-continue":
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            return await self._reader.readexactly(int(length))
        except asyncio.IncompleteReadError as error:
            raise UnreadableRequest(f"{request} ended after {len(error.partial)} of {length} bytes") from error

    async def play(self, steps: Iterator[Step]) -> bool:
        """Do what a script says; whether the connection is still to be used."""
        for step in steps:
            match step:
                case Send():
                    await self._send(step.data)
                case Pause():
                    await SYSTEM_CLOCK.sleep(step.seconds)
                case Hold():
                    await self._held.wait()
                case End.STALL:
                    await self._until_the_client_leaves()
                    return False
                case End.RESET:
                    await self._reset()
                    return False
                case End.CLOSE:
                    return False
        return True

    async def _send(self, data: bytes) -> None:
        for start in range(0, len(data), _PIECE):
            self._writer.write(data[start : start + _PIECE])
            await self._writer.drain()

    async def _until_the_client_leaves(self) -> None:
        while await self._reader.read(_PIECE):
            pass

    async def _reset(self) -> None:
        """Lingering for no time makes the kernel send RST in the place of FIN (SO_LINGER of POSIX).

        It throws away what is not acknowledged yet, so that is waited for, unless the client does not read at all.
        """
        connection = self._writer.get_extra_info("socket")
        with suppress(TimeoutError):
            async with SYSTEM_CLOCK.timeout(_PATIENCE):
                while _unacknowledged(connection.fileno()):
                    await SYSTEM_CLOCK.sleep(_GLANCE)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


def _unacknowledged(descriptor: int) -> int:
    """How many bytes the other side does not have yet (SIOCOUTQ of Linux, tcp(7)); elsewhere nobody knows."""
    if sys.platform != "linux":
        return 0
    from fcntl import ioctl  # noqa: PLC0415 - not on every platform
    from termios import TIOCOUTQ  # noqa: PLC0415 - likewise

    return int.from_bytes(ioctl(descriptor, TIOCOUTQ, bytes(4)), sys.byteorder)


def _split(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, _, value = line.partition(":")
        yield name, value.strip()
