"""Keeping it going: when what happens."""

from oneiric_core.runtime.health import DomainHealth, HealthSnapshot, Phase, SyncHealth
from oneiric_core.runtime.orchestrator import RuntimeOrchestrator
from oneiric_core.runtime.plan import default_state_dir
from oneiric_core.runtime.settings_file import read_settings

__all__ = [
    "DomainHealth",
    "HealthSnapshot",
    "Phase",
    "RuntimeOrchestrator",
    "SyncHealth",
    "default_state_dir",
    "read_settings",
]
