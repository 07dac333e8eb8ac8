"""Which factories are given settings: those whose signature, as ``inspect`` reads it, names them."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Self

import pytest

from oneiric_core.lifecycle import construct
from oneiric_core.lifecycle.construct import wants_settings


def nothing() -> object:
    return []


def keyword_only(*, settings: object = None) -> object:
    return [settings]


def either(other: object = 1, settings: object = None) -> object:
    return [settings]


def position_only(settings: object = None, /, other: object = 1) -> object:
    return [settings]


def as_many(*settings: object) -> object:
    return [*settings]


def as_named(**settings: object) -> object:
    return [settings]


def by_a_local_name() -> object:
    settings = 1
    return [settings]


@functools.wraps(keyword_only)
def wrapping(**named: object) -> object:
    return keyword_only(**named)


@functools.wraps(nothing)
def hiding(settings: object = None) -> object:
    return [settings]


def signed() -> object:
    return []


signed.__signature__ = inspect.signature(nothing)  # type: ignore[attr-defined]  # functions may have one


class Plain:
    pass


class Asking:
    def __init__(self, settings: object) -> None:
        self.given = settings


class Inheriting(Asking):
    pass


class Curious:
    def __init__(settings, other: object = 1) -> None:  # noqa: N805 - the name under which nothing is passed
        settings.other = other  # type: ignore[attr-defined]  # it is the instance


class Renewed:
    def __new__(cls, settings: object = None) -> Self:  # noqa: ARG004 - only its name matters
        return super().__new__(cls)


class Meta(type):
    def __call__(cls, settings: object = None) -> Any:
        return super().__call__()


class ByMeta(metaclass=Meta):
    pass


class SignedClass:
    __signature__ = inspect.Signature()

    def __init__(self, settings: object = None) -> None:
        pass


class Wrapped:
    @functools.wraps(keyword_only)
    def __init__(self, **named: object) -> None:
        pass


class Callee:
    def __call__(self, settings: object = None) -> object:
        return [settings]

    def method(self, settings: object = None) -> object:
        return [settings]


FACTORIES = [
    *(nothing, keyword_only, either, position_only, as_many, as_named, by_a_local_name, wrapping, hiding, signed),
    *(Plain, Asking, Inheriting, Curious, Renewed, ByMeta, SignedClass, Wrapped, list, dict),
    *(Callee(), Callee().method, functools.partial(keyword_only), functools.partial(either, 2)),
]


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda each: getattr(each, "__qualname__", type(each).__name__))
def test_settings_are_wanted_as_the_signature_says(factory: Callable[..., object]) -> None:
    try:
        parameter = inspect.signature(factory).parameters.get("settings")
    except ValueError:
        parameter = None
    named = parameter is not None and parameter.kind in {parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD}
    assert wants_settings(factory) is named


@pytest.mark.parametrize(
    ("factory", "given"),
    [(keyword_only, ["mine"]), (either, ["mine"]), (position_only, [None]), (as_named, [{}]), (wrapping, ["mine"])],
)
async def test_what_a_plain_function_is_given(factory: Callable[..., object], given: object) -> None:
    assert await construct(factory, "mine") == given


async def test_what_a_plain_class_is_given() -> None:
    for kind in (Asking, Inheriting):
        assert (await construct(kind, "mine")).given == "mine"  # type: ignore[attr-defined]  # both remember it
    assert (await construct(Curious, "mine")).other == 1  # type: ignore[attr-defined]  # and not a second argument
