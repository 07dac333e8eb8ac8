"""Where a policy insists on certificates, no artifact is used without one, and what runs does not notice refusals."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.errors import CertificateError, DigestMismatchError, ExpiredError, RefusedFetchError, SignatureError
from oneiric_core.manifest import JSON
from oneiric_core.remote.artifacts import ArtifactManager
from oneiric_core.testing import PUBLISHER, key_pair, make_wheel, manifest_entry, signed_certificate, signed_manifest
from oneiric_core.trust import CertificatePolicy, PublicKey, TrustPolicy

ISSUER = key_pair("issuer of certificates")
NOW = datetime(2026, 6, 1, tzinfo=UTC)  # where the clock of these tests stands
TRUST = TrustPolicy(
    [PublicKey(PUBLISHER.public)],
    unsafe_allow_published_keys=True,
    certificate=CertificatePolicy([PublicKey(ISSUER.public)]),
)
CODE = "class Cache(dict):\n    version = {version}\n"


class Offers:
    """A directory with wheels and certificates, and manifests that name them."""

    def __init__(self, path: Path) -> None:
        self.path = path / "offered"
        self.path.mkdir()
        self.artifacts = ArtifactManager(path / "cache", local_roots=[self.path])
        self.number = 0

    def put(self, data: bytes, ending: str) -> tuple[str, str]:
        """Name and digest of a file with these bytes."""
        sha256 = hashlib.sha256(data).hexdigest()
        (self.path / f"{sha256}{ending}").write_bytes(data)
        return f"{sha256}{ending}", sha256

    def manifest(
        self, version: int, certificate: Callable[[str], bytes] | None = None, **more: Any
    ) -> tuple[bytes, str]:
        """One cache from a wheel of that version, with the certificate that is made for the wheel's digest."""
        wheel = make_wheel({"acme.py": CODE.format(version=version)}, version=f"{version}.0")
        uri, sha256 = self.put(wheel, ".whl")
        fields: dict[str, Any] = {"uri": uri, "sha256": sha256, "length": len(wheel)}
        if certificate is not None:
            where, digest = self.put(certificate(sha256), ".json")
            fields["certificate"] = {"uri": where, "sha256": digest}
        self.number += 1
        entry = manifest_entry(
            domain="adapter", key="cache", provider="acme", factory="acme:Cache", **{**fields, **more}
        )
        return signed_manifest([entry], sequence_number=self.number), JSON


def certified(sha256: str, **changes: Any) -> bytes:
    return signed_certificate(sha256, signed_by=changes.pop("signed_by", ISSUER), **changes)


@pytest.fixture
def offers(tmp_path: Path) -> Offers:
    return Offers(tmp_path)


async def test_a_certified_artifact_runs(world, offers: Offers) -> None:
    report = await world.sync(offers.manifest(1, certified), trust=TRUST, artifacts=offers.artifacts)
    assert report.registered == 1
    await world.lifecycle.activate("adapter", "cache")
    async with world.lifecycle.lease("adapter", "cache") as cache:
        assert cache.version == 1


async def test_digests_in_capitals_are_those_of_the_same_bytes(world, offers: Offers) -> None:
    """What was signed is the text as it stands; what is fetched, pinned and certified are bytes."""
    wheel = offers.put(make_wheel({"acme.py": CODE.format(version=1)}), ".whl")
    certificate = offers.put(certified(wheel[1]), ".json")
    named = {"uri": certificate[0], "sha256": certificate[1].upper()}
    names = {"domain": "adapter", "key": "cache", "provider": "acme", "factory": "acme:Cache"}
    entry = manifest_entry(**names, uri=wheel[0], sha256=wheel[1].upper(), certificate=named)
    offer = signed_manifest([entry])
    assert wheel[1].upper().encode() in offer
    report = await world.sync((offer, JSON), trust=TRUST, artifacts=offers.artifacts)
    assert report.registered == 1
    assert set(offers.artifacts.store.pinned()) == {wheel[1], certificate[1]}
    await world.lifecycle.activate("adapter", "cache")


REFUSALS: dict[str, tuple[Callable[[str], bytes] | None, type[Exception], str]] = {
    "none": (None, CertificateError, "adapter/cache/acme has no certificate"),
    "expired": (
        lambda sha256: certified(sha256, issued_at=NOW - timedelta(days=400)),
        ExpiredError,
        "adapter/cache/acme: the certificate expired at",
    ),
    "other bytes": (
        lambda sha256: certified(sha256[::-1]),
        CertificateError,
        "adapter/cache/acme: .* about other bytes",
    ),
    "a stranger": (
        lambda sha256: certified(sha256, signed_by=key_pair("a stranger to all")),
        SignatureError,
        "adapter/cache/acme: .* none of the issuers",
    ),
    "an unknown level": (
        lambda sha256: certified(sha256, levels=["core", "golden"]),
        CertificateError,
        "level 'golden', which is not known",
    ),
    "a newer schema": (
        lambda sha256: certified(sha256, schema=2),
        CertificateError,
        "schema 2, and this version reads",
    ),
    "cut": (lambda sha256: certified(sha256)[:-9], CertificateError, "adapter/cache/acme: .* cannot be read"),
    "something else": (lambda _: b"{}", CertificateError, "cannot be read"),
}


@pytest.mark.parametrize("kind", REFUSALS)
async def test_what_is_not_certified_is_refused_with_the_reason_and_nothing_changes(
    world, offers: Offers, kind: str
) -> None:
    """The one that runs keeps serving: same instance, and the candidates as before."""
    certificate, error, why = REFUSALS[kind]
    await world.sync(offers.manifest(1, certified), trust=TRUST, artifacts=offers.artifacts)
    await world.lifecycle.activate("adapter", "cache")
    async with world.lifecycle.lease("adapter", "cache") as before:
        pass
    with pytest.raises(error, match=why):
        await world.sync(offers.manifest(2, certificate), trust=TRUST, artifacts=offers.artifacts)
    async with world.lifecycle.lease("adapter", "cache") as after:
        assert after is before
    assert (await world.sync(offers.manifest(3, certified), trust=TRUST, artifacts=offers.artifacts)).swapped


async def test_a_lower_level_than_asked_for_is_refused(world, offers: Offers) -> None:
    assert TRUST.certificate is not None
    demanding = replace(TRUST, certificate=replace(TRUST.certificate, level="hardened"))
    with pytest.raises(CertificateError, match="level is core, and hardened is asked for"):
        await world.sync(offers.manifest(1, certified), trust=demanding, artifacts=offers.artifacts)
    assert world.names() == set()
    hardened = offers.manifest(2, lambda sha256: certified(sha256, level="hardened"))
    assert (await world.sync(hardened, trust=demanding, artifacts=offers.artifacts)).registered == 1


async def test_a_certificate_that_the_publisher_did_not_mean_is_refused(world, offers: Offers) -> None:
    """The manifest names it by digest, so that nobody on the way can put another one in its place."""
    manifest = offers.manifest(1, certified)
    for path in offers.path.glob("*.json"):
        path.write_bytes(certified("0" * 64))
    with pytest.raises(DigestMismatchError):
        await world.sync(manifest, trust=TRUST, artifacts=offers.artifacts)


async def test_a_certificate_that_is_not_there_is_refused(world, offers: Offers) -> None:
    manifest = offers.manifest(1, certified)
    for path in offers.path.glob("*.json"):
        path.unlink()
    with pytest.raises(RefusedFetchError):
        await world.sync(manifest, trust=TRUST, artifacts=offers.artifacts)


async def test_no_artifact_is_brought_before_its_certificate_is_believed(world, offers: Offers, tmp_path: Path) -> None:
    with pytest.raises(CertificateError):
        await world.sync(offers.manifest(1, lambda _: certified("0" * 64)), trust=TRUST, artifacts=offers.artifacts)
    (wheel,), (certificate,) = offers.path.glob("*.whl"), offers.path.glob("*.json")
    kept = {path.name for path in (tmp_path / "cache").rglob("*")}
    assert certificate.stem in kept
    assert wheel.stem not in kept


async def test_without_a_cache_no_certificate_can_be_brought(world, offers: Offers) -> None:
    with pytest.raises(CertificateError, match="no artifact cache"):
        await world.sync(offers.manifest(1, certified), trust=TRUST)


async def test_what_is_installed_already_needs_none(world) -> None:
    world.factories["m:Cache"] = dict
    entry = manifest_entry(domain="adapter", key="cache", provider="acme", factory="m:Cache")
    report = await world.sync((signed_manifest([entry]), JSON), trust=TRUST)
    assert report.registered == 1


async def test_a_certificate_that_ends_while_its_component_runs_is_told_at_the_next_look(world, offers: Offers) -> None:
    """The component keeps running; whether to stop it is for the operator to decide."""
    ending = offers.manifest(1, lambda sha256: certified(sha256, expires_at=NOW + timedelta(hours=1)))
    await world.sync(ending, trust=TRUST, artifacts=offers.artifacts)
    await world.lifecycle.activate("adapter", "cache")
    assert (await world.sync(ending, trust=TRUST, artifacts=offers.artifacts)).unchanged
    await world.clock.advance(2 * 3600)
    with pytest.raises(ExpiredError, match="adapter/cache/acme: the certificate expired"):
        await world.sync(ending, trust=TRUST, artifacts=offers.artifacts)
    async with world.lifecycle.lease("adapter", "cache") as cache:
        assert cache.version == 1


async def test_the_last_known_good_serves_after_a_restart_though_its_certificate_has_ended(
    world, offers: Offers, tmp_path: Path
) -> None:
    data, media_type = offers.manifest(1, lambda sha256: certified(sha256, expires_at=NOW + timedelta(hours=1)))
    assert media_type == JSON
    place = tmp_path / "manifest.json"
    place.write_bytes(data)
    await world.sync(place, trust=TRUST, artifacts=offers.artifacts)
    await world.restart()
    place.unlink()
    for path in offers.path.iterdir():
        path.unlink()
    await world.clock.advance(2 * 3600)
    report = await world.sync(place, trust=TRUST, artifacts=offers.artifacts)
    assert report.stale
    assert world.names() == {"adapter/cache/acme"}
    assert json.loads(data)["entries"][0]["certificate"]["sha256"] in offers.artifacts.store.pinned()
