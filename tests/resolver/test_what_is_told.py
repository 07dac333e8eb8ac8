"""What people and programs are told of a decision or a refusal, to the letter: it is what they act on."""

from typing import Any

import pytest

from oneiric_core.components import Candidate, CandidateSource
from oneiric_core.errors import ResolutionError
from oneiric_core.resolver import Resolver

THERE_ARE = "Ask for one of its providers (memory, redis), or register another."
ALL_THERE_IS = "Register a candidate; there is adapter/cache, task/clean."


def candidate(provider: str = "redis", key: str = "cache", domain: str = "adapter", **fields: Any) -> Candidate:
    return Candidate(domain, key, provider, "acme:Cache", **fields)


def refusal(act: Any, *arguments: Any) -> tuple[str, dict[str, object]]:
    with pytest.raises(ResolutionError) as caught:
        act(*arguments)
    return str(caught.value), dict(caught.value.evidence)


def asked(**values: Any) -> dict[str, Any]:
    return {"domain": "adapter", "key": "cache", "provider": None, "capabilities": ()} | values


@pytest.mark.parametrize(
    ("question", "told", "evidence"),
    [
        (
            ("adapter", "cache", "nobody"),
            f"nothing answers to adapter/cache/nobody. {THERE_ARE}",
            asked(provider="nobody"),
        ),
        (
            ("adapter", "cache", None, ["kv", "ttl"]),
            f"nothing answers to adapter/cache with kv, ttl. {THERE_ARE}",
            asked(capabilities=("kv", "ttl")),
        ),
        (
            ("adapter", "blob"),
            f"nothing answers to adapter/blob/s3, which is selected explicitly. {ALL_THERE_IS}",
            asked(key="blob", provider="s3"),
        ),
        (
            ("task", "clena"),
            "nothing answers to task/clena. Did you mean task/clean.",
            asked(domain="task", key="clena"),
        ),
    ],
    ids=str,
)
def test_what_is_missing(question: Any, told: str, evidence: dict[str, object]) -> None:
    resolver = Resolver(selections={"adapter": {"blob": "s3"}})
    for each in (candidate(), candidate("memory"), candidate("acme", "clean", "task")):
        resolver.register(each)
    assert refusal(resolver.require, *question) == (told, evidence)


@pytest.mark.parametrize(
    ("malformed", "told", "evidence"),
    [
        (
            candidate(domain="adaptor"),
            "there is no domain 'adaptor'. Did you mean adapter.",
            {"domain": "adaptor"},
        ),
        (
            candidate(domain="zzz"),
            "there is no domain 'zzz'. Use one of adapter, service, task, event, workflow, action.",
            {"domain": "zzz"},
        ),
        (candidate(key=""), "the key of adapter//redis is ''. Give it a name.", {"key": ""}),
        (
            candidate(priority=True),
            "the priority of adapter/cache/redis is True. Give a whole number, or leave it out.",
            {"priority": True},
        ),
    ],
    ids=str,
)
def test_what_is_malformed(malformed: Candidate, told: str, evidence: dict[str, object]) -> None:
    assert refusal(Resolver().register, malformed) == (told, evidence)


def test_what_is_listed_twice() -> None:
    source = CandidateSource.REMOTE_MANIFEST
    assert refusal(Resolver().replace_source, source, "https://a", [candidate(), candidate()]) == (
        "adapter/cache/redis is listed twice by 'https://a'. Keep one of the two.",
        {"name": "adapter/cache/redis", "origin": "https://a"},
    )


class Unnamed:
    """Something with a qualified name and no module."""

    __qualname__ = "Unnamed"

    def __init__(self) -> None:
        self.__qualname__ = "somewhere"

    def __getattribute__(self, name: str) -> Any:
        if name == "__module__":
            raise AttributeError(name)
        return super().__getattribute__(name)


def test_an_explanation_in_full() -> None:
    resolver = Resolver()
    resolver.register(candidate(priority=1, metadata={"capabilities": ["kv"], "model": Unnamed()}))
    resolver.register(candidate("memory", metadata={"capabilities": ["kv", "ttl"]}))
    resolver.register(candidate("file", priority=1, origin="acme", metadata={"capabilities": ["kv"]}))
    resolver.register(candidate("null", stack_level=-1))
    plain = {
        "stack_level": 0,
        "priority": 1,
        "source": "local_pkg",
        "origin": "",
        "factory": "acme:Cache",
        "capabilities": ["kv"],
    }
    assert resolver.explain("adapter", "cache", ["kv"]).as_dict() == {
        "domain": "adapter",
        "key": "cache",
        "selection": None,
        "capabilities": ["kv"],
        "winner": "file",
        "candidates": [
            plain
            | {"provider": "file", "won": True, "reason": "ranks highest", "sequence": 3, "origin": "acme"}
            | {"metadata": {"capabilities": ["kv"]}},
            plain
            | {"provider": "redis", "won": False, "sequence": 1}
            | {"reason": "registered earlier (same stack_level and priority)"}
            | {"metadata": {"capabilities": ["kv"], "model": ":somewhere"}},
            plain
            | {"provider": "memory", "won": False, "sequence": 2, "priority": 0, "capabilities": ["kv", "ttl"]}
            | {"reason": "priority 0 is lower than 1 (same stack_level)"}
            | {"metadata": {"capabilities": ["kv", "ttl"]}},
            plain
            | {"provider": "null", "won": False, "sequence": 4, "stack_level": -1, "priority": 0}
            | {"reason": "lacks kv", "capabilities": [], "metadata": {}},
        ],
    }


def test_all_that_is_lacking_is_named() -> None:
    resolver = Resolver()
    resolver.register(candidate())
    [ranked] = resolver.explain("adapter", "cache", ["ttl", "kv"]).ranked
    assert ranked.reason == "lacks kv, ttl"


def test_the_shadowed_of_one_domain_are_of_no_other() -> None:
    resolver = Resolver()
    for domain in ("adapter", "task"):
        for provider in ("a", "b"):
            resolver.register(candidate(provider, domain=domain))
    assert [each.name for each in resolver.list_shadowed("task")] == ["task/cache/a"]


def test_selections_that_no_candidate_meets() -> None:
    selections = {"task": {"clean": "acme"}, "adapter": {"cache": "redis", "store": "s3"}}
    resolver = Resolver(selections=selections)
    assert resolver.unmet("adapter") == [("adapter", "cache", "redis"), ("adapter", "store", "s3")]
    undo = resolver.register(candidate())
    assert resolver.unmet() == [("adapter", "store", "s3"), ("task", "clean", "acme")]
    undo()
    resolver.register(candidate("memory"))
    assert ("adapter", "cache", "redis") in resolver.unmet()
    resolver.select("adapter", "cache", None)
    assert resolver.unmet("adapter") == [("adapter", "store", "s3")]


def test_a_selection_that_was_never_made_can_be_taken_back() -> None:
    resolver = Resolver()
    undo = resolver.select("adapter", "cache", None)
    undo()
    resolver.register(candidate())
    assert resolver.require("adapter", "cache").provider == "redis"
