"""A whole runtime for one test: time stands still, everything ends with the test, and what is left behind fails it."""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from oneiric_core.bridges import EventBridge, check_declaration
from oneiric_core.clock import SYSTEM_CLOCK, FrozenClock
from oneiric_core.components import Candidate, CandidateSource
from oneiric_core.discovery.importing import import_object
from oneiric_core.errors import MisuseError, ResolutionError, ViolationError
from oneiric_core.lifecycle import LifecycleManager, Timeouts
from oneiric_core.remote.artifacts import ArtifactManager
from oneiric_core.remote.sync import SyncReport, sync_remote_manifest
from oneiric_core.resolver import Resolver
from oneiric_core.testing.inventory import Inventory, outgrown, take_inventory
from oneiric_core.testing.keys import PUBLISHER, KeyPair
from oneiric_core.testing.leaks import examine, told_at_length
from oneiric_core.testing.origins import Origins
from oneiric_core.testing.verbs import Verb, verbs_of
from oneiric_core.trust import RefuseAll, TrustPolicy, load_public_key

__all__ = ["RuntimeHarness"]

Given = TypeVar("Given")

_ONE_WAY: Final = "Use one way in a test: run(), or async with"
_IN_ITS_BLOCK: Final = "Use it in the block, or the test, that it belongs to"
_TURN: Final = 0.001
"""Seconds of real time that threads are given between two looks whether all has ended."""
_TURNS: Final = 50
_PATIENCE: Final = 0.25
_EXECUTORS: Final = ("asyncio_", "AnyIO worker")
"""Threads that belong to the loop and end with it."""


class RuntimeHarness:
    """A resolver, a lifecycle manager, a cache and a trust policy, with a frozen clock.

    Either ``async with`` it on the loop of the test, or give :meth:`run` a coroutine; not both.

    :param clock: moves when :meth:`FrozenClock.advance` says so.
    :param trusted: whose manifests are believed.
    :param timeouts: of components; on the same clock.
    :param leaks: whether what is left behind fails the test.
    """

    def __init__(
        self,
        clock: FrozenClock | None = None,
        *,
        trusted: tuple[KeyPair, ...] = (PUBLISHER,),
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
        leaks: bool = True,
    ) -> None:
        self.clock: Final = clock or FrozenClock()
        self.resolver: Final = Resolver()
        self._timeouts = timeouts
        self._leaks = leaks
        self._settings: dict[str, Mapping[str, Any]] = {}
        keys = [load_public_key(key.public, name=key.name) for key in trusted]
        self._policy = TrustPolicy(keys, unsafe_allow_published_keys=True) if keys else RefuseAll()
        self._manager: LifecycleManager | None = None
        self._verbs: Mapping[str, Verb] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._runner: asyncio.Runner | None = None
        self._before: Inventory | None = None
        self._origins: Final = Origins()
        self._root: Path | None = None
        self._over = False

    # --- coming and going ------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        if self._runner is not None:
            raise MisuseError("the runtime was used by run() already", fix=_ONE_WAY)
        self._begin()
        return self

    def _begin(self) -> None:
        if self._over or self._manager is not None:
            raise MisuseError(f"the runtime {'has ended' if self._over else 'runs already'}", fix="Make another one")
        self._loop, self._before = _running_loop(), take_inventory(but_threads=_EXECUTORS)
        if self._leaks:
            self._origins.listen()
        self._manager = LifecycleManager(
            self.resolver,
            clock=self.clock,
            timeouts=self._timeouts,
            settings=lambda candidate: self._settings.get(candidate.name, {}),
            importer=lambda path: import_object(path, None),
        )
        events = EventBridge(self.resolver, self._manager, clock=self.clock)
        self._verbs = verbs_of(self.resolver, self._manager, lambda: events, self.clock)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._end(judged=kind is None)
        finally:
            self._tidy()

    async def _end(self, *, judged: bool) -> None:
        """Stop, moving time on as long as somebody waits for it, and look what is there that was not before."""
        self._over = True
        async with asyncio.TaskGroup() as group:
            stopping = group.create_task(self.lifecycle.stop())
            await self._until_done(stopping)
        if judged and self._leaks and self._before is not None:
            left = [examine(each, self._origins) for each in await outgrown(self._before, but_threads=_EXECUTORS)]
            if left:
                raise ViolationError(
                    f"left behind when the runtime had stopped: {told_at_length(left)}",
                    fix="End each of them, or set leaks=False where that is somebody else's business",
                    left=tuple(left),
                )

    async def _until_done(self, stopping: "asyncio.Task[None]") -> None:
        """Give it some real time first, for work in threads; then whatever it waits for is on the frozen clock."""
        for _ in range(_TURNS):
            if stopping.done():
                return
            await asyncio.sleep(0)
        patience = SYSTEM_CLOCK.monotonic() + _PATIENCE
        while not stopping.done():
            if SYSTEM_CLOCK.monotonic() > patience:
                await self.clock.advance(1)
            await SYSTEM_CLOCK.sleep(_TURN)

    def run(self, work: Coroutine[Any, Any, Given] | Callable[["RuntimeHarness"], Awaitable[Given]]) -> Given:
        """Run a coroutine, or a coroutine function that is given this runtime, on a loop of the runtime's own.

        The loop, and what runs, stay until :meth:`close`, so that it may be called several times.

        :raises MisuseError: on a loop that runs, as in an ``async def`` test, or after ``async with``.
        """
        if not asyncio.iscoroutine(work) and not callable(work):
            raise MisuseError(f"{work!r} cannot be run", fix="Pass a coroutine, or an async function of the runtime")
        try:
            runner = self._own_loop()
        except MisuseError:
            if asyncio.iscoroutine(work):
                work.close()  # or Python warns that it was never awaited, which is not what is wrong
            raise
        return runner.run(_awaited(work if asyncio.iscoroutine(work) else work(self)))

    def _own_loop(self) -> asyncio.Runner:
        if _is_running():
            raise MisuseError("run() was called where a loop runs", fix="Say `async with` the runtime there")
        if self._loop is not None and self._runner is None:
            raise MisuseError("the runtime was entered by async with", fix=_ONE_WAY)
        self._refuse_afterwards()
        if self._runner is None:
            # without a factory it would put its loop in the place of the one that the host has set for this thread
            self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
            self._runner.run(_called(self._begin))
        return self._runner

    def close(self) -> None:
        """End what :meth:`run` began; idempotent, and nothing after ``async with``.

        :raises ViolationError: if something was left behind.
        """
        if self._runner is not None and not self._over:
            try:
                self._runner.run(self._end(judged=True))
            finally:
                self._runner.close()
                self._tidy()
        self._over = True

    @property
    def runs(self) -> bool:
        """Whether it was begun and has not ended."""
        return self._manager is not None and not self._over

    def _tidy(self) -> None:
        self._origins.close()
        if self._root is not None:
            shutil.rmtree(self._root)
            self._root = None

    # --- the parts -------------------------------------------------------------------------------------------------

    @property
    def lifecycle(self) -> LifecycleManager:
        """What owns the instances.

        :raises MisuseError: before the runtime was entered.
        """
        if self._manager is None:
            raise MisuseError(
                "the runtime does not run", fix="Say `async with` the runtime, or give its run() a coroutine"
            )
        return self._manager

    @property
    def workdir(self) -> Path:
        """A directory of this runtime's own: ``cache``, ``state``, and ``offered`` for artifacts by ``file://``."""
        self._refuse_afterwards()
        if self._root is None:
            self._root = Path(tempfile.mkdtemp(prefix="oneiric-runtime-")).resolve()
        return self._root

    @property
    def artifacts(self) -> ArtifactManager:
        """The cache, in :attr:`workdir`."""
        return ArtifactManager(self.workdir / "cache", local_roots=(self.workdir / "offered",), clock=self.clock)

    # --- doing -----------------------------------------------------------------------------------------------------

    def register(
        self,
        domain: str,
        key: str,
        provider: str,
        factory: str | Callable[..., object],
        *,
        settings: Mapping[str, Any] | None = None,
        priority: int | None = None,
        **metadata: Any,
    ) -> Candidate:
        """Offer a component; the same domain, key and provider replace their former self.

        :param factory: a class, a function, or an import path.
        :param metadata: what else is declared of it.
        :raises OneiricError: what is declared makes no sense.
        :raises MisuseError: after the end.
        """
        self._refuse_afterwards()
        candidate = Candidate(
            domain, key, provider, factory, metadata=metadata, priority=priority, source=CandidateSource.MANUAL
        )
        check_declaration(candidate)
        self.resolver.register(candidate)
        self._settings[candidate.name] = settings or {}
        return candidate

    async def activate(self, domain: str, key: str, provider: str | None = None) -> Any:
        """Publish the winner, or ``provider``, unless the slot already has an instance of it; the instance."""
        return await self._here().activate(domain, key, provider)

    async def swap(self, domain: str, key: str, provider: str | None = None) -> Any:
        """Build anew and publish; the instance. If that fails the former one stays."""
        return await self._here().swap(domain, key, provider)

    def lease(self, domain: str, key: str) -> AbstractAsyncContextManager[Any]:
        """The published instance, protected from clean-up until the block ends."""
        return self._here().lease(domain, key)

    async def call(self, domain: str, key: str, payload: Any = None) -> Any:
        """Do the domain's verb under a lease. Raises what the component raises."""
        self._here()
        if domain not in self._verbs:
            fix = "Lease the instance and call one of its capabilities"
            raise ResolutionError(f"{domain}/{key} has no verb that every {domain} has", fix=fix, domain=domain)
        return await self._verbs[domain](key, payload)

    async def sync(self, manifest: tuple[bytes, str]) -> SyncReport:
        """Apply a manifest, bytes and media type: all of it or nothing.

        :raises OneiricError: it is not believed, or cannot be applied.
        """
        return await sync_remote_manifest(
            self.resolver,
            manifest,
            lifecycle=self._here(),
            state_dir=self.workdir / "state",
            artifacts=self.artifacts,
            clock=self.clock,
            trust=self._policy,
        )

    def _refuse_afterwards(self) -> None:
        if self._over:
            raise MisuseError("the runtime has ended", fix=_IN_ITS_BLOCK)

    def _here(self) -> LifecycleManager:
        self._refuse_afterwards()
        manager = self.lifecycle
        if _running_loop() is not self._loop:
            raise MisuseError("the runtime runs on another loop", fix=_ONE_WAY)
        return manager


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError as error:
        raise MisuseError(
            "the runtime needs a running asyncio loop",
            fix="Give its run() a coroutine; under anyio, let anyio_backend be 'asyncio'",
        ) from error


def _is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _called(work: Callable[[], None]) -> None:
    work()


async def _awaited(work: Awaitable[Given]) -> Given:
    return await work
