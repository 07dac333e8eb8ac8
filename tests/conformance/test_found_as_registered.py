"""The kit judges what a runtime registers, under the name that it has there; what that refuses has failed already."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from oneiric_conformance import EntryPointName
from oneiric_conformance.finding.declarations import load
from oneiric_conformance.finding.packages import find_component
from oneiric_core import Resolver
from oneiric_core.discovery import InstalledEntryPoint, discover

Write = Callable[[str], str]
_numbers = count(1)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a module with a class of this content and an instance of it, ``own``; gives its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(content: str) -> str:
        name = f"registered_{next(_numbers)}"
        given = "class Given: key, provider, factory = 'k', 'p', 'a:b'"
        (tmp_path / f"{name}.py").write_text(f"{given}\nclass Own:\n    {content}\nown = Own()\n", encoding="utf-8")
        return name

    return write


@pytest.mark.parametrize(
    ("content", "group", "error"),
    [
        ("key, provider, factory = 'k', 'p', 'a:b'", "tasks", ""),
        ("category, provider, factory = 'k', 'p', 'a:b'", "services", ""),
        ("__call__, __iter__ = lambda self: 7, lambda self: iter([Given()])", "tasks", ""),
        ("__call__, __iter__ = lambda self: Given(), lambda self: iter([7])", "tasks", "7 declares no component"),
        ("key, provider, factory = 'k', None, 'a:b'", "tasks", "the provider of task/k/ is ''"),
        ("key, provider, factory = 'k', 7, 'a:b'", "tasks", "the provider of task/k/7 is 7"),
        ("key, provider, factory, priority = 'k', 'p', 'a:b', 'high'", "tasks", "the priority of task/k/p is 'high'"),
        (
            "domain, key, provider, factory = 'event', 'k', 'p', 'a:b'",
            "tasks",
            "is announced in the group oneiric.tasks",
        ),
        ("key, factory = 'k', 'a:b'", "tasks", "declares no component"),
        ("provider, to_candidate = 'p', lambda self: Given()", "tasks", "declares no component"),
    ],
)
def test_what_is_found_is_what_a_runtime_registers(module: Write, content: str, group: str, error: str) -> None:
    point = EntryPointName(f"oneiric.{group}", "one", f"{module(content)}:own")
    [found] = load(point)
    report = discover(Resolver(), [InstalledEntryPoint(point.group, point.name, point.value, "acme", "1.0")])
    assert [found.id] * (not found.error) == [each.name for each in report.registered]
    assert (bool(found.error), error in found.error) == (bool(error), True)
    assert [error in each.error for each in report.failed] == [True] * bool(error)


def test_one_that_is_refused_hides_no_other_one(module: Write) -> None:
    bad = "type('Bad', (), {'key': 'k', 'provider': '', 'factory': 'a:b'})()"
    name = module(f"__iter__ = lambda self: iter([{bad}, Given(), {bad}])")
    good, refused = load(EntryPointName("oneiric.tasks", "one", f"{name}:own"))
    assert (good.id, good.error) == ("task/k/p", "")
    assert refused.id == "oneiric.tasks/one"
    assert refused.error.endswith("the provider of task/k/ is ''. Give it a name. (and 1 more)")


@pytest.mark.parametrize(
    ("content", "found", "error"),
    [
        ("category, provider, factory = 'cache', 'acme', 'a:b'", "adapter/cache/acme", ""),
        ("domain, category, provider, factory = 'action', 'x', 'acme', 'a:b'", "action/x/acme", ""),
        ("key, provider, factory = 'k', 'p', 'a:b'", "named/{module}:own", "there is no domain ''"),
        ("category, provider, factory = 'k', None, 'a:b'", "named/{module}:own", "the provider of adapter/k/ is ''"),
    ],
)
def test_what_is_named_stands_in_no_group(module: Write, tmp_path: Path, content: str, found: str, error: str) -> None:
    name = module(content)
    subject = find_component(f"{name}:own", tmp_path)
    assert subject.id == found.format(module=name)
    assert (bool(subject.error), error in subject.error) == (bool(error), True)
