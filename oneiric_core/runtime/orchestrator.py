"""Keeping a process right: what it runs is what the manifest and the settings say, whatever happens meanwhile.

Three acts, done by one worker so that they never interleave: read the settings, apply the manifest, make run what is
selected. Each is done when something changed, after its period, and again after a failure. Watchers only ask for them.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from oneiric_core.bridges import ActionBridge, AdapterBridge, EventBridge, ServiceBridge, TaskBridge, WorkflowBridge
from oneiric_core.clock import SYSTEM_CLOCK, Clock
from oneiric_core.errors import LifecycleError, OneiricError, told
from oneiric_core.lifecycle import LifecycleManager
from oneiric_core.remote.sync import SyncReport
from oneiric_core.resolver import Resolver, Undo
from oneiric_core.runtime.acts import Act
from oneiric_core.runtime.health import HealthSnapshot, Phase
from oneiric_core.runtime.keeper import Keeper
from oneiric_core.runtime.plan import Arguments
from oneiric_core.runtime.snapshots import take_snapshot
from oneiric_core.runtime.telemetry import Telemetry
from oneiric_core.runtime.watchers import FileWatch, SystemEvents
from oneiric_core.settings import Settings
from oneiric_core.trust.policy import Policy

__all__ = ["RuntimeOrchestrator"]

_log = logging.getLogger(__name__)

POLL: Final = 1.0
"""Seconds between looks at files."""


class RuntimeOrchestrator:
    """Owns what it starts; ``async with`` it, or :meth:`start` and :meth:`stop` it. It cannot be started again.

    It starts whatever the state of the world, and goes on from there: :meth:`snapshot` says what is amiss.

    :param resolver: whose candidates are kept; a new one if None.
    :param manifest_path: the manifest, a file; or ``manifest_url``. Without both, what the settings say.
    :param trust: whom to believe; if None whom the settings trust, and nobody if there are none.
    :param refresh_interval: seconds between looks for a new manifest; None looks once, and when its file changes.
    :param cache_dir: where artifacts are kept; ``state_dir``: what is remembered of sources. None is the user's own.
    :param settings: what is configured, or the path of a TOML file, which is watched.
    :param poll_interval: seconds between looks at files.
    :param meters: where to count, and ``tracers``: where to trace; OpenTelemetry's global providers if None.
    """

    def __init__(
        self,
        resolver: Resolver | None = None,
        *,
        manifest_path: Path | str | None = None,
        manifest_url: str | None = None,
        trust: Policy | None = None,
        refresh_interval: float | None = None,
        cache_dir: Path | str | None = None,
        state_dir: Path | str | None = None,
        settings: Settings | Path | str | None = None,
        clock: Clock = SYSTEM_CLOCK,
        poll_interval: float = POLL,
        meters: MeterProvider | None = None,
        tracers: TracerProvider | None = None,
    ) -> None:
        if manifest_path is not None and manifest_url is not None:
            raise ValueError("there is a manifest_path and a manifest_url. Give one of the two.")
        self._clock = clock
        self._telemetry = Telemetry(clock, meters, tracers)
        arguments = Arguments(
            _path(manifest_path), manifest_url, trust, refresh_interval, _path(cache_dir), _path(state_dir)
        )
        self._keeper = Keeper(
            Resolver() if resolver is None else resolver,
            arguments,
            Path(settings) if isinstance(settings, str | Path) else settings or Settings(),
            clock=clock,
            telemetry=self._telemetry,
            poll_interval=poll_interval,
        )
        self._configuring, self._syncing, self._selecting = Act("settings"), Act("sync"), Act("selections")
        self._phase = Phase.NEW
        self._asked = asyncio.Event()
        self._idle = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._observers: list[Callable[[HealthSnapshot], None]] = []
        self._running: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None

    # -- coming and going ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin, and return once everything was tried once; what failed is tried again. Idempotent.

        Cancelled meanwhile, it stops what it has started.

        :raises LifecycleError: it was stopped.
        """
        if self._stopping is not None:
            raise LifecycleError("the runtime was stopped", fix="Make a new one")
        if self._running is None:
            self._phase = Phase.RUNNING
            self._running = asyncio.create_task(self._run(), name="oneiric-runtime")
        try:
            await self.settled()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End everything that was started and retire what runs. Idempotent, from every state."""
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop(), name="oneiric-runtime-stop")
        await asyncio.shield(self._stopping)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def settled(self) -> None:
        """Return once nothing is due: what could be done is done, what failed waits for its next try."""
        while not self._idle.is_set():
            await self._idle.wait()

    # -- what runs -----------------------------------------------------------------------------------------------------

    @property
    def resolver(self) -> Resolver:
        return self._keeper.resolver

    @property
    def lifecycle(self) -> LifecycleManager:
        """What runs.

        :raises LifecycleError: it was not started yet; the bridges raise the same.
        """
        return self._keeper.lifecycle

    @property
    def adapter_bridge(self) -> AdapterBridge:
        return AdapterBridge(self.resolver, self.lifecycle, self._clock)

    @property
    def service_bridge(self) -> ServiceBridge:
        return ServiceBridge(self.resolver, self.lifecycle, self._clock)

    @property
    def task_bridge(self) -> TaskBridge:
        return TaskBridge(self.resolver, self.lifecycle, self._clock)

    @property
    def event_bridge(self) -> EventBridge:
        return EventBridge(self.resolver, self.lifecycle, self._clock)

    @property
    def workflow_bridge(self) -> WorkflowBridge:
        return WorkflowBridge(self.resolver, self.lifecycle, self._clock)

    @property
    def action_bridge(self) -> ActionBridge:
        return ActionBridge(self.resolver, self.lifecycle, self._clock)

    # -- how it is -----------------------------------------------------------------------------------------------------

    def snapshot(self) -> HealthSnapshot:
        """How it is now."""
        return take_snapshot(self._keeper, self._phase, self._configuring, self._syncing, self._clock.now())

    def observe(self, observer: Callable[[HealthSnapshot], None]) -> Undo:
        """Call ``observer`` after everything that was done. What it raises is logged and stops nothing."""
        self._observers.append(observer)

        def undo() -> None:
            if observer in self._observers:
                self._observers.remove(observer)

        return undo

    async def sync(self) -> SyncReport | None:
        """Apply the manifest now; None where there is none.

        :raises OneiricError: it could not be applied; everything is as before.
        """
        if self._phase is not Phase.RUNNING:
            raise LifecycleError(f"the runtime is {self._phase}", fix="Ask one that runs")
        async with self._one_at_a_time:
            await self._do(self._syncing, raising=True)
        return self._keeper.last_report

    # -- the worker ----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        events = SystemEvents(self._keeper.watched, self._look)
        try:
            await self._do(self._configuring)
            self._keeper.open()
            self._telemetry.look.stale = lambda: self._keeper.is_stale(self._syncing)
            self._syncing.ask(self._clock.monotonic())
            self._keeper.manifest_watch.mark()
            events.start()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._work())
                group.create_task(self._watch(self._keeper.settings_watch, self._configuring))
                group.create_task(self._watch(self._keeper.manifest_watch, self._syncing))
        finally:
            await events.stop()
            self._idle.set()

    async def _work(self) -> None:
        while self._phase is Phase.RUNNING:  # and not: until cancelled, which a component may have swallowed
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

    async def _watch(self, watch: FileWatch, act: Act) -> None:
        while True:
            await watch.changed()
            watch.mark()
            self._ask(act)

    def _look(self) -> None:
        self._keeper.settings_watch.tell()
        self._keeper.manifest_watch.tell()

    def _ask(self, act: Act) -> None:
        act.ask(self._clock.monotonic())
        self._idle.clear()
        self._asked.set()

    def _acts(self) -> tuple[Act, ...]:
        return self._configuring, self._syncing, self._selecting

    async def _do(self, act: Act, *, raising: bool = False) -> None:
        """Do it once; what goes wrong is remembered, and a reason to try again."""
        before, cancellations = act.error, _cancellations()
        if act.failures:
            self._telemetry.retry(act.name)
        act.begin(self._clock.monotonic())
        try:
            await self._body(act)
        except asyncio.CancelledError:
            if raising or self._phase is not Phase.RUNNING or _cancellations() > cancellations:
                self._ask(act)
                raise
            act.failed("it was cancelled from within", self._clock.monotonic())
        except Exception as error:  # whatever it is, what runs goes on and it is tried again
            act.failed(str(error) if isinstance(error, OneiricError) else told(error), self._clock.monotonic())
            self._tell(act, error, before)
            if raising:
                raise
        else:
            act.succeeded()
            if before:
                _log.info("%s: works again", act.name)
        finally:
            self._notify()

    async def _body(self, act: Act) -> None:
        if act is self._configuring:
            try:
                if await self._keeper.configure():
                    self._ask(self._syncing)
            finally:
                plan = self._keeper.plan
                self._syncing.period = None if plan is None else plan.refresh_interval
            self._ask(self._selecting)
        elif act is self._syncing:
            await self._keeper.sync()
            self._ask(self._selecting)
        else:
            await self._keeper.select()

    def _tell(self, act: Act, error: Exception, before: str) -> None:
        if act.error == before:
            _log.debug("%s: still fails: %s", act.name, act.error)
        elif isinstance(error, OneiricError):
            _log.warning("%s: %s What ran before runs on, and it is tried again.", act.name, act.error)
        else:
            _log.error("%s: %s. What ran before runs on, and it is tried again.", act.name, act.error, exc_info=error)

    def _notify(self) -> None:
        for observer in [*self._observers]:
            try:
                observer(self.snapshot())
            except Exception:  # noqa: BLE001 - it must not stop what it looks at
                _log.exception("an observer of the runtime failed")

    async def _stop(self) -> None:
        self._phase = Phase.STOPPING
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})
            if not self._running.cancelled() and (error := self._running.exception()):
                _log.error("the runtime ended by itself", exc_info=error)
        await self._keeper.close()
        self._idle.set()
        self._phase = Phase.STOPPED
        self._notify()


def _cancellations() -> int:
    """How often this task was asked to end. Before Python 3.13 a failed task group counts as one as well."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def _path(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path)
