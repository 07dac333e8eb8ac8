"""What may touch the disk: the door for names, and the store of artifacts."""

from oneiric_core.artifacts.confine import confine, sanitize_filename
from oneiric_core.artifacts.local import default_cache_dir
from oneiric_core.artifacts.store import BlobStore

__all__ = ["BlobStore", "confine", "default_cache_dir", "sanitize_filename"]
