"""What a sync did."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["SyncReport"]


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did. Names are ``domain/key/provider``.

    :param registered: how many candidates are new or changed; ``per_domain`` counts the same by domain.
    :param swapped: what was built anew and now runs.
    :param retired: candidates the manifest no longer offers.
    :param skipped: entries that cannot run here, with the reason.
    :param unchanged: everything already stood as the manifest says.
    :param stale: why the last known good serves in the place of a newer manifest; empty if it does not.
    :param signers: fingerprints of the trusted keys that signed it.
    :param attempts: how often a server was asked, for the manifest and for artifacts.
    :param bytes_received: content that came of that.
    """

    source: str
    registered: int = 0
    per_domain: Mapping[str, int] = field(default_factory=dict)
    swapped: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    unchanged: bool = False
    stale: str = ""
    signers: tuple[str, ...] = ()
    attempts: int = 0
    bytes_received: int = 0
    duration_ms: float = 0.0
