"""All checks; importing this package registers them."""

import pkgutil
from importlib import import_module

from oneiric_conformance.registry import CHECKS

__all__ = ["CHECKS"]

for module in sorted(found.name for found in pkgutil.iter_modules(__path__)):
    import_module(f"{__name__}.{module}")
