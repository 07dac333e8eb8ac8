"""Secrets are kept where components look for them, and nothing of them stays."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from oneiric_conformance import PROFILES, Session, Status
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.planting import Planter
from oneiric_conformance.observing.sandbox import Sandbox
from oneiric_core.testing import make_settings


class Prefixed(BaseModel):
    prefix: str = "ACME_"


class Placed(BaseModel):
    file: Path
    directory: Path
    elsewhere: Path = Path("/nowhere/at/all")


def of(author: Any, bench_of: Callable[..., Bench], model: type[BaseModel], **settings: str) -> Bench:
    package = author.package("class Echo: pass")
    subject = replace(package.subjects[0], settings_model=model, settings=settings)
    return bench_of(replace(package, subjects=(subject,)))


def planter_of(bench: Bench, box: Sandbox) -> Planter:
    return Planter(make_settings(bench.subject.settings_model, bench.settings(box)), box.path)


def test_a_secret_stands_in_the_environment_under_the_prefix(author: Any, bench_of: Callable[..., Bench]) -> None:
    bench = of(author, bench_of, Prefixed)
    with bench.sandbox() as box:
        planter = planter_of(bench, box)
        planter.plant("ONE", "1")
        assert os.environ["ACME_ONE"] == "1"
        planter.plant("ONE", None)
        assert "ACME_ONE" not in os.environ
        planter.plant("ONE", "2")
    assert "ACME_ONE" not in os.environ


def test_a_secret_stands_in_the_files_that_settings_name(author: Any, bench_of: Callable[..., Bench]) -> None:
    bench = of(author, bench_of, Placed, file="{sandbox}/all.json", directory="{sandbox}/each")
    with bench.sandbox() as box:
        planter = planter_of(bench, box)
        planter.plant("ONE", "1")
        planter.plant("TWO", "2")
        assert json.loads((box.path / "all.json").read_bytes()) == {"ONE": "1", "TWO": "2"}
        assert (box.path / "each" / "TWO").read_text(encoding="utf-8") == "2"
        planter.plant("TWO", None)
        assert json.loads((box.path / "all.json").read_bytes()) == {"ONE": "1"}
        assert not (box.path / "each" / "TWO").exists()
        assert os.environ["ONE"] == "1"
        assert not Path("/nowhere").exists()


def test_a_secret_stands_in_lines_where_a_file_is_named_like_that(author: Any, bench_of: Callable[..., Bench]) -> None:
    for name in (".env", "secrets.env", ".env.local"):
        bench = of(author, bench_of, Placed, file=f"{{sandbox}}/{name}", directory="{sandbox}/each")
        with bench.sandbox() as box:
            planter = planter_of(bench, box)
            for secret, value in (("ONE", "1=="), ("TWO", ""), ("THREE", "3"), ("THREE", None)):
                planter.plant(secret, value)
            assert (box.path / name).read_text(encoding="utf-8") == "ONE=1==\nTWO=\n"


def test_a_file_of_lines_takes_what_needs_no_quotes(author: Any, bench_of: Callable[..., Bench]) -> None:
    bare, quoted = ("plain", "", "aGk=", "\u00fcn\u00ef"), (" a", "two words", "$HOME", "'", "a#b", "a\nb\n", "a\\b")
    for name, taken in (("all.env", False), ("all.json", True)):
        bench = of(author, bench_of, Placed, file=f"{{sandbox}}/{name}", directory="{sandbox}/each")
        with bench.sandbox() as box:
            planter = planter_of(bench, box)
            assert [planter.takes(value) for value in bare] == [True] * len(bare)
            assert [planter.takes(value) for value in quoted] == [taken] * len(quoted)


STORES = """
    import json
    from pathlib import Path
    from pydantic import BaseModel

    class Place(BaseModel):
        place: Path

    class Vault:
        def __init__(self, settings):
            self.place, self.known = settings.place, None

        def init(self):
            self.invalidate_cache()

        def health(self):
            return self.known is not None

        def cleanup(self):
            self.known = None

        def invalidate_cache(self):
            self.known = dict(self.read())

        def get_secret(self, name):
            return self.known.get(name)

    class File(Vault):
        def read(self):
            return json.loads(self.place.read_text())

    class Folder(Vault):
        def read(self):
            for path in self.place.iterdir():
                yield path.name, path.read_bytes().decode()

    class Lines(Vault):
        def read(self):
            for line in self.place.read_text().splitlines():
                yield line.split("=", 1)

    class Toml(File):
        def read(self):
            if self.place.exists():
                raise ValueError("this is no TOML")
            return {}
"""


def judged(author: Any, name: str, place: str) -> tuple[bool, dict[str, tuple[Status, str]]]:
    """Whether it came up only with what was planted, and what came of each check of its life and its secrets."""
    package = author.package(STORES, name, domain="adapter", metadata={"capabilities": ["secrets"]})
    (subject,) = package.subjects
    model = str(subject.factory).replace(name, "Place")
    subject = replace(subject, settings_model=model, settings={"place": f"{{sandbox}}/{place}"})
    with Session(replace(package, subjects=(subject,)), profile=PROFILES["quick"]) as session:
        plan = [each for each in session.plan() if each.check.startswith(("LIFE-", "SEC-", "HOT-00", "PATH-005"))]
        results = {each.check: session.judge(each) for each in plan if each.judges == "component"}
        planted = session.smoke(subject).planted
    return planted, {check: (each.status, each.reason) for check, each in results.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "place"), [("File", "all.json"), ("Folder", "each"), ("Lines", ".env"), ("Lines", "all.env")]
)
def test_where_secrets_have_to_be_to_come_up_they_are_from_the_first_run_on(author: Any, name: str, place: str) -> None:
    planted, results = judged(author, name, place)
    assert planted
    fine = {Status.PASS, Status.NOT_APPLICABLE, Status.NOT_SCORED}
    assert {check: result for check, result in results.items() if result[0] not in fine} == {}
    assert results["SEC-001"][0] == Status.PASS


@pytest.mark.slow
def test_where_they_do_harm_they_are_not(author: Any) -> None:
    planted, results = judged(author, "Toml", "all.toml")
    assert not planted
    assert {check for check, result in results.items() if result[0] == Status.FAIL} == {"SEC-001", "SEC-002", "SEC-003"}


@pytest.mark.slow
def test_what_comes_up_neither_way_says_why_as_if_nothing_were_planted(author: Any) -> None:
    planted, results = judged(author, "Folder", "each.json")
    assert not planted
    assert "FileNotFoundError" in results["LIFE-002"][1]
