"""Signatures on which implementations of Ed25519 disagree are decided as libsodium decides.

The classes are those of "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko, 2020): keys and nonces with a torsion
component, of small order, or in a second encoding. They are made here with the group law written out.
"""

import base64
import hashlib
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneiric_core.errors import TrustError
from oneiric_core.trust import PublicKey, Signature
from oneiric_core.trust.signatures import signers_of

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]
IDENTITY: Point = (0, 1)


def add(first: Point, second: Point) -> Point:
    (x1, y1), (x2, y2) = first, second
    product = D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, P) % P
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, P) % P
    return x, y


def times(number: int, point: Point) -> Point:
    result = IDENTITY
    while number:
        if number & 1:
            result = add(result, point)
        point = add(point, point)
        number >>= 1
    return result


def encode(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def root(square: int) -> int:
    guess = pow(square, (P + 3) // 8, P)
    return guess if guess * guess % P == square % P else guess * pow(2, (P - 1) // 4, P) % P


def from_y(y: int) -> Point:
    return root((y * y - 1) * pow(D * y * y + 1, -1, P) % P), y


_BASE = from_y(4 * pow(5, -1, P) % P)
BASE: Point = _BASE if _BASE[0] % 2 == 0 else (P - _BASE[0], _BASE[1])
EIGHTH_Y = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
TORSION = [times(number, from_y(EIGHTH_Y)) for number in range(8)]
SECRET, NONCE = 0x1234567890ABCDEF1234567890ABCDEF, 0xFEDCBA0987654321FEDCBA0987654321


def challenge(r: bytes, a: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + a + message).digest(), "little") % L


def crafted(a: bytes, r: bytes, message: bytes, secret: int, nonce: int) -> bytes:
    return r + ((nonce + challenge(r, a, message) * secret) % L).to_bytes(32, "little")


def counts(key: bytes, signature: bytes, message: bytes) -> bool:
    written = Signature(base64.b64encode(signature).decode("ascii"))
    try:
        return bool(signers_of(message, [written], [PublicKey(key)]).keys)
    except TrustError:
        return False


def test_the_group_law_above_is_the_right_one() -> None:
    assert times(L, BASE) == IDENTITY
    assert len(set(TORSION)) == 8
    a = encode(times(SECRET, BASE))
    assert counts(a, crafted(a, encode(times(NONCE, BASE)), b"m", SECRET, NONCE), b"m")


@pytest.mark.parametrize(("key_part", "nonce_part"), list(itertools.product(range(8), range(8))))
def test_with_torsion_only_the_equation_without_cofactor_counts(key_part: int, nonce_part: int) -> None:
    """S·B = R + h·A exactly: a verifier that multiplies by eight would accept all of these."""
    a = encode(add(times(SECRET, BASE), TORSION[key_part]))
    r = encode(add(times(NONCE, BASE), TORSION[nonce_part]))
    seen = set()
    for number in range(24):
        message = b"message %d" % number
        holds = (nonce_part + challenge(r, a, message) * key_part) % 8 == 0
        assert counts(a, crafted(a, r, message, SECRET, NONCE), message) is holds
        seen.add(holds)
    assert seen


@settings(max_examples=40)
@given(st.integers(0, 7), st.binary(max_size=8))
def test_keys_of_small_order_never_count(part: int, message: bytes) -> None:
    a, r = encode(TORSION[part]), encode(times(NONCE, BASE))
    assert not counts(a, crafted(a, r, message, 0, NONCE), message)


@settings(max_examples=40)
@given(st.integers(0, 7), st.binary(max_size=8))
def test_nonces_of_small_order_never_count(part: int, message: bytes) -> None:
    a, r = encode(times(SECRET, BASE)), encode(TORSION[part])
    assert not counts(a, crafted(a, r, message, SECRET, 0), message)


@pytest.mark.parametrize("multiple", [1, 2, 7, 14])
def test_s_at_or_beyond_the_order_never_counts(multiple: int) -> None:
    a, r = encode(times(SECRET, BASE)), encode(times(NONCE, BASE))
    good = crafted(a, r, b"m", SECRET, NONCE)
    assert counts(a, good, b"m")
    greater = int.from_bytes(good[32:], "little") + multiple * L
    assert not counts(a, r + greater.to_bytes(32, "little"), b"m")


# RFC 8032, 7.1, tests 1 to 3.
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), RFC_8032)
def test_the_examples_of_the_rfc_count(key: str, message: str, signature: str) -> None:
    raw = bytes.fromhex(signature)
    assert counts(bytes.fromhex(key), raw, bytes.fromhex(message))
    assert not counts(bytes.fromhex(key), raw, bytes.fromhex(message) + b"\0")
