"""What a scripted server was asked, kept for the test that asks it."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from oneiric_core.errors import ViolationError
from oneiric_core.testing.wire.script import Headers, WireRequest

__all__ = ["Log", "Unexpected", "told_at_length"]


_MOST: Final = 12
_LONGEST: Final = 200
_SECRET: Final = frozenset({"authorization", "proxy-authorization", "cookie"})


@dataclass(frozen=True, slots=True)
class Unexpected:
    """Something that no script was for.

    :param what: the request, or what arrived in place of one.
    :param why: what was expected there.
    :param peer: address and port it came from; empty without a wire.
    :param headers: those of the request.
    :param known: what there are scripts for.
    :param asked: where the test asked, ``file:line in function``, innermost first; known where there is no wire.
    :param connected: where its connection was opened, in the same way; empty if it was another process, or nobody
        looked, as only strict servers do.
    :param waiting: where the coroutines were that waited then on the loop that opened it.
    """

    what: str
    why: str
    peer: str = ""
    headers: Headers = ()
    known: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    connected: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()

    def __str__(self) -> str:
        return _readable(f"{self.what}: {self.why}")

    def at_length(self) -> str:
        """All of it, in lines."""
        stacks = ((self.asked, "asked at"), (self.connected, "connected at"), (self.waiting, "while these waited"))
        known = ", ".join(_shown(self.known))
        parts = [
            f"    {_readable(self.what)}",
            *([f"      came from {self.peer}"] if self.peer else []),
            *(f"      {line}" for line in _shown([_header(*header) for header in self.headers])),
            f"      there {f'are scripts for {known}' if known else 'is no script at all'}",
            *("\n        ".join([f"      {told}", *stack]) for stack, told in stacks if stack),
        ]
        return "\n".join(parts)


def _shown(texts: Sequence[str]) -> list[str]:
    more = [f"{len(texts) - _MOST} more"] if len(texts) > _MOST else []
    return [*map(_readable, texts[:_MOST]), *more]


def _readable(text: str) -> str:
    """What a terminal may be shown of what a client sent."""
    shown = text if text.isprintable() else ascii(text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


def _header(name: str, value: str) -> str:
    if name.lower() in _SECRET:
        value = "(not shown)"
    return _readable(f"{name}: {value}")


def told_at_length(unexpected: Sequence[Unexpected]) -> str:
    """All in one line, and then each with what is known of it; of very many only the first."""
    shown = unexpected[:_MOST]
    more = [f"    and {len(unexpected) - _MOST} more"] if len(unexpected) > _MOST else []
    return "\n".join(["; ".join(map(str, shown)), *(each.at_length() for each in shown), *more]) + "\n"


class Log:
    """Written by the server's thread and read by the test's."""

    def __init__(self) -> None:
        self._changed: Final = threading.Condition(threading.RLock())
        self._requests: list[WireRequest] = []
        self._unexpected: list[Unexpected] = []

    def note(self, request: WireRequest) -> None:
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()

    def note_unexpected(self, unexpected: Unexpected) -> None:
        with self._changed:
            self._unexpected.append(unexpected)

    @property
    def requests(self) -> tuple[WireRequest, ...]:
        with self._changed:
            return tuple(self._requests)

    @property
    def unexpected(self) -> tuple[Unexpected, ...]:
        with self._changed:
            return tuple(self._unexpected)

    def to(self, path: str) -> tuple[WireRequest, ...]:
        """Those for a path, whatever their query."""
        return tuple(request for request in self.requests if request.path == path)

    def wait_for(self, path: str, count: int, within: float) -> tuple[WireRequest, ...]:
        """Return when there are so many for a path.

        :raises ViolationError: if there are not after ``within`` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.to(path)) >= count, timeout=within):
                seen = ", ".join(str(request) for request in self._requests) or "none"
                raise ViolationError(
                    f"{len(self.to(path))} of {count} requests for {path} came within {within:g} s (all: {seen})",
                    fix="Look why the code under test did not ask",
                    path=path,
                    requests=tuple(self._requests),
                )
            return self.to(path)
