"""A document signed by the published ``oneiric`` verifies here, and the other way round."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

security = pytest.importorskip(
    "oneiric.remote.security", reason="the published package needs Python 3.13 and is not installed in this environment"
)
loader = pytest.importorskip("oneiric.remote.loader")

from oneiric_core.errors import ManifestError  # noqa: E402 - only where the package above is
from oneiric_core.manifest import JSON, YAML, get_canonical_manifest_for_signing, parse_document  # noqa: E402
from oneiric_core.testing import PUBLISHER, STRANGER, key_pair  # noqa: E402
from oneiric_core.trust import PublicKey, TrustPolicy, append_signature, sign_manifest, verify_manifest  # noqa: E402

NOW = datetime(2026, 6, 1, tzinfo=UTC)
POLICY = TrustPolicy([PublicKey(PUBLISHER.public)], unsafe_allow_published_keys=True)
THEIR_KEYS = [PUBLISHER.private.public_key()]
PRIVATE = base64.b64encode(PUBLISHER.private.private_bytes_raw()).decode("ascii")

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
entries = st.fixed_dictionaries(
    {"domain": st.sampled_from(["adapter", "service", "task", "event", "workflow"]), "key": names, "provider": names},
    optional={
        "factory": st.just("oneiric.remote.samples:demo_remote_adapter"),
        "uri": text,
        "sha256": st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
        "stack_level": st.integers(-100, 100),
        "priority": st.integers(-1000, 1000),
        "version": text,
        "metadata": st.dictionaries(text, values, max_size=3),
        "capabilities": st.lists(
            names | st.fixed_dictionaries({"name": names}, optional={"metadata": values}), max_size=2
        ),
        "timeout_seconds": st.floats(0.001, 1e6),
        "requires_secrets": st.booleans(),
        "event_topics": st.lists(text, max_size=2),
        "unknown": values,
    },
)
manifests = st.fixed_dictionaries(
    {"source": st.just("acme"), "entries": st.lists(entries, max_size=3)},
    optional={"signed_at": st.just("2026-01-01T00:00:00+00:00"), "ratio": values, "größe": values},
)


def complete(manifest: dict[str, Any]) -> dict[str, Any]:
    """With what an entry must have, and no two of one name."""
    listed = {
        (entry["domain"], entry["key"], entry["provider"]): {"factory": "oneiric.remote.samples:demo"} | entry
        for entry in manifest["entries"]
    }
    for entry in listed.values():
        entry["capabilities"] = [
            item
            for item in entry.get("capabilities", [])
            if isinstance(item, str) or isinstance(item.get("metadata", {}), dict)
        ]
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


@given(manifests)
def test_what_we_sign_verifies_there(manifest: dict[str, Any]) -> None:
    document = sign_manifest(complete(manifest), PUBLISHER.private)
    read = json.loads(json.dumps(document))
    canonical = security.get_canonical_manifest_for_signing(read)
    assert security.verify_manifest_signature(canonical, read["signature"], trusted_keys=THEIR_KEYS) == (True, None)
    theirs = loader.RemoteManifest(**read)
    assert [entry.key for entry in theirs.entries] == [entry["key"] for entry in document["entries"]]


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
