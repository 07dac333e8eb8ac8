"""A place of which nobody said for what source it speaks: whose name may a manifest from there bear?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneiric_core.errors import TrustError
from oneiric_core.manifest import ManifestHeader
from oneiric_core.trust import Authentic
from oneiric_core.trust.trusted_state import SourceState

HERE = "https://new.example/manifest.json"
groups = st.frozensets(st.sampled_from("abcd"), min_size=1)


def document(number: int, *signers: str) -> Authentic:
    header = ManifestHeader(source="acme", sequence_number=number)
    return Authentic({}, header, tuple(sorted(signers)), f"digest {number}", "flat")


def after(*documents: Authentic) -> SourceState:
    state = SourceState("acme")
    for each in documents:
        state = state.see(each)
    return state


def test_the_first_place_of_a_source_is_believed() -> None:
    SourceState("acme").refuse_newcomer(HERE, ["anybody"])


def test_a_mirror_begins_with_the_same_keys_or_some_of_them() -> None:
    state = after(document(1, "a", "b"))
    for signers in (["a", "b"], ["a"], ["b", "c"]):
        state.refuse_newcomer(HERE, signers)


def test_another_publisher_does_not_take_the_name() -> None:
    with pytest.raises(TrustError, match="others signed what was seen") as refused:
        after(document(1, "a")).refuse_newcomer(HERE, ["evil"])
    assert refused.value.evidence == {"source": "acme", "signers": ["evil"], "known": ["a"]}
    assert "Name the source in the policy" in str(refused.value)


def test_keys_that_are_replaced_one_after_the_other_are_followed() -> None:
    """Only who signed last counts: a key that was given up opens no door."""
    state = after(document(1, "a"), document(2, "a", "b"), document(3, "b"))
    state.refuse_newcomer(HERE, ["b"])
    with pytest.raises(TrustError):
        state.refuse_newcomer(HERE, ["a"])


def test_two_places_that_trust_different_signers_of_one_document_are_both_remembered() -> None:
    state = after(document(1, "a"), document(1, "b"), document(1, "a"))
    assert state.signers == ("a", "b")


def test_a_root_that_silences_somebody_does_not_open_the_name_to_all() -> None:
    state = after(document(1, "a")).rotate(2, "root", forget=True)
    with pytest.raises(TrustError):
        state.refuse_newcomer(HERE, ["evil"])
    state.see(document(1, "b"), root_version=2).refuse_newcomer(HERE, ["b"])


@given(st.lists(groups, min_size=1, max_size=6), groups)
def test_a_newcomer_has_one_signer_in_common_with_the_last_document(
    history: list[frozenset[str]], newcomer: frozenset[str]
) -> None:
    state = after(*(document(number, *signers) for number, signers in enumerate(history)))
    try:
        state.refuse_newcomer(HERE, newcomer)
    except TrustError:
        assert not newcomer & history[-1]
    else:
        assert newcomer & history[-1]
