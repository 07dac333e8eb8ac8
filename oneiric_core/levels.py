"""What a component may be certified as."""

from typing import Final

__all__ = ["CERTIFICATE_LEVELS"]

CERTIFICATE_LEVELS: Final = ("core", "hardened")
"""From the least to the most demanding; each includes those before it."""
