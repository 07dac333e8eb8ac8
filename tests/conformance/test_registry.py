"""The checks there are, and the sets that say which of them count."""

import math
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import oneiric_conformance
from oneiric_conformance import CHECKS, Subject, check, checks, requirement_set
from oneiric_conformance import registry as check_registry
from oneiric_core import ConformanceError


def test_every_file_of_checks_is_loaded() -> None:
    assert sorted(found.name for found in pkgutil.iter_modules(checks.__path__)) == sorted(
        set(checks.__all__) - {"CHECKS"}
    )


def test_the_requirement_set_lists_the_checks_of_its_time() -> None:
    """An id without a check could never be kept; a check without its id would silently not count."""
    assert requirement_set("2026.1").checks == {check.id for check in CHECKS.values() if check.since <= "2026.1"}


def test_every_check_says_what_it_is_about() -> None:
    for made in CHECKS.values():
        assert made.rule.endswith("."), made.id
        assert made.troubleshooting, made.id
        assert made.name != "<lambda>", made.id
        assert made.area == made.id[:-4]


def test_a_file_of_checks_is_about_one_area() -> None:
    areas: dict[str, set[str]] = {}
    for made in CHECKS.values():
        areas.setdefault(made.body.__module__, set()).add(made.area)
    assert {module for module, those in areas.items() if len(those) > 1} == set()


def test_a_requirement_set_is_known_by_its_bytes() -> None:
    made = requirement_set()
    assert made.to_json() == {"id": "2026.1", "sha256": made.sha256}
    assert len(made.sha256) == 64
    with pytest.raises(ConformanceError, match=r"Did you mean 2026\.1\?"):
        requirement_set("2026.2")
    with pytest.raises(ConformanceError, match=r"Choose one of 2026\.1"):
        requirement_set("x")


def documented(bench: object) -> None:
    """It holds.

    Troubleshooting: mend it
    """


def bare(bench: object) -> None:
    pass


@pytest.mark.parametrize(
    ("id", "body", "floor", "fault"),
    [
        ("hot-1", documented, 1, "not of the form"),
        ("LIFE-002", documented, 1, "its id is taken by"),
        ("TST-001", documented, 0, "floor is below 1"),
        ("TST-001", bare, 1, "docstring lacks"),
    ],
)
def test_a_mistake_in_a_declaration_is_refused(id: str, body: Callable[..., None], floor: int, fault: str) -> None:
    with pytest.raises(ConformanceError, match=fault):
        check(id, judges="component", level="must", since="2026.1", floor=floor)(body)


def test_a_declaration_is_kept_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_registry, "_checks", dict(check_registry._checks))
    check("TST-001", judges="component", level="should", since="2026.1", domains=["task"], claims="kv")(documented)
    made = check_registry._checks["TST-001"]
    assert (made.rule, made.troubleshooting, made.name) == ("It holds.", "mend it", "documented")
    claims = {"capabilities": ["kv"]}
    assert made.not_applicable(Subject("task", "k", "p", metadata=claims)) == ""
    assert made.not_applicable(Subject("event", "k", "p", metadata=claims)) == "about task, not event"
    assert made.not_applicable(Subject("task", "k", "p")) == "does not claim kv"


def test_public_names_are_there_and_documented() -> None:
    for name in oneiric_conformance.__all__:
        assert getattr(oneiric_conformance, name) is not None
    assert set(oneiric_conformance.__all__) <= set(dir(oneiric_conformance))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        oneiric_conformance.nothing  # noqa: B018 - asking is the test


def test_the_kits_own_files_ship_with_it() -> None:
    folder = Path(oneiric_conformance.__file__ or "").parent
    assert (folder / "py.typed").is_file()
    assert (folder / "requirements" / "2026.1.toml").is_file()


def test_a_domain_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConformanceError, match="no domain 'taks', so that it would never apply"):
        check("TST-001", judges="component", level="must", since="2026.1", domains=["task", "taks"])(documented)


async def later(bench: Any) -> None:
    """The rule holds.

    Troubleshooting: mend it
    """


def test_a_body_that_would_not_run_is_refused() -> None:
    with pytest.raises(ConformanceError, match="would not run when called"):
        check("TST-001", judges="component", level="must", since="2026.1")(later)  # type: ignore[arg-type]  # it is wrong


def test_a_floor_is_a_whole_number() -> None:
    with pytest.raises(ConformanceError, match="floor is below 1"):
        check("TST-001", judges="component", level="must", since="2026.1", floor=math.nan)(documented)  # type: ignore[arg-type]
