"""Unusual but correct: components no rule forbids, which must not fail anything."""

from dataclasses import replace
from typing import Any

import pytest

from oneiric_conformance import PROFILES, ConformanceReport, EntryPointName, Package, Session, Status, Subject
from oneiric_conformance.isolation.smoke import SmokeReport

pytestmark = pytest.mark.slow

SOURCE = '''
import asyncio
import functools
import threading
import time
from dataclasses import dataclass, field


class Task:
    """Reverses a text."""

    def __init__(self):
        self.ready = False

    async def init(self):
        self.ready = True

    async def health(self):
        return self.ready

    async def cleanup(self):
        self.ready = False

    async def run(self, payload):
        await asyncio.sleep(0)
        if not isinstance(payload, dict) or not isinstance(payload.get("text"), str):
            raise ValueError(f"{payload!r} has no text. Pass an object with a string named text.")
        return {"reversed": payload["text"][::-1], "length": len(payload["text"])}


class Slots:
    __slots__ = ("ready",)

    def __init__(self):
        self.ready = False

    init, health, cleanup, run = Task.init, Task.health, Task.cleanup, Task.run


class Falsy(Task):
    def __bool__(self):
        return False


class NoTruth(Task):
    def __bool__(self):
        raise TypeError("it is neither true nor false")

    def __len__(self):
        return 0


class EqualToAll(Task):
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 7


class Unhashable(Task):
    __hash__ = None

    def __eq__(self, other):
        raise TypeError("it cannot be compared")


@dataclass
class Data:
    ready: bool = False
    log: list = field(default_factory=list)

    init, health, cleanup, run = Task.init, Task.health, Task.cleanup, Task.run


class Synchronous:
    def __init__(self):
        self.ready = False

    def init(self):
        self.ready = True

    def is_healthy(self):
        return self.ready

    def shutdown(self):
        self.ready = False

    def run(self, payload):
        if not isinstance(payload, dict) or not isinstance(payload.get("text"), str):
            raise ValueError(f"{payload!r} has no text.")
        return {"length": len(payload["text"])}


class RaisingGetattr(Task):
    def __getattr__(self, name):
        raise RuntimeError(f"there is no {name} here")


class Printless(Task):
    def __repr__(self):
        raise RuntimeError("it cannot be shown")

    __str__ = __repr__


class Awaiting(Task):
    async def init(self):
        for _ in range(20):
            await asyncio.sleep(0)
        self.ready = True


class Lying(Task):
    @property
    def __class__(self):
        return dict


class Callable(Task):
    def __call__(self):
        raise RuntimeError("an instance is not a factory")


class Trailing(Task):
    """A thread of each call holds the instance for as long as it takes to tell somebody."""

    async def run(self, payload):
        answer = await super().run(payload)
        threading.Thread(target=self.tell, daemon=True).start()
        return answer

    def tell(self):
        time.sleep(0.1)


class Late(Task):
    """It takes longer to come up than a runtime is given to do anything else."""

    async def init(self):
        await asyncio.sleep(2.2)
        self.ready = True


async def make_async():
    await asyncio.sleep(0)
    return Task()


class Made(Task):
    def __init__(self, word, *, settings=None):
        super().__init__()
        self.word = word


make_partial = functools.partial(Made, "a word")


class Factory:
    def __call__(self):
        return Task()


make_object = Factory()


class Family:
    @classmethod
    def make(cls):
        return Task()

    @staticmethod
    async def make_static():
        return Task()


make_lambda = lambda: Task()


class Stepping:
    """Its instances are generators."""

    def __init__(self):
        self.ready = False

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration

    def send(self, value):
        raise StopIteration

    def throw(self, *error):
        raise StopIteration

    def close(self):
        self.ready = False

    init, health, run = Task.init, Task.health, Task.run


class Bare:
    async def run(self, payload):
        return {"keys": sorted(payload), "count": len(payload)} if isinstance(payload, dict) else {"count": 0}


class Empty:
    pass


def make_generator():
    yield 1
'''
COMMON = ("Slots", "Falsy", "Trailing")
RARE = [
    *("Task", "Synchronous", "RaisingGetattr", "make_async"),
    *("NoTruth", "EqualToAll", "Unhashable", "Data"),
    *("Printless", "Awaiting", "Lying", "Callable", "make_partial", "make_object", "Family.make"),
    *("Family.make_static", "make_lambda", "Stepping"),
]
SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}


def package_of(author: Any, factory: str, domain: str = "task", **metadata: Any) -> Package:
    package: Package = author.package(SOURCE, factory)
    point = EntryPointName(f"oneiric.{domain}s", "it", f"{package.subjects[0].factory}")
    subject = Subject(
        domain, "it", "acme", package.subjects[0].factory, {"version": "1.0", **metadata}, entry_point=point
    )
    return replace(package, subjects=(subject,), declared=(point,), installed=(point,))


def judged(package: Package) -> tuple[str, list[str]]:
    """The component's verdict, and what was said against it."""
    with Session(package, profile=PROFILES["quick"]) as session:
        planned = [item for item in session.plan() if item.judges == "component"]
        report = ConformanceReport.from_results(
            package,
            planned,
            [session.judge(item) for item in planned],
            profile=session.profile,
            requirements=session.requirements,
            runtime=session.runtime,
        )
    (component,) = report.components
    said = [result for result in component.results if result.status not in {Status.PASS, Status.NOT_APPLICABLE}]
    return component.verdict.value, [f"{result.check} {result.status}: {result.reason}" for result in said]


@pytest.mark.parametrize("factory", [*COMMON, *(pytest.param(each, marks=pytest.mark.long) for each in RARE)])
def test_an_unusual_task_is_certified(author: Any, factory: str) -> None:
    described = {"capabilities": [{"name": "reverse", "payload_schema": SCHEMA}]}
    assert judged(package_of(author, factory, **described)) == ("certified", [])


NOBODY_CAN_TELL = "LIFE-008 warn: it has no health hook, so that nobody can tell whether it is closed"


def test_a_component_without_hooks_that_works_is_certified(author: Any) -> None:
    assert judged(package_of(author, "Bare")) == ("certified", [NOBODY_CAN_TELL])


@pytest.mark.parametrize("factory", ["Empty", "make_generator"])
def test_a_component_with_nothing_at_all_conforms_and_is_not_certified(author: Any, factory: str) -> None:
    assert judged(package_of(author, factory, "adapter")) == ("conforms", [NOBODY_CAN_TELL])


@pytest.mark.parametrize("factory", ["collections:OrderedDict", "io:BytesIO"])
def test_a_factory_written_in_c_is_as_good_as_any(author: Any, factory: str) -> None:
    """But for META-003: it is not the package's own code."""
    package = package_of(author, "Empty", "adapter")
    (subject,) = package.subjects
    _, said = judged(replace(package, subjects=(replace(subject, factory=factory),)))
    assert [line for line in said if not line.startswith("META-003")] == [NOBODY_CAN_TELL]


@pytest.mark.long
def test_a_component_that_is_slow_but_in_time_is_replaced_like_any_other(author: Any) -> None:
    package = package_of(author, "Late", capabilities=[{"name": "reverse", "payload_schema": SCHEMA}])
    with Session(package, profile=PROFILES["quick"]) as session:
        planned = [item for item in session.plan() if item.check in {"HOT-001", "HOT-003", "HOT-004"}]
        assert [(result.status, result.reason) for result in map(session.judge, planned)] == [(Status.PASS, "")] * 3


def test_a_lifetime_is_what_it_takes_to_come_and_to_go() -> None:
    seconds = {"import": 8.0, "factory": 0.5, "init": 2.0, "verb": 4.0, "cleanup": 0.25}
    assert SmokeReport(durations=seconds).lifetime == 2.75
