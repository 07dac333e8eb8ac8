"""What an entry may ask about the process that would run it."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from oneiric_core.manifest.applicability import Environment

__all__ = ["current_environment"]


def current_environment() -> Environment:
    """The running interpreter, its system, and the distributions on its path."""
    return Environment(platform.python_version(), sys.platform, _installed)


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
