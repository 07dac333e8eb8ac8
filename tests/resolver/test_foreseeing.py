"""What would be resolved after a replacement is what is resolved after it, and to ask changes nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneiric_core.components import Candidate, CandidateSource
from oneiric_core.errors import ResolutionError
from oneiric_core.resolver import Resolver

REMOTE, LOCAL = CandidateSource.REMOTE_MANIFEST, CandidateSource.MANUAL
PROVIDERS = ("one", "two", "three")


def candidates(source: CandidateSource) -> st.SearchStrategy[list[Candidate]]:
    one = st.builds(
        Candidate,
        domain=st.just("adapter"),
        key=st.just("cache"),
        provider=st.sampled_from(PROVIDERS),
        factory=st.sampled_from(["acme:A", "acme:B"]),
        priority=st.sampled_from([None, 0, 1]),
        stack_level=st.sampled_from([None, 0, 1]),
        source=st.just(source),
        origin=st.just("acme" if source is REMOTE else ""),
    )
    return st.lists(one, max_size=3, unique_by=lambda each: each.provider)


@given(candidates(LOCAL), candidates(REMOTE), candidates(REMOTE), st.sampled_from([None, *PROVIDERS]))
def test_it_is_what_comes(
    local: list[Candidate], before: list[Candidate], after: list[Candidate], selected: str | None
) -> None:
    resolver = Resolver()
    resolver.replace_source(REMOTE, "acme", before)
    for each in local:
        resolver.register(each)
    resolver.select("adapter", "cache", selected)
    known, revision = resolver.candidates(), resolver.revision
    asked: list[Any] = [None, *PROVIDERS]
    foreseen = [
        resolver.foresee(REMOTE, "acme", after, domain="adapter", key="cache", provider=provider) for provider in asked
    ]
    assert (resolver.candidates(), resolver.revision) == (known, revision)
    resolver.replace_source(REMOTE, "acme", after)
    assert [resolver.resolve("adapter", "cache", provider) for provider in asked] == foreseen


def test_what_could_not_come_is_refused() -> None:
    twice = [Candidate("adapter", "cache", "one", "acme:A"), Candidate("adapter", "cache", "one", "acme:B")]
    with pytest.raises(ResolutionError, match="listed twice"):
        Resolver().foresee(REMOTE, "acme", twice, domain="adapter", key="cache")
