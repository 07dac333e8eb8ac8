"""Keys: read from what people have, checked once, and never silently dropped."""

import base64
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from hypothesis import example, given
from hypothesis import strategies as st

from oneiric_core.errors import UntrustedKeyError
from oneiric_core.testing import PUBLISHER, STRANGER
from oneiric_core.trust import (
    PublicKey,
    generate_private_key,
    load_private_key,
    load_public_key,
    private_pem,
    public_key_of,
)

P = 2**255 - 19
EIGHTH = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
OTHER_EIGHTH = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")


def encoded(y: int, sign: int = 0) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


# All encodings of the points of small order, as libsodium's ge25519_has_small_order lists them (with either sign).
SMALL_ORDER = [
    *(encoded(y, sign) for y in (0, 1, P - 1, P, P + 1) for sign in (0, 1)),
    *(bytes([*eighth[:31], eighth[31] | sign << 7]) for eighth in (EIGHTH, OTHER_EIGHTH) for sign in (0, 1)),
]


@pytest.mark.parametrize("suffix", ["", "\n", "\r\n"])
def test_one_key_is_read_from_all_its_forms(suffix: str) -> None:
    text = base64.b64encode(PUBLISHER.public).decode("ascii") + suffix
    forms = [PUBLISHER.public_pem, PUBLISHER.public_pem.encode(), "\n" + PUBLISHER.public_pem, PUBLISHER.public, text]
    keys = {load_public_key(form, name="k") for form in forms}
    assert keys == {PublicKey(PUBLISHER.public)}
    assert {load_public_key(form, name="acme.pem").name for form in forms} == {"acme.pem"}


def test_a_key_writes_itself_as_pem_that_is_read_back() -> None:
    key = PublicKey(PUBLISHER.public)
    assert key.pem == PUBLISHER.public_pem
    assert load_public_key(key.pem, name="k") == key


def test_names_say_nothing_about_identity() -> None:
    assert PublicKey(PUBLISHER.public, "a") == PublicKey(PUBLISHER.public, "b")
    assert hash(PublicKey(PUBLISHER.public, "a")) == hash(PublicKey(PUBLISHER.public, "b"))
    assert PublicKey(PUBLISHER.public, "a") != PublicKey(STRANGER.public, "a")
    assert PublicKey(PUBLISHER.public) != PUBLISHER.public
    assert PublicKey(PUBLISHER.public, "a").fingerprint == PublicKey(PUBLISHER.public, "b").fingerprint


def pem_of(key: object) -> bytes:
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(encoding, form)  # type: ignore[attr-defined]  # any private key has it


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "neither PEM, nor 32 raw bytes, nor their base64"),
        (b"x" * 31, "neither"),
        (b"x" * 33, "neither"),
        (PUBLISHER.public.hex(), "neither"),
        ("Schlüssel", "neither"),
        (base64.urlsafe_b64encode(b"\xff" * 31 + b"\x0f").decode(), "neither"),
        (base64.b64encode(PUBLISHER.public).decode().rstrip("="), "neither"),
        ("A" * 42 + "B=", "unused bits"),
        (PUBLISHER.private_pem, "seems to be a private key"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "cannot be read as a public key"),
        (pem_of(ec.generate_private_key(ec.SECP256R1())), "not an Ed25519 public key"),
        (pem_of(x25519.X25519PrivateKey.generate()), "not an Ed25519 public key"),
    ],
)
def test_anything_else_is_an_error_that_names_the_file(data: bytes | str, why: str) -> None:
    with pytest.raises(UntrustedKeyError, match=why) as refused:
        load_public_key(data, name="keys/acme.pem")
    assert "keys/acme.pem" in str(refused.value)
    assert refused.value.evidence["name"] == "keys/acme.pem"


@pytest.mark.parametrize("between", ["", "\n", "\n# the other one\n"])
@pytest.mark.parametrize("times", [2, 3, 9])
def test_a_file_of_several_keys_is_refused_and_none_is_dropped(times: int, between: str) -> None:
    pair = [PUBLISHER.public_pem, STRANGER.public_pem] * 5
    with pytest.raises(UntrustedKeyError, match=f"'k' holds {times} blocks of PEM, and one key is asked for"):
        load_public_key(between.join(pair[:times]), name="k")
    with pytest.raises(UntrustedKeyError, match="holds 2 blocks of PEM"):
        load_private_key(PUBLISHER.private_pem + between + STRANGER.public_pem, name="k")


def test_nothing_follows_a_key() -> None:
    other = base64.b64encode(STRANGER.public).decode("ascii")
    for rest in (other, "-----", STRANGER.public_pem.replace("BEGIN", "Begin")):
        with pytest.raises(UntrustedKeyError, match="goes on after the end of its PEM"):
            load_public_key(PUBLISHER.public_pem + rest, name="k")
    with pytest.raises(UntrustedKeyError, match="goes on after the end of its PEM"):
        load_private_key(PUBLISHER.private_pem + other, name="k")


def test_the_fourteen_encodings_of_small_order_are_refused() -> None:
    assert len(set(SMALL_ORDER)) == 14
    for raw in SMALL_ORDER:
        with pytest.raises(UntrustedKeyError, match="small order"):
            load_public_key(raw, name="k")


def test_a_constant_signature_verifies_for_any_message_under_the_identity_key() -> None:
    """Why keys of small order are refused: the arithmetic alone does not do it."""
    identity = ed25519.Ed25519PublicKey.from_public_bytes(encoded(1))
    constant = encoded(1) + bytes(32)
    for message in (b"a manifest", b"another"):
        identity.verify(constant, message)


@pytest.mark.parametrize("raw", [encoded(P + 3), encoded(2**255 - 1), encoded(2), encoded(P - 2, 1), b"\xff" * 32])
def test_bytes_that_are_no_canonical_point_are_refused(raw: bytes) -> None:
    with pytest.raises(UntrustedKeyError, match="not a point of the curve"):
        load_public_key(raw, name="k")


@given(st.binary(min_size=32, max_size=32))
def test_every_generated_key_is_accepted(seed: bytes) -> None:
    private = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    raw = private.public_key().public_bytes_raw()
    assert load_public_key(raw, name="k").raw == raw


any_text = st.text(st.characters(exclude_categories=()), max_size=100)


@example("\ud800")
@example("-----BEGIN PUBLIC KEY-----\udfff")
@given(st.binary(max_size=100) | any_text)
def test_any_content_is_a_key_or_an_error_of_ours(data: bytes | str) -> None:
    for load in (load_public_key, load_private_key):
        with suppress(UntrustedKeyError):
            load(data, name="k")


def test_private_keys_are_read_from_all_their_forms() -> None:
    raw = PUBLISHER.private.private_bytes_raw()
    for form in (
        PUBLISHER.private_pem,
        "\n" + PUBLISHER.private_pem,
        raw,
        base64.b64encode(raw).decode(),
        base64.b64encode(raw) + b"\n",
    ):
        assert public_key_of(load_private_key(form, name="k")).raw == PUBLISHER.public


def test_the_public_half_has_the_name_it_is_given() -> None:
    private = generate_private_key()
    assert (public_key_of(private).name, public_key_of(private, name="k").name) == ("", "k")


def test_an_encrypted_private_key_needs_its_password() -> None:
    private = generate_private_key()
    pem = private_pem(private, password=b"open sesame")
    assert "ENCRYPTED" in pem
    assert public_key_of(load_private_key(pem, name="k", password=b"open sesame")) == public_key_of(private)
    for password in (None, b"wrong"):
        with pytest.raises(UntrustedKeyError, match="cannot be read as a private key"):
            load_private_key(pem, name="k", password=password)


def test_a_password_for_a_key_that_has_none_is_refused() -> None:
    with pytest.raises(UntrustedKeyError, match="cannot be read as a private key"):
        load_private_key(private_pem(generate_private_key()), name="k", password=b"needless")


def test_another_kind_of_private_key_is_refused() -> None:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(encoding, form, serialization.NoEncryption())
    with pytest.raises(UntrustedKeyError, match="not an Ed25519 private key"):
        load_private_key(pem, name="k")


@pytest.mark.parametrize("raw", [b"", b"\1" * 31, b"\1" * 33])
def test_a_key_has_32_bytes(raw: bytes) -> None:
    with pytest.raises(UntrustedKeyError, match=f"has {len(raw)} bytes instead of 32"):
        PublicKey(raw, "k")


def test_the_private_half_is_not_the_public_one() -> None:
    with pytest.raises(UntrustedKeyError, match="cannot be read as a private key"):
        load_private_key(PUBLISHER.public_pem, name="k")
