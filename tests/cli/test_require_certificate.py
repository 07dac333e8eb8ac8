"""``--require-certificate``, and the same in ``oneiric.toml``: who insists on a level, by an issuer he names."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from oneiric_core.cli.main import main
from oneiric_core.testing import key_pair, make_wheel, manifest_entry, signed_certificate, signed_manifest

KEY, ISSUER, STRANGER = (key_pair(f"{name} of the command line") for name in ("publisher", "issuer", "stranger"))
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A manifest that brings a wheel with a certificate of level core."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONEIRIC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("ONEIRIC_STATE_DIR", str(tmp_path / "state"))
    for name, pair in (("key", KEY), ("issuer", ISSUER), ("stranger", STRANGER)):
        (tmp_path / f"{name}.pem").write_text(pair.public_pem, encoding="utf-8")
    write_settings()
    wheel = make_wheel({"acme_cli/cache.py": "class Cache(dict): pass\n"}, "acme-cli")
    Path("acme.whl").write_bytes(wheel)
    digest = hashlib.sha256(wheel).hexdigest()
    certificate = signed_certificate(digest, signed_by=ISSUER, issued_at=datetime.now(UTC))
    Path("certificate.json").write_bytes(certificate)
    entry = manifest_entry(
        "adapter",
        "cache",
        "acme",
        "acme_cli.cache:Cache",
        uri="acme.whl",
        sha256=digest,
        certificate={"uri": "certificate.json", "sha256": hashlib.sha256(certificate).hexdigest()},
    )
    Path("manifest.json").write_bytes(signed_manifest([entry], [KEY], source="acme"))
    return tmp_path


def write_settings(more: str = "") -> None:
    Path("oneiric.toml").write_text(f'[remote]\nlocal_roots = ["."]\n{more}', encoding="utf-8")


def sync(*arguments: str) -> int:
    return main(["sync", "--manifest", "manifest.json", "--public-key", "key.pem", *arguments])


def test_what_the_issuer_certified_is_brought(capsys: Capture) -> None:
    assert sync("--require-certificate", "core", "--certificate-key", "issuer.pem") == 0
    assert "1 adapter" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("level", "key", "why"),
    [
        ("hardened", "issuer.pem", "adapter/cache/acme: the certificate's level is core, and hardened is asked for"),
        ("core", "stranger.pem", "adapter/cache/acme: the certificate was made by none of the issuers"),
    ],
)
def test_what_does_not_do_ends_with_1_and_the_reason(capsys: Capture, level: str, key: str, why: str) -> None:
    assert sync("--require-certificate", level, "--certificate-key", key) == 1
    assert why in " ".join(capsys.readouterr().err.split())


def test_a_level_that_does_not_exist_is_wrong_usage(capsys: Capture) -> None:
    assert sync("--require-certificate", "hardend", "--certificate-key", "issuer.pem") == 2
    assert "'--require-certificate': there is no level 'hardend'; did you mean hardened?" in capsys.readouterr().err


@pytest.mark.parametrize("half", [("--require-certificate", "core"), ("--certificate-key", "issuer.pem")])
def test_level_and_issuer_belong_together(capsys: Capture, half: tuple[str, str]) -> None:
    assert sync(*half) == 2
    assert "belong together" in " ".join(capsys.readouterr().err.split())


def test_the_settings_may_insist_as_well(capsys: Capture) -> None:
    write_settings('[trust.certificate]\nkeys = ["issuer.pem"]\n')
    assert sync() == 0
    write_settings('[trust.certificate]\nkeys = ["issuer.pem"]\nlevel = "hardened"\n')
    assert sync() == 1
    assert "hardened is asked for" in " ".join(capsys.readouterr().err.split())
    write_settings("[trust.certificate]\n")
    assert sync() == 1
    assert "by nobody" in " ".join(capsys.readouterr().err.split())
