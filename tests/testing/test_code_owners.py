"""Whose code a file is."""

import json
import os
import sys
from pathlib import Path

import pluggy
import pytest

from oneiric_core.testing import Owner, owner
from oneiric_core.testing.code_owners import acting


@pytest.mark.parametrize("file", [json.__file__, os.__file__, "<string>", "<frozen importlib._bootstrap>"])
def test_the_standard_library_and_generated_code_are_a_librarys(file: str) -> None:
    assert owner(file) is Owner.LIBRARY


@pytest.mark.parametrize("file", [pytest.__file__, pluggy.__file__])
def test_what_runs_tests_is_the_machinery(file: str) -> None:
    assert owner(file) is Owner.MACHINERY


def test_the_machinery_is_known_wherever_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By ``pip --target``, say, which is not called site-packages."""
    (tmp_path / "execnet").mkdir()
    (tmp_path / "execnet" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "execnet", raising=False)
    import execnet  # noqa: PLC0415 - from the directory of this test

    assert owner(str(Path(str(execnet.__file__)).parent / "gateway.py")) is Owner.MACHINERY
    monkeypatch.delitem(sys.modules, "execnet")


def test_a_test_and_a_package_are_somebodys_own() -> None:
    assert owner(__file__) is Owner.OTHER
    assert owner("/usr/lib/python3/site-packages/acme/cache.py") is Owner.OTHER


def test_who_has_a_library_do_it_is_who_acts() -> None:
    found = []

    class Spy(dict):
        def __missing__(self, key: str) -> str:
            found.append(acting(sys._getframe()))
            return key

    "{a}".format_map(Spy())
    assert found[0].f_code.co_name == "__missing__"
    assert acting(None) is None
