"""What may touch the disk: the door for names, the store of artifacts, and the manager that brings them in."""

from oneiric_core.artifacts.confine import confine, sanitize_filename
from oneiric_core.artifacts.manager import ArtifactManager, default_cache_dir
from oneiric_core.artifacts.store import BlobStore

__all__ = ["ArtifactManager", "BlobStore", "confine", "default_cache_dir", "sanitize_filename"]
