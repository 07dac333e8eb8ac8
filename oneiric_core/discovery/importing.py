"""The one dynamic import.

A path may come from a manifest, so it is code named by somebody else: the allow-list decides which packages may be
imported and whose classes and functions may be handed out. Attribute paths do not lead through modules or dunder
names, because an allowed module holds references to modules that are not.
"""

import importlib
from collections.abc import Collection
from types import BuiltinFunctionType, FunctionType, ModuleType

from oneiric_core.errors import ActivationError, told

__all__ = ["import_object", "split_path"]


def split_path(path: str) -> tuple[str, str]:
    """Module and attribute path of ``"pkg.mod:attr"`` (blanks around the colon do not matter) or ``"pkg.mod.attr"``.

    :raises ActivationError: it is neither.
    """
    module, colon, attribute = path.partition(":")
    if not colon:
        module, _, attribute = path.rpartition(".")
    module, attribute = module.strip(), attribute.strip()
    segments = [*module.split("."), *attribute.split(".")]
    if not all(segment.isidentifier() for segment in segments):
        raise ActivationError(
            f"{path!r} is not an import path", fix='Write it as "package.module:attribute"', path=path
        )
    if any(segment.startswith("__") for segment in attribute.split(".")):
        raise ActivationError(f"{path!r} names an internal attribute", fix="Name a public class or function", path=path)
    return module, attribute


def import_object(path: str, allow: Collection[str] | None) -> object:
    """What ``path`` names.

    :param path: ``"pkg.mod:attr"`` or ``"pkg.mod.attr"``; ``attr`` may have dots.
    :param allow: packages or modules that may be imported, each with all below it; None allows everything, which is
        for paths the caller vouches for.
    :raises ActivationError: it is no path, not allowed, its module cannot be imported, or has no such attribute.
    """
    module_name, attribute = split_path(path)
    if allow is not None and not _below(module_name, allow):
        raise _not_allowed(path, module_name, allow)
    try:
        found: object = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # whatever the author's module raises is the answer
        raise ActivationError(
            f"importing {module_name} raised {told(error)}",
            fix="Mend or install the module, or correct the path",
            path=path,
            module=module_name,
        ) from error
    for segment in attribute.split("."):
        parent = found
        try:
            found = getattr(parent, segment)
        except AttributeError as error:
            raise ActivationError(
                f"{module_name} has no attribute {attribute!r}", fix="Correct the path", path=path, module=module_name
            ) from error
        if isinstance(found, ModuleType) and allow is not None:
            raise ActivationError(
                f"{path!r} leads to the module {found.__name__}",
                fix="Name a class or function by the module that defines it",
                path=path,
            )
    if allow is not None and isinstance(found, type | FunctionType | BuiltinFunctionType):
        home: object = found.__module__
        if isinstance(home, str) and not _below(home, allow):
            raise _not_allowed(path, home, allow)
    return found


def _below(module: str, allow: Collection[str]) -> bool:
    return any(module == prefix or module.startswith(prefix + ".") for prefix in allow)


def _not_allowed(path: str, module: str, allow: Collection[str]) -> ActivationError:
    return ActivationError(
        f"{path!r} is code of {module}, which is not allowed as a factory",
        fix=f"If you trust it, add its package to the allowed ones ({', '.join(sorted(allow)) or 'none so far'})",
        path=path,
        module=module,
    )
