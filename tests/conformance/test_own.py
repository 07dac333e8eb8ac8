"""An exercise of the author's own, and the hollow twin that it has to fail on."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self

import pytest

from mutants import reference
from oneiric_conformance import PROFILES, Status
from oneiric_conformance.handling.hollow import hollow_twin
from oneiric_conformance.judging.session import Session


class Store(AbstractAsyncContextManager["Store"]):
    """Has methods of every kind."""

    size = 3

    def put(self, value: int) -> int:
        return value

    async def get(self) -> int:
        return self.size

    def each(self) -> Iterator[int]:
        yield self.size

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None

    def __len__(self) -> int:
        return self.size

    def __getattr__(self, name: str) -> Callable[[], int]:
        if name == "ping":
            return lambda: 1
        raise AttributeError(name)


async def test_a_twin_has_every_method_and_does_nothing() -> None:
    twin: Any = hollow_twin(Store())
    assert isinstance(twin, Store)
    assert (twin.put(3), await twin.get(), list(twin.each()), twin.ping(), twin.size) == (None, None, [], None, None)
    async with twin as opened:
        assert opened is None
    with pytest.raises(TypeError):
        len(twin)
    with pytest.raises(AttributeError):
        twin.nobody_has_this  # noqa: B018 - asking is what is tried


async def test_the_component_itself_is_not_touched_by_what_its_twin_is_asked() -> None:
    store = Store()
    twin: Any = hollow_twin(store)
    twin.size = 7
    assert (store.size, await store.get()) == (3, 3)


def outcome(**changes: Any) -> tuple[Status, str]:
    subject = reference.subject_of(reference.Meter, **changes)
    with Session(reference.package(subject), profile=PROFILES["quick"]) as session:
        (planned,) = (item for item in session.plan() if item.check == "OWN-001")
        result = session.judge(planned)
    return result.status, result.reason


def test_without_an_exercise_the_rule_does_not_apply() -> None:
    status, reason = outcome(exercise="")
    assert (status, reason) == (Status.NOT_APPLICABLE, "no exercise is configured for it")


def test_with_one_the_component_was_seen_to_work() -> None:
    subject = reference.subject_of(reference.Meter)
    with Session(reference.package(subject), profile=PROFILES["quick"]) as session:
        results = [session.judge(item) for item in session.plan() if item.judges == "component"]
    assert Status.FAIL not in {result.status for result in results}
    assert [result.check for result in results if result.behaviours] == ["OWN-001"]
