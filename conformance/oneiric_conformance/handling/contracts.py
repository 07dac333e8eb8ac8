"""The capabilities whose contract the kit knows: what a component that claims one has to offer."""

import inspect
from collections.abc import Mapping
from typing import Any, Final

from oneiric_core.testing import find_hook

__all__ = ["CONTRACTS", "PROMISES", "lacks"]

CONTRACTS: Final[Mapping[str, tuple[str, ...]]] = {
    "kv": ("get", "set", "delete", "clear"),
    "ttl": ("get", "set"),
    "blob": ("save", "read", "delete", "list"),
    "secrets": ("get_secret",),
}
"""The methods of each contract."""

PROMISES: Final = frozenset({"deterministic"})
"""Capabilities that need no method: other checks hold a component to them."""


def lacks(instance: object, capability: str) -> list[str]:
    """What an instance has not got of a contract; empty if it can be held to it."""
    missing = [f"{name}()" for name in CONTRACTS[capability] if find_hook(instance, (name,)) is None]
    if capability == "ttl" and not missing and not _takes(getattr(instance, "set", None), "ttl"):
        missing = ["set(…, ttl=seconds)"]
    return missing


def _takes(function: Any, name: str) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # no signature to look at: calling it will tell
        return True
    return any(each.name == name or each.kind is each.VAR_KEYWORD for each in parameters)
