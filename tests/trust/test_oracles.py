"""Second opinions on envelopes: securesystemslib's DSSE, and a threshold counted by brute force.

Whatever is accepted here they accept. Where they read more leniently than we do, we refuse, and the tests say so.
"""

import base64
import copy
import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as TheirEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from oneiric_core.errors import ManifestError, SignatureError
from oneiric_core.manifest import Limits
from oneiric_core.testing import KeyPair, key_pair
from oneiric_core.trust import MANIFEST_PAYLOAD, PublicKey, TrustPolicy, append_signature, read_envelope, sign_manifest
from oneiric_core.trust.envelope import pre_authentication_encoding

NAMES = "abcd"
PAIRS: dict[str, KeyPair] = {name: key_pair(f"oracle {name}") for name in NAMES}
PAYLOAD = b'{"source":"acme"}'
MESSAGE = pre_authentication_encoding(MANIFEST_PAYLOAD, PAYLOAD)

names = st.sampled_from(NAMES)
damages = st.sampled_from(["none", "none", "none", "other message", "cut", "turned", "not base64"])
signatures = st.lists(st.tuples(names, damages), max_size=6)
trusted_keys = st.lists(names, min_size=1, max_size=5)


def signed(name: str, damage: str) -> str:
    raw = bytearray(PAIRS[name].sign(b"other" if damage == "other message" else MESSAGE))
    if damage == "turned":
        raw[40] ^= 1
    text = base64.b64encode(raw[:-1] if damage == "cut" else raw).decode("ascii")
    return f"!{text}" if damage == "not base64" else text


def envelope(items: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "payload": base64.b64encode(PAYLOAD).decode("ascii"),
        "payloadType": MANIFEST_PAYLOAD,
        "signatures": items,
    }


def we_accept(document: dict[str, Any], names: list[str], threshold: int) -> frozenset[str]:
    """The fingerprints of the signers, or none where it is refused."""
    policy = TrustPolicy([PublicKey(PAIRS[name].public) for name in names], threshold=threshold)
    try:
        opened = read_envelope(json.dumps(document).encode("utf-8"), MANIFEST_PAYLOAD, Limits())
        return frozenset(policy.check_signatures(opened.message, opened.signatures))
    except (ManifestError, SignatureError):
        return frozenset()


def their_key(name: str) -> SSlibKey:
    return SSlibKey(name, "ed25519", "ed25519", {"public": PAIRS[name].public.hex()})


def they_accept(document: dict[str, Any], names: set[str], threshold: int) -> frozenset[str]:
    """The names of the signers they count. They match keys by id, and want each id once."""
    try:
        theirs = TheirEnvelope.from_dict(copy.deepcopy(document))
        return frozenset(theirs.verify([their_key(name) for name in sorted(names)], threshold))
    except (VerificationError, ValueError):
        return frozenset()


def by_brute_force(items: list[dict[str, str]], names: list[str], threshold: int) -> bool:
    """Is there a way to give ``threshold`` distinct keys a signature each that they made?"""
    good = [
        {name for name in NAMES if item["sig"] == base64.b64encode(PAIRS[name].sign(MESSAGE)).decode("ascii")}
        for item in items
    ]
    return any(
        all(name in good[place] for name, place in zip(keys, places, strict=True))
        for keys in itertools.combinations(sorted(set(names)), threshold)
        for places in itertools.permutations(range(len(items)), threshold)
    )


@settings(max_examples=40)
@given(signatures, trusted_keys, st.integers(1, 4))
def test_a_threshold_is_met_exactly_when_brute_force_finds_a_way(
    plans: list[tuple[str, str]], names: list[str], threshold: int
) -> None:
    """Ids are all the same here: they decide nothing."""
    threshold = min(threshold, len(set(names)))
    items = [{"keyid": "same", "sig": signed(name, damage)} for name, damage in plans]
    assert bool(we_accept(envelope(items), names, threshold)) is by_brute_force(items, names, threshold)


@settings(max_examples=40)
@given(signatures, trusted_keys, st.integers(1, 4))
def test_securesystemslib_accepts_what_we_accept(
    plans: list[tuple[str, str]], names: list[str], threshold: int
) -> None:
    """Every signature by itself, under the id of each key, as they count by ids; then as many as are asked."""
    threshold = min(threshold, len(set(names)))
    items = [{"keyid": "same", "sig": signed(name, damage)} for name, damage in plans]
    ours = we_accept(envelope(items), names, threshold)
    theirs = {
        name
        for name, item in itertools.product(set(names), items)
        if they_accept(envelope([item | {"keyid": name}]), {name}, 1)
    }
    assert ours <= {PublicKey(PAIRS[name].public).fingerprint for name in theirs}
    assert not ours or len(theirs) >= threshold


@settings(max_examples=40)
@given(st.dictionaries(names, damages, max_size=4), trusted_keys, st.integers(1, 4))
def test_both_agree_where_each_key_signs_once_under_its_own_id(
    plans: dict[str, str], names: list[str], threshold: int
) -> None:
    threshold = min(threshold, len(set(names)))
    items = [{"keyid": name, "sig": signed(name, damage)} for name, damage in plans.items()]
    document = envelope(items)
    if any(damage == "not base64" for damage in plans.values()):
        return  # they refuse to read the whole envelope, and we the one signature
    assert bool(we_accept(document, names, threshold)) is bool(they_accept(document, set(names), threshold))


@settings(max_examples=40)
@given(st.sets(names, min_size=1), st.integers(1, 4))
def test_what_is_signed_here_verifies_there(signers: set[str], threshold: int) -> None:
    first, *others = sorted(signers)
    document = sign_manifest({"source": "acme"}, PAIRS[first].private, form="dsse", key_id=first)
    for name in others:
        document = append_signature(document, PAIRS[name].private, form="dsse", key_id=name)
    theirs = they_accept(document, set(NAMES), threshold)
    assert bool(theirs) is (threshold <= len(signers))
    assert bool(we_accept(document, list(NAMES), threshold)) is bool(theirs)


@pytest.mark.parametrize("kind", [MANIFEST_PAYLOAD, "", "é", "application/vnd.in-toto+json"])
@pytest.mark.parametrize("payload", [b"", b"hello", b"\0\xff"])
def test_both_sign_the_same_bytes(kind: str, payload: bytes) -> None:
    assert pre_authentication_encoding(kind, payload) == TheirEnvelope(payload, kind, {}).pae()


def with_unused_bits(text: str) -> str:
    """Another way to write the same 64 bytes: four bits before the padding mean nothing."""
    return text[:-3] + chr(ord(text[-3]) + 1) + text[-2:]


def test_where_they_are_more_lenient_we_refuse() -> None:
    """One key under two ids counts twice there, and base64 may have unused bits set."""
    one = [{"keyid": "a", "sig": signed("a", "none")}]
    twice = [*one, one[0] | {"keyid": "b"}]
    respelt = [one[0] | {"sig": with_unused_bits(one[0]["sig"])}]
    keys = [SSlibKey(name, "ed25519", "ed25519", {"public": PAIRS["a"].public.hex()}) for name in "ab"]
    for items in (twice, respelt):
        assert len(TheirEnvelope.from_dict(copy.deepcopy(envelope(items))).verify(keys, len(items))) == len(items)
        assert not we_accept(envelope(items), ["a", "b"], len(items))
    assert we_accept(envelope(one), ["a"], 1)
