"""Every check there is, one file for each area; importing this package registers them all."""

import pkgutil

from oneiric_core.testing import import_object

__all__: list[str] = []

for _module in pkgutil.iter_modules(__path__):
    import_object(f"{__name__}.{_module.name}:__name__", None)
