"""Services a component may talk to, by address: each is asked for a connection before anything is judged."""

import re
import socket
from collections.abc import Mapping
from difflib import get_close_matches
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
_FORMS: Final = "'redis://127.0.0.1:6379', 'tcp://host:port' or 'unix:///path'"
_HOST: Final = re.compile(r"[\w-]+(?:\.[\w-]+)*\.?|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(?:%[\w.-]+)?", re.ASCII)


def refuse_no_address(address: str, where: str) -> str:
    """The address itself.

    :param where: where it is written.
    :raises ConformanceError: it does not say where to connect to.
    """
    try:
        _place(address)
    except ValueError as error:
        raise ConformanceError(
            f"{where} is {without_secrets(address)!r}, which is no address of a service: {error}",
            fix=_meant(address),
            address=without_secrets(address),
        ) from error
    return address


def unreachable(address: str) -> str:
    """Why there is no connection to it, on one line; empty if there is one. Nothing is sent."""
    place = _place(refuse_no_address(address, "external"))
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
    """Where to connect to.

    :raises ValueError: it does not say; says what is missing.
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:  # its text may hold a password
        raise ValueError("it is no URL, or its port is no number up to 65535") from None
    if parts.scheme == _UNIX:
        if not parts.path or parts.netloc:
            raise ValueError("it names no absolute path")
        return parts.path
    if not parts.hostname:
        raise ValueError("it names no host")
    if not _is_host(parts.hostname):
        raise ValueError(f"its host {parts.hostname!r} is none")
    port = _PORTS.get(parts.scheme) if port is None else port
    if port is None:
        raise ValueError(f"it names no port, and none is usual for {parts.scheme!r}")
    if not port:
        raise ValueError("nothing can listen on port 0")
    return parts.hostname, port


def _is_host(name: str) -> bool:
    try:
        return _HOST.fullmatch(name.encode("idna").decode("ascii")) is not None
    except UnicodeError:
        return False


def _meant(address: str) -> str:
    near = get_close_matches(address.partition(":")[0], _PORTS, n=1)
    scheme = near[0] if near and near[0] != address.partition(":")[0] else ""
    return f"Did you mean {scheme}://?" if scheme else f"Write it as {_FORMS}"


def without_secrets(address: str) -> str:
    """The address as it may be shown: no user, no password, no query."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return f"{address.partition('://')[0]}://…"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
