"""Packages that are installed together, each judged by a test of its own, on several workers at once."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TESTS = """
import pytest
from oneiric_conformance import run_conformance

@pytest.mark.parametrize("package", {packages!r})
def test_it_keeps_the_rules(package, worker_id):
    print(worker_id)
    report = run_conformance(package, profile="quick", report=f"{{package}}.json")
    assert report.verdict == "certified", report.to_json()
"""


def install(author: Any, name: str) -> str:
    """Another package with the same component, in a module of its own."""
    module = name.replace("-", "_")
    source = (author.root / "src" / "third.py").read_text(encoding="utf-8")
    author.write(f"src/{module}.py", source.replace("third", module))
    info = author.root / "src" / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "RECORD").write_text(f"{module}.py,,\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[oneiric.actions]\nslug = {module}:slug\n", encoding="utf-8")
    return name


@pytest.mark.long
def test_each_has_its_report_and_all_have_one_page(author: Any) -> None:
    packages = ["third-party", install(author, "fourth-party"), install(author, "fifth-party")]
    author.write("test_packages.py", TESTS.format(packages=packages))
    done = author.pytest("-n", "2", "-rP", "test_packages.py", plugins=("xdist.plugin",), seconds=300)
    assert done.code == 0, done.out
    assert {"gw0", "gw1"} <= {*done.out.split()}, "both workers judged"
    reports = [f"{package}.json" for package in packages]
    for package, name in zip(packages, reports, strict=True):
        report = json.loads((author.root / name).read_text(encoding="utf-8"))
        assert (report["package"]["name"], report["verdict"]) == (package, "certified")
    merge = [Path(sys.executable).with_name("oneiric-core"), "certificate", "merge", *reports, "--html", "all.html"]
    subprocess.run(merge, cwd=author.root, check=True, capture_output=True)
    page = (author.root / "all.html").read_text(encoding="utf-8")
    assert all(package in page for package in packages)
