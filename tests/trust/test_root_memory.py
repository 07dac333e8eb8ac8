"""What is remembered of roots, and of the manifests that were signed under one that went.

Sections are those of the TUF specification, whose scenarios these mirror.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from oneiric_core.errors import EquivocationError, RollbackError, SignatureError, TrustError, UntrustedKeyError
from oneiric_core.manifest import ManifestHeader
from oneiric_core.testing import PUBLISHER, KeyPair, key_pair, root_document, root_envelope, signed_root
from oneiric_core.trust import Authentic, TrustRoot
from oneiric_core.trust.root import advanced, anchored, known_root
from oneiric_core.trust.trusted_state import Mark, SourceState

NOW = datetime(2026, 6, 1, tzinfo=UTC)
Names = Iterable[str]


def pairs(names: Names) -> list[KeyPair]:
    return [key_pair(f"root test {name}") for name in names]


def root(version: int = 1, by: Names = "a", root: Names = "ab", manifest: Names = "m", **changes: Any) -> bytes:
    quorum = changes.pop("quorum", 1)
    fields = {"source": "acme"} | changes
    return signed_root(version, pairs(root), pairs(manifest), pairs(by), manifest_threshold=quorum, **fields)


def with_a_published_key(version: int) -> bytes:
    document = root_document(version, pairs("a"), [*pairs("m"), PUBLISHER]) | {"source": "acme"}
    return root_envelope(json.dumps(document).encode(), pairs("a"))


FIRST = TrustRoot.open(root())
NEW = SourceState("acme")
SEEN = Mark(2**53 - 1, "burnt")


def manifest(number: int) -> Authentic:
    header = ManifestHeader.from_document({"source": "acme", "sequence_number": number})
    return Authentic({}, header, ("key",), f"digest {number}", "flat")


def at_first_root() -> SourceState:
    return anchored(NEW, FIRST).see(manifest(2**53 - 1), root_version=1).apply(SEEN, root_version=1)


class TestWhatIsRemembered:
    """5.3.8 and 5.3.11: the root is remembered, and recovery from numbers burnt with a stolen key."""

    def test_the_root_itself(self) -> None:
        state = advanced(anchored(NEW, FIRST), FIRST, root(2))
        assert state.root_version == 2
        assert known_root(state) == FIRST.succeed(root(2))
        assert known_root(anchored(state, FIRST)) == known_root(state)

    def test_none_where_none_took_over(self) -> None:
        with pytest.raises(TrustError, match="no root of 'acme' is known"):
            known_root(NEW)

    def test_a_refused_root_changes_nothing(self) -> None:
        state = at_first_root()
        with pytest.raises(SignatureError):
            advanced(state, FIRST, root(2, by="m"))
        assert known_root(state) == FIRST

    @pytest.mark.parametrize(
        "changes",
        [{"manifest": "n"}, {"manifest": "no"}, {"manifest": "mn", "quorum": 2}],
        ids=["another key", "other keys", "more must sign"],
    )
    def test_numbers_burnt_by_keys_that_went_are_forgotten(self, changes: dict[str, Any]) -> None:
        state = advanced(at_first_root(), FIRST, root(2, **changes))
        assert (state.seen, state.applied) == (None, None)
        recovered = state.see(manifest(7), root_version=2).apply(Mark(7, "digest 7"), root_version=2)
        assert (recovered.seen, recovered.applied) == (Mark(7, "digest 7"), Mark(7, "digest 7"))

    @pytest.mark.parametrize("changes", [{}, {"manifest": "mn"}, {"root": "ac", "by": "a"}])
    def test_numbers_stay_where_all_who_could_sign_still_can(self, changes: dict[str, Any]) -> None:
        """Otherwise adding a key would let a mirror bring back an old manifest that is still signed well."""
        state = advanced(at_first_root(), FIRST, root(2, **changes))
        assert state.seen == Mark(2**53 - 1, f"digest {2**53 - 1}")
        assert state.applied == SEEN

    def test_lowering_the_threshold_of_manifests_forgets_nothing(self) -> None:
        first = TrustRoot.open(root(manifest="mn", quorum=2))
        state = anchored(NEW, first).see(manifest(5), root_version=1)
        assert advanced(state, first, root(2, manifest="mn", quorum=1)).seen == Mark(5, "digest 5")

    def test_time_is_not_forgotten(self) -> None:
        header = ManifestHeader.from_document({"source": "acme", "signed_at": NOW.isoformat()})
        state = advanced(at_first_root().accept(header, NOW), FIRST, root(2, manifest="n"))
        assert state.moment(NOW - timedelta(days=1)) == NOW

    def test_manifests_believed_by_the_keys_of_a_former_root_no_longer_count(self) -> None:
        """Another process with the old root still at hand must not burn the numbers once more."""
        state = advanced(at_first_root(), FIRST, root(2, manifest="n"))
        with pytest.raises(RollbackError, match="keys are those of root 1 of 'acme', and root 2 is known"):
            state.see(manifest(9), root_version=1)
        assert state.apply(SEEN, root_version=1) == state

    def test_keys_the_caller_names_himself_have_no_version(self) -> None:
        state = advanced(at_first_root(), FIRST, root(2, manifest="n"))
        assert state.see(manifest(9)).seen == Mark(9, "digest 9")

    def test_another_process_may_have_been_quicker(self) -> None:
        state = advanced(anchored(NEW, FIRST), FIRST, root(2))
        further = advanced(state, known_root(state), root(3))
        assert advanced(further, FIRST, root(2)) == further

    def test_a_newer_anchor_takes_over_and_an_older_one_does_not(self) -> None:
        """A new release of the program may come with a newer root, and an old release may be started once more."""
        shipped = TrustRoot.open(root(5, manifest="n"))
        state = anchored(at_first_root(), shipped)
        assert (state.root_version, state.seen) == (5, None)
        assert anchored(state, FIRST) == state
        assert anchored(state, shipped) == state

    def test_another_anchor_of_the_same_version_is_no_accident(self) -> None:
        with pytest.raises(EquivocationError, match="root 1 of 'acme' is known with other bytes"):
            anchored(at_first_root(), TrustRoot.open(root(comment="another")))

    def test_more_signatures_do_not_make_another_root(self) -> None:
        state = anchored(NEW, FIRST)
        assert anchored(state, TrustRoot.open(root(by="ab"))) == state

    def test_keys_everybody_has_stay_refused_unless_they_are_asked_for(self) -> None:
        unsafe = TrustRoot.open(with_a_published_key(1), unsafe_allow_published_keys=True)
        state = anchored(NEW, unsafe)
        with pytest.raises(UntrustedKeyError):
            known_root(state)
        assert anchored(state, unsafe) == state
        assert advanced(state, unsafe, with_a_published_key(2)).root_version == 2
