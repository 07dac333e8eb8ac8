"""The side of the child in :mod:`.child`: what it says, what it may use up, what it must not change."""

import asyncio
import faulthandler
import json
import os
import resource
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

from oneiric_conformance.finding.declarations import last_line
from oneiric_conformance.observing.watch import Record

__all__ = ["Over", "Streams", "Teller", "answer_where", "confine", "side_effects"]

_LOOK_UP: Final = "/sbin/ldconfig"
"""How ``ctypes.util.find_library`` asks which libraries there are; well-kept packages do when they are imported."""
_MEMORY: Final = 8 << 30
"""Bytes of address space: far more than a component needs, and less than would stop the machine."""

_PROCESSOR_SECONDS: Final = 60


class Teller:
    """Writes notes to the parent. Everything that runs between a stage's beginning and end is that stage's doing."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)  # a process the subject starts must not keep the pipe open
        self._descriptor = descriptor

    def tell(self, **note: Any) -> None:
        """One line; its values are plain data."""
        os.write(self._descriptor, json.dumps(note).encode() + b"\n")

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Announce a stage, then how it ended: ``error`` is the traceback's last line, ``raised`` what kind of class.

        :raises Over: instead of whatever was raised inside, which has been told by then.
        """
        self.tell(stage=name)
        started, error, kind = time.monotonic(), "", ""
        try:
            yield
        except BaseException as raised:
            error, kind = last_line(raised), "exception" if isinstance(raised, Exception) else "exit"
            raise Over from raised
        finally:
            self.tell(ended=name, seconds=time.monotonic() - started, error=error, raised=kind)

    @asynccontextmanager
    async def timed(self, name: str, seconds: float) -> AsyncIterator[None]:
        """The same for a stage that is cancelled after ``seconds``."""
        with self.stage(name):
            limit = asyncio.timeout(seconds)
            try:
                async with limit:
                    yield
            except TimeoutError:
                if limit.expired():
                    raise TimeoutError(f"did not end within {seconds:g} s") from None
                raise


class Streams:
    """The standard streams, which a component shares with its host and may not close."""

    def __init__(self) -> None:
        self._held = {name: getattr(sys, name) for name in ("stdin", "stdout", "stderr")}

    def closed(self) -> list[str]:
        """Which of them can be used no more, by name; a descriptor by its number."""
        return [
            f"sys.{name}" if getattr(stream, "closed", False) else f"descriptor {number}"
            for number, (name, stream) in enumerate(self._held.items())
            if getattr(stream, "closed", False) or not _is_open(number)
        ]


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


class Over(Exception):  # noqa: N818 - a stage is over; the error itself was told
    """A stage failed."""


def confine() -> None:
    """Limits for this process, and a way for the parent to ask where it hangs."""
    for kind, wanted in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CPU, _PROCESSOR_SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (allowed, hard))
    answer_where()
    sys.dont_write_bytecode = True


def answer_where() -> None:
    """Crashes and the parent's question are answered on descriptor 2, whatever became of ``sys.stderr``."""
    faulthandler.enable(file=2, all_threads=False)
    faulthandler.register(signal.SIGUSR1, file=2, all_threads=False)


def side_effects(record: Record) -> list[str]:
    """What the subject did beyond reading, one line each."""
    acts = [event for event in record.by_subject if event.kind != "temporary" and event.target != os.devnull]
    return [
        str(event) for event in acts if not (event.kind == "process" and event.target.partition(" ")[0] == _LOOK_UP)
    ]
