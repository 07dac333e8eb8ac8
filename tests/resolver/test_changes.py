"""Registering, replacing a source, and taking both back."""

import threading
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from oneiric_core.components import Candidate, CandidateSource
from oneiric_core.errors import ResolutionError
from oneiric_core.resolver import Resolver

REMOTE, LOCAL = CandidateSource.REMOTE_MANIFEST, CandidateSource.LOCAL_PKG


def candidate(provider: str, key: str = "cache", **fields: Any) -> Candidate:
    return Candidate("adapter", key, provider, "acme:Cache", **fields)


def providers(resolver: Resolver, key: str = "cache") -> list[str]:
    return [each.candidate.provider for each in resolver.explain("adapter", key).ranked]


def test_the_same_provider_from_the_same_origin_replaces_its_former_self() -> None:
    resolver = Resolver()
    resolver.register(candidate("redis", metadata={"version": "1"}, origin="acme"))
    resolver.register(candidate("redis", metadata={"version": "2"}, origin="acme"))
    [only] = resolver.candidates()
    assert only.metadata["version"] == "2"


def test_another_origin_or_source_does_not_replace() -> None:
    resolver = Resolver()
    for source, origin in ((LOCAL, "a"), (LOCAL, "b"), (REMOTE, "b")):
        resolver.register(candidate("redis", source=source, origin=origin))
    assert len(resolver.candidates()) == 3
    resolver.register(candidate("redis", source=CandidateSource("remote"), origin="b"))
    assert len(resolver.candidates()) == 3


def test_replacing_counts_as_registering_last() -> None:
    resolver = Resolver()
    for provider in ("a", "b", "a"):
        resolver.register(candidate(provider))
    assert providers(resolver) == ["a", "b"]


def test_a_lower_replacement_of_the_winner_makes_way() -> None:
    resolver = Resolver()
    resolver.register(candidate("a", priority=9))
    resolver.register(candidate("b"))
    resolver.register(candidate("a", priority=-1))
    assert providers(resolver) == ["b", "a"]
    assert resolver.require("adapter", "cache").provider == "b"


def test_undoing_brings_the_former_self_back_once() -> None:
    resolver = Resolver()
    first = resolver.register(candidate("redis", metadata={"version": "1"}))
    second = resolver.register(candidate("redis", metadata={"version": "2"}))
    second()
    second()
    assert resolver.require("adapter", "cache").metadata["version"] == "1"
    first()
    assert resolver.keys() == []
    second()
    assert resolver.keys() == []


def test_undoing_in_another_order_never_brings_back_what_was_withdrawn() -> None:
    resolver = Resolver()
    undos = [resolver.register(candidate("redis", metadata={"version": str(n)})) for n in range(3)]
    undos[1]()
    assert resolver.require("adapter", "cache").metadata["version"] == "2"
    undos[2]()
    assert resolver.require("adapter", "cache").metadata["version"] == "0"
    undos[0]()
    assert resolver.candidates() == []


def test_replacing_a_source_changes_exactly_its_own() -> None:
    resolver = Resolver()
    resolver.register(candidate("local", origin="acme"))
    resolver.replace_source(REMOTE, "https://a", [candidate("one"), candidate("two"), candidate("one", "blob")])
    resolver.replace_source(REMOTE, "https://b", [candidate("three")])
    undo = resolver.replace_source(REMOTE, "https://a", [candidate("two", priority=-1), candidate("four")])
    assert providers(resolver) == ["four", "three", "local", "two"]
    assert resolver.keys() == [("adapter", "cache")]
    assert {each.origin for each in resolver.candidates() if each.source is REMOTE} == {"https://a", "https://b"}
    undo()
    undo()
    assert providers(resolver) == ["three", "two", "one", "local"]
    assert providers(resolver, "blob") == ["one"]


def test_what_is_of_the_source_already_is_offered_as_it_is() -> None:
    resolver = Resolver()
    own, another = candidate("own", source=REMOTE, origin="https://a"), candidate("another", key="blob")
    resolver.replace_source(REMOTE, "https://a", [own, another])
    assert resolver.require("adapter", "cache") is own
    assert resolver.require("adapter", "blob") == replace(another, source=REMOTE, origin="https://a")


def test_the_same_set_twice_changes_nothing() -> None:
    resolver = Resolver()
    resolver.replace_source(REMOTE, "a", [candidate("one"), candidate("two")])
    before = resolver.explain("adapter", "cache")
    undo = resolver.replace_source(REMOTE, "a", [candidate("two"), candidate("one")])
    assert resolver.explain("adapter", "cache") == before
    undo()
    assert resolver.explain("adapter", "cache") == before


def test_a_set_with_a_flaw_changes_nothing() -> None:
    resolver = Resolver()
    resolver.replace_source(REMOTE, "a", [candidate("one")])
    before = resolver.candidates()
    for flaw in (candidate("two", key=""), candidate("three")):
        with pytest.raises(ResolutionError):
            resolver.replace_source(REMOTE, "a", [candidate("three"), flaw])
        assert resolver.candidates() == before


def test_the_revision_is_another_one_after_each_change_and_only_then() -> None:
    resolver = Resolver()
    revisions = [resolver.revision]
    undo = resolver.register(candidate("redis"))
    revisions.append(resolver.revision)
    resolver.replace_source(REMOTE, "s", [candidate("a"), candidate("b", "other")])
    revisions.append(resolver.revision)
    undo()
    revisions.append(resolver.revision)
    assert len(set(revisions)) == len(revisions)
    resolver.replace_source(REMOTE, "s", [candidate("a"), candidate("b", "other")])
    resolver.select("adapter", "cache", "a")
    undo()
    assert resolver.revision == revisions[-1]


def test_undoing_leaves_later_changes_of_others_alone() -> None:
    resolver = Resolver()
    undo = resolver.replace_source(REMOTE, "a", [candidate("one"), candidate("two")])
    resolver.register(replace(candidate("one", priority=3), source=REMOTE, origin="a"))
    resolver.register(candidate("mine"))
    undo()
    assert providers(resolver) == ["one", "mine"]


def test_undoing_a_removal_that_was_filled_again_leaves_the_filling() -> None:
    resolver = Resolver()
    resolver.replace_source(REMOTE, "a", [candidate("one")])
    undo = resolver.replace_source(REMOTE, "a", [])
    resolver.register(replace(candidate("one", priority=3), source=REMOTE, origin="a"))
    undo()
    assert resolver.require("adapter", "cache").priority == 3


def test_undoing_twice_does_not_undo_what_somebody_did_again() -> None:
    resolver = Resolver()
    resolver.replace_source(REMOTE, "a", [candidate("one")])
    undo = resolver.replace_source(REMOTE, "a", [])
    undo()
    resolver.replace_source(REMOTE, "a", [])
    undo()
    assert resolver.candidates() == []


def watched(resolver: Resolver, seen: list[list[str | None]], keys: str) -> type[str]:
    """A type of providers whose hash is asked for in the middle of a change, and that see who wins just then."""

    class Watching(str):
        __slots__ = ()

        def __hash__(self) -> int:
            found = [resolver.resolve("adapter", key) for key in keys]
            seen.append([None if each is None else each.provider[0] for each in found])
            return super().__hash__()

    return Watching


def test_nobody_sees_a_source_half_replaced() -> None:
    resolver, seen = Resolver(), []  # type: tuple[Resolver, list[list[str | None]]]
    provider = watched(resolver, seen, "abc")
    for side in "xyx":
        resolver.replace_source(REMOTE, "s", [candidate(provider(f"{side}{key}"), key) for key in "abc"])
        assert {each.provider[0] for each in resolver.candidates()} == {side}
    assert [None] * 3 in seen
    assert ["x"] * 3 in seen
    assert all(len(set(each)) == 1 for each in seen)


@pytest.mark.parametrize("keys", ["ab", "abc"])
def test_nobody_sees_a_source_half_added_to_others(keys: str) -> None:
    resolver, seen = Resolver(), []  # type: tuple[Resolver, list[list[str | None]]]
    for key in "abc":
        resolver.register(candidate("local", key))
    provider = watched(resolver, seen, keys)
    resolver.replace_source(REMOTE, "s", [candidate(provider(f"x{key}"), key, priority=1) for key in keys])
    assert [resolver.require("adapter", key).provider for key in keys] == [f"x{key}" for key in keys]
    assert ["l"] * len(keys) in seen
    assert all(len(set(each)) == 1 for each in seen)


def test_readers_in_other_threads_see_all_of_the_old_or_all_of_the_new() -> None:
    resolver = Resolver()
    sets = [[candidate(f"{side}{n}", key) for n in range(3) for key in ("a", "b")] for side in "xy"]
    resolver.replace_source(REMOTE, "s", sets[0])
    torn: list[str] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen = {each.provider[0] for each in resolver.candidates("adapter")}
            if len(seen) != 1:
                torn.append(f"candidates {seen}")
            if resolver.resolve("adapter", "a") is None:
                torn.append("nothing")

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(300):
        resolver.replace_source(REMOTE, "s", sets[turn % 2])
    done.set()
    reader.join()
    assert torn == []


class Registering(RuleBasedStateMachine):
    """Against a plain list of registrations, ranked from scratch at each question."""

    def __init__(self) -> None:
        super().__init__()
        self.resolver = Resolver()
        self.model: list[tuple[int, Candidate]] = []
        self.sequence = 0
        self.undo: Any = None
        self.before: list[tuple[int, Candidate]] = []

    candidates = st.builds(
        Candidate,
        domain=st.sampled_from(["adapter", "task"]),
        key=st.sampled_from("ab"),
        provider=st.sampled_from("pqr"),
        factory=st.just("acme:C"),
        priority=st.sampled_from([None, 0, 1, -1]),
        stack_level=st.sampled_from([None, 0, 2]),
        source=st.sampled_from([LOCAL, REMOTE]),
        origin=st.sampled_from(["", "s"]),
        metadata=st.sampled_from([{}, {"capabilities": ["kv"]}]),
    )

    @staticmethod
    def place(candidate: Candidate) -> tuple[object, ...]:
        return candidate.name, candidate.source, candidate.origin

    def put(self, candidate: Candidate) -> None:
        self.sequence += 1
        self.model = [each for each in self.model if self.place(each[1]) != self.place(candidate)]
        self.model.append((self.sequence, candidate))

    @rule(candidate=candidates)
    def register(self, candidate: Candidate) -> None:
        self.before = self.model
        self.undo = self.resolver.register(candidate)
        self.put(candidate)

    @rule(
        origin=st.sampled_from(["", "s"]),
        offered=st.lists(candidates, max_size=5, unique_by=lambda each: each.name),
    )
    def replace_source(self, origin: str, offered: list[Candidate]) -> None:
        self.before = self.model
        self.undo = self.resolver.replace_source(REMOTE, origin, offered)
        new = [replace(each, source=REMOTE, origin=origin) for each in offered]
        names = {each.name for each in new}
        self.model = [
            each for each in self.model if (each[1].source, each[1].origin) != (REMOTE, origin) or each[1].name in names
        ]
        known = [each for _, each in self.model]
        for each in new:
            if each not in known:
                self.put(each)

    @precondition(lambda self: self.undo)
    @rule()
    def take_back(self) -> None:
        self.undo()
        self.undo()
        self.undo, self.model = None, self.before

    @invariant()
    def answers_like_the_list(self) -> None:
        def rank(entry: tuple[int, Candidate]) -> tuple[int, int, int]:
            return entry[1].stack_level or 0, entry[1].priority or 0, entry[0]

        names = {(each.domain, each.key) for _, each in self.model}
        assert self.resolver.keys() == sorted(names)
        for domain, key in names:
            entries = sorted((each for each in self.model if (each[1].domain, each[1].key) == (domain, key)), key=rank)
            ranked = [each for _, each in reversed(entries)]
            assert [each.candidate for each in self.resolver.explain(domain, key).ranked] == ranked
            assert self.resolver.resolve(domain, key) == ranked[0]
            for provider in "pqr":
                best = next((each for each in ranked if each.provider == provider), None)
                assert self.resolver.resolve(domain, key, provider) == best
            able = next((each for each in ranked if "kv" in each.capabilities), None)
            assert self.resolver.resolve(domain, key, capabilities=["kv"]) == able


TestRegistering = Registering.TestCase
TestRegistering.settings = settings(max_examples=80, stateful_step_count=25, deadline=None, derandomize=True)
