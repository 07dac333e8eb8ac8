"""A wheel's certificate stands in every entry whose code is in the wheel, or the manifest is not made."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.cli.main import main
from oneiric_core.errors import ArtifactError, CertificateError, ExpiredError, ManifestError
from oneiric_core.publish import CertificateFile, find_package, generate_manifest, read_certificate, read_wheel
from oneiric_core.testing import key_pair, signed_certificate

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ISSUER = key_pair("the issuer of tests")
WHERE = "https://zeta.example/wheels/zeta-2.1.0-py3-none-any.whl"
THERE = "https://zeta.example/certificates/zeta.json"

pytestmark = pytest.mark.usefixtures("zeta")


@pytest.fixture
def wheel(make_wheel: Callable[..., Path]) -> Path:
    return make_wheel()


def certify(wheel: Path, *, digest: str = "", now: datetime = NOW) -> Path:
    path = wheel.with_name("zeta.json")
    digest = digest or hashlib.sha256(wheel.read_bytes()).hexdigest()
    path.write_bytes(signed_certificate(digest, signed_by=ISSUER, issued_at=now))
    return path


def entries(wheel: Path, certificates: dict[str, CertificateFile]) -> list[dict[str, Any]]:
    wheels = {WHERE: read_wheel(wheel)}
    made = generate_manifest([find_package("zeta")], version="1", source="z", wheels=wheels, certificates=certificates)
    found: list[dict[str, Any]] = made["entries"]
    return found


def test_every_entry_of_the_wheel_names_its_certificate(wheel: Path) -> None:
    path = certify(wheel)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    found = [entry["certificate"] for entry in entries(wheel, {THERE: read_certificate(path, NOW)})]
    assert found == [{"uri": THERE, "sha256": digest}] * 4


def test_a_certificate_of_another_wheel_is_refused(wheel: Path) -> None:
    other = read_certificate(certify(wheel, digest="0" * 64), NOW)
    with pytest.raises(CertificateError, match=r"zeta\.json is about other bytes than those of the wheels given"):
        entries(wheel, {THERE: other})


def test_two_certificates_of_one_wheel_are_one_too_many(wheel: Path) -> None:
    found = read_certificate(certify(wheel), NOW)
    with pytest.raises(ManifestError, match=r"two certificates of zeta-2\.1\.0-py3-none-any\.whl"):
        entries(wheel, {THERE: found, f"{THERE}?": found})


def test_what_runtimes_would_refuse_is_not_offered_to_them(wheel: Path) -> None:
    path = certify(wheel)
    with pytest.raises(ExpiredError, match="expired"):
        read_certificate(path, NOW + timedelta(days=3650))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CertificateError, match="cannot be read"):
        read_certificate(path, NOW)
    with pytest.raises(ArtifactError, match="No such file"):
        read_certificate(path.with_name("missing"), NOW)


@pytest.fixture
def typed(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """``typed(*arguments)`` where the wheel and its certificate are."""
    certify(wheel, now=datetime.now(UTC))
    monkeypatch.chdir(wheel.parent)
    monkeypatch.setenv("COLUMNS", "200")
    given = ("manifest", "generate", "--package", "zeta", "--version", "1", "--output", "m.json")
    return lambda *arguments: main([*given, *arguments])


WHEEL = ("--artifact", "zeta-2.1.0-py3-none-any.whl", "--artifact-url", "https://zeta.example/")
CERTIFICATE = ("--certificate", "zeta.json", "--certificate-url", "https://zeta.example/certificates/")


def test_where_it_will_be_is_said_as_of_the_wheel(typed: Callable[..., int]) -> None:
    assert typed(*WHEEL, *CERTIFICATE) == 0
    entry = json.loads(Path("m.json").read_text())["entries"][0]
    assert entry["certificate"] == {
        "uri": "https://zeta.example/certificates/zeta.json",
        "sha256": hashlib.sha256(Path("zeta.json").read_bytes()).hexdigest(),
    }


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        ((*WHEEL, *CERTIFICATE[:2]), "--certificate and --certificate-url go together", 2),
        ((*WHEEL, *CERTIFICATE[2:]), "--certificate and --certificate-url go together", 2),
        (CERTIFICATE, "--certificate needs --artifact", 2),
        ((*WHEEL, *CERTIFICATE[:3], "https://zeta.example/other.json"), "is the URL of another file than zeta.json", 2),
    ],
)
def test_a_certificate_that_nobody_could_fetch_is_refused(
    typed: Callable[..., int], capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str, code: int
) -> None:
    assert typed(*arguments) == code
    assert said in capsys.readouterr().err
    assert not Path("m.json").exists()
