"""What could be the path or the name that was asked for, and what is rather the secret itself."""

import base64
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneiric_core import could_be_path
from oneiric_core.secrecy import could_be_variable, without_keys
from oneiric_core.trust import generate_private_key, private_pem

RAW = st.binary(min_size=32, max_size=64)


@given(RAW)
def test_no_key_could_be_a_path(raw: bytes) -> None:
    for text in (base64.b64encode(raw), base64.b64encode(raw) + b"\n", raw.hex().encode(), b"a/" + raw.hex().encode()):
        assert not could_be_path(text.decode())


@pytest.mark.parametrize("password", [None, b"correct horse"])
def test_no_key_in_pem_could_be_a_path_or_is_left_in_a_message(password: bytes | None) -> None:
    pem = private_pem(generate_private_key(), password=password)
    body = "".join(pem.splitlines()[1:-1])
    for text in (pem, " ".join(pem.split()), body, pem.strip().replace("\n", "\\n"), "-----BEGIN"):
        assert not could_be_path(text)
    for text in (pem, " ".join(pem.split()), body, pem[:-40]):
        told = without_keys(f"there is no file {text!r} here")
        assert told.startswith("there is no file ")
        assert not [piece for piece in body.split() if piece[20:40] in told]


def test_a_key_in_base64_is_left_in_no_message() -> None:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    assert without_keys(f"no file '{key}'") == "no file '[not shown: it may be a private key]'"


@pytest.mark.parametrize(
    "text",
    [
        "key.pem",
        "/home/alice/Projects2/oneiric/keys/production/oneiric.private.pem",
        "/home/alice/projects/oneiric/keys/production/private/key",
        "C:\\Users\\Alice\\keys\\oneiric.private.pem",
        "schlüssel.pem",
        "-",
    ],
)
def test_a_path_is_one(text: str) -> None:
    assert could_be_path(text)


@pytest.mark.parametrize("text", ["", "a" * 300, "a/" * 600, "two\nlines", "\x1b[2J"])
def test_what_no_file_is_called_is_none(text: str) -> None:
    assert not could_be_path(text)


@pytest.mark.parametrize(("text", "is_one"), [("KEY", True), ("ACME_KEY_2", True), ("_", True), ("2KEY", False)])
def test_a_variable_is_one(text: str, is_one: bool) -> None:
    assert could_be_variable(text) is is_one


@pytest.mark.parametrize("text", ["", "hunter2", "Correct", "correct horse", "KEY\n", "A" * 65, "KEY-----"])
def test_a_password_is_no_variable(text: str) -> None:
    assert not could_be_variable(text)


@pytest.mark.parametrize(
    "text", ["sha256 " + "0f" * 32, "signature " + base64.b64encode(bytes(64)).decode(), "-----BEGIN PUBLIC KEY-----"]
)
def test_what_everybody_may_see_stays_in_a_message(text: str) -> None:
    assert without_keys(text) == text
