"""From a factory to an instance, as a runtime makes it."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from types import FunctionType
from typing import Any, Final

from pydantic import BaseModel

from oneiric_core.discovery import import_object
from oneiric_core.errors import ActivationError, told
from oneiric_core.lifecycle.hooks import is_awaitable

__all__ = ["construct", "deliver", "is_instance", "make_settings", "refuse_no_instance", "wants_settings"]

_SIGNED_OTHERWISE: Final = frozenset({"__signature__", "__wrapped__"})


async def construct(factory: Callable[..., object], settings: object) -> object:
    """One call of ``factory``: an instance, or an awaitable of one, is what it gives.

    :param settings: passed as the keyword ``settings`` if and only if the signature names it.
    :raises ActivationError: it gave None or a class. What the factory raises comes through.
    """
    result = factory(settings=settings) if wants_settings(factory) else factory()
    if is_awaitable(result):
        result = await deliver(result)
    refuse_no_instance(result)
    return result


def wants_settings(factory: Callable[..., object]) -> bool:
    """Whether the signature names ``settings``; an unreadable signature does not."""
    try:
        plainly = _plainly_wants_settings(factory)
        if plainly is not None:
            return plainly
        parameter = inspect.signature(factory).parameters.get("settings")
    except Exception:  # noqa: BLE001 - reading a signature runs the author's descriptors; unreadable is an answer
        return False
    return parameter is not None and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)


def _plainly_wants_settings(factory: Any) -> bool | None:
    """As the signature says, of a plain function or class; None for anything else. It is forty times faster."""
    bound, is_class = 0, type(factory) is type
    if is_class and factory.__new__ is object.__new__ and not hasattr(factory, "__signature__"):
        if factory.__init__ is object.__init__:
            return False
        factory, bound = factory.__init__, 1
    if type(factory) is not FunctionType or not factory.__dict__.keys().isdisjoint(_SIGNED_OTHERWISE):
        return None
    code = factory.__code__
    first, end = max(bound, code.co_posonlyargcount), code.co_argcount + code.co_kwonlyargcount
    return "settings" in code.co_varnames[first:end]


async def deliver(awaitable: Awaitable[object]) -> object:
    """What ``awaitable`` gives, also if the cancellation of this task came just after it was there.

    Without this, an instance in a finished future would be lost, and with it the duty to clean it up.
    """
    try:
        return await awaitable
    except asyncio.CancelledError:
        if isinstance(awaitable, asyncio.Future) and awaitable.done() and not awaitable.cancelled():
            return awaitable.result()
        raise


def is_instance(result: object) -> bool:
    """Whether ``result`` is something a component can be: anything but None or a class."""
    return result is not None and not issubclass(type(result), type)


def refuse_no_instance(result: object) -> None:
    """:raises ActivationError: ``result`` is None or a class."""
    if not is_instance(result):
        what = "None" if result is None else f"the class {result!r}"
        raise ActivationError(
            f"the factory returned {what}", fix="Return an instance, or an awaitable of one", returned=result
        )


def make_settings(model: object | None, raw: Mapping[str, Any]) -> object:
    """``raw`` as the component wants its settings.

    :param model: a class (pydantic's are validated, others called with keywords), a path to one, or None for the
        mapping as it is.
    :raises ActivationError: the model cannot be imported, or refuses the values.
    """
    if model is None:
        return dict(raw)
    if isinstance(model, str):
        model = import_object(model, None)
    if not isinstance(model, type):
        raise ActivationError(
            f"settings_model is {model!r}", fix='Give a class, or its path as "module:Class"', settings_model=model
        )
    try:
        return model.model_validate(dict(raw)) if issubclass(model, BaseModel) else model(**raw)
    except Exception as error:  # whatever the author's model raises is the answer
        raise ActivationError(
            f"the settings do not fit {model.__qualname__}: {told(error)}",
            fix="Correct the settings of this provider",
            settings_model=f"{model.__module__}:{model.__qualname__}",
        ) from error
