"""What the kit is made of is compared: whatever can be called is noticed when it is replaced, and caches are not."""

import functools
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from oneiric_conformance.isolation.fingerprint import take_fingerprint

pytestmark = pytest.mark.slow

NAME = "oneiric_core.pretended"


class Judge:
    def decide(self) -> bool:
        return True

    @property
    def name(self) -> str:
        return "judge"

    @staticmethod
    def plain() -> None: ...

    @classmethod
    def made(cls) -> None: ...


def function() -> None: ...


CODE: dict[str, object] = {
    "a function": function,
    "a class": Judge,
    "a builtin": len,
    "a bound method": Judge().decide,
    "a builtin's bound method": [].append,
    "a method wrapper": object().__str__,
    "a slot wrapper": object.__str__,
    "a method descriptor": str.upper,
    "a class method's descriptor": dict.__dict__["fromkeys"],
    "a static method": Judge.__dict__["plain"],
    "a class method": Judge.__dict__["made"],
    "a method that is partial": functools.partialmethod(Judge.decide),
}
DATA: dict[str, object] = {
    "a number": 1,
    "a list": [],
    "a text": "x",
    "a cache": {},
    "an object": Judge(),
    "none": None,
}


@pytest.fixture
def module() -> Iterator[ModuleType]:
    made = sys.modules[NAME] = ModuleType(NAME)
    yield made
    del sys.modules[NAME]


def differences_when(module: ModuleType, value: object, other: object) -> list[str]:
    module.thing = value  # type: ignore[attr-defined]  # made up here
    before = take_fingerprint()
    assert before.differences() == [], "a look at what is as it was finds nothing"
    module.thing = other  # type: ignore[attr-defined]  # likewise
    return before.differences()


@pytest.mark.parametrize("value", CODE.values(), ids=CODE)
def test_code_that_is_replaced_is_told(module: ModuleType, value: object) -> None:
    assert differences_when(module, value, lambda: None) == [f"{NAME}.thing"]


@pytest.mark.parametrize("value", DATA.values(), ids=DATA)
def test_data_may_change(module: ModuleType, value: object) -> None:
    assert differences_when(module, value, object()) == []


@pytest.mark.parametrize("part", ["decide", "name", "plain", "made"])
def test_what_is_in_a_class_is_code_as_well(module: ModuleType, part: str) -> None:
    kind: Any = type("Judge", (), {**vars(Judge), "__module__": NAME})
    module.Judge = kind  # type: ignore[attr-defined]  # likewise
    before = take_fingerprint()
    setattr(kind, part, lambda _: None)
    assert before.differences() == [f"{NAME}.Judge.{part}"]


def test_other_code_in_the_same_function_is_told(module: ModuleType) -> None:
    def judge() -> bool:
        return True

    other: Callable[[], bool] = lambda: False  # noqa: E731 - for its code
    module.judge = judge  # type: ignore[attr-defined]  # likewise
    before = take_fingerprint()
    judge.__code__ = other.__code__
    assert before.differences() == [f"{NAME}.judge"]


class Anything:
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


def test_other_defaults_are_told_whatever_they_claim_to_equal(module: ModuleType) -> None:
    def judge(strict: object = None, *, expected: object = None) -> object:
        return strict or expected

    module.judge = judge  # type: ignore[attr-defined]  # likewise
    for defaults in ({"__kwdefaults__": {"expected": "anything"}}, {"__defaults__": (Anything(),)}):
        before = take_fingerprint()
        assert before.differences() == []
        for name, value in defaults.items():
            setattr(judge, name, value)
        assert before.differences() == [f"{NAME}.judge"]


@pytest.mark.parametrize("part", ["name", "plain", "made"])
def test_other_code_in_a_function_that_is_wrapped_is_told(module: ModuleType, part: str) -> None:
    kind: Any = type("Judge", (), {**vars(Judge), "__module__": NAME})
    module.Judge = kind  # type: ignore[attr-defined]  # likewise
    before = take_fingerprint()
    wrapper = vars(kind)[part]
    inner = wrapper.fget if isinstance(wrapper, property) else wrapper.__func__
    code = inner.__code__
    inner.__code__ = (lambda *_: None).__code__
    try:
        assert before.differences() == [f"{NAME}.Judge.{part}"]
    finally:
        inner.__code__ = code
