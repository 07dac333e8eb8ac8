"""Finding and calling what a component offers, whatever kind of object it is.

An instance may be falsy, have slots, be a generator, or raise on attribute access. So it is never tested for truth or
compared, and its type is looked at rather than its ``__class__``.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from types import CodeType, GeneratorType
from typing import TypeGuard

__all__ = ["call_hook", "find_hook", "is_awaitable"]


def find_hook(instance: object, names: Sequence[str]) -> Callable[..., object] | None:
    """The first of ``names`` that ``instance`` has as a callable, bound to it; None if it has none.

    An attribute that cannot be read counts as absent, unless the class defines it.
    """
    for name in names:
        found = _attribute(instance, name)
        if callable(found):
            return found
    return None


async def call_hook(hook: Callable[[], object]) -> object:
    """What a sync or async hook gives."""
    result = hook()
    return await result if is_awaitable(result) else result


def is_awaitable(value: object) -> TypeGuard[Awaitable[object]]:
    """As ``inspect.isawaitable``, by type alone: a component may lie about its class, or raise when asked."""
    kind = type(value)
    if issubclass(kind, Awaitable):
        return True
    code: CodeType | None = value.gi_code if kind is GeneratorType else None  # type: ignore[attr-defined]  # kind has it
    return code is not None and bool(code.co_flags & inspect.CO_ITERABLE_COROUTINE)


def _attribute(instance: object, name: str) -> object:
    try:
        return getattr(instance, name, None)
    except Exception:  # noqa: BLE001 - a component may raise anything on attribute access; the class is asked next
        defined = inspect.getattr_static(type(instance), name, None)
    bind = getattr(type(defined), "__get__", None)
    return defined if bind is None else bind(defined, instance, type(instance))
