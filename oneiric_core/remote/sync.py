"""Applying a manifest: believe it, see what it changes, and change all of it or nothing.

What is normal: a manifest that changes nothing, and entries that cannot run here. Everything else that goes wrong
leaves candidates, selections and running components as they were, and is raised.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary

from oneiric_core.bridges import check_declaration
from oneiric_core.clock import SYSTEM_CLOCK, Clock
from oneiric_core.components import Candidate
from oneiric_core.errors import ManifestError, ResolutionError, TrustError
from oneiric_core.lifecycle import LifecycleManager
from oneiric_core.manifest.applicability import why_not_here
from oneiric_core.manifest.models import RemoteManifest
from oneiric_core.remote.artifacts import ArtifactManager
from oneiric_core.remote.belief import Belief, Offer, believe, believe_again
from oneiric_core.remote.change import Change
from oneiric_core.remote.code import with_code
from oneiric_core.remote.environment import current_environment
from oneiric_core.remote.standing import Standing
from oneiric_core.remote.state_store import StateStore
from oneiric_core.resolver import Resolver
from oneiric_core.trust.policy import Policy, RefuseAll

__all__ = ["SyncReport", "sync_remote_manifest"]

_REFUSE_ALL: Final = RefuseAll()

_applying: "Final[WeakKeyDictionary[Resolver, asyncio.Lock]]" = WeakKeyDictionary()
"""Held while a manifest is applied: two at once must not interleave, whoever began them. It lives as its resolver."""


_standing: "Final[WeakKeyDictionary[Resolver, dict[str, Standing]]]" = WeakKeyDictionary()
"""By place, what was applied to a resolver last."""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did. Names are ``domain/key/provider``.

    :param registered: how many candidates are new or changed; ``per_domain`` counts the same by domain.
    :param swapped: what was built anew and now runs.
    :param retired: candidates the manifest no longer offers.
    :param skipped: entries that cannot run here, with the reason.
    :param unchanged: everything already stood as the manifest says.
    :param signers: fingerprints of the trusted keys that signed it.
    """

    source: str
    registered: int = 0
    per_domain: Mapping[str, int] = field(default_factory=dict)
    swapped: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    unchanged: bool = False
    signers: tuple[str, ...] = ()
    duration_ms: float = 0.0


async def sync_remote_manifest(
    resolver: Resolver,
    source: Offer,
    cache_dir: Path | str | None = None,
    *,
    trust: Policy = _REFUSE_ALL,
    lifecycle: LifecycleManager | None = None,
    state_dir: Path | str | None = None,
    artifacts: ArtifactManager | None = None,
    location: str = "memory",
    clock: Clock = SYSTEM_CLOCK,
) -> SyncReport:
    """Make the candidates of one source, and what runs of them, what a manifest says.

    :param source: a manifest on the caller's own word, or bytes with their media type, which ``trust`` judges.
    :param cache_dir: where artifacts are kept; without it (and without ``artifacts``) none are brought, and code has
        to be installed already.
    :param lifecycle: swaps and retires what runs; without it nothing that runs changes.
    :param state_dir: where it is remembered what was seen; without it an older manifest is not recognised as such.
    :param artifacts: brings them, in the place of one for ``cache_dir``.
    :param location: where the bytes are from; pins their source where the policy names none.
    :raises ManifestError: it cannot be read, an entry declares what no bridge could work with, or its factory is not in
        the artifact it brings.
    :raises TrustError: it may not be believed.
    :raises ArtifactError: an artifact is not what was promised.
    :raises FetchError: an artifact is not to be had.
    :raises LifecycleError: a component that runs could not be replaced; everything is as before.
    """
    began = clock.monotonic()
    store = _memory(state_dir, cache_dir)
    if artifacts is None and cache_dir is not None:
        artifacts = ArtifactManager(cache_dir, clock=clock)
    async with _applying.setdefault(resolver, asyncio.Lock()):
        places = _standing.setdefault(resolver, {})
        known = places.get(location)
        if known is not None and known.is_all_of(source, trust, resolver):
            again = await asyncio.to_thread(believe_again, known.authentic, trust, store, location, clock.now())
            if artifacts is not None:
                await _bring(known.fetched, artifacts)
                await with_code(known.fetched, artifacts.store)
            await asyncio.to_thread(again.remember_applied)
            return SyncReport(
                source=again.manifest.source,
                skipped=known.skipped,
                unchanged=True,
                signers=again.signers,
                duration_ms=(clock.monotonic() - began) * 1000,
            )
        belief, wanted, skipped = await asyncio.to_thread(_understand, source, trust, store, location, clock.now())
        if artifacts is not None:
            await _bring(wanted, artifacts)
            wanted = await with_code(wanted, artifacts.store)
        change = Change.between(resolver, belief.manifest.source, wanted)
        applied = await change.apply(lifecycle)
        await asyncio.to_thread(belief.remember_applied)
        if standing := Standing.of(source, trust, belief, revision=applied.revision, wanted=wanted, skipped=skipped):
            places[location] = standing
    return SyncReport(
        source=belief.manifest.source,
        registered=len(change.new),
        per_domain=dict(Counter(candidate.domain for candidate in change.new)),
        swapped=applied.swapped,
        retired=tuple(sorted(candidate.name for candidate in change.gone)),
        skipped=skipped,
        unchanged=not (change.new or change.gone),
        signers=belief.signers,
        duration_ms=(clock.monotonic() - began) * 1000,
    )


def _memory(state_dir: Path | str | None, cache_dir: Path | str | None) -> StateStore | None:
    if state_dir is None:
        return None
    if cache_dir is not None and Path(state_dir).resolve().is_relative_to(Path(cache_dir).resolve()):
        raise TrustError(
            f"the state directory {str(state_dir)!r} lies in the artifact cache, which may be emptied",
            fix="Choose a directory outside of it",
            state_dir=state_dir,
            cache_dir=cache_dir,
        )
    return StateStore(state_dir)


def _understand(
    source: Offer, trust: Policy, store: StateStore | None, location: str, now: datetime
) -> tuple[Belief, list[Candidate], dict[str, str]]:
    """What may be believed, and what of it is wanted here. All of it in a thread: the loop has others to serve."""
    belief = believe(source, trust, store, location, now)
    return belief, *_wanted(belief.manifest)


def _wanted(manifest: RemoteManifest) -> tuple[list[Candidate], dict[str, str]]:
    environment = current_environment()
    wanted: list[Candidate] = []
    skipped: dict[str, str] = {}
    for entry in manifest.entries:
        candidate = entry.to_candidate(manifest.source)
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


async def _bring(candidates: Sequence[Candidate], artifacts: ArtifactManager) -> None:
    for candidate in candidates:
        metadata = candidate.metadata
        if uri := metadata.get("remote_uri"):
            await artifacts.fetch(uri, metadata.get("sha256"), length=metadata.get("length"))
