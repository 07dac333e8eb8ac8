"""What a guard sees in a forked child, told to the process that forked it: the hook is inherited, its memory is not."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

__all__ = ["Forks"]

_CHUNK: Final = 1 << 20
_NONE: Final = -1


class Forks:
    """A file in memory that this process has in common with all that it forks, also with those of theirs.

    A child that closes descriptors it knows nothing of, as daemons do, is not heard of any more.
    """

    def __init__(self) -> None:
        self._home = 0
        self._file = _NONE
        self._identity = (0, 0)
        self._read = 0

    def open(self) -> None:
        """Hear of the children that are forked from now on."""
        self._home = os.getpid()
        self._file = os.memfd_create("oneiric-forks")
        fcntl.fcntl(self._file, fcntl.F_SETFL, os.O_APPEND)  # so that reports are one after the other, whoever writes
        self._identity = self._identity_of_file()

    def close(self) -> None:
        os.close(self._file)
        self._file = _NONE

    @property
    def in_one(self) -> bool:
        """Whether this is a child of the process that it was made in."""
        return os.getpid() != self._home

    def tell(self, report: dict[str, Any]) -> None:
        """In a child: a report of values that JSON has."""
        with suppress(OSError):
            if self._identity_of_file() == self._identity:  # or the child has closed it and opened something else
                os.write(self._file, json.dumps(report).encode("ascii") + b"\n")

    def heard(self) -> Iterator[dict[str, Any]]:
        """The reports since it was asked last; none when it is not open."""
        if self._file == _NONE:
            return
        told = bytearray()
        while piece := os.pread(self._file, _CHUNK, self._read + len(told)):
            told += piece
        whole = told[: told.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            yield json.loads(line)

    def _identity_of_file(self) -> tuple[int, int]:
        found = os.fstat(self._file)
        return found.st_dev, found.st_ino
