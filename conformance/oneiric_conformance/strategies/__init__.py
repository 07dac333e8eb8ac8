"""What checks draw their examples from: names that try to escape, damaged bytes, changed manifests."""

from oneiric_conformance.strategies.damage import Damage, damaged, nasty_damage
from oneiric_conformance.strategies.manifest_changes import Change, changed_documents, nasty_changes, respellings
from oneiric_conformance.strategies.names import (
    MARKER,
    hostile_names,
    nasty_names,
    nasty_traversals,
    traversals,
)

__all__ = [
    "MARKER",
    "Change",
    "Damage",
    "changed_documents",
    "damaged",
    "hostile_names",
    "nasty_changes",
    "nasty_damage",
    "nasty_names",
    "nasty_traversals",
    "respellings",
    "traversals",
]
