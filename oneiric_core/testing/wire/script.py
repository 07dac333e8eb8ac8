"""What a script is made of: it looks at one request and says what happens on the wire, step by step."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, dataclass, fields
from enum import Enum
from http import HTTPStatus
from typing import Any, Final, TypeAlias

__all__ = ["End", "Headers", "Hold", "Pause", "Script", "Send", "Step", "WireRequest", "head"]

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values in the order in which they are on the wire; a name may stand there twice."""

_SHOWN: Final = 64
_KNOWN: Final = frozenset(HTTPStatus)


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request as it arrived.

    :param target: the path with its query, exactly as it was on the wire.
    :param headers: in order, values without the blanks around them.
    :param body: what came with it by ``Content-Length``.
    """

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What follows the first question mark, or nothing."""
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """The first header of that name, in any case; None if there is none."""
        return next((value for known, value in self.headers if known.lower() == name.lower()), None)

    @property
    def wants_to_leave(self) -> bool:
        """Whether the client asked for the end of the connection after the answer."""
        return (self.header("Connection") or "").lower() == "close"

    def __str__(self) -> str:
        return f"{self.method} {self.target}"


@dataclass(frozen=True, slots=True)
class Send:
    """Put these bytes on the wire."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """Send nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Send nothing until :meth:`ArtifactServer.release`."""


class End(Enum):
    """How a connection ends, unless it is kept for the next request."""

    CLOSE = "closed in order, after what was sent (FIN)"
    RESET = "torn down (RST)"
    STALL = "kept open without a word, until the client leaves or the server stops"


Step: TypeAlias = Send | Pause | Hold | End


class Script(ABC):
    """What the server does with one request.

    A frozen value that prints itself as it would be written, with long bytes by their digest.
    """

    __slots__ = ()

    @abstractmethod
    def steps(self, request: WireRequest) -> Iterator[Step]:
        """What happens on the wire. After an :class:`End` nothing does; without one the connection is kept."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(_arguments(self))})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 - the protocol's own argument
        """What IPython and Hypothesis ask for; the latter would write a dataclass in its own way."""
        printer.text(repr(self))


def _arguments(script: Any) -> Iterator[str]:
    """What was given, as it would be written: the first value in its place, others by name, no defaults."""
    for position, each in enumerate(fields(script)):
        value = getattr(script, each.name)
        if value != each.default or each.default is MISSING:
            yield _written(value) if position == 0 else f"{each.name}={_written(value)}"


def _written(value: object) -> str:
    if isinstance(value, bytes) and len(value) > _SHOWN:
        return f"<{len(value):,} bytes, SHA-256 {hashlib.sha256(value).hexdigest()[:12]}…>"
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    return repr(value)


def head(status: int, headers: Iterable[tuple[str, str]] = ()) -> bytes:
    """Status line and headers with the empty line after them (RFC 9112), without asking whether they make sense."""
    reason = HTTPStatus(status).phrase if status in _KNOWN else "Scripted"
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")
