"""Keeping a process right: what it runs is what the manifest and the settings say, whatever happens meanwhile."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from oneiric_core.bridges import ActionBridge, AdapterBridge, EventBridge, ServiceBridge, TaskBridge, WorkflowBridge
from oneiric_core.clock import SYSTEM_CLOCK, Clock
from oneiric_core.errors import LifecycleError
from oneiric_core.lifecycle import LifecycleManager
from oneiric_core.remote.fetcher import Fetcher
from oneiric_core.remote.report import SyncReport
from oneiric_core.resolver import Resolver, Undo
from oneiric_core.runtime.health import HealthSnapshot, Phase
from oneiric_core.runtime.keeper import Keeper
from oneiric_core.runtime.plan import Arguments
from oneiric_core.runtime.snapshots import take_snapshot
from oneiric_core.runtime.telemetry import Telemetry
from oneiric_core.runtime.watchers import SystemEvents
from oneiric_core.runtime.worker import Worker
from oneiric_core.settings import Settings
from oneiric_core.trust.certificate import CertificatePolicy
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
    :param trust: whom to believe; if None whom the settings trust, and nobody if there are none. What the settings ask
        of a manifest beside signatures is asked of it all the same.
    :param trust_root: a file with the first root of the source, which says whom to believe in the place of ``trust``.
    :param refresh_interval: seconds between looks for a new manifest; None looks once, and when its file changes.
    :param cache_dir: where artifacts are kept; ``state_dir``: what is remembered of sources. None is the user's own.
    :param settings: what is configured, or the path of a TOML file, which is watched.
    :param headers: sent to the origin of the URL, and to no other, beside those of the settings.
    :param certificate: what is asked of the certificate of every artifact; if None what the settings ask.
    :param fetcher: asks servers, in the place of one made as the settings say.
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
        trust_root: Path | str | None = None,
        refresh_interval: float | None = None,
        cache_dir: Path | str | None = None,
        state_dir: Path | str | None = None,
        settings: Settings | Path | str | None = None,
        headers: Mapping[str, str] | None = None,
        certificate: CertificatePolicy | None = None,
        fetcher: Fetcher | None = None,
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
            manifest_path=_path(manifest_path),
            manifest_url=manifest_url,
            trust=trust,
            trust_root=_path(trust_root),
            refresh_interval=refresh_interval,
            cache_dir=_path(cache_dir),
            state_dir=_path(state_dir),
            headers=dict(headers or {}),
            certificate=certificate,
            fetcher=fetcher,
        )
        self._keeper = Keeper(
            Resolver() if resolver is None else resolver,
            arguments,
            Path(settings) if isinstance(settings, str | Path) else settings or Settings(),
            clock=clock,
            telemetry=self._telemetry,
            poll_interval=poll_interval,
        )
        self._worker = Worker(self._keeper, self._telemetry, clock, self._notify)
        self._phase = Phase.NEW
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
        await self._worker.settled()

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
        return take_snapshot(
            self._keeper, self._phase, self._worker.configuring, self._worker.syncing, self._clock.now()
        )

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
        return await self._worker.sync()

    # -- within --------------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        worker, keeper = self._worker, self._keeper
        events = SystemEvents(keeper.watched, worker.look)
        try:
            await worker.prepare()
            events.start()
            async with asyncio.TaskGroup() as group:
                group.create_task(worker.work())
                group.create_task(worker.watch(keeper.settings_watch, worker.configuring))
                group.create_task(worker.watch(keeper.manifest_watch, worker.syncing))
        finally:
            await events.stop()
            worker.end()

    def _notify(self) -> None:
        for observer in [*self._observers]:
            try:
                observer(self.snapshot())
            except Exception:  # noqa: BLE001 - it must not stop what it looks at
                _log.exception("an observer of the runtime failed")

    async def _stop(self) -> None:
        self._phase = Phase.STOPPING
        self._worker.end()
        self._notify()
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})
            if not self._running.cancelled() and (error := self._running.exception()):
                _log.error("the runtime ended by itself", exc_info=error)
        await self._keeper.close()
        self._phase = Phase.STOPPED
        self._notify()


def _path(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path)
