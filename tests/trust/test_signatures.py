"""Signatures: which count, for whom, and that one of them can be written in one way only."""

import base64
import dataclasses
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from oneiric_core.errors import SignatureError, UntrustedKeyError
from oneiric_core.testing import PUBLISHER, STRANGER, key_pair
from oneiric_core.trust import PublicKey, Signature, verify_manifest_signature
from oneiric_core.trust.base64_strict import decode_strictly
from oneiric_core.trust.signatures import MAX_SIGNATURES, flat_signatures, signers_of

ORDER = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19
MESSAGE = b"what was signed"
RAW = PUBLISHER.sign(MESSAGE)
KEY = PublicKey(PUBLISHER.public)


def text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def with_s(number: int) -> bytes:
    return RAW[:32] + number.to_bytes(32, "little")


S = int.from_bytes(RAW[32:], "little")


def test_a_signature_counts_for_the_key_that_made_it() -> None:
    signers = signers_of(MESSAGE, [Signature(text(RAW))], [PublicKey(STRANGER.public), KEY])
    assert signers.keys == {KEY}
    assert signers.rejected == ()


@pytest.mark.parametrize(
    ("signature", "why"),
    [
        (text(STRANGER.sign(MESSAGE)), "none of the trusted keys"),
        (text(PUBLISHER.sign(b"something else")), "none of the trusted keys"),
        (text(bytes([RAW[0] ^ 2, *RAW[1:]])), ""),
        (text(with_s(S ^ 1)), "none of the trusted keys"),
        (text(with_s(S + ORDER)), "S that is not below the order"),
        (text(with_s(ORDER)), "S that is not below the order"),
        (text(with_s(2**256 - 1)), "S that is not below the order"),
        (text(with_s(ORDER - 1)), "none of the trusted keys"),
        (text((1).to_bytes(32, "little") + bytes(32)), "R of small order"),
        (text((P + 1).to_bytes(32, "little") + bytes(32)), "R of small order"),
        (text((P + 3).to_bytes(32, "little") + RAW[32:]), "R that is not a point"),
        (text((2).to_bytes(32, "little") + RAW[32:]), "R that is not a point"),
        (text(RAW[:63]), "63 bytes instead of 64"),
        (text(RAW + b"\0"), "65 bytes instead of 64"),
        ("", "0 bytes instead of 64"),
        (text(RAW).rstrip("="), "not base64"),
        (text(RAW) + "\n", "not base64"),
        (" " + text(RAW), "not base64"),
        (text(RAW) + "=", "not base64"),
        (text(RAW)[:40] + "\n" + text(RAW)[40:], "not base64"),
        (text(RAW)[:-3] + chr(ord(text(RAW)[-3]) + 1) + "==", "unused bits"),
        ("é", "not base64"),
    ],
)
def test_any_other_signature_does_not_count_and_says_why(signature: str, why: str) -> None:
    signers = signers_of(MESSAGE, [Signature(signature)], [KEY])
    assert signers.keys == frozenset()
    assert why in signers.rejected[0]


def test_the_last_quantum_of_our_example_has_room_for_unused_bits() -> None:
    """So that the case above is about them."""
    assert text(RAW)[-3] in "AQgw"


def test_another_algorithm_neither_counts_nor_spoils_the_others() -> None:
    signatures = [
        Signature(text(RAW), algorithm="rsa-pss-sha256"),
        Signature("garbage"),
        Signature(text(RAW), key_id="not whose it is"),
    ]
    signers = signers_of(MESSAGE, signatures, [KEY])
    assert signers.keys == {KEY}
    assert "'rsa-pss-sha256' is not known" in signers.rejected[0]
    assert len(signers.rejected) == 2


names = st.sampled_from(["a", "b", "c", "d"])
signature_plans = st.tuples(names, st.sampled_from(["good", "good", "other message", "cut", "other algorithm"]), names)


def planned(name: str, plan: str, key_id: str) -> Signature:
    raw = key_pair(name).sign(MESSAGE if plan != "other message" else b"other")
    value = text(raw[:-1] if plan == "cut" else raw)
    return Signature(value, algorithm="x" if plan == "other algorithm" else "ed25519", key_id=key_id)


@given(st.lists(signature_plans, max_size=8), st.lists(names, max_size=6))
def test_signers_are_exactly_the_distinct_trusted_keys_with_a_good_signature(
    plans: list[tuple[str, str, str]], trusted: list[str]
) -> None:
    """Against the definition: a key counts once, whatever ids and repetitions say."""
    signatures = [planned(*plan) for plan in plans]
    keys = [PublicKey(key_pair(name).public, name=f"{name}{place}") for place, name in enumerate(trusted)]
    good = {name for name, plan, _ in plans if plan == "good"}
    assert signers_of(MESSAGE, signatures, keys).keys == {
        PublicKey(key_pair(name).public) for name in good & set(trusted)
    }


@given(st.binary(max_size=70))
def test_strict_base64_reads_what_is_written(raw: bytes) -> None:
    assert decode_strictly(text(raw)) == raw


@given(st.text("AQgwB/+-_= \n", max_size=12) | st.text(max_size=8))
def test_strict_base64_reads_only_what_would_be_written(content: str) -> None:
    """Its own definition: decode, encode again, compare."""
    try:
        lax = base64.b64decode(content)
    except ValueError:
        lax = b""
    if text(lax) == content:
        assert decode_strictly(content) == lax
    else:
        with pytest.raises(ValueError, match="base64"):
            decode_strictly(content)


def test_a_flat_document_has_listed_signatures_and_a_single_one() -> None:
    document = {
        "signature": "AAAA",
        "signatures": [{"signature": "BBBB", "algorithm": "x", "key_id": "k"}, {"signature": "CCCC", "key_id": None}],
    }
    assert flat_signatures(document) == (
        Signature("BBBB", algorithm="x", key_id="k"),
        Signature("CCCC"),
        Signature("AAAA"),
    )
    assert flat_signatures({"signature": None, "signatures": None}) == ()


def test_what_another_algorithm_looks_like_is_not_looked_at() -> None:
    items = [{"algorithm": "ml-dsa", "parts": [1]}, {"algorithm": "x", "signature": {"r": 1}, "key_id": [2]}]
    document = {"signature": "AAAA", "signatures": items}
    assert flat_signatures(document) == (Signature("", "ml-dsa"), Signature("", "x"), Signature("AAAA"))


@pytest.mark.parametrize(
    "document",
    [
        {"signatures": "AAAA"},
        {"signatures": {"signature": "AAAA"}},
        {"signatures": ["AAAA"]},
        {"signatures": [None]},
        {"signatures": [{}]},
        {"signatures": [{"signature": 1}]},
        {"signatures": [{"signature": "AAAA", "algorithm": None}]},
        {"signature": ["AAAA"]},
        {"signature": "AAAA", "signature_algorithm": 1},
    ],
)
def test_signatures_of_another_shape_are_refused(document: dict[str, Any]) -> None:
    with pytest.raises(SignatureError, match="is a"):
        flat_signatures(document)


def test_signatures_are_bounded() -> None:
    item = {"signature": "AAAA"}
    assert len(flat_signatures({"signatures": [item] * MAX_SIGNATURES})) == MAX_SIGNATURES
    with pytest.raises(SignatureError, match="more than the 64 allowed"):
        flat_signatures({"signature": "AAAA", "signatures": [item] * MAX_SIGNATURES})


def test_the_public_function_names_the_key_that_verified() -> None:
    canonical = '{"source":"acme"}'
    signature = text(PUBLISHER.sign(canonical.encode("utf-8")))
    assert verify_manifest_signature(canonical, signature, PUBLISHER.public_pem) == KEY.fingerprint
    with pytest.raises(SignatureError, match="none of the trusted keys") as refused:
        verify_manifest_signature(canonical + " ", signature, PUBLISHER.public_pem)
    assert isinstance(refused.value, ValueError)
    with pytest.raises(UntrustedKeyError):
        verify_manifest_signature(canonical, signature, "no key")


any_text = st.text(st.characters(exclude_categories=()), max_size=20)


@example("\ud800", "AAAA", PUBLISHER.public_pem)
@example("{}", "\ud800", PUBLISHER.public_pem)
@example("{}", "AAAA", "\ud800")
@given(any_text, any_text, any_text | st.just(PUBLISHER.public_pem))
def test_the_public_function_refuses_whatever_it_is_given_by_its_own_errors(
    canonical: str, signature: str, key: str
) -> None:
    with pytest.raises((SignatureError, UntrustedKeyError)):
        verify_manifest_signature(canonical, signature, key)


def test_a_signature_is_a_value() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Signature("AAAA").value = "BBBB"  # type: ignore[misc]  # what is tried here
