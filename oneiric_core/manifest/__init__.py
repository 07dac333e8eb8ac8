"""What a publisher says: documents, their bytes and their meaning. Pure; nothing here believes anything."""

from oneiric_core.manifest.canonical import SIGNATURE_FIELDS, get_canonical_manifest_for_signing
from oneiric_core.manifest.documents import ENVELOPE, JSON, YAML, media_type_of, parse_document
from oneiric_core.manifest.limits import Limits
from oneiric_core.manifest.models import ManifestHeader, RemoteManifest, RemoteManifestEntry

__all__ = [
    "ENVELOPE",
    "JSON",
    "SIGNATURE_FIELDS",
    "YAML",
    "Limits",
    "ManifestHeader",
    "RemoteManifest",
    "RemoteManifestEntry",
    "get_canonical_manifest_for_signing",
    "media_type_of",
    "parse_document",
]
