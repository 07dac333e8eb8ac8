"""Applying a manifest: believe it, see what it changes, and change all of it or nothing.

What is normal: a manifest that changes nothing, entries that cannot run here, and, when a process has just started and
its server is not to be reached, that what stood before is served again and says so. Everything else that goes wrong
leaves candidates, selections and running components as they were, and is raised.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from oneiric_core.bridges import check_declaration
from oneiric_core.clock import SYSTEM_CLOCK, Clock
from oneiric_core.components import Candidate
from oneiric_core.errors import ArtifactError, ManifestError, OneiricError, ResolutionError, TrustError
from oneiric_core.lifecycle import LifecycleManager
from oneiric_core.manifest.applicability import why_not_here, why_not_understood
from oneiric_core.manifest.models import RemoteManifest
from oneiric_core.remote.artifacts import ArtifactManager
from oneiric_core.remote.belief import Belief, Offer, believe, believe_again, believe_kept
from oneiric_core.remote.bringing import bring
from oneiric_core.remote.certificates import check_certificates
from oneiric_core.remote.change import Change
from oneiric_core.remote.code import with_code
from oneiric_core.remote.environment import current_environment
from oneiric_core.remote.fetcher import Fetcher, Tally
from oneiric_core.remote.garbage import no_garbage_search
from oneiric_core.remote.limits import FetchLimits
from oneiric_core.remote.places import places_of
from oneiric_core.remote.report import SyncReport
from oneiric_core.remote.sources import Kept, ManifestSource, source_of
from oneiric_core.remote.standing import Standing
from oneiric_core.remote.state_store import StateStore
from oneiric_core.remote.state_store_kept import KeptStore
from oneiric_core.remote.state_store_staged import Staged
from oneiric_core.remote.threads import in_thread
from oneiric_core.resolver import Resolver
from oneiric_core.trust.policy import Policy, RefuseAll

__all__ = ["SyncReport", "sync_remote_manifest"]

_REFUSE_ALL: Final = RefuseAll()
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
_LARGE: Final = 1 << 18
"""Bytes of a manifest with about a thousand entries."""


async def sync_remote_manifest(
    resolver: Resolver,
    source: Offer | Path | str | ManifestSource,
    cache_dir: Path | str | None = None,
    *,
    trust: Policy = _REFUSE_ALL,
    lifecycle: LifecycleManager | None = None,
    state_dir: Path | str | None = None,
    artifacts: ArtifactManager | None = None,
    fetcher: Fetcher | None = None,
    headers: Mapping[str, str] = _NO_HEADERS,
    location: str | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> SyncReport:
    """Make the candidates of one source, and what runs of them, what a manifest says.

    From a URL, or a path, the last known good is kept in ``state_dir``. Where nothing of this place stands in
    ``resolver`` yet, and what is there now cannot be had or must not be applied, it is verified again and serves, even
    if it has expired; the report says why in ``stale``.

    :param source: a manifest on the caller's own word; bytes with their media type, which ``trust`` judges; the path or
        URL of such bytes, or a place that gives them. Asking a URL again costs one answer without content while nothing
        has changed.
    :param cache_dir: where artifacts are kept; without it (and without ``artifacts``) none are brought, and code has
        to be installed already.
    :param lifecycle: swaps and retires what runs; without it nothing that runs changes.
    :param state_dir: where it is remembered what was seen; without it an older manifest is not recognised as such.
    :param artifacts: brings them, in the place of one for ``cache_dir``.
    :param fetcher: asks servers, and its limits say how large a manifest may be, wherever it is from; if None, one that
        goes by HTTPS to public addresses.
    :param headers: sent to the origin of the URL, also for artifacts that it has, and to no other.
    :param location: where bytes are from; pins their source where the policy names none. A path or URL is its own.
    :raises ManifestError: it cannot be read, an entry declares what no bridge could work with, or its factory is not in
        the artifact it brings.
    :raises TrustError: it may not be believed, or an artifact is not certified as ``trust`` asks.
    :raises ArtifactError: an artifact is not what was promised.
    :raises FetchError: the manifest or an artifact is not to be had.
    :raises LifecycleError: a component that runs could not be replaced; everything is as before.
    """
    began = clock.monotonic()
    _keep_apart(state_dir, cache_dir)
    offered: Offer | ManifestSource
    if isinstance(source, Path | str):
        fetcher = _default_fetcher(clock) if fetcher is None else fetcher
        offered = source_of(source, fetcher, headers)
    else:
        offered = source
    if artifacts is None and cache_dir is not None:
        artifacts = ArtifactManager(cache_dir, fetcher=fetcher, clock=clock)
    sync = _Sync(
        resolver=resolver,
        trust=trust,
        lifecycle=lifecycle,
        store=None if state_dir is None else StateStore(state_dir),
        kept=None if state_dir is None else KeptStore(state_dir),
        artifacts=artifacts,
        location="memory" if location is None else location,
        clock=clock,
        limits=FetchLimits() if fetcher is None else fetcher.limits,
    )
    if isinstance(offered, RemoteManifest | tuple):
        report = await sync.apply(offered)
    else:
        named = offered.location if location is None else location
        report = await replace(sync, location=named, headers_for=offered.headers_for).look(offered)
    return replace(
        report,
        attempts=sync.tally.attempts,
        bytes_received=sync.tally.bytes,
        duration_ms=(clock.monotonic() - began) * 1000,
    )


def _none_for(uri: str) -> Mapping[str, str]:
    del uri
    return _NO_HEADERS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sync:
    """One call, with what it was given."""

    resolver: Resolver
    trust: Policy
    lifecycle: LifecycleManager | None
    store: StateStore | None
    kept: KeptStore | None
    artifacts: ArtifactManager | None
    location: str
    clock: Clock
    limits: FetchLimits
    headers_for: Callable[[str], Mapping[str, str]] = _none_for
    tally: Tally = field(default_factory=Tally)

    async def look(self, place: ManifestSource) -> SyncReport:
        """Apply what is there now; if that fails and nothing of the place stands yet, what stood before."""
        places = places_of(self.resolver)
        async with places.looking.setdefault(self.location, asyncio.Lock()):
            serving = places.serving.get(self.location)
            known = serving or await self._recall()
            try:
                found = await place.read(known, self.tally)
                report = await self.apply(found.offer, found)
            except OneiricError as error:
                if known is None or serving is not None:
                    raise
                return await self._revive(known, error)
            return report

    async def apply(self, offer: Offer, found: Kept | None = None) -> SyncReport:
        """Make everything as ``offer`` says, which came as ``found`` if it is to be kept."""
        places = places_of(self.resolver)
        async with places.applying:
            standing = places.standing.get(self.location)
            if standing is not None and standing.is_all_of(offer, self.trust, self.resolver):
                report = await self._confirm(standing)
            else:
                belief, wanted, skipped = await in_thread(self._understand, offer)
                report = await self._put_in_place(offer, belief, wanted, skipped, found)
            if found is not None:
                places.serving[self.location] = found
        return report

    async def _revive(self, known: Kept, error: OneiricError) -> SyncReport:
        """Apply what stood before the process was started, because of ``error``.

        :raises OneiricError: ``error``, if that cannot be; with a note that says why.
        """
        places = places_of(self.resolver)
        async with places.applying:
            try:
                belief, expired, wanted, skipped = await in_thread(self._understand_kept, known.offer)
                report = await self._put_in_place(known.offer, belief, wanted, skipped, None, revived=True)
            except OneiricError as other:
                error.add_note(f"The last known good manifest cannot serve either: {other}")
                raise error from error.__cause__
            places.serving[self.location] = known
        return replace(report, stale=" ".join(filter(None, (str(error), expired))))

    async def _confirm(self, standing: Standing) -> SyncReport:
        """What may have changed about bytes that stand is asked again."""
        again = await in_thread(
            believe_again, standing.authentic, self.trust, self.store, self.location, self.clock.now()
        )
        await self._check_certificates(standing.fetched, self.clock.now())
        await self._with_artifacts(standing.fetched)
        await in_thread(again.remember_applied)
        return SyncReport(again.manifest.source, skipped=standing.skipped, unchanged=True, signers=again.signers)

    async def _put_in_place(
        self,
        offer: Offer,
        belief: Belief,
        wanted: list[Candidate],
        skipped: Mapping[str, str],
        found: Kept | None,
        *,
        revived: bool = False,
    ) -> SyncReport:
        """All of it, or nothing. What can fail for want of disk or network is done before anything changes."""
        await self._check_certificates(wanted, None if revived else self.clock.now())
        wanted = await self._with_artifacts(wanted)
        await self._pin(belief, wanted, besides=True)  # until they stand, those that stand now are needed as well
        with ExitStack() as stack:
            kept: Staged | None = None
            if self.kept is not None and found is not None:
                kept = await in_thread(stack.enter_context, self.kept.stage(self.location, found))
            staged = await in_thread(stack.enter_context, belief.stage())
            change = Change.between(self.resolver, belief.manifest.source, wanted)
            applied = await change.apply(self.lifecycle)
            await in_thread(belief.remember_applied, staged, kept)
        now = Standing.of(offer, self.trust, belief, revision=applied.revision, wanted=wanted, skipped=skipped)
        if now is not None:
            places_of(self.resolver).standing[self.location] = now
        with suppress(ArtifactError):  # then more is kept than needed, until the next time
            await self._pin(belief, wanted, besides=False)
        return SyncReport(
            source=belief.manifest.source,
            registered=len(change.new),
            per_domain=dict(Counter(candidate.domain for candidate in change.new)),
            swapped=applied.swapped,
            retired=tuple(sorted(candidate.name for candidate in change.gone)),
            skipped=skipped,
            unchanged=not (change.new or change.gone),
            signers=belief.signers,
        )

    def _understand(self, offer: Offer) -> tuple[Belief, list[Candidate], dict[str, str]]:
        """What may be believed, and what of it is wanted here; in a thread, as the loop has others to serve."""
        with no_garbage_search(many=_is_large(offer)):
            belief = believe(offer, self.trust, self.store, self.location, self.clock.now(), limits=self.limits)
            return belief, *_wanted(belief.manifest)

    def _understand_kept(self, offer: tuple[bytes, str]) -> tuple[Belief, str, list[Candidate], dict[str, str]]:
        """The same of what stood before, with the reason for which it would not be believed today."""
        with no_garbage_search(many=_is_large(offer)):
            now = self.clock.now()
            belief, expired = believe_kept(offer, self.trust, self.store, self.location, now, limits=self.limits)
            return belief, expired, *_wanted(belief.manifest)

    async def _recall(self) -> Kept | None:
        return None if self.kept is None else await in_thread(self.kept.recall, self.location)

    async def _pin(self, belief: Belief, wanted: Sequence[Candidate], *, besides: bool) -> None:
        """Keep the artifacts of ``wanted`` from being evicted, by whatever process."""
        if self.artifacts is not None:
            brought = [each.metadata for each in wanted if each.metadata.get("remote_uri")]
            needed = [metadata["sha256"] for metadata in brought]
            if self.trust.certificate is not None:
                needed += [metadata["certificate"]["sha256"] for metadata in brought]
            pin = partial(self.artifacts.store.pin, place=self.location, besides=besides)
            await in_thread(pin, belief.manifest.source, needed)

    async def _check_certificates(self, candidates: Sequence[Candidate], now: datetime | None) -> None:
        policy = self.trust.certificate
        if policy is not None:
            await check_certificates(candidates, policy, self.artifacts, self.headers_for, self.tally, now=now)

    async def _with_artifacts(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The candidates, bound to the code in the artifacts that they bring, which are in the cache now."""
        if self.artifacts is None:
            return [*candidates]
        await bring(candidates, self.artifacts, self.headers_for, self.tally)
        return await with_code(candidates, self.artifacts.store)


def _is_large(offer: Offer) -> bool:
    return not isinstance(offer, RemoteManifest) and len(offer[0]) > _LARGE


def _default_fetcher(clock: Clock) -> Fetcher:
    from oneiric_core.remote.http import HttpFetcher  # noqa: PLC0415 - costs more than all the rest

    return HttpFetcher(clock=clock)


def _keep_apart(state_dir: Path | str | None, cache_dir: Path | str | None) -> None:
    if state_dir is None or cache_dir is None:
        return
    if Path(state_dir).resolve().is_relative_to(Path(cache_dir).resolve()):
        raise TrustError(
            f"the state directory {str(state_dir)!r} lies in the artifact cache, which may be emptied",
            fix="Choose a directory outside of it",
            state_dir=state_dir,
            cache_dir=cache_dir,
        )


def _wanted(manifest: RemoteManifest) -> tuple[list[Candidate], dict[str, str]]:
    environment = current_environment()
    wanted: list[Candidate] = []
    skipped: dict[str, str] = {}
    for entry in manifest.entries:
        candidate = entry.to_candidate(manifest.source)
        if not why_not_understood(entry):
            _refuse_unusable(candidate)
        if reason := why_not_here(entry, environment):
            skipped[entry.name] = reason
        else:
            wanted.append(candidate)
    return wanted, skipped


def _refuse_unusable(candidate: Candidate) -> None:
    try:
        check_declaration(candidate)
    except ResolutionError as error:
        raise ManifestError(error.what, fix=error.fix, **error.evidence) from error
