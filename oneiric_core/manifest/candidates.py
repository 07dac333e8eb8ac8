"""From an entry of a manifest to a candidate: which field goes under which published metadata name."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final

from oneiric_core.components import Candidate, CandidateSource

__all__ = ["PUBLISHED_NAMES", "candidate_of"]

PUBLISHED_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "uri": "remote_uri",
        "event_topics": "topics",
        "event_max_concurrency": "max_concurrency",
        "event_filters": "filters",
        "event_fanout_policy": "fanout_policy",
    }
)
"""Entry fields whose name in the metadata is another one; the others keep theirs."""

_PLACED: Final = frozenset(
    {"domain", "key", "provider", "factory", "stack_level", "priority", "metadata", "capabilities"}
)
_FIELDS_ONLY: Final = frozenset({"remote_uri", "sha256", "length", "certificate"})
"""Which bytes an entry brings, and who vouches for them: whoever acts on it relies on what the model has checked."""


def candidate_of(entry: Mapping[str, Any], origin: str, *, unknown: Collection[str] = ()) -> Candidate:
    """The candidate of a valid entry, given as plain values; a field overrides its namesake in the free ``metadata``.

    What an entry brings is said by its fields alone. Their namesakes are dropped and not refused, since the published
    package applies such a manifest and takes nothing of it from there. Those of other fields stay: it has ``owner`` and
    ``capabilities`` there in manifests of its own.

    Capabilities appear twice, as the published package has them: names in ``capabilities``, and what is known of each
    in ``capability_descriptors``.

    :param unknown: the fields we have no meaning for; kept together under ``unknown_fields``.
    """
    metadata = {name: value for name, value in entry.get("metadata", {}).items() if name not in _FIELDS_ONLY}
    for field, value in entry.items():
        if field not in _PLACED and value is not None and field not in unknown:
            metadata[PUBLISHED_NAMES.get(field, field)] = value
    if unknown:
        metadata["unknown_fields"] = {field: entry[field] for field in unknown}
    if capabilities := entry.get("capabilities"):
        metadata["capabilities"] = [item if isinstance(item, str) else item["name"] for item in capabilities]
        metadata["capability_descriptors"] = [
            {"name": item} if isinstance(item, str) else item for item in capabilities
        ]
    return Candidate(
        domain=str(entry["domain"]),
        key=entry["key"],
        provider=entry["provider"],
        factory=entry["factory"],
        metadata=metadata,
        priority=entry.get("priority"),
        stack_level=entry.get("stack_level"),
        source=CandidateSource.REMOTE_MANIFEST,
        origin=origin,
    )
