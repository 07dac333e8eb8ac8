"""What an author's exercise does, with whatever helps it, and what the component does for it, told apart."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from textwrap import dedent
from typing import Any

import pytest

from oneiric_conformance import PROFILES, Package, Session, Status

pytestmark = pytest.mark.slow

METER = """
    import asyncio, tempfile, threading
    from pathlib import Path

    def log():
        Path.home().joinpath(".log").write_text("1")

    class Meter:
        def __init__(self):
            self.total = 0
        async def add(self, amount):
            self.total += amount
            return self.total
        def fill(self, where):
            where.write_text("text")
        def export(self, where):
            self.fill(where)
            where.rename(where.with_suffix(".done"))
        async def told(self, listener):
            await asyncio.to_thread(listener)
            listener()
        def logs(self):
            log()
        async def logs_later(self):
            await asyncio.create_task(self.later())
        async def later(self):
            log()
        async def waits(self):
            await asyncio.to_thread(int)
        async def logs_by_another(self):
            await asyncio.to_thread(Path.home().joinpath(".log").write_text, "1")
        def logs_in_a_thread(self):
            thread = threading.Thread(target=log)
            thread.start()
            thread.join()
        def spools(self):
            import checks_of_meter.helpers
            checks_of_meter.helpers.spool()
"""

HELPERS = """
    import asyncio, os, shutil, tempfile, threading
    from contextlib import contextmanager
    from pathlib import Path

    @contextmanager
    def scratch():
        place = Path(os.environ["TMPDIR"]) / "scratch"
        place.mkdir(exist_ok=True)
        yield place
        shutil.rmtree(place)

    def spool():
        Path.home().joinpath(".spool").write_text("1")

    async def spool_later():
        spool()
"""

EXERCISES = """
    from checks_of_meter.helpers import *

    def has_it_exported(meter):
        with scratch() as place:
            meter.export(place / "out.txt")
            assert (place / "out.done").read_text() == "text"

    def names_a_file(meter):
        made = Path(tempfile.gettempdir(), "named")
        made.touch()
        meter.fill(made)
        made.unlink()

    async def spools_itself(meter):
        spool()
        await asyncio.gather(spool_later(), asyncio.to_thread(spool))
        thread = threading.Thread(target=spool)
        thread.start()
        thread.join()

    async def spools_in_a_thread_of_its(meter):
        await meter.waits()
        await asyncio.to_thread(Path.home().joinpath(".spool").write_text, "1")

    async def listens(meter):
        await meter.told(spool)

    def makes_sure_of_home(meter):
        Path.home().mkdir(parents=True, exist_ok=True)
        meter.fill(Path.home() / "out.txt")

    def has_it_logged(meter):
        meter.logs()

    async def has_it_logged_later(meter):
        await meter.logs_later()

    def has_it_logged_in_a_thread(meter):
        meter.logs_in_a_thread()

    async def has_it_logged_in_a_thread_of_its_own(meter):
        await asyncio.to_thread(int)
        await meter.logs_by_another()

    def has_it_spooled(meter):
        meter.spools()
"""


@pytest.fixture
def exercises(author: Any) -> Iterator[str]:
    """A package of exercises beside the component's, with a module of helpers."""
    package = author.folder / "checks_of_meter"
    package.mkdir()
    for name, source in {"__init__": "", "helpers": HELPERS, "exercises": EXERCISES}.items():
        (package / f"{name}.py").write_text(dedent(source), encoding="utf-8")
    yield "checks_of_meter.exercises:"
    for name in [name for name in sys.modules if name.startswith("checks_of_meter")]:
        del sys.modules[name]


def outcome(package: Package, exercise: str) -> tuple[Status, str]:
    """How PATH-005 judges a package's only component with an exercise, in its own module by default."""
    (subject,) = package.subjects
    module = str(subject.factory).partition(":")[0]
    judged = replace(subject, exercise=exercise if ":" in exercise else f"{module}:{exercise}")
    with Session(replace(package, subjects=(judged,)), profile=PROFILES["quick"]) as session:
        (planned,) = (item for item in session.plan() if item.check == "PATH-005" and item.judges == "component")
        result = session.judge(planned)
    return result.status, result.reason


@pytest.mark.parametrize(
    "name", ["has_it_exported", "names_a_file", "spools_itself", "spools_in_a_thread_of_its", "listens"]
)
def test_what_an_exercise_does_and_has_done_where_it_made_room_is_not_held_against_the_component(
    author: Any, exercises: str, name: str
) -> None:
    package = author.package(METER, "Meter", domain="adapter")
    assert outcome(package, exercises + name) == (Status.PASS, "")


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("makes_sure_of_home", "home/out.txt"),
        ("has_it_logged", "home/.log"),
        ("has_it_logged_later", "home/.log"),
        ("has_it_logged_in_a_thread", "home/.log"),
        ("has_it_logged_in_a_thread_of_its_own", "home/.log"),
        ("has_it_spooled", "home/.spool"),
    ],
)
def test_what_the_component_writes_elsewhere_while_it_is_exercised_is(
    author: Any, exercises: str, name: str, left: str
) -> None:
    package = author.package(METER, "Meter", domain="adapter")
    status, seen = outcome(package, exercises + name)
    assert status == Status.FAIL
    assert f"write {left}: in the home directory" in seen


TOGETHER = (
    METER
    + """
    def notes(meter):
        note()

    def note():
        Path.home().joinpath(".exercised").write_text("1")

    async def notes_later(meter):
        await asyncio.gather(note_later(), asyncio.to_thread(note))

    async def note_later():
        note()

    def has_it_logged(meter):
        meter.logs()

    async def has_it_logged_later(meter):
        await meter.logs_later()
"""
)


@pytest.mark.parametrize("name", ["notes", "notes_later"])
def test_where_both_are_in_one_file_what_no_method_of_it_does_is_the_exercises(author: Any, name: str) -> None:
    assert outcome(author.package(TOGETHER, "Meter", domain="adapter"), name) == (Status.PASS, "")


@pytest.mark.parametrize("name", ["has_it_logged", "has_it_logged_later"])
def test_and_what_a_method_does_is_the_components(author: Any, name: str) -> None:
    status, seen = outcome(author.package(TOGETHER, "Meter", domain="adapter"), name)
    assert status == Status.FAIL
    assert "write home/.log: in the home directory" in seen
