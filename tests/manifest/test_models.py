"""What a manifest says: every field in its place, unknown ones kept, and a wrong one refused by name."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneiric_core.components import CandidateSource
from oneiric_core.domains import Domain
from oneiric_core.errors import ManifestError
from oneiric_core.manifest import RemoteManifest, RemoteManifestEntry

V1 = {"domain": "adapter", "key": "cache", "provider": "redis", "factory": "acme.cache:RedisCache"}
DIGEST = "ab" * 32
FULL: dict[str, Any] = V1 | {
    "uri": "https://acme.test/acme-1.0-py3-none-any.whl",
    "sha256": DIGEST,
    "stack_level": 3,
    "priority": -1,
    "version": "1.0",
    "metadata": {"region": "eu", "nested": {"list": [1, 2.5, None]}},
    "length": 1000,
    "capabilities": [
        "kv",
        {
            "name": "ttl",
            "description": "forgets",
            "event_types": ["expired"],
            "payload_schema": {"type": "object"},
            "schema_format": "jsonschema",
            "security": {"classification": "internal", "scopes": ["read"], "from_the_future": 1},
            "metadata": {"unit": "s"},
        },
    ],
    "owner": "acme",
    "requires_secrets": True,
    "settings_model": "acme.cache:RedisSettings",
    "side_effect_free": True,
    "timeout_seconds": 2.5,
    "retry_policy": {"attempts": 3, "base_delay": 0.1, "max_delay": 2, "jitter": 0.5, "backoff_multiplier": 2.0},
    "requires": ["redis>=5; python_version>='3.11'"],
    "conflicts_with": ["acme-legacy<2"],
    "python_version": ">=3.11",
    "os_platform": ["linux"],
    "license": "BSD-3-Clause",
    "documentation_url": "https://acme.test/docs",
    "event_topics": ["orders"],
    "event_max_concurrency": 4,
    "event_filters": [{"path": "payload.kind", "equals": "new"}, {"path": "payload.id", "exists": True}],
    "event_priority": 7,
    "event_fanout_policy": "exclusive",
    "dag": {
        "nodes": [{"id": "a", "task": "load"}, {"id": "b", "task": "save", "depends_on": ["a"], "payload": {"n": 1}}]
    },
    "certificate": {"uri": "https://acme.test/acme.dsse.json", "sha256": DIGEST},
}


def entry_with(**changes: object) -> dict[str, Any]:
    return {"entries": [FULL | changes]}


def test_a_version_1_document_is_valid_and_says_what_it_says() -> None:
    manifest = RemoteManifest.from_document({"source": "acme", "entries": [V1 | {"sha256": None, "uri": None}]})
    candidate = manifest.entries[0].to_candidate("acme")
    assert candidate.name == "adapter/cache/redis"
    assert candidate.factory == "acme.cache:RedisCache"
    assert (candidate.source, candidate.origin) == (CandidateSource.REMOTE_MANIFEST, "acme")
    assert dict(candidate.metadata) == {}


def test_a_digest_is_the_same_in_capitals_and_written_in_one_way_from_there_on() -> None:
    """The published package reads it in either way; in a cache an artifact has one name."""
    written = {"sha256": DIGEST.upper(), "certificate": {"uri": "x", "sha256": DIGEST.upper()}}
    [entry] = RemoteManifest.from_document(entry_with(**written)).entries
    metadata = entry.to_candidate("acme").metadata
    assert (entry.sha256, metadata["sha256"], metadata["certificate"]["sha256"]) == (DIGEST, DIGEST, DIGEST)


def test_the_defaults_of_the_published_package_hold() -> None:
    manifest = RemoteManifest.from_document({})
    assert (manifest.source, manifest.entries, manifest.signature_algorithm) == ("remote", [], "ed25519")


def test_every_field_reaches_the_candidate_under_its_published_name() -> None:
    candidate = RemoteManifest.from_document(entry_with()).entries[0].to_candidate("acme")
    assert (candidate.stack_level, candidate.priority) == (3, -1)
    assert candidate.capabilities == {"kv", "ttl"}
    assert dict(candidate.metadata) == {
        "region": "eu",
        "nested": {"list": [1, 2.5, None]},
        "remote_uri": FULL["uri"],
        "topics": ["orders"],
        "max_concurrency": 4,
        "filters": FULL["event_filters"],
        "fanout_policy": "exclusive",
        "capabilities": ["kv", "ttl"],
        "capability_descriptors": [{"name": "kv"}, FULL["capabilities"][1]],
        **{
            field: FULL[field]
            for field in (
                "sha256", "version", "length", "owner", "requires_secrets", "settings_model", "side_effect_free",
                "timeout_seconds", "retry_policy", "requires", "conflicts_with", "python_version", "os_platform",
                "license", "documentation_url", "event_priority", "dag", "certificate",
            )
        },
    }  # fmt: skip


def test_every_field_of_the_model_is_in_the_full_example() -> None:
    """So that a field added later cannot be forgotten in the test above."""
    assert set(FULL) == set(RemoteManifestEntry.model_fields)


def test_a_field_says_more_than_its_namesake_in_the_free_metadata() -> None:
    document = {"entries": [V1 | {"owner": "acme", "metadata": {"owner": "someone", "side_effect_free": True}}]}
    metadata = RemoteManifest.from_document(document).entries[0].to_candidate("").metadata
    assert metadata["owner"] == "acme"
    assert metadata["side_effect_free"] is True


@pytest.mark.parametrize(
    "free",
    [{"remote_uri": 5}, {"remote_uri": "https://acme.test/a.whl", "sha256": ["a"], "length": "x", "certificate": 5}],
    ids=str,
)
def test_what_an_entry_brings_is_said_by_its_fields_alone(free: dict[str, Any]) -> None:
    """The published package applies such a manifest, and neither it nor this one takes anything of it from there."""
    free = {"owner": "acme", **free}
    bare, full = ({"entries": [entry | {"metadata": free}]} for entry in (V1, FULL | {"owner": None}))
    assert dict(RemoteManifest.from_document(bare).entries[0].to_candidate("").metadata) == {"owner": "acme"}
    metadata = RemoteManifest.from_document(full).entries[0].to_candidate("").metadata
    assert metadata["owner"] == "acme"
    assert (metadata["remote_uri"], metadata["sha256"]) == (FULL["uri"], DIGEST)
    assert (metadata["length"], metadata["certificate"]) == (1000, FULL["certificate"])


def test_unknown_fields_are_kept_and_shown_wherever_they_stand() -> None:
    document = entry_with(colour="red", topics=["not ours"]) | {"channel": "beta"}
    manifest = RemoteManifest.from_document(document)
    candidate = manifest.entries[0].to_candidate("acme")
    assert candidate.metadata["unknown_fields"] == {"colour": "red", "topics": ["not ours"]}
    assert candidate.metadata["topics"] == ["orders"]
    assert manifest.to_document() == document
    assert manifest.model_extra == {"channel": "beta"}


def test_a_document_survives_the_round_trip() -> None:
    document = entry_with() | {
        "source": "acme",
        "schema_version": 2,
        "sequence_number": 7,
        "signed_at": "2026-01-01T00:00:00Z",
        "expires_at": "2027-01-01",
        "signatures": [{"signature": "AA==", "algorithm": "ed25519", "key_id": "k"}],
    }
    manifest = RemoteManifest.from_document(document)
    assert manifest.to_document() == document
    assert RemoteManifest.from_document(manifest.to_document()) == manifest


def test_former_names_of_the_retry_policy_are_read() -> None:
    policy = {"max_attempts": 5, "max_backoff": 9.5, "base_delay": 1}
    candidate = RemoteManifest.from_document(entry_with(retry_policy=policy)).entries[0].to_candidate("")
    assert candidate.metadata["retry_policy"] == {"attempts": 5, "max_delay": 9.5, "base_delay": 1}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"domain": "gadget"}, "domain"),
        ({"domain": None}, "domain"),
        ({"domain": "Adapter"}, "domain"),
        ({"key": ""}, "key"),
        ({"key": "../cache"}, "key"),
        ({"key": "a/b"}, "key"),
        ({"key": "a..b"}, "key"),
        ({"key": "."}, "key"),
        ({"key": "cache\n"}, "key"),
        ({"key": "cachè"}, "key"),
        ({"provider": "re dis"}, "provider"),
        ({"provider": 7}, "provider"),
        ({"factory": "acme"}, "factory"),
        ({"factory": "acme cache:X"}, "factory"),
        ({"factory": "acme:X()"}, "factory"),
        ({"factory": "acme:"}, "factory"),
        ({"factory": "acme:X\n"}, "factory"),
        ({"sha256": "ab"}, "sha256"),
        ({"sha256": "g" * 64}, "sha256"),
        ({"sha256": DIGEST + "\n"}, "sha256"),
        ({"stack_level": "3"}, "stack_level"),
        ({"stack_level": True}, "stack_level"),
        ({"priority": 1.0}, "priority"),
        ({"version": 1.5}, "version"),
        ({"metadata": []}, "metadata"),
        ({"length": -1}, "length"),
        ({"capabilities": [{"description": "nameless"}]}, "capabilities[0]"),
        ({"capabilities": [""]}, "capabilities[0]"),
        ({"requires_secrets": "yes"}, "requires_secrets"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"retry_policy": {"attempts": 0}}, "retry_policy.attempts"),
        ({"requires": ["redis>=five"]}, "requires[0]"),
        ({"requires": ["x; " + "(" * 400]}, "requires[0]"),
        ({"conflicts_with": [""]}, "conflicts_with[0]"),
        ({"python_version": "3.11"}, "python_version"),
        ({"license": "Do what you want"}, "license"),
        ({"license": "(" * 400 + "MIT" + ")" * 400}, "license"),
        ({"event_max_concurrency": 0}, "event_max_concurrency"),
        ({"event_fanout_policy": "some"}, "event_fanout_policy"),
        ({"event_filters": [{"path": "a"}]}, "event_filters[0]"),
        ({"event_filters": [{"path": "a", "equals": 1, "exists": True}]}, "event_filters[0]"),
        ({"dag": {"nodes": [{"id": "a", "task": "t", "depends_on": ["a"]}]}}, "dag"),
        ({"dag": {"nodes": [{"id": "a", "task": "t", "depends_on": ["b"]}]}}, "dag"),
        ({"dag": {"nodes": [{"id": "a", "task": "t"}, {"id": "a", "task": "t"}]}}, "dag"),
        ({"certificate": {"uri": "x"}}, "certificate.sha256"),
    ],
)
def test_a_wrong_field_is_refused_by_name(changes: dict[str, object], field: str) -> None:
    with pytest.raises(ManifestError) as refused:
        RemoteManifest.from_document(entry_with(**changes))
    assert str(refused.value.evidence["field"]).startswith(f"entries[0].{field}")
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("field", ["domain", "key", "provider", "factory"])
def test_the_four_required_fields_are_required(field: str) -> None:
    entry = {name: value for name, value in V1.items() if name != field}
    with pytest.raises(ManifestError) as refused:
        RemoteManifest.from_document({"entries": [V1 | {"provider": "other"}, entry]})
    assert refused.value.evidence["field"] == f"entries[1].{field}"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"source": ""}, "source"),
        ({"source": None}, "source"),
        ({"entries": {}}, "entries"),
        ({"sequence_number": -1}, "sequence_number"),
        ({"sequence_number": "7"}, "sequence_number"),
        ({"sequence_number": 1.0}, "sequence_number"),
        ({"sequence_number": True}, "sequence_number"),
        ({"schema_version": 0}, "schema_version"),
        ({"signed_at": "yesterday"}, "signed_at"),
        ({"signed_at": 1767225600}, "signed_at"),
        ({"expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at"),
    ],
)
def test_a_wrong_word_about_itself_is_refused_by_name(changes: dict[str, object], field: str) -> None:
    with pytest.raises(ManifestError) as refused:
        RemoteManifest.from_document({"entries": [V1]} | changes)
    assert refused.value.evidence["field"] == field


def test_two_entries_of_one_name_refuse_the_manifest() -> None:
    with pytest.raises(ManifestError, match=r"adapter/cache/redis is listed twice, again at entries\[2\]"):
        RemoteManifest.from_document({"entries": [V1, V1 | {"provider": "other"}, V1 | {"priority": 3}]})


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31 12:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
    ],
)
def test_moments_without_a_zone_mean_utc(text: str, moment: datetime) -> None:
    manifest = RemoteManifest.from_document({"signed_at": text, "expires_at": text})
    assert (manifest.signed, manifest.expires) == (moment, moment)


@given(st.sampled_from(list(Domain)), st.from_regex(r"[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*", fullmatch=True))
def test_ordinary_names_are_accepted_in_every_domain(domain: Domain, name: str) -> None:
    entry = {"domain": domain.value, "key": name, "provider": name, "factory": "a.b : c"}
    manifest = RemoteManifest.from_document({"entries": [entry]})
    assert manifest.entries[0].to_candidate("o").name == f"{domain}/{name}/{name}"


def test_an_error_in_a_capability_names_the_field_of_the_descriptor() -> None:
    broken = {"entries": [V1 | {"capabilities": ["kv", {"name": "ttl", "security": {"scopes": "read"}}]}]}
    with pytest.raises(ManifestError) as caught:
        RemoteManifest.from_document(broken)
    assert caught.value.evidence["field"] == "entries[0].capabilities[1].security.scopes"
    assert caught.value.evidence["errors"] == 1


def test_sixteen_parentheses_are_enough_for_anybody_and_are_read() -> None:
    marker = "(" * 16 + "python_version > '3'" + ")" * 16
    assert RemoteManifest.from_document(entry_with(requires=[f"x; {marker}"], license="(" * 16 + "MIT" + ")" * 16))


def test_a_document_made_of_an_entry_is_plain_json() -> None:
    document = RemoteManifest.from_document(entry_with()).entries[0].to_document()
    assert type(document["domain"]) is str
    assert document == FULL


def test_moments_do_not_depend_on_where_this_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        manifest = RemoteManifest.from_document({"signed_at": "2026-01-31", "expires_at": "2026-01-31T09:00:00+09:00"})
        moments = (manifest.signed, manifest.expires)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert moments == (datetime(2026, 1, 31, tzinfo=UTC),) * 2
    assert {moment.tzinfo for moment in moments if moment} == {UTC}
