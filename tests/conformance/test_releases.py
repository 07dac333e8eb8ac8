"""The released wheel as two versions that can be told apart, and checks that apply only where there is one."""

import asyncio
import hashlib
import io
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mutants import reference
from oneiric_conformance import CHECKS, Package
from oneiric_conformance.handling.releases import late_marks_of, marks_of, release, wheel_bytes
from oneiric_conformance.judging.findings import Finding
from oneiric_conformance.judging.plan import plan_for
from oneiric_conformance.requirements import requirement_set
from oneiric_conformance.results import Status
from oneiric_conformance.subject import Wheel
from oneiric_core import scan_wheel, wheel_faults
from oneiric_core.artifacts import BlobStore
from oneiric_core.artifacts.modules import load_code
from oneiric_core.testing import BadWheel, bad_wheel, make_wheel

FILES = {
    "acme/__init__.py": "import acme.made\n",
    "acme/made.py": "class Made:\n    def run(self): pass\n    @property\n    def health(self): pass",
    "acme/odd.py": "# no newline at the end, and none of it runs",
    "acme/data.txt": "data",
    "single.py": "class Single:\n    @staticmethod\n    def run(): pass\n",
}
WHEELS = {"WHL-001", "WHL-002", "WHL-003", "WHL-004", "WHL-005", "WHL-006", "WHL-007", "WHL-008", "HOT-007"}


def test_two_releases_of_one_wheel_are_safe_and_have_versions_of_their_own() -> None:
    content = make_wheel(FILES, version="1.5", requires=["pydantic"], entry_points="[x]\na = acme:b\n")
    made = [release(content, mark, number) for number, mark in enumerate(["one", "two"], start=1)]
    scanned = [scan_wheel(io.BytesIO(each.content)) for each in made]
    assert [each.version for each in scanned] == ["1.5+conformance.1", "1.5+conformance.2"]
    assert {each.name for each in scanned} == {"acme"}
    assert made[0].sha256 == hashlib.sha256(made[0].content).hexdigest() != made[1].sha256
    names = {file.name.partition("/")[2]: file.sha256 for file in scanned[0].files}
    kept = {file.name.partition("/")[2]: file.sha256 for file in scan_wheel(io.BytesIO(content)).files}
    assert names["data.txt"] == kept["data.txt"]
    assert names["entry_points.txt"] == kept["entry_points.txt"]


@pytest.mark.parametrize("path", ["acme.made:Made", "single:Single"])
def test_the_code_of_a_release_says_which_it_is_of(tmp_path: Path, path: str) -> None:
    store = BlobStore(tmp_path / "cache")
    instances = []
    for mark in ("one", "two"):
        made = release(make_wheel(FILES), mark, 1)
        store.add([made.content], made.sha256)
        loaded: Any = load_code(store, made.sha256).load(path)
        instances.append(loaded())
    assert [marks_of(each) for each in instances] == [{"one"}, {"two"}]
    assert [late_marks_of(each) for each in instances] == [{"one"}, {"two"}]
    assert marks_of(object()) == marks_of(asyncio.Event()) == set()


def test_generators_say_it_too(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "cache")
    made = release(make_wheel({"acme.py": "def made():\n    yield\n"}), "one", 1)
    store.add([made.content], made.sha256)
    loaded: Any = load_code(store, made.sha256).load("acme:made")
    assert marks_of(loaded()) == {"one"}


def test_an_unsafe_wheel_is_not_released() -> None:
    with pytest.raises(Finding, match="prerequisite: unsafe wheel"):
        release(bad_wheel(BadWheel.CLIMBING), "one", 1)


def test_the_file_has_to_be_the_one_the_run_began_with(tmp_path: Path) -> None:
    path = tmp_path / "acme-1.0-py3-none-any.whl"
    package = Package("acme", "1.0", (), wheel=Wheel(path, hashlib.sha256(b"a wheel").hexdigest()))
    path.write_bytes(b"a wheel")
    assert wheel_bytes(package) == b"a wheel"
    path.write_bytes(b"another")
    with pytest.raises(Finding, match="was changed during the run"):
        wheel_bytes(package)
    path.unlink()
    with pytest.raises(Finding, match="cannot be read"):
        wheel_bytes(package)
    with pytest.raises(Finding, match="no wheel was given"):
        wheel_bytes(replace(package, wheel=None))


def test_rules_about_wheels_apply_only_where_a_wheel_was_given() -> None:
    assert {check.id for check in CHECKS.values() if check.needs_wheel} == WHEELS
    package = reference.package(reference.subject_of(reference.Slugify))
    without = replace(package, wheel=None)
    for each, expected in ((package, None), (without, Status.NOT_APPLICABLE)):
        planned = [item for item in plan_for(each, requirement_set()) if item.check in WHEELS]
        assert {item.check for item in planned} == WHEELS
        assert {item.status for item in planned} == {expected}
        assert {item.reason for item in planned} == {"" if expected is None else "no wheel was given"}


def test_the_reference_wheel_is_right() -> None:
    assert not wheel_faults(io.BytesIO(wheel_bytes(reference.package())))
    assert [path for path in sys.path if "oneiric-reference-" in path]
