"""Our own runtime behind the protocol by which the conformance kit sees a runtime.

Nothing here imports the kit. Every part is made by a ``_make_…`` method and every act is one small method, so that a
subclass can differ (or be wrong) in exactly one place.
"""

from collections import deque
from collections.abc import Awaitable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from oneiric_core.bridges import (
    EventBridge,
    check_declaration,
)
from oneiric_core.clock import SYSTEM_CLOCK, Clock
from oneiric_core.components import Candidate, CandidateSource
from oneiric_core.discovery.importing import import_object
from oneiric_core.errors import LifecycleError, OneiricError, ResolutionError, TrustError
from oneiric_core.lifecycle import LifecycleManager, Timeouts
from oneiric_core.remote.artifacts import ArtifactManager
from oneiric_core.remote.roots import refresh_root
from oneiric_core.remote.sync import SyncReport, sync_remote_manifest
from oneiric_core.resolver import Resolver
from oneiric_core.runtime.orchestrator import RuntimeOrchestrator
from oneiric_core.settings import FactorySettings, Settings
from oneiric_core.testing.answers import Answer, LimitsLike, SpecLike, Standing, SyncAnswer, TrustLike
from oneiric_core.testing.offline import OfflineFetcher
from oneiric_core.testing.verbs import Verb, verbs_of
from oneiric_core.trust import TrustPolicy, VerifiedManifest, load_public_key, verify_manifest

__all__ = ["CoreRuntime"]

_FOLLOWED: Final = ("oneiric_conformance",)
"""Whose factories a manifest may name that is followed: those of whoever judges us."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What one start made and its stop ends."""

    resolver: Resolver
    lifecycle: LifecycleManager
    artifacts: ArtifactManager
    policy: TrustPolicy
    events: EventBridge
    verbs: Mapping[str, Verb]


class CoreRuntime:
    """A resolver, a lifecycle manager, a cache and a trust policy, all at work on one directory.

    :param allow: the module prefixes from which factories may be imported; None trusts whoever registers or signs.
    """

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK, allow: Collection[str] | None = None) -> None:
        self._clock = clock
        self._allow = allow
        self._workdir = Path()
        self._anchor: bytes | None = None
        self._following: RuntimeOrchestrator | None = None
        self._settings: dict[str, Mapping[str, Any]] = {}
        self._parts: Parts | None = None

    # --- the parts -------------------------------------------------------------------------------------------------

    def _make_resolver(self) -> Resolver:
        return Resolver()

    def _make_lifecycle(self, resolver: Resolver, limits: LimitsLike) -> LifecycleManager:
        timeouts = Timeouts(activation=limits.init, health=limits.health, cleanup=limits.cleanup, drain=limits.drain)
        return LifecycleManager(
            resolver, clock=self._clock, timeouts=timeouts, settings=self._settings_of, importer=self._import
        )

    def _make_artifacts(self, workdir: Path) -> ArtifactManager:
        return ArtifactManager(workdir / "cache", local_roots=(workdir / "offered",))

    def _make_policy(self, trust: TrustLike) -> TrustPolicy:
        keys = [load_public_key(key, name=f"key {number}") for number, key in enumerate(trust.keys, start=1)]
        return TrustPolicy(keys, threshold=trust.threshold, source=trust.source, unsafe_allow_published_keys=True)

    def _make_orchestrator(self, manifest: Path, every: float) -> RuntimeOrchestrator:
        return RuntimeOrchestrator(
            manifest_path=manifest,
            trust=self.parts.policy,
            refresh_interval=every,
            cache_dir=self._workdir / "cache",
            state_dir=self._workdir / "state",
            settings=Settings(factories=FactorySettings(allow=_FOLLOWED)),
            fetcher=OfflineFetcher(clock=self._clock),
            clock=self._clock,
            poll_interval=every,
        )

    def _make_events(self, resolver: Resolver, lifecycle: LifecycleManager) -> EventBridge:
        return EventBridge(resolver, lifecycle, clock=self._clock)

    def _make_verbs(self, resolver: Resolver, lifecycle: LifecycleManager) -> Mapping[str, Verb]:
        return verbs_of(resolver, lifecycle, lambda: self.parts.events, self._clock)

    def _import(self, path: str) -> object:
        return import_object(path, self._allow)

    def _settings_of(self, candidate: Candidate) -> Mapping[str, Any]:
        return self._settings.get(candidate.name, {})

    @property
    def parts(self) -> Parts:
        if self._parts is None:
            raise LifecycleError("the runtime was not started", fix="Await start() first")
        return self._parts

    # --- coming and going ------------------------------------------------------------------------------------------

    async def start(self, workdir: Path, trust: TrustLike, limits: LimitsLike) -> None:
        """Come up anew on ``workdir``: the cache below ``cache``, what is remembered below ``state``."""
        await self.stop()
        self._workdir = workdir
        self._anchor = trust.root
        self._settings = {}
        policy = self._make_policy(trust) if trust.root is None else await self._newest()
        resolver = self._make_resolver()
        lifecycle = self._make_lifecycle(resolver, limits)
        self._parts = Parts(
            resolver,
            lifecycle,
            self._make_artifacts(workdir),
            policy,
            self._make_events(resolver, lifecycle),
            self._make_verbs(resolver, lifecycle),
        )

    async def stop(self) -> None:
        """Retire everything; idempotent, also before the first start."""
        following, self._following = self._following, None
        if following is not None:
            await following.stop()
        if self._parts is not None:
            await self._parts.lifecycle.stop()

    # --- manifests and artifacts -----------------------------------------------------------------------------------

    async def verify(self, document: bytes, media_type: str) -> Answer:
        """May this manifest be believed? Changes nothing."""
        try:
            self._verify(document, media_type)
        except OneiricError as error:
            return Answer.refused(error)
        return Answer()

    def _verify(self, document: bytes, media_type: str) -> VerifiedManifest:
        return verify_manifest(document, media_type, self.parts.policy, now=self._clock.now())

    async def rotate(self, root: bytes) -> Answer:
        """Let a signed root take over from the one in force."""
        return await _answer(self._rotate(root))

    async def _rotate(self, root: bytes) -> None:
        self._parts = replace(self.parts, policy=await self._newest(root))

    async def _newest(self, *published: bytes) -> TrustPolicy:
        """Who may sign manifests by the newest root, once those ``published`` have been followed."""
        if self._anchor is None:
            raise TrustError("a list of keys is a root that never changes", fix="Start with a signed root")
        waiting = deque(published)

        async def fetch(_version: int) -> bytes | None:
            return waiting.popleft() if waiting else None

        state = self._workdir / "state"
        root = await refresh_root(self._anchor, fetch, state, clock=self._clock, unsafe_allow_published_keys=True)
        return root.manifest

    async def sync(self, document: bytes, media_type: str) -> SyncAnswer:
        """Apply a manifest: all of it or nothing."""
        try:
            return SyncAnswer.of(await self._sync(document, media_type))
        except OneiricError as error:
            return SyncAnswer.refused(error)

    async def _sync(self, document: bytes, media_type: str) -> SyncReport:
        return await sync_remote_manifest(
            self.parts.resolver,
            (document, media_type),
            trust=self.parts.policy,
            lifecycle=self.parts.lifecycle,
            state_dir=self._workdir / "state",
            artifacts=self.parts.artifacts,
            clock=self._clock,
        )

    async def fetch(self, uri: str, sha256: str, length: int | None) -> Answer:
        """Bring an artifact into the cache; files below ``workdir/offered`` may be fetched by ``file://``."""
        return await _answer(self._fetch(uri, sha256, length))

    async def _fetch(self, uri: str, sha256: str, length: int | None) -> Path:
        return await self.parts.artifacts.fetch(uri, sha256, length=length)

    # --- components ------------------------------------------------------------------------------------------------

    async def register(self, spec: SpecLike) -> Answer:
        """Offer a candidate; the same domain, key and provider replace their former self."""
        try:
            self._register(self._candidate(spec), spec.settings)
        except OneiricError as error:
            return Answer.refused(error)
        return Answer()

    def _candidate(self, spec: SpecLike) -> Candidate:
        return Candidate(
            domain=spec.domain,
            key=spec.key,
            provider=spec.provider,
            factory=spec.factory,
            metadata=spec.metadata,
            priority=spec.priority,
            stack_level=spec.stack_level,
            source=CandidateSource.MANUAL,
        )

    def _register(self, candidate: Candidate, settings: Mapping[str, Any]) -> None:
        check_declaration(candidate)
        self.parts.resolver.register(candidate)
        self._settings[candidate.name] = settings

    async def follow(self, manifest: Path, every: float) -> None:
        """Keep to the manifest in a file from now on, as an orchestrator does; what was registered before is gone."""
        former = self.parts
        self._following = orchestrator = self._make_orchestrator(manifest, every)
        await orchestrator.start()
        resolver, lifecycle = orchestrator.resolver, orchestrator.lifecycle
        self._parts = replace(
            former,
            resolver=resolver,
            lifecycle=lifecycle,
            events=self._make_events(resolver, lifecycle),
            verbs=self._make_verbs(resolver, lifecycle),
        )
        await former.lifecycle.stop()

    async def explain(self, domain: str, key: str) -> dict[str, dict[str, Any]]:
        """By provider, all there is to know about each candidate of the key, as plain data."""
        ranked = self.parts.resolver.explain(domain, key).ranked
        return {each.candidate.provider: each.as_dict() for each in ranked}

    async def activate(self, domain: str, key: str, provider: str | None = None) -> Answer:
        """Publish the winner (or ``provider``) unless the slot already has an instance of it."""
        return await _answer(self._activate(domain, key, provider))

    async def _activate(self, domain: str, key: str, provider: str | None) -> object:
        return await self.parts.lifecycle.activate(domain, key, provider)

    async def swap(self, domain: str, key: str, provider: str | None = None) -> Answer:
        """Build anew and publish; on refusal the former instance stays."""
        return await _answer(self._swap(domain, key, provider))

    async def _swap(self, domain: str, key: str, provider: str | None) -> object:
        return await self.parts.lifecycle.swap(domain, key, provider)

    def lease(self, domain: str, key: str) -> AbstractAsyncContextManager[Any]:
        """The published instance, protected from clean-up until the block ends."""
        return self.parts.lifecycle.lease(domain, key)

    async def call(self, domain: str, key: str, payload: Any) -> Any:
        """Do the domain's verb under a lease. Raises what the component raises."""
        verb = self.parts.verbs.get(domain)
        if verb is None:
            raise ResolutionError(
                f"{domain}/{key} has no verb that every {domain} has",
                fix="Lease the instance and call one of its capabilities",
                domain=domain,
                key=key,
            )
        return await verb(key, payload)

    async def emit(self, topic: str, payload: Mapping[str, Any], headers: Mapping[str, Any]) -> list[str]:
        """Hand an event to every handler that hears it; the keys of those, whatever became of it there."""
        return [result.key for result in await self.parts.events.emit(topic, payload, headers)]

    async def status(self, domain: str, key: str) -> Standing:
        """How the slot stands."""
        slot = self.parts.lifecycle.status(domain, key)
        return Standing(slot.provider, slot.generation, str(slot.state), slot.error)


async def _answer(act: Awaitable[object]) -> Answer:
    try:
        await act
    except OneiricError as error:
        return Answer.refused(error)
    return Answer()
