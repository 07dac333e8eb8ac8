"""What installed distributions announce."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest

from oneiric_core.components import AdapterMetadata, CandidateSource, TaskMetadata
from oneiric_core.discovery import (
    InstalledEntryPoint,
    candidates_from,
    default_allow,
    discover,
    import_object,
    installed_entry_points,
)
from oneiric_core.domains import Domain
from oneiric_core.errors import ActivationError, ResolutionError
from oneiric_core.resolver import Resolver

CACHE = AdapterMetadata(category="cache", provider="acme", factory="acme:Cache", version="1", priority=3)
BLOB = AdapterMetadata(category="blob", provider="acme", factory="acme:Blob")

DECLARING = """
from oneiric_core.components import AdapterMetadata, TaskMetadata

class Cache:
    metadata = AdapterMetadata(category="cache", provider="acme", factory="acme.parts:Cache")

def tasks():
    return [TaskMetadata(key=key, provider="acme", factory="acme.parts:run") for key in ("one", "two")]

def broken():
    raise OSError("no disk")

def malformed():
    return AdapterMetadata(category="", provider="acme", factory="acme.parts:Cache")

def leaves():
    raise SystemExit(3)
"""


class Category(Enum):
    CACHE = "cache"


@dataclass
class Duck:
    """As another package may declare a component."""

    provider: Any = "duck"
    factory: Any = "duck:Quack"
    category: Any = Category.CACHE


@dataclass
class DuckAction:
    provider: str = "duck"
    factory: str = "duck:Quack"
    action_type: str = "compress"


class Foreign:
    """Has ``to_candidate``, giving something that is no candidate of ours."""

    provider = "foreign"
    factory = "foreign:Cache"

    def to_candidate(self) -> Any:
        @dataclass
        class ForeignCandidate:
            domain: str = "adapter"
            key: str = "cache"
            provider: str = "foreign"
            factory: str = "foreign:Cache"
            metadata: Any = None
            priority: int = 4
            stack_level: int = 2

        return ForeignCandidate()


class Component:
    metadata = CACHE


def names(declared: object, domain: Domain = Domain.ADAPTER) -> list[str]:
    return [each.name for each in candidates_from(declared, domain, "acme")]


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (CACHE, ["adapter/cache/acme"]),
        (CACHE.to_candidate(), ["adapter/cache/acme"]),
        (Component, ["adapter/cache/acme"]),
        (Component(), ["adapter/cache/acme"]),
        ([CACHE, [BLOB]], ["adapter/cache/acme", "adapter/blob/acme"]),
        ((each for each in (CACHE, BLOB)), ["adapter/cache/acme", "adapter/blob/acme"]),
        (lambda: CACHE, ["adapter/cache/acme"]),
        (lambda: [CACHE, Component], ["adapter/cache/acme", "adapter/cache/acme"]),
        (Duck(), ["adapter/cache/duck"]),
        (Foreign(), ["adapter/cache/foreign"]),
        (Foreign, ["adapter/cache/foreign"]),
        ([], []),
    ],
)
def test_declarations_come_in_many_forms(declared: object, expected: list[str]) -> None:
    assert names(declared) == expected


def test_a_duck_without_domain_belongs_to_the_group_it_was_announced_in() -> None:
    assert names(DuckAction(), Domain.ACTION) == ["action/compress/duck"]


def test_what_was_declared_reaches_the_candidate_with_where_it_came_from() -> None:
    [ours] = candidates_from(CACHE, Domain.ADAPTER, "acme")
    assert (ours.source, ours.origin, ours.priority) == (CandidateSource.ENTRY_POINT, "acme", 3)
    assert ours.metadata["version"] == "1"
    [theirs] = candidates_from(Foreign(), Domain.ADAPTER, "foreign-dist")
    assert (theirs.origin, theirs.priority, theirs.stack_level, dict(theirs.metadata)) == ("foreign-dist", 4, 2, {})


@pytest.mark.parametrize("declared", [7, "acme:Cache", None, lambda: 7, lambda: lambda: CACHE, [CACHE, 7], Category])
def test_what_declares_nothing_is_refused(declared: object) -> None:
    with pytest.raises(ResolutionError, match="declares no component"):
        names(declared)


def test_a_component_of_another_domain_is_refused() -> None:
    with pytest.raises(ResolutionError, match=r"group oneiric\.tasks\. Announce it in oneiric\.adapters"):
        names(CACHE, Domain.TASK)
    assert names(TaskMetadata(key="t", provider="p", factory="a:b"), Domain.TASK) == ["task/t/p"]


@pytest.mark.parametrize("provider", ["", None, 7])
def test_a_malformed_component_is_refused(provider: object) -> None:
    with pytest.raises(ResolutionError, match="provider of"):
        names(Duck(provider=provider))


def test_a_component_of_no_domain_is_refused() -> None:
    @dataclass
    class Odd(Duck):
        domain: str = "adaptor"

    with pytest.raises(ResolutionError, match="Did you mean adapter"):
        names(Odd())


def test_entry_points_are_listed_sorted_with_normalised_names(install: Any) -> None:
    install("Acme.Parts", "2.1", {"oneiric.tasks": {"b": "acme.parts:tasks"}, "other.group": {"x": "y:z"}})
    install("beta_parts", "1.0", {"oneiric.adapters": {"a": "beta:metadata [extra]"}})
    found = [each for each in installed_entry_points() if each.distribution in {"acme-parts", "beta-parts"}]
    assert found == [
        InstalledEntryPoint("oneiric.adapters", "a", "beta:metadata [extra]", "beta-parts", "1.0"),
        InstalledEntryPoint("oneiric.tasks", "b", "acme.parts:tasks", "acme-parts", "2.1"),
    ]
    assert installed_entry_points("ACME_parts") == found[1:]
    assert installed_entry_points("nobody") == []
    assert str(found[1]) == "[oneiric.tasks] b = acme.parts:tasks"


def test_what_is_installed_is_registered_and_failures_keep_nothing_back(install: Any) -> None:
    adapters = {
        "cache": "acme.parts:Cache",
        "again": "acme.parts:Cache",
        "broken": "acme.parts:broken",
        "malformed": "acme.parts:malformed",
    }
    tasks = {"tasks": "acme.parts:tasks [fast]", "gone": "acme.gone:x", "wrong": "acme.parts:Cache"}
    install("acme", "1.0", {"oneiric.adapters": adapters, "oneiric.tasks": tasks}, {"acme.parts": DECLARING})
    install("left", "1.0", {"oneiric.events": {"leaves": "acme.parts:leaves"}})
    resolver = Resolver()
    points = [*installed_entry_points("acme"), *installed_entry_points("left")]
    report = discover(resolver, [*points, InstalledEntryPoint("other.group", "x", "acme.parts:Cache", "acme", "1.0")])
    assert [each.name for each in report.registered] == ["adapter/cache/acme", "task/one/acme", "task/two/acme"]
    assert resolver.candidates() == list(report.registered)
    assert {each.entry_point.name: each.error.split(". ")[0] for each in report.failed} == {
        "broken": "[oneiric.adapters] broken = acme.parts:broken raised OSError: no disk",
        "cache": "adapter/cache/acme is announced twice",
        "gone": "importing acme.gone raised ModuleNotFoundError: No module named 'acme.gone'",
        "malformed": "the key of adapter//acme is ''",
        "wrong": "adapter/cache/acme is announced in the group oneiric.tasks",
        "leaves": "[oneiric.events] leaves = acme.parts:leaves raised SystemExit: 3",
        "x": "other.group is not a group of components",
    }
    report.undo()
    assert resolver.keys() == []


def test_everything_installed_is_taken_unless_told_otherwise(install: Any) -> None:
    install("acme", "1.0", {"oneiric.adapters": {"cache": "acme.parts:Cache"}}, {"acme.parts": DECLARING})
    resolver = Resolver()
    discover(resolver)
    assert resolver.require("adapter", "cache", "acme").origin == "acme"


def test_packages_that_announce_components_may_be_named_by_a_manifest(install: Any) -> None:
    assert "acme" not in default_allow()
    install("acme", "1.0", {"oneiric.adapters": {"cache": "acme.parts : Cache"}}, {"acme.parts": DECLARING})
    allowed = default_allow()
    assert {"acme", "oneiric_core.builtin"} <= allowed
    assert import_object("acme.parts:Cache", allowed)
    with pytest.raises(ActivationError):
        import_object("oneiric_core.clock:FrozenClock", allowed)
