"""What is remembered of a source: it only ever moves on.

Against the TUF specification: 5.4.3 (rollback) and 5.4.4 (freeze) apply to our one document as to TUF's timestamp.
"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneiric_core.errors import EquivocationError, ExpiredError, RollbackError, TrustError
from oneiric_core.manifest import ManifestHeader
from oneiric_core.trust import Authentic
from oneiric_core.trust.policy import CLOCK_SKEW
from oneiric_core.trust.trusted_state import Mark, SourceState

NOW = datetime(2026, 6, 1, tzinfo=UTC)
NEW = SourceState("acme")


def document(
    number: int | None, digest: str = "d", source: str = "acme", signed_at: datetime | None = None
) -> Authentic:
    fields = {"source": source, "sequence_number": number, "signed_at": signed_at and signed_at.isoformat()}
    header = ManifestHeader.from_document({name: value for name, value in fields.items() if value is not None})
    return Authentic({}, header, ("key",), digest, "flat")


def test_the_first_document_is_believed_whatever_its_number() -> None:
    assert NEW.see(document(41)).seen == Mark(41, "d")
    assert NEW.see(document(None)).seen == Mark(None, "d")


def test_a_greater_number_replaces_what_was_seen() -> None:
    assert NEW.see(document(1)).see(document(5, "e")).seen == Mark(5, "e")


def test_a_lower_number_is_a_rollback_even_with_bytes_seen_before() -> None:
    state = NEW.see(document(1)).see(document(2, "e"))
    with pytest.raises(RollbackError, match="sequence number 1, and 2 was seen before") as refused:
        state.see(document(1))
    assert (refused.value.evidence["number"], refused.value.evidence["seen"]) == (1, 2)


def test_the_same_number_over_other_bytes_is_equivocation() -> None:
    state = NEW.see(document(2))
    with pytest.raises(EquivocationError, match="seen with other bytes"):
        state.see(document(2, "e"))
    assert state.see(document(2)) == state


def test_documents_without_a_number_are_accepted_only_before_one_with_a_number() -> None:
    state = NEW.see(document(None)).see(document(None, "e")).see(document(None))
    numbered = state.see(document(0))
    with pytest.raises(RollbackError, match="no sequence number, and 0 was seen"):
        numbered.see(document(None))


def test_each_source_has_a_memory_of_its_own() -> None:
    with pytest.raises(TrustError, match="memory of 'acme'"):
        NEW.see(document(1, source="evil"))


@given(st.lists(st.tuples(st.none() | st.integers(0, 4), st.sampled_from("ab")), max_size=12))
def test_what_was_seen_never_goes_back_and_has_one_digest_a_number(offers: list[tuple[int | None, str]]) -> None:
    """Against the definition, over every order of offers."""
    state, history = NEW, list[tuple[int, str]]()
    for number, digest in offers:
        greatest = max((seen for seen, _ in history), default=None)
        newer = greatest is None or (number is not None and number > greatest)
        repeated = (number, digest) in history and number == greatest
        try:
            state = state.see(document(number, digest))
        except (RollbackError, EquivocationError):
            assert not newer
            assert not repeated
        else:
            assert newer or repeated
            if number is not None:
                history.append((number, digest))
            assert state.seen == Mark(number, digest)


def test_what_stands_is_the_newest_that_was_applied() -> None:
    state = NEW.apply(Mark(3, "c"))
    assert state.apply(Mark(2, "b")) == state
    assert state.apply(Mark(None, "n")) == state
    assert state.apply(Mark(4, "d")).applied == Mark(4, "d")
    assert NEW.apply(Mark(None, "n")).apply(Mark(None, "m")).applied == Mark(None, "m")


def test_seeing_applies_nothing_and_applying_shows_nothing() -> None:
    assert NEW.see(document(1)).applied is None
    assert NEW.apply(Mark(1, "d")).seen is None


def test_time_does_not_go_back_behind_the_last_signing_time_accepted() -> None:
    later = NOW + timedelta(days=1)
    state = NEW.accept(document(1, signed_at=later).header, later)
    assert state.moment(NOW) == later
    assert state.moment(later + timedelta(days=1)) == later + timedelta(days=1)
    assert state.accept(document(2, signed_at=NOW).header, later) == state
    assert state.accept(document(2).header, later) == state
    assert NEW.moment(NOW) == NOW


def test_what_has_yet_to_come_is_judged_by_the_clock() -> None:
    last = document(1, signed_at=NOW + CLOCK_SKEW).header
    NEW.refuse_future(last, NOW)
    state = NEW.accept(last, NOW)
    state.refuse_future(last, NOW)
    with pytest.raises(ExpiredError, match="has yet to come"):
        state.refuse_future(document(2, signed_at=NOW + CLOCK_SKEW + timedelta(microseconds=1)).header, NOW)
    state.refuse_future(document(2).header, NOW)


def test_what_was_accepted_has_come_though_the_clock_was_set_back() -> None:
    header = document(1, signed_at=NOW).header
    NEW.accept(header, NOW).refuse_future(header, NOW - timedelta(days=365))
    with pytest.raises(ExpiredError, match="has yet to come"):
        NEW.refuse_future(header, NOW - timedelta(days=365))


offsets = st.timedeltas(min_value=-timedelta(days=2), max_value=timedelta(days=2))


@given(st.lists(st.tuples(offsets, offsets), max_size=9))
def test_the_time_remembered_never_runs_ahead_of_the_clock_by_more_than_its_skew(
    documents: list[tuple[timedelta, timedelta]],
) -> None:
    """Not even where nobody asked whether a signing time has yet to come; and it never goes back."""
    state, latest, floors = NEW, NOW - timedelta(days=2), []
    for elapsed, ahead in documents:
        now = NOW + elapsed
        state, latest = state.accept(document(1, signed_at=now + ahead).header, now), max(latest, now)
        floors.append(state.moment(NOW - timedelta(days=9)))
        assert floors[-1] <= latest + CLOCK_SKEW
    assert floors == sorted(floors)


def test_what_stood_may_stand_again_though_a_newer_one_was_seen() -> None:
    state = NEW.see(document(1)).apply(Mark(1, "d")).see(document(2, "e"))
    with pytest.raises(RollbackError):
        state.see(document(1))
    state.recall(document(1))


def test_nothing_older_or_other_than_what_stood_last_is_recalled() -> None:
    state = NEW.see(document(2)).apply(Mark(2, "d"))
    state.recall(document(2))
    with pytest.raises(RollbackError, match="sequence number 1, and 2 was seen"):
        state.recall(document(1))
    with pytest.raises(EquivocationError):
        state.recall(document(2, "e"))
    with pytest.raises(TrustError, match="memory of 'acme'"):
        state.recall(document(2, source="other"))


def test_keys_of_a_root_that_was_replaced_recall_nothing() -> None:
    state = NEW.see(document(2), root_version=1).apply(Mark(2, "d")).rotate(2, "root", forget=False)
    with pytest.raises(RollbackError, match="root 2"):
        state.recall(document(2), root_version=1)
    state.recall(document(2), root_version=2)
