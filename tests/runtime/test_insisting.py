"""What the settings ask of a manifest beside signatures is asked whoever says which keys are trusted."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.runtime.plan import Arguments, Plan
from oneiric_core.settings import Settings
from oneiric_core.testing import PUBLISHER, key_pair
from oneiric_core.trust import CertificatePolicy, PublicKey, TrustPolicy

HERE = TrustPolicy([PublicKey(PUBLISHER.public)], unsafe_allow_published_keys=True)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("source = 'another'", "another"),
        ("require_expiry = true", "expires"),
        ("max_age = '1s'", "signed"),
    ],
)
async def test_what_the_settings_ask_is_asked_of_a_policy_that_was_given(stage: Any, asked: str, why: str) -> None:
    stage.configure(f"[trust]\n{asked}")
    stage.publish(stage.entry("One"))
    runtime = stage.runtime()
    await runtime.start()
    assert why in runtime.snapshot().sync.last_error
    assert runtime.resolver.candidates() == []


async def test_a_certificate_can_be_asked_for_without_settings(stage: Any) -> None:
    stage.publish(stage.entry("One") | {"uri": "one.whl", "sha256": "0" * 64})
    asked = CertificatePolicy([PublicKey(key_pair("issuer").public)], "core")
    runtime = stage.runtime(certificate=asked)
    await runtime.start()
    assert "has no certificate" in runtime.snapshot().sync.last_error


@pytest.mark.parametrize("asked", [None, "core"])
def test_what_a_program_asks_of_certificates_goes_before_the_settings(tmp_path: Path, asked: str | None) -> None:
    (tmp_path / "issuer.pem").write_text(key_pair("another issuer").public_pem, encoding="utf-8")
    settings = Settings.from_document({"trust": {"certificate": {"keys": ["issuer.pem"]}}})
    issuer = PublicKey(key_pair("issuer").public)
    own = replace(HERE, certificate=CertificatePolicy([issuer], "hardened"))
    argument = None if asked is None else CertificatePolicy([issuer], asked)
    plan = Plan.of(Arguments(trust=own, certificate=argument), settings, tmp_path)
    assert plan.certificate == (argument or own.certificate)
    assert Plan.of(Arguments(trust=HERE), settings, tmp_path).certificate is not None


@pytest.mark.parametrize(
    ("own", "settings", "stricter"),
    [
        (HERE, {}, HERE),
        (
            HERE,
            {"source": "acme", "require_expiry": True, "max_age": "1h"},
            TrustPolicy(
                HERE.keys,
                source="acme",
                require_expiry=True,
                max_age=timedelta(hours=1),
                unsafe_allow_published_keys=True,
            ),
        ),
        (
            TrustPolicy(HERE.keys, source="own", max_age=timedelta(minutes=1), unsafe_allow_published_keys=True),
            {"source": "acme", "max_age": "1h"},
            TrustPolicy(HERE.keys, source="own", max_age=timedelta(minutes=1), unsafe_allow_published_keys=True),
        ),
        (
            TrustPolicy(HERE.keys, require_expiry=True, max_age=timedelta(days=1), unsafe_allow_published_keys=True),
            {"max_age": "1h"},
            TrustPolicy(HERE.keys, require_expiry=True, max_age=timedelta(hours=1), unsafe_allow_published_keys=True),
        ),
    ],
    ids=["nothing is asked", "all of it", "the own is stricter", "some of each"],
)
def test_whichever_is_the_stricter_counts(own: TrustPolicy, settings: dict[str, Any], stricter: TrustPolicy) -> None:
    assert Settings.from_document({"trust": settings}).trust.added_to(own) == stricter
