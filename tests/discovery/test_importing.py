"""The one dynamic import, and what it refuses."""

from typing import Any

import pytest

from oneiric_core.discovery import import_object
from oneiric_core.errors import ActivationError

SOURCE = """
import os
from subprocess import Popen
from functools import partial

class Cache:
    class Inner:
        pass

def make():
    return Cache()

ready = partial(make)
loose = make
loose.__module__ = None
LIMIT = 7
"""

MUTE = """
class Mute(Exception):
    def __str__(self):
        raise TypeError("not a word")

raise Mute
"""


@pytest.fixture
def acme(install: Any) -> None:
    install(
        "acme",
        modules={
            "acme.cache": SOURCE,
            "acme.broken": "raise OSError('no disk')",
            "acme.leaves": "exit(3)",
            "acme.mute": MUTE,
        },
    )


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("acme.cache:Cache", "Cache"),
        (" acme.cache : Cache ", "Cache"),
        ("acme.cache.Cache", "Cache"),
        ("acme.cache:Cache.Inner", "Cache.Inner"),
        ("acme.cache:make", "make"),
    ],
)
@pytest.mark.parametrize("allow", [None, ["acme"], ["acme.cache"]], ids=str)
def test_a_path_leads_to_its_object(path: str, name: str, allow: Any) -> None:
    assert import_object(path, allow).__qualname__ == name  # type: ignore[attr-defined]  # they are classes, functions


@pytest.mark.usefixtures("acme")
def test_objects_that_are_neither_class_nor_function_are_handed_out_as_they_are() -> None:
    assert import_object("acme.cache:LIMIT", ["acme"]) == 7
    assert callable(import_object("acme.cache:ready", ["acme"]))
    assert callable(import_object("acme.cache:loose", ["acme"]))


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("os:system", "code of os, which is not allowed"),
        ("acmeevil:Cache", "code of acmeevil"),
        ("acme.cache:Popen", "code of subprocess"),
        ("acme.cache:os.system", "leads to the module os"),
        ("acme.cache:Cache.__init__", "internal attribute"),
        ("acme.cache:__builtins__", "internal attribute"),
    ],
)
def test_code_of_others_is_refused(path: str, message: str) -> None:
    with pytest.raises(ActivationError, match=message) as caught:
        import_object(path, ["acme"])
    assert caught.value.evidence["path"] == path


@pytest.mark.parametrize(
    "path", ["", "acme", ":", "acme:", ":make", "a b:c", "a..b:c", "a:b:c", "../a:b", "a:b.", "1:2"]
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ActivationError, match="is not an import path"):
        import_object(path, None)


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("acme.nothing:make", r"importing acme\.nothing raised ModuleNotFoundError"),
        ("acme.broken:make", "raised OSError: no disk"),
        ("acme.leaves:make", "raised SystemExit: 3"),
        ("acme.mute:make", "raised Mute"),
        ("acme.cache:mak", "has no attribute 'mak'"),
    ],
)
def test_what_cannot_be_imported_says_why(path: str, message: str) -> None:
    with pytest.raises(ActivationError, match=message):
        import_object(path, None)
