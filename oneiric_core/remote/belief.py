"""From what a caller hands in to a manifest that may be applied, with what is remembered of its source."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias

from oneiric_core.errors import ExpiredError
from oneiric_core.manifest.models import ManifestHeader, RemoteManifest
from oneiric_core.remote.limits import FetchLimits, too_large
from oneiric_core.remote.state_store import StateStore
from oneiric_core.remote.state_store_staged import Staged
from oneiric_core.remote.url_text import shown
from oneiric_core.trust.policy import Policy
from oneiric_core.trust.trusted_state import Mark, SourceState
from oneiric_core.trust.verification import Authentic, authenticate, open_manifest

__all__ = ["Belief", "Offer", "believe", "believe_again", "believe_kept"]

Offer: TypeAlias = RemoteManifest | tuple[bytes, str]
"""A manifest on the caller's own word, or bytes with their media type, which must be believed first."""

_DEFAULT_LIMITS: Final = FetchLimits()


@dataclass(frozen=True, slots=True)
class Belief:
    """A manifest that may be applied, and how to remember that it was.

    :param signers: fingerprints of the keys that signed; empty on the caller's own word.
    :param authentic: what was signed; None on the caller's own word.
    """

    manifest: RemoteManifest
    signers: tuple[str, ...] = ()
    mark: Mark | None = None
    store: StateStore | None = None
    root_version: int | None = None
    authentic: Authentic | None = None

    def stage(self) -> AbstractContextManager[Staged | None]:
        """Take the room on the disk that :meth:`remember_applied` needs, while nothing has changed."""
        if self.store is None or self.mark is None:
            return nullcontext()
        return self.store.stage(self.manifest.source, self._stands)

    def remember_applied(self, staged: Staged | None = None, kept: Staged | None = None) -> None:
        """Raise the mark of what stands, and let ``kept`` be the last known good, unless a newer one stands."""

        def stands(state: SourceState) -> SourceState:
            after = self._stands(state)
            if kept is not None and after.applied == self.mark:
                kept.commit()
            return after

        if self.store is not None and self.mark is not None:
            self.store.update(self.manifest.source, stands, staged)
        elif kept is not None:
            kept.commit()

    def _stands(self, state: SourceState) -> SourceState:
        return state if self.mark is None else state.apply(self.mark, root_version=self.root_version)


def believe(
    offer: Offer,
    policy: Policy,
    store: StateStore | None,
    location: str,
    now: datetime,
    *,
    limits: FetchLimits = _DEFAULT_LIMITS,
) -> Belief:
    """The manifest in ``offer``, if it may be believed. Blocks on the disk where there is a ``store``.

    What is signed by nobody leaves no trace in the store: anyone could otherwise use up the numbers.

    :raises ManifestError: it cannot be read.
    :raises TrustError: it may not be believed.
    """
    if isinstance(offer, RemoteManifest):
        return Belief(offer)
    authentic = _authentic(offer, policy, location, limits)
    return _judge(authentic, lambda: open_manifest(authentic).manifest, policy, store=store, location=location, now=now)


def believe_again(
    authentic: Authentic, policy: Policy, store: StateStore | None, location: str, now: datetime
) -> Belief:
    """As :func:`believe`, of what this policy found authentic before: age and memory are judged anew.

    The manifest it gives is without its entries, which were read and stand.
    """
    manifest = RemoteManifest(source=authentic.header.source)
    return _judge(authentic, lambda: manifest, policy, store=store, location=location, now=now)


def believe_kept(
    offer: tuple[bytes, str],
    policy: Policy,
    store: StateStore | None,
    location: str,
    now: datetime,
    *,
    limits: FetchLimits = _DEFAULT_LIMITS,
) -> tuple[Belief, str]:
    """As :func:`believe`, of what stood before the process was started; and why it is not fresh, if it is not.

    It may have expired since, and a newer one may have been seen that could not be applied. The keys must be the right
    ones today, and nothing newer may have stood.
    """
    authentic = _authentic(offer, policy, location, limits)
    header, belief = authentic.header, Belief(RemoteManifest(source=authentic.header.source), authentic=authentic)
    state = SourceState(header.source)
    if store is not None and authentic.signers:
        if policy.source is None:
            store.pin(location, header.source, authentic.signers)
        state = store.load(header.source)
        state.recall(authentic, root_version=policy.root_version)
        belief = replace(belief, mark=Mark.of(authentic), store=store, root_version=policy.root_version)
    try:
        _check_age(header, policy, state, now)
        stale = ""
    except ExpiredError as error:
        stale = str(error)
    return replace(belief, manifest=open_manifest(authentic).manifest, signers=authentic.signers), stale


def _authentic(offer: tuple[bytes, str], policy: Policy, location: str, limits: FetchLimits) -> Authentic:
    data, media_type = offer
    if len(data) > limits.manifest_bytes:
        raise too_large(shown(location), limits.manifest_bytes)
    return authenticate(data, media_type, policy, limits.document)


def _judge(
    authentic: Authentic,
    opened: Callable[[], RemoteManifest],
    policy: Policy,
    *,
    store: StateStore | None,
    location: str,
    now: datetime,
) -> Belief:
    header = authentic.header
    if store is None or not authentic.signers:
        policy.check_age(header, now)
        return Belief(opened(), authentic.signers, authentic=authentic)
    if policy.source is None:
        store.pin(location, header.source, authentic.signers)
    state = store.update(header.source, lambda state: state.see(authentic, root_version=policy.root_version))
    _check_age(header, policy, state, now)
    manifest = opened()
    store.update(header.source, lambda state: state.accept(header, now))
    return Belief(manifest, authentic.signers, Mark.of(authentic), store, policy.root_version, authentic)


def _check_age(header: ManifestHeader, policy: Policy, state: SourceState, now: datetime) -> None:
    policy.check_age(header, state.moment(now))
    state.refuse_future(header, now)
