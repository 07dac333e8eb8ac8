"""The parts of a runtime, and what is done with them: configure, sync, select. When is not decided here."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from oneiric_core.clock import Clock
from oneiric_core.discovery import default_allow, import_object
from oneiric_core.errors import LifecycleError, OneiricError, SettingsError
from oneiric_core.lifecycle import LifecycleManager, SlotStatus
from oneiric_core.remote.artifacts import ArtifactManager
from oneiric_core.remote.fetcher import Fetcher
from oneiric_core.remote.sources import ManifestSource, Untold, source_of
from oneiric_core.remote.sync import SyncReport, sync_remote_manifest
from oneiric_core.remote.threads import in_thread
from oneiric_core.resolver import Resolver
from oneiric_core.runtime.acts import Act
from oneiric_core.runtime.health import SyncHealth
from oneiric_core.runtime.plan import Arguments, Plan
from oneiric_core.runtime.roots import policy_of, policy_remembered
from oneiric_core.runtime.selections import SelectionKeeper
from oneiric_core.runtime.settings_file import read_settings
from oneiric_core.runtime.telemetry import Telemetry
from oneiric_core.runtime.watchers import FileWatch
from oneiric_core.settings import Settings
from oneiric_core.trust.policy import Policy

__all__ = ["Keeper"]


class Keeper:
    """Does each act once, when told to, and raises what goes wrong; whatever fails leaves everything as it was.

    :param settings: what is configured, or the file that says it.
    """

    def __init__(
        self,
        resolver: Resolver,
        arguments: Arguments,
        settings: Settings | Path,
        *,
        clock: Clock,
        telemetry: Telemetry,
        poll_interval: float,
    ) -> None:
        self.resolver = resolver
        self.settings_path = settings if isinstance(settings, Path) else None
        self.selections = SelectionKeeper(resolver, Settings() if isinstance(settings, Path) else settings)
        self.settings_watch = FileWatch(self.settings_path, clock, poll_interval)
        self.manifest_watch = FileWatch(arguments.manifest_path, clock, poll_interval)
        self.plan: Plan | None = None
        self.restart_needed: tuple[str, ...] = ()
        self.last_report: SyncReport | None = None
        self.synced = SyncHealth()
        self.syncs: Counter[str] = Counter()
        self.pending: Mapping[tuple[str, str], str] = {}
        self._arguments = arguments
        self._clock = clock
        self._telemetry = telemetry
        self._started_with: Settings | None = None
        self._lifecycle: LifecycleManager | None = None
        self._fetcher: Fetcher | None = None
        self._artifacts: ArtifactManager | None = None

    @property
    def lifecycle(self) -> LifecycleManager:
        """What runs.

        :raises LifecycleError: nothing was opened yet.
        """
        if self._lifecycle is None:
            raise LifecycleError("the runtime was not started", fix="Start it, or enter it with async with")
        return self._lifecycle

    def statuses(self) -> list[SlotStatus]:
        """Every slot that was ever asked for."""
        return [] if self._lifecycle is None else self._lifecycle.all_statuses()

    def is_stale(self, syncing: Act) -> bool:
        """May what stands be older than what the publisher offers?"""
        return self.synced.applied > 0 and syncing.failures > 0

    @property
    def watched(self) -> tuple[Path, ...]:
        """The files that may change."""
        return tuple(watch.path for watch in (self.settings_watch, self.manifest_watch) if watch.path is not None)

    def open(self) -> None:
        """Make the lifecycle, with the time-outs that are configured by now."""
        settings = self._started_with = self.selections.settings
        self._lifecycle = LifecycleManager(
            self.resolver,
            clock=self._clock,
            timeouts=settings.timeouts,
            settings=self.selections.settings_of,
            importer=self._import,
        )
        self._lifecycle.observe(self.selections.observe)
        self._lifecycle.observe(self._telemetry.slot)
        self._telemetry.look.slots = self._lifecycle.all_statuses

    async def close(self) -> None:
        """Let go of everything; also of what was never opened."""
        self._telemetry.look.away()
        if self._lifecycle is not None:
            await self._lifecycle.stop()

    # -- acts ----------------------------------------------------------------------------------------------------------

    async def configure(self) -> bool:
        """Read the settings, and say whether the next sync could come out otherwise.

        :raises SettingsError: they cannot be used; those before go on.
        :raises TrustError: a key cannot be used; likewise.
        """
        self.settings_watch.mark()
        settings, plan = await in_thread(self._read)
        return self._follow(settings, plan)

    async def sync(self) -> SyncReport | None:
        """Apply the manifest; None where there is none.

        :raises OneiricError: as :func:`~oneiric_core.sync_remote_manifest`.
        """
        plan, fetcher = self.plan, self._fetcher
        if plan is None or fetcher is None or plan.place is None:
            return None
        self.manifest_watch.mark()
        began = self._clock.monotonic()
        self.synced = replace(
            self.synced, place=str(plan.place), attempts=self.synced.attempts + 1, last_attempt=self._clock.now()
        )
        with self._telemetry.sync() as report_to:
            source, trust = await self._source_and_trust(plan, plan.place, fetcher)
            report = await sync_remote_manifest(
                self.resolver,
                source,
                plan.cache_dir,
                trust=trust,
                lifecycle=self.lifecycle,
                state_dir=plan.state_dir,
                artifacts=self._artifacts,
                fetcher=fetcher,
                headers=plan.headers,
                clock=self._clock,
            )
            report_to(report)
        self.last_report = report
        self.synced = replace(
            self.synced,
            source=report.source,
            applied=self.synced.applied + 1,
            last_success=self._clock.now(),
            last_seconds=self._clock.monotonic() - began,
            skipped=report.skipped,
        )
        self.syncs.update({*report.per_domain, *(name.partition("/")[0] for name in report.retired)})
        return report

    async def _source_and_trust(
        self, plan: Plan, place: Path | str, fetcher: Fetcher
    ) -> tuple[Path | str | ManifestSource, Policy]:
        """Where the manifest is, and whom to believe; where a newer root is amiss, what is remembered of both.

        :raises OneiricError: nobody can be believed.
        """
        try:
            return place, await policy_of(plan, fetcher, self._clock)
        except OneiricError as error:
            try:
                known = await policy_remembered(plan, self._clock)
            except OneiricError:
                raise error from error.__cause__
            return Untold(source_of(place, fetcher, plan.headers), error), known

    async def select(self) -> None:
        """Make run what is selected, as it is configured.

        :raises LifecycleError: not all of it could be; the others run.
        """
        self.pending = await self.selections.apply(self.lifecycle)
        if self.pending:
            reasons = "; ".join(f"{domain}/{key}: {why}" for (domain, key), why in self.pending.items())
            raise LifecycleError(
                f"not everything runs as it is configured: {reasons.rstrip('.')}",
                fix="Mend those named, or select others",
                pending=self.pending,
            )

    # -- within --------------------------------------------------------------------------------------------------------

    def _follow(self, settings: Settings, plan: Plan) -> bool:
        before, self.plan = self.plan, plan
        self.selections.settings = settings
        self.manifest_watch.path = plan.path
        if before is None or not plan.fetches_as(before):
            self._fetcher = self._arguments.fetcher or plan.fetcher(self._clock)
            self._artifacts = plan.artifacts(self._fetcher, self._clock)
            self._telemetry.look.breakers = self._fetcher.breaker.states
        return plan != before

    def _read(self) -> tuple[Settings, Plan]:
        path = self.settings_path
        if path is None:
            settings, folder = self.selections.settings, Path()
        else:
            settings, folder = self._read_file(path), path.absolute().parent
        plan = Plan.of(self._arguments, settings, folder)
        if self.plan is not None:
            self.restart_needed = self.plan.settled_otherwise(plan)
            plan = self.plan.moved_to(plan)
        if self._started_with is not None and settings.timeouts != self._started_with.timeouts:
            self.restart_needed += ("lifecycle",)
        return settings, plan

    def _read_file(self, path: Path) -> Settings:
        if self.plan is not None and path.exists() and not path.stat().st_size:
            raise SettingsError(
                f"{path} is empty, which is taken for an unfinished write",
                fix="Write a comment into it if nothing shall be configured",
                path=str(path),
            )
        return read_settings(path)

    def _import(self, path: str) -> object:
        allow = self.selections.settings.factories.allow
        return import_object(path, default_allow() if allow is None else allow)
