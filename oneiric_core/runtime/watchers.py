"""Noticing that a file has changed: by looking again and again, and at once where the system tells.

Looking is what counts. Where ``watchfiles`` is installed it only makes us look sooner, because what a system tells is
not always everything: network file systems tell nothing, and the number of watches is limited.

A change counts once the file has stood still for a moment, so that one who writes slowly is not read half-way. Editors
and orchestrators replace files, directories and links, so it is the path that is looked at, not what it led to.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TypeAlias

from oneiric_core.clock import Clock
from oneiric_core.remote.threads import in_thread

__all__ = ["FileWatch", "SystemEvents"]

_log = logging.getLogger(__name__)

Sight: TypeAlias = tuple[int, int, int, int] | None
"""What tells one state of a file from another; None where there is none."""

SETTLE: Final = 0.2
"""Seconds for which a file has to stand still."""


class FileWatch:
    """Waits for one file to become another than it was when last marked.

    :param path: None is a file that does not exist, and may be replaced by another one.
    :param period: seconds between looks.
    """

    def __init__(self, path: Path | None, clock: Clock, period: float) -> None:
        self.path = path
        self._clock = clock
        self._period = period
        self._known: Sight = None
        self._told = asyncio.Event()

    def mark(self) -> None:
        """Remember how it looks now; to be called before it is read, so that no change falls in between."""
        self._known = self._look()

    def tell(self) -> None:
        """Look at once."""
        self._told.set()

    async def changed(self) -> None:
        """Return when it looks other than marked, and has for a moment."""
        while True:
            try:
                async with self._clock.timeout(self._period):
                    await self._told.wait()
            except TimeoutError:
                pass
            self._told.clear()
            sight = self._look()
            if sight == self._known:
                continue
            await self._clock.sleep(SETTLE)
            while (later := self._look()) != sight:
                sight = later
                await self._clock.sleep(SETTLE)
            if sight != self._known:
                return

    def _look(self) -> Sight:
        if self.path is None:
            return None
        try:
            found = os.stat(self.path)  # noqa: PTH116 - one call; it follows links, as reading will
        except (OSError, ValueError):
            return None
        return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


class SystemEvents:
    """A thread in which the system tells of changes in the directories of some files.

    :param changed: called in the loop it was started in.
    """

    def __init__(self, paths: Iterable[Path], changed: Callable[[], None]) -> None:
        self._folders = sorted({path.absolute().parent for path in paths})
        self._changed = changed
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> bool:
        """Begin; False where ``watchfiles`` is not installed, and looking has to do."""
        try:
            import watchfiles  # noqa: F401, PLC0415 - an extra
        except ImportError:
            return False
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, args=(loop,), name="oneiric-watch", daemon=True)
        self._thread.start()
        return True

    async def stop(self) -> None:
        """End the thread and wait for it."""
        self._stop.set()
        if self._thread is not None:
            await in_thread(self._thread.join)
            self._thread = None

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        import watchfiles  # noqa: PLC0415 - as above

        try:
            changes = watchfiles.watch(
                *self._folders, watch_filter=None, debounce=100, recursive=False, stop_event=self._stop
            )
            for _ in changes:
                loop.call_soon_threadsafe(self._changed)
        except Exception as error:  # noqa: BLE001 - a directory that vanished, no watches left: looking goes on
            _log.warning("the system does not tell of changes any more (%s); looking goes on", error)
