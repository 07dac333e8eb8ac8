"""Who gives a function other code is heard of, once, and nobody else is."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oneiric_conformance.judging.recoding import Recoding


def kept(value: int = 1, *, named: int = 2) -> int:
    return value + named


def another() -> None:
    """Nobody's business."""


@pytest.fixture
def recoding() -> Iterator[Recoding]:
    before = (kept.__code__, kept.__defaults__, kept.__kwdefaults__)
    recoding = Recoding([kept])
    yield recoding
    recoding.close()
    kept.__code__, kept.__defaults__, kept.__kwdefaults__ = before


def lose(name: str) -> Callable[[], None]:
    return lambda: delattr(kept, name)


CHANGES: dict[str, Callable[[], Any]] = {
    "code": lambda: setattr(kept, "__code__", another.__code__),
    "defaults": lambda: setattr(kept, "__defaults__", (3,)),
    "keyword defaults": lambda: setattr(kept, "__kwdefaults__", {"named": 3}),
    "no defaults": lose("__defaults__"),
    "no keyword defaults": lose("__kwdefaults__"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_suspected_until_it_is_forgotten(recoding: Recoding, what: str) -> None:
    CHANGES[what]()
    assert recoding.suspicions() == 1
    assert recoding.suspicions() == 1
    recoding.forget(1)
    assert recoding.suspicions() == 0


def test_what_is_not_of_interest_is_not_suspected(recoding: Recoding) -> None:
    another.__code__ = another.__code__.replace(co_name="other")
    kept.__doc__ = "changed"
    assert recoding.suspicions() == 0


def test_what_comes_during_a_look_outlives_it(recoding: Recoding) -> None:
    kept.__defaults__ = (3,)
    seen = recoding.suspicions()
    kept.__defaults__ = (4,)
    recoding.forget(seen)
    assert recoding.suspicions() == 1


def test_one_that_is_closed_is_deaf_and_says_so(recoding: Recoding) -> None:
    recoding.close()
    recoding.close()
    assert recoding.suspicions() == 1
    recoding.forget(1)
    assert recoding.suspicions() == 1


def test_two_hear_of_the_same_change_and_not_of_each_other(recoding: Recoding) -> None:
    second = Recoding([kept])
    try:
        assert (recoding.suspicions(), second.suspicions()) == (0, 0)
        kept.__defaults__ = (3,)
        assert (recoding.suspicions(), second.suspicions()) == (1, 1)
    finally:
        second.close()
