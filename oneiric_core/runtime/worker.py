"""One worker for everything that is done, so that nothing interleaves.

Three acts: read the settings, apply the manifest, make run what is selected. Each is done when something changed, after
its period, and again after a failure. Watchers only ask for them.
"""

import asyncio
import logging
from collections.abc import Callable

from oneiric_core.clock import Clock
from oneiric_core.errors import OneiricError, told
from oneiric_core.remote.report import SyncReport
from oneiric_core.runtime.acts import Act
from oneiric_core.runtime.keeper import Keeper
from oneiric_core.runtime.telemetry import Telemetry
from oneiric_core.runtime.watchers import FileWatch

__all__ = ["Worker"]

_log = logging.getLogger(__name__)


class Worker:
    """Does what is due, until it is ended; outlives whatever that raises.

    :param notify: called after everything that was done.
    """

    def __init__(self, keeper: Keeper, telemetry: Telemetry, clock: Clock, notify: Callable[[], None]) -> None:
        self.configuring, self.syncing, self.selecting = Act("settings"), Act("sync"), Act("selections")
        self._keeper = keeper
        self._telemetry = telemetry
        self._clock = clock
        self._notify = notify
        self._asked = asyncio.Event()
        self._idle = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._ended = False

    async def prepare(self) -> None:
        """Read the settings, open what runs, and ask for the first sync."""
        await self._do(self.configuring)
        self._keeper.open()
        self._telemetry.look.stale = lambda: self._keeper.is_stale(self.syncing)
        self._ask(self.syncing)
        self._keeper.manifest_watch.mark()

    def end(self) -> None:
        """Begin nothing any more."""
        self._ended = True
        self._idle.set()

    async def settled(self) -> None:
        """Return once nothing is due."""
        while not self._idle.is_set():
            await self._idle.wait()

    async def sync(self) -> SyncReport | None:
        """Apply the manifest now, and raise what comes of it."""
        async with self._one_at_a_time:
            await self._do(self.syncing, raising=True)
        return self._keeper.last_report

    async def work(self) -> None:
        while not self._ended:  # and not: until cancelled, which a component may have swallowed
            now = self._clock.monotonic()
            due = [act for act in self._acts() if act.due is not None and act.due <= now]
            if due:
                async with self._one_at_a_time:
                    await self._do(due[0])
                continue
            self._asked.clear()
            self._idle.set()
            next_due = min((act.due for act in self._acts() if act.due is not None), default=None)
            try:
                async with self._clock.timeout(None if next_due is None else next_due - now):
                    await self._asked.wait()
            except TimeoutError:
                pass
            self._idle.clear()

    async def watch(self, watch: FileWatch, act: Act) -> None:
        while True:
            await watch.changed()
            watch.mark()
            self._ask(act)

    def look(self) -> None:
        self._keeper.settings_watch.tell()
        self._keeper.manifest_watch.tell()

    def _ask(self, act: Act) -> None:
        act.ask(self._clock.monotonic())
        self._idle.clear()
        self._asked.set()

    def _acts(self) -> tuple[Act, ...]:
        return self.configuring, self.syncing, self.selecting

    async def _do(self, act: Act, *, raising: bool = False) -> None:
        """Do it once; what goes wrong is remembered, and a reason to try again."""
        before, cancellations = act.error, _cancellations()
        if act.failures:
            self._telemetry.retry(act.name)
        act.begin(self._clock.monotonic())
        try:
            reason = await self._body(act)
        except asyncio.CancelledError:
            if raising or self._ended or _cancellations() > cancellations:
                self._ask(act)
                raise
            act.failed("it was cancelled from within", self._clock.monotonic())
        except Exception as error:  # whatever it is, what runs goes on and it is tried again
            act.failed(str(error) if isinstance(error, OneiricError) else told(error), self._clock.monotonic())
            self._tell(act, error, before)
            if raising:
                raise
        else:
            if reason:
                act.failed(reason, self._clock.monotonic())
                self._tell(act, None, before)
            else:
                act.succeeded()
            if before and not reason:
                _log.info("%s: works again", act.name)
        finally:
            self._notify()

    async def _body(self, act: Act) -> str:
        """Why it has to be tried again all the same; empty if it has not."""
        if act is self.configuring:
            try:
                if await self._keeper.configure():
                    self._ask(self.syncing)
            finally:
                plan = self._keeper.plan
                self.syncing.period = None if plan is None else plan.refresh_interval
            self._ask(self.selecting)
        elif act is self.syncing:
            report = await self._keeper.sync()
            self._ask(self.selecting)
            return "" if report is None else report.stale
        else:
            await self._keeper.select()
        return ""

    def _tell(self, act: Act, error: Exception | None, before: str) -> None:
        if act.error == before:
            _log.debug("%s: still fails: %s", act.name, act.error)
        elif error is None or isinstance(error, OneiricError):
            _log.warning("%s: %s What ran before runs on, and it is tried again.", act.name, act.error)
        else:
            _log.error("%s: %s. What ran before runs on, and it is tried again.", act.name, act.error, exc_info=error)


def _cancellations() -> int:
    """How often this task was asked to end. Before Python 3.13 a failed task group counts as one as well."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()
