"""Policies: whom to believe, how many, from where, and for how long."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneiric_core.errors import ExpiredError, SignatureError, TrustError, UntrustedKeyError
from oneiric_core.manifest import ManifestHeader
from oneiric_core.testing import PUBLISHER, key_pair
from oneiric_core.testing.keys import SECOND_PUBLISHER, STRANGER
from oneiric_core.trust import PUBLISHED_KEYS, PublicKey, RefuseAll, Signature, TrustPolicy, UnsafeAcceptUnsigned
from oneiric_core.trust.policy import CLOCK_SKEW, Policy

NOW = datetime(2026, 6, 1, tzinfo=UTC)
KEYS = [PublicKey(key_pair(f"policy {number}").public) for number in range(3)]


def header(**fields: str) -> ManifestHeader:
    return ManifestHeader.from_document(fields)


def at(moment: datetime) -> str:
    return moment.isoformat()


@given(st.integers(-3, 6), st.lists(st.integers(0, 2), max_size=6))
def test_a_threshold_is_between_one_and_the_number_of_distinct_keys(threshold: int, places: list[int]) -> None:
    keys = [PublicKey(KEYS[place].raw, name=str(number)) for number, place in enumerate(places)]
    if 1 <= threshold <= len(set(places)):
        assert TrustPolicy(keys, threshold=threshold).keys == frozenset(keys)
    else:
        with pytest.raises(TrustError):
            TrustPolicy(keys, threshold=threshold)


def test_a_policy_takes_its_keys_from_any_iterable() -> None:
    assert TrustPolicy(iter(KEYS), threshold=3) == TrustPolicy(KEYS[::-1], threshold=3)


def test_a_policy_without_keys_cannot_be_made() -> None:
    with pytest.raises(UntrustedKeyError, match="without keys"):
        TrustPolicy([])


@pytest.mark.parametrize(
    "pair",
    [PUBLISHER, SECOND_PUBLISHER, STRANGER, *map(key_pair, ("second", "third", "rotated"))],
    ids=lambda pair: pair.name,
)
def test_keys_whose_private_half_we_published_are_refused(pair: object) -> None:
    key = PublicKey(pair.public)  # type: ignore[attr-defined]  # a KeyPair, which pytest hands over as an object
    with pytest.raises(UntrustedKeyError, match=r"private half of .* is published"):
        TrustPolicy([*KEYS, key])
    assert TrustPolicy([key], unsafe_allow_published_keys=True)


def test_published_keys_are_listed_as_what_they_are() -> None:
    for raw, what in PUBLISHED_KEYS.items():
        name = what.removeprefix("the test key ").strip("'")
        assert key_pair(name).public == raw


def test_too_few_signers_are_refused_with_the_count() -> None:
    policy = TrustPolicy(KEYS, threshold=2)
    with pytest.raises(SignatureError, match="0 of the trusted keys signed, 2 must") as refused:
        policy.check_signatures(b"m", [Signature("AAAA")])
    assert (refused.value.evidence["signed"], refused.value.evidence["threshold"]) == (0, 2)
    assert "signature 1: the signature has 3 bytes" in str(refused.value)


def test_the_source_is_bound_where_the_policy_names_one() -> None:
    for policy in (TrustPolicy(KEYS, source="acme"), UnsafeAcceptUnsigned(source="acme")):
        policy.check_source("acme")
        with pytest.raises(TrustError, match=r"'evil'.*only 'acme'"):
            policy.check_source("evil")
    TrustPolicy(KEYS).check_source("anyone")
    UnsafeAcceptUnsigned().check_source("anyone")


@pytest.mark.parametrize("policy", [TrustPolicy(KEYS), UnsafeAcceptUnsigned()])
def test_expiry_and_signing_time_are_judged_by_every_policy_that_accepts(policy: Policy) -> None:
    second = timedelta(seconds=1)
    policy.check_age(header(), NOW)
    policy.check_age(header(expires_at=at(NOW + second), signed_at=at(NOW + CLOCK_SKEW)), NOW)
    with pytest.raises(ExpiredError, match="expired at"):
        policy.check_age(header(expires_at=at(NOW)), NOW)
    with pytest.raises(ExpiredError, match="yet to come"):
        policy.check_age(header(signed_at=at(NOW + CLOCK_SKEW + second)), NOW)


def test_an_expiry_can_be_required() -> None:
    policy = TrustPolicy(KEYS, require_expiry=True)
    policy.check_age(header(expires_at=at(NOW + timedelta(days=1))), NOW)
    with pytest.raises(ExpiredError, match="does not say when it expires"):
        policy.check_age(header(), NOW)


def test_an_age_can_be_bounded() -> None:
    policy = TrustPolicy(KEYS, max_age=timedelta(days=30))
    policy.check_age(header(signed_at=at(NOW - timedelta(days=30))), NOW)
    with pytest.raises(ExpiredError, match=r"longer than 30 days"):
        policy.check_age(header(signed_at=at(NOW - timedelta(days=30, seconds=1))), NOW)
    with pytest.raises(ExpiredError, match="does not say when it was signed"):
        policy.check_age(header(), NOW)


def test_refuse_all_refuses_every_question() -> None:
    policy = RefuseAll()
    with pytest.raises(UntrustedKeyError, match="Pass a TrustPolicy"):
        policy.check_signatures(b"", [])
    with pytest.raises(TrustError):
        policy.check_source("acme")
    with pytest.raises(ExpiredError):
        policy.check_age(header(), NOW)


def test_what_is_unsafe_believes_unsigned_bytes_and_names_no_signer() -> None:
    assert UnsafeAcceptUnsigned().check_signatures(b"m", []) == ()
    assert UnsafeAcceptUnsigned().check_signatures(b"m", [Signature("garbage")]) == ()
