"""Taking a snapshot: from the parts of a runtime to values that tell how it is."""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime

from oneiric_core.components import CandidateSource
from oneiric_core.domains import Domain
from oneiric_core.lifecycle import SlotStatus
from oneiric_core.runtime.acts import Act
from oneiric_core.runtime.health import DomainHealth, HealthSnapshot, Phase
from oneiric_core.runtime.keeper import Keeper

__all__ = ["take_snapshot"]


def take_snapshot(keeper: Keeper, phase: Phase, configuring: Act, syncing: Act, at: datetime) -> HealthSnapshot:
    """How things are; ``at`` is the moment."""
    stale = keeper.is_stale(syncing)
    sync = replace(keeper.synced, failures=syncing.failures, last_error=syncing.error, stale=stale)
    slots: dict[str, list[SlotStatus]] = defaultdict(list)
    for status in keeper.statuses():
        slots[status.domain].append(status)
    domains = {domain: _domain(keeper, domain, slots[domain], stale=stale) for domain in Domain}
    return HealthSnapshot(phase, at, domains, sync, configuring.error, keeper.restart_needed)


def _domain(keeper: Keeper, domain: Domain, slots: list[SlotStatus], *, stale: bool) -> DomainHealth:
    active = [status for status in slots if status.provider]
    pending = {key: why for (of, key), why in keeper.pending.items() if of == domain}
    errors = [*pending.values(), *(status.error for status in slots if status.error)]
    candidates = keeper.resolver.candidates(domain)
    return DomainHealth(
        candidates=len(candidates),
        active={status.key: status.provider for status in active},
        generations={status.key: status.generation for status in active},
        pending=pending,
        stale=stale and any(each.source is CandidateSource.REMOTE_MANIFEST for each in candidates),
        last_error=errors[0] if errors else "",
        syncs=keeper.syncs[domain],
        swap_seconds={status.key: sum(status.seconds.values()) for status in active},
    )
