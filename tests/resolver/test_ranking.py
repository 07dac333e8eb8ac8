"""Selection, capabilities, stack_level, priority, latest registration: in this order."""

from typing import Any

import pytest

from oneiric_core.components import Candidate, CandidateSource
from oneiric_core.errors import ResolutionError
from oneiric_core.resolver import Rank, Resolver

CACHE = ("adapter", "cache")


def candidate(provider: str, **fields: Any) -> Candidate:
    return Candidate(*CACHE, provider, "acme:Cache", **fields)


def resolver_with(*candidates: Candidate, **selected: str) -> Resolver:
    resolver = Resolver(selections={"adapter": selected})
    for each in candidates:
        resolver.register(each)
    return resolver


def winner(resolver: Resolver, *capabilities: str) -> str | None:
    found = resolver.resolve(*CACHE, capabilities=capabilities)
    return None if found is None else found.provider


def test_nothing_registered_resolves_to_nothing() -> None:
    assert Resolver().resolve(*CACHE) is None


@pytest.mark.parametrize(
    ("loser", "better", "reason"),
    [
        ({}, {}, "registered earlier"),
        ({"priority": 1}, {"priority": 2}, "priority 1 is lower than 2"),
        ({"stack_level": 1, "priority": 99}, {"stack_level": 2}, "stack_level 1 is lower than 2"),
        ({"stack_level": -1, "priority": 9}, {"stack_level": None, "priority": -9}, "stack_level -1 is lower than 0"),
        ({"priority": -1}, {"priority": None}, "priority -1 is lower than 0"),
    ],
)
def test_each_rule_decides_and_is_named(loser: dict[str, Any], better: dict[str, Any], reason: str) -> None:
    resolver = resolver_with(candidate("loser", **loser), candidate("better", **better))
    assert winner(resolver) == "better"
    [told] = resolver.explain(*CACHE).losers
    assert reason in told.reason


def test_an_earlier_registration_wins_by_any_rule_but_the_last() -> None:
    for fields in ({"stack_level": 1}, {"priority": 1}):
        assert winner(resolver_with(candidate("first", **fields), candidate("second"))) == "first"


def test_a_selection_beats_every_rank() -> None:
    resolver = resolver_with(candidate("high", stack_level=9), candidate("low"), cache="low")
    assert winner(resolver) == "low"
    explained = resolver.explain(*CACHE)
    assert [(each.candidate.provider, each.reason) for each in explained.ranked] == [
        ("low", "'low' is selected explicitly"),
        ("high", "'low' is selected explicitly"),
    ]


def test_a_selection_nobody_meets_wins_nothing_and_says_so() -> None:
    resolver = resolver_with(candidate("redis"), cache="memory")
    assert winner(resolver) is None
    with pytest.raises(ResolutionError, match=r"adapter/cache/memory, which is selected explicitly\. .*\(redis\)"):
        resolver.require(*CACHE)
    assert resolver.list_active("adapter") == []
    assert [each.provider for each in resolver.list_shadowed("adapter")] == ["redis"]


def test_asking_for_a_provider_takes_the_place_of_the_selection() -> None:
    resolver = resolver_with(candidate("redis"), candidate("memory"), cache="memory")
    assert resolver.require(*CACHE, "redis").provider == "redis"
    assert resolver.resolve(*CACHE, "nobody") is None


def test_selecting_can_be_changed_and_undone() -> None:
    resolver = resolver_with(candidate("a"), candidate("b"))
    undo = resolver.select(*CACHE, "a")
    assert winner(resolver) == "a"
    undo()
    undo()
    assert winner(resolver) == "b"
    resolver.select(*CACHE, "a")
    undo()
    assert winner(resolver) == "a"
    resolver.select(*CACHE, None)
    first = resolver.select(*CACHE, "a")
    second = resolver.select(*CACHE, "b")
    first()
    assert resolver.explain(*CACHE).selection == "b"
    second()
    assert resolver.explain(*CACHE).selection == "a"
    resolver.select(*CACHE, None)
    assert resolver.explain(*CACHE).selection is None


def test_capabilities_filter_before_rank_decides() -> None:
    resolver = resolver_with(
        candidate("rich", metadata={"capabilities": ["kv", {"name": "ttl"}]}),
        candidate("poor", metadata={"capabilities": "kv"}, stack_level=5),
    )
    assert winner(resolver) == "poor"
    assert winner(resolver, "kv") == "poor"
    assert winner(resolver, "ttl") == "rich"
    assert winner(resolver, "kv", "ttl") == "rich"
    assert winner(resolver, "blob") is None
    assert resolver.resolve(*CACHE, capabilities=("ttl", "blob"), require_all=False) == resolver.require(*CACHE, "rich")
    assert resolver.resolve(*CACHE, capabilities="ttl") == resolver.require(*CACHE, "rich")
    told = resolver.explain(*CACHE, ["kv", "ttl"])
    assert [each.reason for each in told.ranked] == ["the only candidate with these capabilities", "lacks ttl"]
    with pytest.raises(ResolutionError, match="with blob"):
        resolver.require(*CACHE, capabilities=["blob"])


def test_the_selected_provider_without_the_capability_wins_nothing() -> None:
    resolver = resolver_with(candidate("a"), candidate("b", metadata={"capabilities": ["kv"]}), cache="a")
    assert winner(resolver, "kv") is None
    assert resolver.explain(*CACHE, ["kv"]).winner is None


def test_the_explanation_is_plain_data_with_all_metadata() -> None:
    import json  # noqa: PLC0415 - only here

    metadata = {
        "settings_model": Candidate,
        "odd": float("nan"),
        "half": 0.5,
        "deep": {"list": [1, (2, {3})], "none": None},
        "object": range(2),
    }
    resolver = resolver_with(candidate("a", metadata=metadata, source=CandidateSource.ENTRY_POINT, origin="acme"))
    told = resolver.explain(*CACHE).as_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["winner"] == "a"
    [entry] = told["candidates"]
    assert entry["reason"] == "the only candidate"
    assert (entry["source"], entry["origin"], entry["factory"]) == ("entry_point", "acme", "acme:Cache")
    assert entry["metadata"] == {
        "settings_model": "oneiric_core.components:Candidate",
        "odd": "nan",
        "half": 0.5,
        "deep": {"list": [1, [2, [3]]], "none": None},
        "object": "range(0, 2)",
    }
    assert resolver.explain("adapter", "nothing").as_dict()["winner"] is None


def test_the_winner_of_several_ranks_highest() -> None:
    explained = resolver_with(candidate("a"), candidate("b")).explain(*CACHE)
    assert explained.ranked[0].reason == "ranks highest"
    assert explained.ranked[0].rank == Rank(0, 0, 2)
    assert explained.winner == explained.ranked[0].candidate


@pytest.mark.parametrize(
    ("asked", "fix"),
    [
        (("adapter", "cach"), "Did you mean adapter/cache"),
        (("task", "cache"), "Did you mean adapter/cache"),
        (("adapter", "zzz"), "there is adapter/cache"),
        (("adapter", "cache", "nobody"), r"one of its providers \(redis\)"),
    ],
)
def test_what_is_missing_is_refused_with_what_there_is(asked: tuple[str, ...], fix: str) -> None:
    with pytest.raises(ResolutionError, match=fix):
        resolver_with(candidate("redis")).require(*asked)


def test_an_empty_resolver_says_there_is_nothing() -> None:
    with pytest.raises(LookupError, match="there is none"):
        Resolver().require(*CACHE)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"domain": "adaptor"}, "Did you mean adapter"),
        ({"domain": "zzz"}, "Use one of adapter, service"),
        ({"key": ""}, "key of"),
        ({"provider": None}, "provider of"),
        ({"priority": "high"}, "priority of"),
        ({"stack_level": True}, "stack_level of"),
        ({"stack_level": 1.5}, "stack_level of"),
    ],
)
def test_malformed_candidates_are_refused(fields: dict[str, Any], message: str) -> None:
    whole = {"domain": "adapter", "key": "cache", "provider": "redis", "factory": "a:b"} | fields
    resolver = Resolver()
    with pytest.raises(ResolutionError, match=message):
        resolver.register(Candidate(**whole))
    assert resolver.candidates() == []


def test_lists_are_by_name_and_best_first() -> None:
    resolver = resolver_with(candidate("a"), candidate("b"))
    resolver.register(Candidate("task", "run", "c", "x:y"))
    resolver.register(Candidate("adapter", "blob", "d", "x:y"))
    assert resolver.keys() == [("adapter", "blob"), ("adapter", "cache"), ("task", "run")]
    assert resolver.keys("task") == [("task", "run")]
    assert [each.provider for each in resolver.candidates()] == ["d", "b", "a", "c"]
    assert [each.provider for each in resolver.candidates("adapter")] == ["d", "b", "a"]
    assert [each.provider for each in resolver.list_active("adapter")] == ["d", "b"]
    assert [each.provider for each in resolver.list_shadowed("adapter")] == ["a"]
