"""What is installed here."""

from oneiric_core.discovery.entry_points import (
    DiscoveryFailure,
    DiscoveryReport,
    InstalledEntryPoint,
    candidates_from,
    declarations_in,
    default_allow,
    discover,
    installed_entry_points,
)
from oneiric_core.discovery.importing import import_object

__all__ = [
    "DiscoveryFailure",
    "DiscoveryReport",
    "InstalledEntryPoint",
    "candidates_from",
    "declarations_in",
    "default_allow",
    "discover",
    "import_object",
    "installed_entry_points",
]
