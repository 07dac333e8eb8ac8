"""Handling a component the way a runtime would, and saying which step went wrong."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oneiric_conformance import Finding, Limits
from oneiric_conformance.handling.bench import Bench
from oneiric_core import ConformanceError

BenchOf = Callable[..., Bench]


class Box:
    """A sandbox as far as settings need one."""

    path = Path("/box")


HOOKED = """
    import asyncio
    from pathlib import Path
    from pydantic import BaseModel

    class Settings(BaseModel):
        base_path: Path

    class Service:
        def __init__(self, settings):
            self.settings, self.log = settings, ["factory"]
        def init(self): self.log.append("init")
        async def start(self): self.log.append("start")
        async def stop(self): self.log.append("stop")
        async def check_health(self): return "fine"
        def close(self): self.log.append("close")
        def status(self): return {}

    class Slow:
        async def init(self): await asyncio.Event().wait()

    class Stubborn:
        async def init(self):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                pass

    class Cancelled:
        async def init(self): raise asyncio.CancelledError

    class Late:
        async def init(self): raise TimeoutError("the socket was slow")

    class Exits:
        def init(self): raise SystemExit(2)

    def nothing(): return None

    word = "not a factory"
"""


def test_a_component_is_handled_as_a_runtime_would(bench_of: BenchOf, author: Any) -> None:
    package = author.package(HOOKED, "Service", domain="service")
    module = package.subjects[0].factory.partition(":")[0]
    package = author.package(HOOKED, "Service", domain="service", settings_model=f"{module}:Settings")
    bench = bench_of(package)

    async def through() -> Any:
        with bench.sandbox() as box:
            async with bench.live(box) as instance:
                assert instance.settings.base_path == box.path
                assert await bench.health(instance) == "fine"
                assert bench.verb(instance)() == {}
            return instance

    instance = bench.run(through())
    assert instance.log == ["factory", "init", "start", "stop", "close"]
    bench.run(bench.cleanup(instance))
    assert instance.log[-2:] == ["close", "close"]


def test_what_was_never_started_is_not_stopped(bench_of: BenchOf, author: Any) -> None:
    bench = bench_of(author.package(HOOKED, "Service", domain="service"))

    async def through() -> Any:
        with bench.sandbox() as box:
            instance = await bench.build(box)
            await bench.cleanup(instance)
            return instance

    assert bench.run(through()).log == ["factory", "close"]


@pytest.mark.parametrize(
    ("factory", "seen"),
    [
        ("Slow", "init() did not end within 0.05 s"),
        ("Stubborn", "init() did not end within 0.05 s, though it was cancelled then"),
        ("Cancelled", "init() raised CancelledError although nothing had cancelled it"),
        ("Late", "init() raised TimeoutError: the socket was slow"),
        ("Exits", "init() tried to end the process: SystemExit: 2"),
        ("nothing", "factory raised ActivationError: the factory returned None"),
        ("word", "cannot be called"),
        ("missing", "factory raised ActivationError"),
    ],
)
def test_what_the_component_does_wrong_names_the_step(bench_of: BenchOf, author: Any, factory: str, seen: str) -> None:
    bench = bench_of(author.package(HOOKED, factory), limits=Limits(init=0.05))

    def once() -> None:
        with bench.sandbox() as box:
            bench.run(bench.activated(box))

    with pytest.raises(Finding) as caught:
        once()
    assert seen in caught.value.seen


def test_a_component_without_hooks_is_healthy_and_has_no_verb_as_an_adapter(bench_of: BenchOf, author: Any) -> None:
    bench = bench_of(author.package("class Bare: pass", "Bare", domain="adapter"))

    async def through() -> tuple[object, object]:
        with bench.sandbox() as box:
            async with bench.live(box) as instance:
                return await bench.health(instance), bench.verb(instance)

    assert bench.run(through()) == (True, None)


def test_a_specification_can_be_changed(bench_of: BenchOf, author: Any) -> None:
    package = author.package(HOOKED, "Service", metadata={"a": 1}, priority=3, stack_level="odd", settings_model="m:C")
    bench = bench_of(package)
    box = Box()
    with pytest.raises(Finding, match="settings_model"):
        bench.spec(box)
    package = author.package(
        HOOKED, "Service", metadata={"a": 1}, priority=3, stack_level="odd", settings={"p": "{sandbox}"}
    )
    spec = bench_of(package).spec(box, provider="other", metadata={"b": 2})
    assert (spec.provider, spec.metadata, spec.settings) == ("other", {"b": 2}, {"p": "/box"})
    assert (spec.priority, spec.stack_level) == (3, None)


@pytest.mark.parametrize(
    ("fields", "guessed"),
    [
        ("place: Path", {"place": "/box"}),
        ("place: Path | None = None\n    name: str = ''", {"place": "/box"}),
        ("a: Path\n    directory: Path", {"directory": "/box"}),
        ("a: Path\n    b: Path", {}),
        ("path: str\n    name: str", {"path": "/box"}),
        ("root: int\n    name: str", {}),
        ("name: str = ''", {}),
    ],
)
def test_settings_are_guessed_only_where_it_is_safe(
    bench_of: BenchOf, author: Any, fields: str, guessed: dict[str, str]
) -> None:
    source = f"from pathlib import Path\nfrom pydantic import BaseModel\nclass Model(BaseModel):\n    {fields}"
    module = author.package(source).subjects[0].factory.partition(":")[0]
    bench = bench_of(author.package("", settings_model=f"{module}:Model"))
    assert bench.settings(Box()) == guessed


def test_configured_settings_are_not_guessed_over(bench_of: BenchOf, author: Any) -> None:
    deep = {"url": "file://{sandbox}/a", "deep": {"list": ["{sandbox}", 7]}}
    bench = bench_of(author.package("", settings=deep, settings_model="nobody:There"))
    assert bench.settings(Box()) == {"url": "file:///box/a", "deep": {"list": ["/box", 7]}}


def test_a_box_that_cannot_be_made_is_the_kits_matter(bench_of: BenchOf, author: Any) -> None:
    """No finding about settings, and no control that failed."""
    bench = bench_of(author.package("", settings={"deep": [{"base_path": "{sandbox}"}]}))
    with bench.sandbox() as outer:
        shutil.rmtree(outer.root)
        outer.root.touch()
        refusing = pytest.raises(ConformanceError, match="no directory for an example could be made")
        with refusing as refused, bench.control("there is room"), bench.sandbox():
            pass
        assert "TMPDIR" in str(refused.value.fix)


@pytest.mark.parametrize(
    ("settings", "told"),
    [({"deep": [{"base_path": "file://{sandbox}/a"}]}, True), ({"size": 7, "names": ["a"]}, False)],
)
def test_who_may_be_told_of_the_box_finds_it_made(
    bench_of: BenchOf, author: Any, settings: dict[str, Any], told: bool
) -> None:
    """It is not made while the component is, and while its time is taken. Before it was asked everybody may be told."""
    bench = bench_of(author.package("", settings=settings))
    for made in (True, told):
        with bench.sandbox() as box:
            assert len([*box.root.glob("box-*")]) == made
            bench.settings(box)
            assert box.path.is_dir()
