"""A document signed by the published ``oneiric`` verifies here, and the other way round."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

security = pytest.importorskip(
    "oneiric.remote.security", reason="the published package needs Python 3.13 and is not installed in this environment"
)
loader = pytest.importorskip("oneiric.remote.loader")
config = pytest.importorskip("oneiric.core.config")

from oneiric_core.components import Candidate  # noqa: E402 - as the others
from oneiric_core.domains import DOMAINS  # noqa: E402 - as the others
from oneiric_core.errors import ManifestError  # noqa: E402 - only where the package above is
from oneiric_core.manifest import JSON, YAML, get_canonical_manifest_for_signing, parse_document  # noqa: E402
from oneiric_core.testing import PUBLISHER, STRANGER, key_pair  # noqa: E402
from oneiric_core.trust import PublicKey, TrustPolicy, append_signature, sign_manifest, verify_manifest  # noqa: E402

NOW = datetime(2026, 6, 1, tzinfo=UTC)
POLICY = TrustPolicy([PublicKey(PUBLISHER.public)], unsafe_allow_published_keys=True)
THEIR_KEYS = [PUBLISHER.private.public_key()]
PRIVATE = base64.b64encode(PUBLISHER.private.private_bytes_raw()).decode("ascii")

STRICT = config.RemoteSourceConfig(signature_required=True)
SAMPLES = Path(__file__).resolve().parents[2] / "docs"
ONLY_THEIRS = {"source"}
ONLY_OURS = {"sha256", "length", "certificate", "unknown_fields"}
"""Metadata that one side has no name for."""

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x85\ufeff"), max_size=8)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
names = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)
plain = st.dictionaries(text, values, max_size=3)
security_profiles = st.fixed_dictionaries(
    {},
    optional={
        "classification": text,
        "auth_required": st.booleans(),
        "scopes": st.lists(text, max_size=2),
        "encryption": st.none() | text,
        "signature_required": st.booleans(),
        "audience": st.lists(text, max_size=2),
        "notes": text,
    },
)
descriptors = st.fixed_dictionaries(
    {"name": names},
    optional={
        "description": text,
        "event_types": st.lists(text, max_size=2),
        "payload_schema": st.none() | text | plain,
        "schema_format": text,
        "security": security_profiles,
        "metadata": plain,
    },
)
policies = st.fixed_dictionaries(
    {},
    optional={
        "attempts": st.integers(1, 9),
        "base_delay": st.floats(0, 1e3),
        "max_delay": st.integers(0, 100) | st.floats(0, 1e3),
        "jitter": st.booleans() | st.floats(0, 1),
        "backoff_multiplier": st.floats(1, 10),
    },
)
filters = st.one_of(
    *(
        st.fixed_dictionaries({"path": names, condition: judged})
        for condition, judged in (("equals", values), ("any_of", st.lists(values)), ("exists", st.booleans()))
    )
)
dags = st.fixed_dictionaries(
    {"nodes": st.lists(names, unique=True, max_size=3).map(lambda ids: [{"id": name, "task": name} for name in ids])}
)
entries = st.fixed_dictionaries(
    {"domain": st.sampled_from([domain.value for domain in DOMAINS]), "key": names, "provider": names},
    optional={
        "factory": st.just("oneiric.remote.samples:demo_remote_adapter"),
        "uri": text,
        "sha256": st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
        "stack_level": st.integers(-100, 100),
        "priority": st.integers(-1000, 1000),
        "version": text,
        "metadata": st.dictionaries(text, values, max_size=3),
        "capabilities": st.lists(names | descriptors, max_size=2),
        "owner": text,
        "requires_secrets": st.booleans(),
        "settings_model": text,
        "side_effect_free": st.booleans(),
        "timeout_seconds": st.floats(0.001, 1e6) | st.integers(1, 1000),
        "retry_policy": st.none() | policies,
        "requires": st.lists(st.sampled_from(["pydantic>=2", "redis; python_version<'3'"]), max_size=2),
        "conflicts_with": st.lists(st.just("acme-legacy<2"), max_size=1),
        "python_version": st.none() | st.just(">=3.11,!=3.11.1"),
        "os_platform": st.lists(text, max_size=2),
        "license": st.sampled_from(["MIT", "Apache-2.0 OR BSD-3-Clause"]),
        "documentation_url": text,
        "event_topics": st.lists(text, max_size=2),
        "event_max_concurrency": st.integers(1, 64),
        "event_filters": st.lists(filters, max_size=2),
        "event_priority": st.integers(-5, 5),
        "event_fanout_policy": st.sampled_from(["broadcast", "exclusive"]),
        "dag": st.none() | dags,
        "length": st.integers(0, 2**40),
        "certificate": st.builds(dict, uri=text.filter(bool), sha256=st.just("ab" * 32)),
        "unknown": values,
    },
)
manifests = st.fixed_dictionaries(
    {"source": st.just("acme"), "entries": st.lists(entries, max_size=3)},
    optional={
        "schema_version": st.just(2),
        "sequence_number": st.integers(0, 2**53 - 1),
        "signed_at": st.sampled_from(["2026-01-01T00:00:00+00:00", "2026-01-01", "2026-01-01 10:00:00.5"]),
        "expires_at": st.sampled_from(["2126-01-01T00:00:00Z", "2126-01-01T00:00:00-05:00"]),
        "ratio": values,
        "größe": values,
    },
)


def complete(manifest: dict[str, Any]) -> dict[str, Any]:
    """With what an entry must have, and no two of one name."""
    listed = {
        (entry["domain"], entry["key"], entry["provider"]): {"factory": "oneiric.remote.samples:demo"} | entry
        for entry in manifest["entries"]
    }
    return manifest | {"entries": list(listed.values())}


@given(st.dictionaries(text, values))
def test_the_canonical_text_is_the_same_byte_for_byte(document: dict[str, Any]) -> None:
    signed = document | {"signature": "x", "signature_algorithm": "ed25519", "signatures": []}
    assert get_canonical_manifest_for_signing(signed) == security.get_canonical_manifest_for_signing(signed)


@given(manifests, st.booleans())
def test_what_they_sign_verifies_here(manifest: dict[str, Any], indent: bool) -> None:
    document = complete(manifest)
    document |= {
        "signature": security.sign_manifest_for_publishing(document, PRIVATE),
        "signature_algorithm": "ed25519",
    }
    data = json.dumps(document, indent=2 if indent else None, ensure_ascii=indent).encode("utf-8")
    verified = verify_manifest(data, JSON, POLICY, now=NOW)
    assert len(verified.manifest.entries) == len(document["entries"])


@pytest.fixture(scope="module", autouse=True)
def _they_trust_the_publisher() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(security.ENV_TRUSTED_PUBLIC_KEYS, base64.b64encode(PUBLISHER.public).decode("ascii"))
        yield


@given(manifests, st.booleans())
def test_what_we_sign_verifies_there_and_means_the_same(manifest: dict[str, Any], ascii_only: bool) -> None:
    document = sign_manifest(complete(manifest), PUBLISHER.private)
    written = json.dumps(document, ensure_ascii=ascii_only)
    theirs = loader._parse_manifest(written, signature_policy=STRICT)
    ours = verify_manifest(written.encode("utf-8"), JSON, POLICY, now=NOW).manifest
    assert len(theirs.entries) == len(ours.entries) == len(document["entries"])
    for their_entry, our_entry in zip(theirs.entries, ours.entries, strict=True):
        assert loader._validate_entry(their_entry) is None
        same_candidate(loader._candidate_from_entry(their_entry, None), our_entry.to_candidate("acme"))


def same_candidate(theirs: Any, ours: Candidate) -> None:
    """What both put into a candidate has one name and one value on both sides; empty values may be left out."""
    for field in ("domain", "key", "provider", "factory", "priority", "stack_level"):
        assert getattr(theirs, field) == getattr(ours, field)
    assert str(theirs.source) == str(ours.source)
    for name in {*theirs.metadata, *ours.metadata} - {*ONLY_THEIRS, *ONLY_OURS}:
        their_value, our_value = theirs.metadata.get(name), ours.metadata.get(name)
        if name == "capability_descriptors":
            assert [item["name"] for item in their_value] == [item["name"] for item in our_value]
        else:
            assert their_value == our_value or not (their_value or our_value), name


@pytest.mark.parametrize(("name", "signed", "count"), [("_v2", True, 7), ("", False, 17)], ids=["v2", "v1"])
def test_the_samples_are_read_there(name: str, signed: bool, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = base64.b64encode(key_pair("sample").public).decode("ascii")
    monkeypatch.setenv(security.ENV_TRUSTED_PUBLIC_KEYS, sample)
    written = (SAMPLES / f"sample_remote_manifest{name}.yaml").read_text(encoding="utf-8")
    manifest = loader._parse_manifest(written, signature_policy=STRICT if signed else None)
    assert len(manifest.entries) == count
    if signed:
        with pytest.raises(ValueError, match="verification failed"):
            loader._parse_manifest(written.replace("priority: 5", "priority: 6"), signature_policy=STRICT)
    else:
        assert [loader._validate_entry(entry) for entry in manifest.entries] == [None] * count


@given(manifests)
def test_a_yaml_manifest_that_we_accept_means_the_same_there(manifest: dict[str, Any]) -> None:
    """And is believed there, too."""
    written = yaml.safe_dump(sign_manifest(complete(manifest), PUBLISHER.private), allow_unicode=True)
    try:
        ours = parse_document(written.encode("utf-8"), YAML)
    except ManifestError as refused:
        assert refused.fix == "Quote it"  # noqa: PT017 - a float such as 1e+16, which they read as text
        return
    assert len(loader._parse_manifest(written, signature_policy=STRICT).entries) == len(ours["entries"])


@given(manifests)
def test_a_yaml_manifest_that_they_read_and_sign_verifies_here(manifest: dict[str, Any]) -> None:
    """Unless a value stands in it that has to be quoted."""
    document = complete(manifest)
    document |= {
        "signature": security.sign_manifest_for_publishing(document, PRIVATE),
        "signature_algorithm": "ed25519",
    }
    data = yaml.safe_dump(document, allow_unicode=True).encode("utf-8")
    try:
        parse_document(data, YAML)
    except ManifestError as refused:
        assert refused.fix == "Quote it"  # noqa: PT017 - a float such as 1e+16, which they read as text
        return
    assert yaml.safe_load(data) == document
    assert verify_manifest(data, YAML, POLICY, now=NOW).manifest.source == "acme"


def test_several_signers_verify_there_too() -> None:
    pairs = [PUBLISHER, STRANGER, key_pair("third")]
    document: dict[str, Any] = {"source": "acme", "entries": []}
    for pair in pairs:
        document = append_signature(document, pair.private, key_id=pair.name)
    signatures, algorithms = loader._extract_signatures(document)
    canonical = security.get_canonical_manifest_for_signing(document)
    keys = [pair.private.public_key() for pair in pairs]
    accepted, _, count = security.verify_manifest_signatures(canonical, signatures, threshold=3, trusted_keys=keys)
    assert (accepted, count, set(algorithms)) == (True, 3, {"ed25519"})


def test_a_tampered_document_is_refused_on_both_sides() -> None:
    document = sign_manifest({"source": "acme", "entries": []}, PUBLISHER.private) | {"source": "evil"}
    canonical = security.get_canonical_manifest_for_signing(document)
    accepted, _ = security.verify_manifest_signature(canonical, document["signature"], trusted_keys=THEIR_KEYS)
    assert not accepted
    with pytest.raises(ValueError, match="0 of the trusted keys signed"):
        verify_manifest(json.dumps(document).encode(), JSON, POLICY, now=NOW)
