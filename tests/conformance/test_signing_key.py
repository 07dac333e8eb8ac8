"""The key that certificates are signed with: what it may be, where its password comes from, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from oneiric_conformance.certifying.issue import SigningKey
from oneiric_core import ConformanceError
from oneiric_core.testing import PUBLISHER, key_pair
from oneiric_core.trust import private_pem

ISSUER = key_pair("the issuer of tests")
Keep = Callable[..., Path]


@pytest.fixture
def key(tmp_path: Path) -> Keep:
    """``key(pem, mode)``: the path of a file with a key."""

    def kept(pem: str = ISSUER.private_pem, mode: int = 0o600) -> Path:
        path = tmp_path / "key.pem"
        path.write_text(pem, encoding="utf-8")
        path.chmod(mode)
        return path

    return kept


def test_one_that_others_can_read_is_used_with_a_warning(key: Keep) -> None:
    assert SigningKey.from_file(key()).warning == ""
    warning = SigningKey.from_file(key(mode=0o644)).warning
    assert "can be read by others (-rw-r--r--)" in warning


def test_one_that_everyone_has_is_refused(key: Keep) -> None:
    with pytest.raises(ConformanceError, match="private half of the test key 'publisher' is published"):
        SigningKey.from_file(key(PUBLISHER.private_pem))


@pytest.mark.parametrize("pem", ["", "nonsense", ISSUER.public_pem])
def test_what_is_no_private_key_is_refused_with_its_name(key: Keep, pem: str) -> None:
    with pytest.raises(ConformanceError, match=r"key\.pem"):
        SigningKey.from_file(key(pem))


def test_one_that_is_encrypted_is_opened_with_the_password_in_a_variable(
    key: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = key(private_pem(ISSUER.private, password=b"correct horse"))
    monkeypatch.setenv("ACME_PASSWORD", "correct horse")
    found = SigningKey.from_file(path, password_env="ACME_PASSWORD")  # noqa: S106 - the name of a variable
    assert found.private.private_bytes_raw() == ISSUER.private.private_bytes_raw()


@pytest.mark.parametrize(
    ("password", "named", "told"),
    [
        ("correct horse", "", r"key\.pem.*Name the environment variable that holds its password"),
        ("wrong", "ACME_PASSWORD", r"key\.pem.*Check the file and its password"),
        ("", "ACME_PASSWORD", r"'ACME_PASSWORD'.* is not set, or empty\. Set ACME_PASSWORD"),
    ],
    ids=["missing", "wrong", "empty"],
)
def test_one_whose_password_is_missing_or_wrong_is_refused(
    key: Keep, monkeypatch: pytest.MonkeyPatch, password: str, named: str, told: str
) -> None:
    path = key(private_pem(ISSUER.private, password=b"correct horse"))
    monkeypatch.setenv("ACME_PASSWORD", password)
    with pytest.raises(ConformanceError, match=told):
        SigningKey.from_file(path, password_env=named)


def test_one_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConformanceError, match=r"cannot be read.*oneiric-core keys generate"):
        SigningKey.from_file(tmp_path / "none.pem")
