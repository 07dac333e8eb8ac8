"""What checks draw their examples from: names that try to escape, damaged bytes, changed manifests, bad servers."""

from oneiric_conformance.strategies.base64_forms import Spelling, lax_spellings, nasty_spellings
from oneiric_conformance.strategies.damage import Damage, damaged, nasty_damage
from oneiric_conformance.strategies.manifest_changes import Change, changed_documents, nasty_changes, respellings
from oneiric_conformance.strategies.names import (
    MARKER,
    NESTING,
    hostile_names,
    nasty_names,
    nasty_traversals,
    traversals,
)
from oneiric_conformance.strategies.wire import nasty_scripts, wire_scripts

__all__ = [
    "MARKER",
    "NESTING",
    "Change",
    "Damage",
    "Spelling",
    "changed_documents",
    "damaged",
    "hostile_names",
    "lax_spellings",
    "nasty_changes",
    "nasty_damage",
    "nasty_names",
    "nasty_scripts",
    "nasty_spellings",
    "nasty_traversals",
    "respellings",
    "traversals",
    "wire_scripts",
]
