"""From bytes to a manifest that may be believed: everything signed counts, nothing else does, in the right order."""

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from oneiric_core.errors import (
    ExpiredError,
    ManifestError,
    OneiricError,
    SignatureError,
    TrustError,
    UntrustedKeyError,
)
from oneiric_core.manifest import ENVELOPE, JSON, YAML, Limits, get_canonical_manifest_for_signing, media_type_of
from oneiric_core.manifest.applicability import why_not_here
from oneiric_core.remote.environment import current_environment
from oneiric_core.testing import (
    PUBLISHER,
    STRANGER,
    BadManifest,
    bad_manifest,
    key_pair,
    manifest_entry,
    signed_manifest,
)
from oneiric_core.trust import (
    PublicKey,
    RefuseAll,
    TrustPolicy,
    UnsafeAcceptUnsigned,
    append_signature,
    authenticate,
    sign_manifest,
    verify_manifest,
)

Form: TypeAlias = Literal["flat", "dsse"]

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ENTRY = manifest_entry("adapter", "cache", "redis", "acme.cache:RedisCache", colour="red")
DOCUMENT: dict[str, Any] = {"source": "acme", "sequence_number": 1, "ratio": 0.1, "entries": [ENTRY]}
FORMS = pytest.mark.parametrize(("form", "media_type"), [("flat", JSON), ("flat", YAML), ("dsse", ENVELOPE)])


def policy(*names: str, threshold: int = 1, source: str | None = None) -> TrustPolicy:
    keys = [PublicKey(key_pair(name).public) for name in names or ("publisher",)]
    return TrustPolicy(keys, threshold=threshold, source=source, unsafe_allow_published_keys=True)


def dump(document: dict[str, Any], media_type: str) -> bytes:
    text = yaml.safe_dump(document) if media_type == YAML else json.dumps(document)
    return text.encode("utf-8")


@FORMS
def test_what_was_signed_verifies_and_says_what_was_signed(form: Form, media_type: str) -> None:
    data = dump(sign_manifest(DOCUMENT, PUBLISHER.private, form=form), media_type)
    verified = verify_manifest(data, media_type, policy(), now=NOW)
    assert verified.signers == (PublicKey(PUBLISHER.public).fingerprint,)
    assert verified.manifest.entries[0].to_candidate("acme").metadata["unknown_fields"] == {"colour": "red"}
    assert {name: verified.document[name] for name in DOCUMENT} == DOCUMENT


@FORMS
def test_a_threshold_is_met_by_distinct_keys_only(form: Form, media_type: str) -> None:
    once = sign_manifest(DOCUMENT, key_pair("a").private, form=form, key_id="first")
    again = append_signature(once, key_pair("a").private, form=form, key_id="second")
    both = append_signature(again, key_pair("b").private, form=form)
    strict = policy("a", "b", "c", threshold=2)
    for document in (once, again):
        with pytest.raises(SignatureError, match="1 of the trusted keys signed, 2 must"):
            verify_manifest(dump(document, media_type), media_type, strict, now=NOW)
    verified = verify_manifest(dump(both, media_type), media_type, strict, now=NOW)
    assert verified.signers == tuple(sorted(PublicKey(key_pair(name).public).fingerprint for name in "ab"))


@pytest.mark.parametrize(
    "foreign",
    [{"algorithm": "ml-dsa", "parts": [1]}, {"algorithm": "ml-dsa", "signature": {"r": 1}}, {"algorithm": ""}],
)
def test_a_signature_of_an_algorithm_to_come_spoils_nothing(foreign: dict[str, Any]) -> None:
    beside = SIGNED | {"signatures": [foreign]}
    listed = append_signature(beside, STRANGER.private, key_id="s")
    assert listed["signatures"][0] == foreign
    for document in (beside, listed):
        verified = verify_manifest(dump(document, JSON), JSON, policy(), now=NOW)
        assert verified.manifest.to_document() == document
    with pytest.raises(SignatureError, match="0 of the trusted keys signed"):
        verify_manifest(dump(DOCUMENT | {"signatures": [foreign]}, JSON), JSON, policy(), now=NOW)


@pytest.mark.parametrize("kind", list(BadManifest))
def test_every_bad_manifest_is_refused_and_its_good_twin_is_not(kind: BadManifest) -> None:
    trusted = policy("publisher", "second", threshold=kind.threshold)
    signers = [PUBLISHER, key_pair("second")][: kind.threshold]
    verify_manifest(signed_manifest([ENTRY], signed_by=signers), JSON, trusted, now=NOW)
    with pytest.raises(SignatureError):
        verify_manifest(bad_manifest(kind, [ENTRY]), JSON, trusted, now=NOW)


Path: TypeAlias = tuple[str | int, ...]


def paths(value: object, path: Path = ()) -> list[Path]:
    children: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    return [path, *(found for key, child in children for found in paths(child, (*path, key)))]


def changed(document: dict[str, Any], path: Path, change: Callable[[Any, Any], None]) -> dict[str, Any]:
    copy = json.loads(json.dumps(document))
    parent = copy
    for step in path[:-1]:
        parent = parent[step]
    change(parent, path[-1])
    return copy


def remove(parent: Any, key: Any) -> None:
    del parent[key]


def wrap(parent: Any, key: Any) -> None:
    parent[key] = [parent[key]]


def retype(parent: Any, key: Any) -> None:
    parent[key] = str(parent[key]) if not isinstance(parent[key], str) else parent[key] + " "


SIGNED = sign_manifest(DOCUMENT, PUBLISHER.private)
SIGNED_PATHS = [path for path in paths(SIGNED) if path and path[0] not in {"signature", "signature_algorithm"}]


@pytest.mark.parametrize("change", [remove, wrap, retype])
@pytest.mark.parametrize("path", SIGNED_PATHS, ids=str)
def test_a_change_anywhere_in_a_flat_document_breaks_the_signature(
    path: Path, change: Callable[[Any, Any], None]
) -> None:
    with pytest.raises(SignatureError):
        verify_manifest(dump(changed(SIGNED, path, change), JSON), JSON, policy(), now=NOW)


@given(st.data())
def test_a_flipped_bit_anywhere_in_an_envelope_is_refused_or_means_nothing(data: st.DataObject) -> None:
    content = bytearray(dump(sign_manifest(DOCUMENT, PUBLISHER.private, form="dsse", key_id="k"), ENVELOPE))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        verified = verify_manifest(bytes(content), ENVELOPE, policy(), now=NOW)
    except (ManifestError, TrustError):
        return
    assert verified.document == DOCUMENT  # the bit was in the key id, which decides nothing


def test_the_digest_is_of_what_was_signed() -> None:
    flat = verify_manifest(dump(SIGNED, JSON), JSON, policy(), now=NOW)
    as_yaml = verify_manifest(dump(SIGNED, YAML), YAML, policy(), now=NOW)
    canonical = get_canonical_manifest_for_signing(DOCUMENT).encode()
    assert flat.digest == as_yaml.digest == hashlib.sha256(canonical).hexdigest()
    envelope = sign_manifest(DOCUMENT, PUBLISHER.private, form="dsse")
    payload = base64.b64decode(envelope["payload"])
    verified = verify_manifest(dump(envelope, ENVELOPE), ENVELOPE, policy(), now=NOW)
    assert verified.digest == hashlib.sha256(payload).hexdigest()
    assert (flat.form, verified.form) == ("flat", "envelope")


WRONG_ENTRY = {"source": "evil", "expires_at": "2026-01-01T00:00:00Z", "entries": [{"domain": "x"}]}


@pytest.mark.parametrize(
    ("document", "signer", "error"),
    [
        (WRONG_ENTRY, STRANGER, SignatureError),
        (WRONG_ENTRY | {"signed_at": 7}, PUBLISHER, ManifestError),
        (WRONG_ENTRY, PUBLISHER, TrustError),
        (WRONG_ENTRY | {"source": "acme"}, PUBLISHER, ExpiredError),
        (WRONG_ENTRY | {"source": "acme", "expires_at": "2027-01-01T00:00:00Z"}, PUBLISHER, ManifestError),
    ],
    ids=["threshold", "header", "source", "expiry", "entries"],
)
@FORMS
def test_belief_is_earned_in_order(
    form: Form, media_type: str, document: dict[str, Any], signer: Any, error: type[OneiricError]
) -> None:
    """Everything is wrong with these but what comes before the step that refuses."""
    data = dump(sign_manifest(document, signer.private, form=form), media_type)
    with pytest.raises(error) as refused:
        verify_manifest(data, media_type, policy(source="acme"), now=NOW)
    assert type(refused.value) is error


def test_an_envelope_is_believed_before_its_payload_is_parsed() -> None:
    envelope = {
        "payload": base64.b64encode(b"not JSON").decode(),
        "payloadType": "application/vnd.oneiric.manifest+json",
        "signatures": [],
    }
    with pytest.raises(SignatureError):
        verify_manifest(dump(envelope, ENVELOPE), ENVELOPE, policy(), now=NOW)


def test_an_envelope_wants_moments_of_rfc_3339_where_the_flat_form_is_lenient() -> None:
    document = DOCUMENT | {"signed_at": "2026-01-01"}
    verify_manifest(dump(sign_manifest(document, PUBLISHER.private), JSON), JSON, policy(), now=NOW)
    strict = DOCUMENT | {"signed_at": "2026-01-01T00:00:00.5Z", "expires_at": "2027-01-01T00:00:00-08:00"}
    envelope = sign_manifest(strict, PUBLISHER.private, form="dsse")
    verify_manifest(dump(envelope, ENVELOPE), ENVELOPE, policy(), now=NOW)
    envelope = sign_manifest(document, PUBLISHER.private, form="dsse")
    with pytest.raises(ManifestError, match="RFC 3339"):
        verify_manifest(dump(envelope, ENVELOPE), ENVELOPE, policy(), now=NOW)


def test_forms_are_never_guessed_from_the_bytes() -> None:
    envelope = dump(sign_manifest(DOCUMENT, PUBLISHER.private, form="dsse"), JSON)
    with pytest.raises(TrustError):
        verify_manifest(envelope, JSON, policy(), now=NOW)
    flat = dump(SIGNED, JSON)
    with pytest.raises(ManifestError):
        verify_manifest(flat, ENVELOPE, policy(), now=NOW)
    with pytest.raises(ManifestError, match="not JSON"):
        verify_manifest(dump(SIGNED, YAML), JSON, policy(), now=NOW)
    with pytest.raises(ManifestError, match="media type 'text/html'"):
        verify_manifest(flat, "text/html", policy(), now=NOW)
    assert verify_manifest(flat, "Application/JSON; charset=utf-8", policy(), now=NOW)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("m.json", JSON), ("a/m.dsse.json", ENVELOPE), ("M.YAML", YAML), ("m.yml", YAML), ("json.dsse.json", ENVELOPE)],
)
def test_extensions_declare_media_types(name: str, media_type: str) -> None:
    assert media_type_of(name) == media_type


@pytest.mark.parametrize("name", ["manifest", "m.txt", "json", ""])
def test_other_extensions_declare_nothing(name: str) -> None:
    with pytest.raises(ManifestError, match="does not say what"):
        media_type_of(name)


def test_nobody_is_believed_by_default_and_everybody_only_by_a_name_that_says_so() -> None:
    with pytest.raises(UntrustedKeyError):
        verify_manifest(dump(SIGNED, JSON), JSON, RefuseAll(), now=NOW)
    verified = verify_manifest(dump(DOCUMENT, JSON), JSON, UnsafeAcceptUnsigned(), now=NOW)
    assert (verified.signers, verified.manifest.source) == ((), "acme")


@FORMS
def test_bounds_are_those_of_the_caller_in_the_payload_too(form: Form, media_type: str) -> None:
    data = dump(sign_manifest(DOCUMENT | {"deep": [[[[]]]]}, PUBLISHER.private, form=form), media_type)
    verify_manifest(data, media_type, policy(), now=NOW, limits=Limits(max_depth=5))
    with pytest.raises(ManifestError, match="deeper than 4 levels"):
        verify_manifest(data, media_type, policy(), now=NOW, limits=Limits(max_depth=4))


raw_documents = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(str.encode),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["source", "entries", "signature", "signatures", "signed_at", "expires_at", "payload", "payloadType",
                 "sequence_number", "domain", "key", "provider", "factory", "license", "requires", "dag", "nodes",
                 "capabilities", "event_filters", "python_version", "retry_policy", "sig", "algorithm"]
            ) | st.text(max_size=3),
            inner,
            max_size=5,
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode()),
)  # fmt: skip


some_requirements = st.lists(
    st.sampled_from(
        ["pytest", "absent[x]>=1", "foo; sys_platform ~= 'linux'", "foo; 'a' in extras", "foo; '1' > platform_release"]
    )
    | st.text(max_size=9),
    max_size=2,
)
offers = st.fixed_dictionaries(
    {},
    optional={
        "requires": some_requirements,
        "conflicts_with": some_requirements,
        "python_version": st.sampled_from(["", ">=3", "~=3.1", "===odd", "!=3.*", "3"]),
        "os_platform": st.lists(st.text(max_size=3), max_size=2),
    },
).map(lambda fields: json.dumps({"entries": [ENTRY | fields]}).encode())


@example(dump({"entries": [ENTRY | {"requires": ["foo; sys_platform ~= 'linux'"]}]}, JSON), JSON, True)
@given(st.one_of(raw_documents, offers), st.sampled_from([JSON, YAML, ENVELOPE]), st.booleans())
def test_any_bytes_give_a_manifest_or_an_error_of_ours(data: bytes, media_type: str, unsafe: bool) -> None:
    judge = UnsafeAcceptUnsigned() if unsafe else policy()
    try:
        verified = verify_manifest(data, media_type, judge, now=NOW)
    except (ManifestError, TrustError):
        return
    assert unsafe
    assert verified.signers == ()
    for entry in verified.manifest.entries:
        assert isinstance(why_not_here(entry, current_environment()), str)
        assert entry.to_candidate("acme").name == entry.name


def test_authenticating_looks_at_neither_age_nor_entries() -> None:
    data = dump(sign_manifest(WRONG_ENTRY, PUBLISHER.private), JSON)
    assert authenticate(data, JSON, policy()).header.source == "evil"
