"""Secrets are kept where components look for them, and nothing of them stays."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

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
