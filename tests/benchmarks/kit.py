"""The conformance kit: on a package of adapters, on two processors, and on ever more components."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from measure import ROOT, Figure, quickest_of

_ROUNDS = 3
_AS_LONG_AS_ALLOWED = 40  # of these components take about the half minute that the goal for two processors is of
ONE = ("--oneiric-component", "adapter/cache/acme")
MANY = """
from types import SimpleNamespace

class Part:
    async def execute(self, payload):
        if not isinstance(payload, dict):
            raise ValueError("payload needs to be an object")
        return {{"got": payload, "names": len(payload)}}

def parts():
    return [
        SimpleNamespace(domain="action", key=f"part-{{n}}", provider="many", factory="many:Part", version="1.0")
        for n in range({number})
    ]
"""
PROJECT = """
[project]
name = "many"
version = "1.0"
[project.entry-points."oneiric.actions"]
parts = "many:parts"
"""
FEW_CHECKS = ("--oneiric-profile", "quick", "-k", "META or LIFE-001")


def kit() -> Iterator[Figure]:
    """The suite on acme, which has to be installed (`make certify` does that), and on a package made for it."""
    acme = ROOT / "conformance" / "acme"
    one, alone, together = quickest_of(
        _ROUNDS, lambda: _run(acme, *ONE), lambda: _run(acme), lambda: _run(acme, "-n", "2")
    )
    yield Figure(f"the kit on one adapter, gate profile, quickest of {_ROUNDS}", f"{one:.1f} s", "≤ 8 s")
    yield Figure(f"the kit on acme, gate profile, quickest of {_ROUNDS}", f"{alone:.1f} s", "≤ 30 s")
    told = f"{together:.1f} s, {alone / together:.2f} times faster"
    yield Figure(f"the kit on acme on two processors, gate profile, quickest of {_ROUNDS}", told, "≥ 1.6")
    with tempfile.TemporaryDirectory() as folder:
        many = _many(Path(folder), _AS_LONG_AS_ALLOWED)
        alone, together = quickest_of(2, lambda: _run_many(many), lambda: _run_many(many, "-n", "2"))
        times = {number: _run_many(_many(Path(folder), number), *FEW_CHECKS) for number in (1, 10, 100)}
    told_many = f"{together:.1f} s, alone {alone:.1f} s: {alone / together:.2f} times faster"
    yield Figure(f"{_AS_LONG_AS_ALLOWED} components on two processors, gate profile, quickest of 2", told_many, "≥ 1.6")
    told = ", ".join(f"{number}: {seconds:.1f} s" for number, seconds in times.items())
    each = 1000 * (times[100] - times[10]) / 90
    yield Figure("the same few checks on ever more components", f"{told}; {each:.0f} ms for one more", "linear")


def _run(folder: Path, *asked: str, **environment: str) -> float:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--oneiric-conformance",
        "-m",
        "oneiric_conformance",
    ]
    start = time.perf_counter()
    subprocess.run([*command, *asked], cwd=folder, check=True, capture_output=True, env=os.environ | environment)
    return time.perf_counter() - start


def _many(folder: Path, number: int) -> Path:
    root = folder / str(number)
    info = root / "src" / "many-1.0.dist-info"
    info.mkdir(parents=True)
    (root / "src" / "many.py").write_text(MANY.format(number=number), encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: many\nVersion: 1.0\n", encoding="utf-8")
    (info / "RECORD").write_text("many.py,,\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[oneiric.actions]\nparts = many:parts\n", encoding="utf-8")
    (root / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    return root


def _run_many(root: Path, *asked: str) -> float:
    return _run(root, *asked, PYTHONPATH=str(root / "src"))
