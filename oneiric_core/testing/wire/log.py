"""What a scripted server was asked, kept for the test that asks it."""

import threading
from dataclasses import dataclass
from typing import Final

from oneiric_core.errors import ViolationError
from oneiric_core.testing.wire.script import WireRequest

__all__ = ["Log", "Unexpected"]


@dataclass(frozen=True, slots=True)
class Unexpected:
    """Something that no script was for.

    :param what: the request, or what arrived in place of one.
    :param why: what was expected there.
    """

    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


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

    def note_unexpected(self, what: str, why: str) -> None:
        with self._changed:
            self._unexpected.append(Unexpected(what, why))

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
