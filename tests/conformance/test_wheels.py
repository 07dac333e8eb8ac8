"""The wheel that is named: seen before the run to be there and to be one of the package."""

import hashlib
from pathlib import Path

import pytest

from oneiric_conformance import Package, with_wheel
from oneiric_core import ConformanceError

PACKAGE = Package("acme-oneiric", "1.4", ())


def wheel(folder: Path, name: str = "acme_oneiric-1.4-py3-none-any.whl") -> Path:
    path = folder / name
    path.write_bytes(b"some bytes")
    return path


def test_a_package_knows_its_wheel_by_digest(tmp_path: Path) -> None:
    path = wheel(tmp_path)
    found = with_wheel(PACKAGE, path).wheel
    assert found is not None
    assert (found.path, found.name) == (path, path.name)
    assert found.sha256 == hashlib.sha256(b"some bytes").hexdigest()


def test_without_a_wheel_the_package_stays_as_it_is() -> None:
    assert with_wheel(PACKAGE, None) is PACKAGE


def test_a_pattern_names_the_one_file_that_matches(tmp_path: Path) -> None:
    """So that a configuration need not be changed with every version."""
    path = wheel(tmp_path)
    found = with_wheel(PACKAGE, tmp_path / "*.whl").wheel
    assert found is not None
    assert found.path == path


def test_a_pattern_that_matches_several_or_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConformanceError, match="matches 0 files instead of one: none"):
        with_wheel(PACKAGE, tmp_path / "*.whl")
    wheel(tmp_path)
    wheel(tmp_path, "acme_oneiric-1.5-py3-none-any.whl")
    with pytest.raises(ConformanceError, match=r"matches 2 files .*1\.4.*1\.5"):
        with_wheel(PACKAGE, tmp_path / "*.whl")


@pytest.mark.parametrize("name", ["acme_oneiric-1.3-py3-none-any.whl", "other-1.4-py3-none-any.whl"])
def test_a_wheel_of_something_else_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConformanceError, match=r"what is judged is acme-oneiric 1\.4"):
        with_wheel(PACKAGE, wheel(tmp_path, name))


def test_a_name_in_another_spelling_is_the_same(tmp_path: Path) -> None:
    """PEP 503 for names, PEP 440 for versions; wheels are written with underscores."""
    assert with_wheel(PACKAGE, wheel(tmp_path, "Acme.Oneiric-1.4-py3-none-any.whl")).wheel is not None


@pytest.mark.parametrize("name", ["acme.whl", "acme_oneiric-1.4.tar.gz", "acme_oneiric-one-py3-none-any.whl"])
def test_a_name_that_is_not_that_of_a_wheel_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConformanceError, match="is not the name of a wheel"):
        with_wheel(PACKAGE, wheel(tmp_path, name))


def test_a_wheel_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConformanceError, match=r"no such file\. Build it first"):
        with_wheel(PACKAGE, tmp_path / "acme_oneiric-1.4-py3-none-any.whl")
    (tmp_path / "acme_oneiric-1.4-py3-none-any.whl").mkdir()
    with pytest.raises(ConformanceError, match="no such file"):
        with_wheel(PACKAGE, tmp_path / "acme_oneiric-1.4-py3-none-any.whl")
