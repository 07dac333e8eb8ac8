"""HOT, of code that arrives in a wheel: two versions of it at once."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from oneiric_conformance.abilities import Ability
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.offer import (
    JSON,
    as_json,
    document_of,
    has_import_path,
    has_plain_names,
    offered,
    sign,
)
from oneiric_conformance.handling.releases import Release, late_marks_of, marks_of, release, wheel_bytes
from oneiric_conformance.handling.staging import leased
from oneiric_conformance.handling.work import some_work
from oneiric_conformance.registry import check
from oneiric_conformance.runtime import Runtime
from oneiric_conformance.subject import Subject

__all__: list[str] = []

_FIRST: Final = "the first version"
_SECOND: Final = "the second version"


def _can_be_published(subject: Subject) -> str:
    if not has_plain_names(subject) or not has_import_path(subject):
        return "a manifest cannot name it, or its factory"
    return ""


@check(
    "HOT-007",
    judges="component",
    level="must",
    since="2026.1",
    floor=4,
    applies=_can_be_published,
    needs_wheel=True,
    needs=[Ability.ARTIFACT_CODE],
)
def two_versions_run_side_by_side(bench: Bench) -> None:
    """When a manifest brings a second version of its wheel, an instance in use goes on with the code it was made from,
    also with what it imports only then, and a new one runs the second version's.

    Troubleshooting: code that looks itself up by its public name, in sys.modules or with importlib, and so gets what
    is installed; modules are found by import statements, by __name__ and by __package__. A factory that lies outside
    of the wheel, or gives instances of somebody else's class.
    """
    content = wheel_bytes(bench.package)
    first, second = release(content, _FIRST, 1), release(content, _SECOND, 2)
    with bench.control("the first version is activated, and runs the code of the wheel"):
        bench.run(_runs(bench, first))
    bench.run(_side_by_side(bench, first, second))


async def _runs(bench: Bench, first: Release) -> None:
    async with _published(bench) as publisher:
        await publisher.offer(first)
        async with publisher.lease() as instance:
            await bench.health(instance)


async def _side_by_side(bench: Bench, first: Release, second: Release) -> None:
    async with _published(bench) as publisher:
        await publisher.offer(first)
        async with publisher.lease() as old:
            act = await some_work(bench, old)
            await publisher.offer(second)
            async with publisher.lease() as new:
                _expect(bench, new, second)
            _expect(bench, old, first)
            with bench.asking("its work, on the instance of the first version"):
                await act(old)
            bench.exercised()
        async with publisher.lease() as new:
            with bench.asking("its work, on the instance of the second version"):
                await act(new)
            bench.exercised()


def _expect(bench: Bench, instance: object, of: Release) -> None:
    for marks, what in ((marks_of(instance), "runs"), (late_marks_of(instance), "imports, only then,")):
        seen = f"an instance of {of.mark} {what} the code of {' and '.join(sorted(marks)) or 'no version'}"
        bench.expect(marks == {of.mark}, seen=seen, expected="each its own")
        bench.exercised()


class _Publisher:
    """Offers the subject in a wheel, and a manifest that names it."""

    def __init__(self, bench: Bench, runtime: Runtime, folder: Path) -> None:
        self._bench = bench
        self._runtime = runtime
        self._folder = folder
        self._number = 0

    async def offer(self, what: Release) -> None:
        """Apply a manifest with the release; the component is active then."""
        self._number += 1
        path = self._folder / f"{what.sha256}.whl"
        path.write_bytes(what.content)
        brought = {"uri": f"file://{path}", "sha256": what.sha256, "length": len(what.content)}
        entry = {**offered([self._bench.subject])[0], **_model(self._bench.subject), **brought}
        document = document_of([entry], sequence_number=self._number)
        outcome = await self._runtime.sync(as_json(sign(document)), JSON)
        seen = f"a manifest with {what.mark} was refused with {outcome.kind}: {outcome.reason}"
        self._bench.expect(outcome.ok, seen=seen, expected="applied")
        verdict = await self._runtime.activate(self._bench.subject.domain, self._bench.subject.key)
        seen = f"the activation of {what.mark} was refused: {verdict.reason}"
        self._bench.expect(verdict.ok, seen=seen, expected="an activation")
        async with self.lease() as instance:
            marks = marks_of(instance)
        seen = f"with {what.mark} active, readers get an instance that runs the code of no version of the wheel"
        self._bench.expect(bool(marks), seen=seen, expected="the code of the wheel")

    def lease(self) -> AbstractAsyncContextManager[Any]:
        return leased(self._runtime, self._bench.subject.domain, self._bench.subject.key)


@asynccontextmanager
async def _published(bench: Bench) -> AsyncIterator[_Publisher]:
    """A runtime that knows the settings of the subject."""
    with bench.sandbox() as box:
        async with bench.runtime() as runtime:
            folder = bench.workdir(runtime) / "offered"
            folder.mkdir()
            verdict = await runtime.register(bench.spec(box))
            bench.expect(verdict.ok, seen=f"registering it was refused: {verdict.reason}", expected="a registration")
            yield _Publisher(bench, runtime, folder)


def _model(subject: Subject) -> dict[str, str]:
    model = subject.settings_model
    if isinstance(model, type):
        return {"settings_model": f"{model.__module__}:{model.__qualname__}"}
    return {"settings_model": model} if isinstance(model, str) else {}
