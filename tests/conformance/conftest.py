"""What the kit's tests share: components written to files of their own, and checks run without being registered."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from importlib import import_module
from itertools import count
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest

from oneiric_conformance import CHECKS, Check, Limits, Package, Profile, Result, Subject
from oneiric_conformance import registry as check_registry
from oneiric_conformance.handling.bench import Bench, Surroundings
from oneiric_conformance.isolation.smoke import SmokeReport
from oneiric_conformance.judging.loop import SharedLoop
from oneiric_conformance.judging.ownership import OwnFiles
from oneiric_conformance.judging.verdict import Judge
from oneiric_conformance.scripts.writing import script_of
from oneiric_core.testing import CoreRuntime

_numbers = count(1)
ECHO = """
    class Echo:
        async def run(self, payload):
            return {"got": payload, "names": len(payload)}
"""


@dataclass
class Author:
    """Writes a package of components into a directory that can be imported from, and describes it."""

    folder: Path
    written: list[str] = field(default_factory=list)

    def package(self, source: str, *factories: str, **changes: Any) -> Package:
        """One task per factory (a name in ``source``, default ``Echo``), its key the name in lower case."""
        module = f"authored_{next(_numbers)}"
        (self.folder / f"{module}.py").write_text(dedent(source), encoding="utf-8")
        self.written.append(module)
        subjects = tuple(
            replace(Subject("task", name.lower(), "acme", f"{module}:{name}"), **changes)
            for name in factories or ("Echo",)
        )
        return Package("acme", "1.0", subjects, modules=frozenset({module}))


@pytest.fixture
def author(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Author]:
    folder = tmp_path / "authored"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    made = Author(folder)
    yield made
    for name in made.written:
        sys.modules.pop(name, None)


@pytest.fixture
def module_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], ModuleType]:
    """Imports a module of that name and source, from a directory of its own, which is below no sandbox."""

    def make(name: str, source: str) -> ModuleType:
        folder = tmp_path / "code"
        folder.mkdir()
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.delitem(sys.modules, name, raising=False)
        return import_module(name)

    return make


@pytest.fixture
def echo(author: Author) -> Package:
    """A package with one task that works."""
    return author.package(ECHO)


@pytest.fixture
def loop() -> Iterator[SharedLoop]:
    made = SharedLoop()
    yield made
    made.close()


@pytest.fixture
def bench_of(loop: SharedLoop) -> Callable[..., Bench]:
    """A bench for a package's only component (or for the package, if asked)."""

    def make(package: Package, *, whole: bool = False, limits: Limits | None = None, **changes: Any) -> Bench:
        fast = {"examples": 10, "steps": 5, "repetitions": 3, "seconds": 2.0}
        profile = replace(Profile("test", **fast), **changes)
        around = Surroundings(package, profile, limits or Limits(), loop, CoreRuntime, lambda _: SmokeReport())
        return Bench(around, None if whole else package.subjects[0], "TST-001")

    return make


Body = Callable[[Bench], None]


@pytest.fixture
def decide(bench_of: Callable[..., Bench]) -> Callable[..., Result]:
    """The result of a check's body on a package's only component."""

    def run(package: Package, body: Body, *, level: str = "must", floor: int = 1, **changes: Any) -> Result:
        body.__doc__ = "The rule holds.\n\nTroubleshooting: mend it"
        bench = bench_of(package, **changes)
        judge = Judge(OwnFiles(package), lambda subject, check, _: f"replay {subject} {check}", script_of)
        made = _made("TST-001", body, level=level, floor=floor)
        return judge.decide(made, bench.subject.id, bench)

    return run


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Check]:
    """Registers a check until the end of the test."""

    def register(id: str, body: Body, **changes: Any) -> Check:
        body.__doc__ = "The rule holds.\n\nTroubleshooting: mend it"
        made = _made(id, body, **changes)
        monkeypatch.setitem(check_registry._checks, id, made)
        assert CHECKS[id] is made
        return made

    return register


def _made(id: str, body: Body, **changes: Any) -> Check:
    about = {"judges": "component", "level": "must", "since": "2026.1", "floor": 1, "claims": "", "exercises": False}
    return Check(id=id, body=body, **{**about, "domains": frozenset(), "applies": lambda _: "", **changes})
