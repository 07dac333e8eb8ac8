"""What instances may have in common though they share no state, and what they may not."""

from dataclasses import replace
from typing import Any

import pytest

from oneiric_conformance import PROFILES, Package, Session, Status

pytestmark = pytest.mark.slow

SOURCE = '''
import asyncio
import functools
import json
import pathlib
import threading
import uuid
from collections import Counter, OrderedDict, defaultdict

_LIVE = {}
_UNDER_WAY = set()
_SEEN = Counter()
_COMPILED = OrderedDict()
_LOCKS = defaultdict(asyncio.Lock)
_LAST = {}


class Task:
    ready = False

    async def init(self):
        self.ready = True

    async def health(self):
        return self.ready

    async def cleanup(self):
        self.ready = False

    async def run(self, payload):
        return {"text": json.dumps(payload)}


class Registers(Task):
    """A table of all that live, with what each of them does."""

    async def init(self):
        await super().init()
        self.work = _LIVE[id(self)] = {"self": self, "done": []}

    async def cleanup(self):
        _LIVE.pop(id(self), None)
        await super().cleanup()

    async def run(self, payload):
        self.work["done"].append(str(payload))
        return await super().run(payload)


class RegistersWhenUsed(Task):
    """A list of all that have something to close."""

    used = []

    async def cleanup(self):
        self.used[:] = [each for each in self.used if each is not self]
        await super().cleanup()

    def add(self, number):
        if self not in self.used:
            self.used.append(self)
        return number + 1


def adds(instance):
    assert instance.add(1) == 2


class InTheBackground(Task):
    """The idiom of asyncio's documentation."""

    async def run(self, payload):
        task = asyncio.create_task(asyncio.sleep(0.01))
        _UNDER_WAY.add(task)
        task.add_done_callback(_UNDER_WAY.discard)
        return await super().run(payload)


class Statistics(Task):
    async def run(self, payload):
        _SEEN["runs"] += 1
        return await super().run(payload)


class Remembers(Task):
    """A cache of results by hand, the least recently used first; one by functools; a lock for each key."""

    async def run(self, payload):
        key = json.dumps(payload)
        async with _LOCKS[key]:
            if key not in _COMPILED:
                _COMPILED[key] = [key.upper()]
            _COMPILED.move_to_end(key)
            return {"text": _COMPILED[key][0], "length": length(key)}


@functools.lru_cache
def length(text):
    return len(text)


class RemembersInTheClass(Task):
    """The same on the class: results, a lock for each text, and what was warned of once."""

    known = {}
    locks = {}
    warned = set()

    async def run(self, payload):
        key = json.dumps(payload)
        with self.locks.setdefault(key, threading.Lock()):
            self.warned.add("empty" if not payload else "full")
            return {"text": self.known.setdefault(key, key.upper())}


class Lazy(Task):
    """Learns once, for all, what does not change."""

    known = None
    count = 0

    async def run(self, payload):
        if self.known is None:
            type(self).known, type(self).count = {"a": [1]}, 3
        return await super().run(payload)


class Keeps(Task):
    async def run(self, payload):
        _LAST["text"] = json.dumps(payload) + "."
        return {"text": _LAST["text"]}


class Store(Task):
    async def set(self, key, value):
        self.write({**self.read(), key: value})

    async def get(self, key):
        return self.read().get(key)

    async def delete(self, key):
        self.write({name: value for name, value in self.read().items() if name != key})

    async def clear(self):
        self.write({})


class Renders(Task):
    """What its exercise has it render is another text each time."""

    templates = {}
    locks = {}
    recent = []

    def render(self, template):
        with self.locks.setdefault(template, threading.Lock()):
            return self.templates.setdefault(template, template.format(1))

    def last(self, template):
        self.recent[:] = [template]


def renders(instance):
    assert instance.render(f"{uuid.uuid4()} {{}}").endswith("1")


def renders_last(instance):
    renders(instance)
    instance.last(uuid.uuid4())


class AtHome(Store):
    """Keeps its values where it always does, and is told of no other place."""

    def path(self):
        return pathlib.Path.home() / "store.json"

    def read(self):
        return json.loads(self.path().read_text()) if self.path().exists() else {}

    def write(self, values):
        self.path().write_text(json.dumps(values))


class OfAFunction(Store):
    def read(self):
        return table()["values"]

    def write(self, values):
        table()["values"] = values


@functools.cache
def table():
    return {"values": {}}
'''
FINE = ["Registers", "InTheBackground", "Statistics", "Remembers", "RemembersInTheClass", "Lazy"]


def said(author: Any, name: str, exercise: str = "", **changes: Any) -> str:
    package = author.package(SOURCE, name, **changes)
    if exercise:
        (subject,) = package.subjects
        own = str(subject.factory).replace(name, exercise)
        package = replace(package, subjects=(replace(subject, exercise=own),))
    return of(package)


def of(package: Package) -> str:
    with Session(package, profile=PROFILES["quick"]) as session:
        (result,) = [session.judge(item) for item in session.plan() if item.check == "LIFE-001"]
    return result.reason if result.status is not Status.PASS else ""


@pytest.mark.parametrize("name", FINE)
def test_what_a_module_may_hold_for_all_is_no_shared_state(author: Any, name: str) -> None:
    assert said(author, name) == ""


def test_it_does_not_matter_who_used_the_component_before(author: Any) -> None:
    """A cache and a table of locks are empty the first time, and full when another check, or a test, has used them."""
    package = author.package(SOURCE, "RemembersInTheClass")
    assert [of(package), of(package)] == ["", ""]


def test_an_exercise_may_bring_a_cache_something_new_each_time(author: Any) -> None:
    adapter = {"domain": "adapter", "metadata": {"capabilities": []}}
    assert said(author, "Renders", "renders", **adapter) == ""
    assert "Renders.recent changed" in said(author, "Renders", "renders_last", **adapter)


def test_a_list_of_those_that_an_exercise_used_is_no_shared_state(author: Any) -> None:
    assert said(author, "RegistersWhenUsed", "adds", domain="adapter", metadata={"capabilities": []}) == ""


def test_what_a_module_holds_of_one_s_work_is(author: Any) -> None:
    assert "._LAST changed in all instances" in said(author, "Keeps")


def test_a_store_that_is_on_the_disk_is_the_same_for_all(author: Any) -> None:
    kv = {"domain": "adapter", "metadata": {"capabilities": ["kv"]}}
    assert said(author, "AtHome", **kv) == ""
    assert "got from another one" in said(author, "OfAFunction", **kv)
