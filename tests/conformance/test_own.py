"""An exercise of the author's own, and the hollow twin that it has to fail on."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self

import pytest

from mutants import reference
from oneiric_conformance import PROFILES, Status
from oneiric_conformance.handling import hollow
from oneiric_conformance.handling.hollow import hollow_twin, succeeds_as_well
from oneiric_conformance.judging import watchdog
from oneiric_conformance.judging.session import Session


class Store(AbstractAsyncContextManager["Store"]):
    """Has methods of every kind."""

    size = 3

    class Full(Exception):  # noqa: N818 - as authors name them
        """What it raises."""

    def health(self) -> bool:
        return True

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
    assert (twin.put(3), await twin.get(), list(twin.each()), twin.ping()) == (None, None, [], None)
    with pytest.raises(TypeError):
        len(twin)
    with pytest.raises(AttributeError):
        twin.nobody_has_this  # noqa: B018 - asking is what is tried


async def test_a_twin_lives_as_the_component_does() -> None:
    store = Store()
    twin: Any = hollow_twin(store)
    assert (twin.health(), twin.size, twin.Full) == (True, 3, Store.Full)
    store.size = 4
    assert twin.size == 4
    async with twin as opened:
        assert opened is twin


async def poll(store: Any) -> None:
    while await store.get() is None:  # noqa: ASYNC110 - as authors write them
        await asyncio.sleep(0.01)


def poll_and_block(store: Any) -> None:
    while store.put(1) is None:
        time.sleep(0.01)


@pytest.mark.parametrize("exercise", [poll, poll_and_block])
async def test_who_waits_in_vain_has_told_them_apart(exercise: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hollow, "_LEAST", 0.1)
    monkeypatch.setattr(watchdog, "_SLACK", 0.4)
    assert not await succeeds_as_well(exercise, hollow_twin(Store()), 0.0)


async def test_who_takes_as_long_as_before_has_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hollow, "_LEAST", 0.0)

    async def slow(store: Any) -> None:
        await asyncio.sleep(0.1)
        store.put(1)

    assert await succeeds_as_well(slow, hollow_twin(Store()), 0.1)


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


class Total(reference.Meter):
    """Shows its total as an attribute, as correct as any."""

    @property
    def total(self) -> int:
        return self._total


async def sees_the_total(meter: Total) -> None:
    """What it looks at is its own doing; the twin of the instance that did it would show it as well."""
    await meter.add(2)
    assert meter.total == 2


def test_what_was_done_before_does_not_speak_for_the_twin() -> None:
    changes = {"factory": f"{__name__}:Total", "exercise": f"{__name__}:sees_the_total"}
    assert outcome(**changes) == (Status.PASS, "")
