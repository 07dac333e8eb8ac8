"""Services a component may talk to, by address: each is asked for a connection before anything is judged."""

import socket
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from oneiric_core import ConformanceError

__all__ = ["refuse_no_address", "unreachable", "without_secrets"]

_SECONDS: Final = 3.0
_PORTS: Final[Mapping[str, int]] = {
    "amqp": 5672,
    "http": 80,
    "https": 443,
    "mysql": 3306,
    "postgresql": 5432,
    "redis": 6379,
    "rediss": 6379,
}
_UNIX: Final = "unix"


def refuse_no_address(address: str) -> str:
    """The address itself.

    :raises ConformanceError: it does not say where to connect to.
    """
    _place(address)
    return address


def unreachable(address: str) -> str:
    """Why there is no connection to it, on one line; empty if there is one. Nothing is sent."""
    place = _place(address)
    try:
        if isinstance(place, str):
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(_SECONDS)
                probe.connect(place)
        else:
            socket.create_connection(place, _SECONDS).close()
    except OSError as error:
        return f"nothing answers at {without_secrets(address)} ({error})"
    return ""


def _place(address: str) -> str | tuple[str, int]:
    try:
        parts = urlsplit(address)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError as error:
        raise _no_address(address) from error
    if parts.scheme == _UNIX and parts.path:
        return parts.path
    if not parts.hostname or port is None:
        raise _no_address(address)
    return parts.hostname, port


def without_secrets(address: str) -> str:
    """The address as it may be shown: no user, no password, no query."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return f"{address.partition('://')[0]}://…"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def _no_address(address: str) -> ConformanceError:
    return ConformanceError(
        f"{without_secrets(address) if '@' in address else address!r} is no address of a service",
        fix="Write it as 'redis://127.0.0.1:6379', 'tcp://host:port' or 'unix:///path'",
    )
