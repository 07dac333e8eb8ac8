"""How a runtime is, as frozen values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from oneiric_core.domains import Domain

__all__ = ["DomainHealth", "HealthSnapshot", "Phase", "SyncHealth"]


class Phase(StrEnum):
    """Where an orchestrator stands."""

    NEW = "new"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class DomainHealth:
    """One domain.

    :param candidates: how many could be chosen.
    :param active: by key, the provider that runs.
    :param generations: by key, how often something was published.
    :param pending: by key, why what is selected does not run.
    :param stale: what runs may be older than what the publisher offers: the last sync failed.
    :param last_error: the last failure in it that still counts; empty if there is none.
    :param syncs: how many syncs changed its candidates.
    :param swap_seconds: by key, how long it took to make what runs.
    """

    candidates: int = 0
    active: Mapping[str, str] = field(default_factory=dict)
    generations: Mapping[str, int] = field(default_factory=dict)
    pending: Mapping[str, str] = field(default_factory=dict)
    stale: bool = False
    last_error: str = ""
    syncs: int = 0
    swap_seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SyncHealth:
    """The manifest.

    :param place: where it is from; empty where the runtime has none.
    :param source: whose manifest was applied last.
    :param attempts: how many syncs were tried, and ``applied``: how many of them stand.
    :param failures: how many have failed since the last that did not.
    :param stale: what stands may be older than what the publisher offers.
    :param last_error: why the last one failed; empty if it did not.
    :param skipped: entries that cannot run here, with the reason.
    """

    place: str = ""
    source: str = ""
    attempts: int = 0
    applied: int = 0
    failures: int = 0
    stale: bool = False
    last_error: str = ""
    last_attempt: datetime | None = None
    last_success: datetime | None = None
    last_seconds: float = 0.0
    skipped: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HealthSnapshot:
    """A runtime at one moment.

    :param settings_error: why the settings file could not be used; what was configured before goes on.
    :param restart_needed: settings that have changed and count only after a restart.
    """

    phase: Phase
    at: datetime
    domains: Mapping[Domain, DomainHealth]
    sync: SyncHealth
    settings_error: str = ""
    restart_needed: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Does everything run as the manifest and the settings say?"""
        return self.phase is Phase.RUNNING and not self.reasons

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why not, one sentence each."""
        pending = [
            f"{domain}/{key}: {why}" for domain, each in self.domains.items() for key, why in each.pending.items()
        ]
        return tuple(reason for reason in (self.settings_error, self.sync.last_error, *pending) if reason)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {
            "phase": str(self.phase),
            "at": self.at.isoformat(),
            "ready": self.ready,
            "reasons": list(self.reasons),
            "settings_error": self.settings_error,
            "restart_needed": list(self.restart_needed),
            "sync": {name: _plain(value) for name, value in asdict(self.sync).items()},
            "domains": {str(domain): asdict(each) for domain, each in self.domains.items()},
        }


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
