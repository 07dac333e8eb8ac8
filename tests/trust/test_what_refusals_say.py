"""What a person is told when something is not believed: kept as text, so that a change of it does not slip in.

After a change that is meant: ``python tests/trust/test_what_refusals_say.py``, and read the difference.
"""

import base64
import json
import math
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import x25519

from oneiric_core.errors import OneiricError
from oneiric_core.manifest import JSON, YAML, Limits, ManifestHeader, RemoteManifest, media_type_of, parse_document
from oneiric_core.manifest.moments import read_moment, read_rfc3339
from oneiric_core.manifest.yaml_reader import read_yaml
from oneiric_core.testing import PUBLISHER, STRANGER, certificate_statement, key_pair, signed_certificate
from oneiric_core.trust import (
    MANIFEST_PAYLOAD,
    Authentic,
    CertificatePolicy,
    PublicKey,
    RefuseAll,
    Signature,
    TrustPolicy,
    TrustRoot,
    UnsafeAcceptUnsigned,
    append_root_signature,
    load_private_key,
    load_public_key,
    open_certificate,
    read_envelope,
    sign_manifest,
    sign_root,
    verify_manifest_signature,
)
from oneiric_core.trust.certificate import CERTIFICATE_PAYLOAD, Certificate
from oneiric_core.trust.root import advanced, anchored, known_root
from oneiric_core.trust.signatures import flat_signatures
from oneiric_core.trust.trusted_state import Mark, SourceState

KEPT: Final = Path(__file__).with_name("refusals.txt")
NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)
P: Final = 2**255 - 19
KEYS: Final = [PublicKey(key_pair(f"refusals {number}").public) for number in range(2)]
POLICY: Final = TrustPolicy(KEYS, threshold=2, source="acme")
RAW: Final = PUBLISHER.sign(b"m")
V1: Final = {"domain": "adapter", "key": "cache", "provider": "redis", "factory": "acme.cache:RedisCache"}


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def number(value: int) -> bytes:
    return value.to_bytes(32, "little")


def header(**fields: Any) -> ManifestHeader:
    return ManifestHeader.from_document(fields)


def authentic(sequence_number: int | None, digest: str = "d", source: str = "acme") -> Authentic:
    fields = {"source": source} | ({} if sequence_number is None else {"sequence_number": sequence_number})
    return Authentic({}, header(**fields), (), digest, "flat")


def signature(raw: bytes, **more: str) -> Callable[[], object]:
    return lambda: TrustPolicy(KEYS).check_signatures(b"m", [Signature(b64(raw), **more)])


def decoded(raw: bytes) -> Callable[[], object]:
    return lambda: Signature(b64(raw), key_id="k").decode()


def envelope(kind: str = MANIFEST_PAYLOAD, **changes: object) -> Callable[[], object]:
    document = {"payload": "e30=", "payloadType": kind, "signatures": []} | changes
    return lambda: read_envelope(json.dumps(document).encode(), MANIFEST_PAYLOAD, Limits())


def root_bytes(version: int, by: str = "root", **changes: object) -> bytes:
    role = {"keys": [b64(key_pair("refusals root").public)], "threshold": 1}
    roles = {"root": role, "manifest": role}
    fields = {"source": "acme", "version": version, "expires_at": "2026-05-01T00:00:00Z", "roles": roles}
    return json.dumps(sign_root(fields | changes, key_pair(f"refusals {by}").private)).encode()


ROOT: Final = TrustRoot.open(root_bytes(2))
STATE: Final = anchored(SourceState("acme", Mark(7, "d"), Mark(7, "d")), ROOT)


def pem_of_another_kind(*, private: bool) -> bytes:
    key = x25519.X25519PrivateKey.from_private_bytes(bytes(32))
    if private:
        return key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def parsed(data: str | bytes, media_type: str = JSON, **limits: int) -> Callable[[], object]:
    content = data.encode() if isinstance(data, str) else data
    return lambda: parse_document(content, media_type, Limits(**limits))


def entry(**changes: object) -> Callable[[], object]:
    return lambda: RemoteManifest.from_document({"entries": [V1 | changes]})


def envelope_bytes(payload: object, *signatures: object) -> bytes:
    content = json.dumps(payload).encode()
    return json.dumps({"payload": b64(content), "payloadType": CERTIFICATE_PAYLOAD, "signatures": signatures}).encode()


CERTIFICATE: Final = open_certificate(envelope_bytes(certificate_statement("a" * 64)))


def stated(changes: Mapping[str, object], **said: object) -> Callable[[], object]:
    """A statement with other fields, and others ``said`` in its extension."""
    return lambda: Certificate.from_statement(certificate_statement("a" * 64, **said) | changes)


KEY_CASES: Mapping[str, Callable[[], object]] = {
    "a key of 31 bytes": lambda: PublicKey(b"\1" * 31, "acme.pem"),
    "a key without a name": lambda: PublicKey(b"\1" * 31),
    "a key of small order": lambda: PublicKey(number(1), "acme.pem"),
    "a key that is no point": lambda: PublicKey(number(2), "acme.pem"),
    "a key in no form": lambda: load_public_key("hello", name="acme.pem"),
    "a key with unused bits": lambda: load_public_key("A" * 42 + "B=", name="acme.pem"),
    "a key in broken PEM": lambda: load_public_key("-----BEGIN PUBLIC KEY-----\n", name="acme.pem"),
    "a private key for a public one": lambda: load_public_key(PUBLISHER.private_pem, name="acme.pem"),
    "a public key of another kind": lambda: load_public_key(pem_of_another_kind(private=False), name="acme.pem"),
    "a private key in no form": lambda: load_private_key("hello", name="acme.pem"),
    "a private key with unused bits": lambda: load_private_key("A" * 42 + "B=", name="acme.pem"),
    "a public key for a private one": lambda: load_private_key(PUBLISHER.public_pem, name="acme.pem"),
    "a private key of another kind": lambda: load_private_key(pem_of_another_kind(private=True), name="acme.pem"),
    "a named key in no form": lambda: verify_manifest_signature("m", b64(RAW), "hello"),
}
POLICY_CASES: Mapping[str, Callable[[], object]] = {
    "nobody trusted": lambda: RefuseAll().check_signatures(b"m", [Signature("AAAA")]),
    "no source trusted": lambda: RefuseAll().check_source("acme"),
    "nothing fresh enough": lambda: RefuseAll().check_age(header(source="acme"), NOW),
    "a policy without keys": lambda: TrustPolicy([]),
    "a policy with a published key": lambda: TrustPolicy([PublicKey(PUBLISHER.public)]),
    "a threshold of none": lambda: TrustPolicy(KEYS, threshold=0),
    "a threshold of too many": lambda: TrustPolicy(KEYS, threshold=3),
    "no signatures": lambda: POLICY.check_signatures(b"m", []),
    "several signatures that do not count": lambda: POLICY.check_signatures(
        b"m", [Signature("AAAA"), Signature(b64(RAW)), Signature(b64(RAW), algorithm="rsa" * 20)]
    ),
    "another source": lambda: POLICY.check_source("evil"),
    "another source, unsigned": lambda: UnsafeAcceptUnsigned("acme").check_source("evil"),
    "no expiry": lambda: TrustPolicy(KEYS, require_expiry=True).check_age(header(), NOW),
    "no age": lambda: TrustPolicy(KEYS, max_age=timedelta(days=1)).check_age(header(), NOW),
    "too old": lambda: TrustPolicy(KEYS, max_age=timedelta(days=1)).check_age(header(signed_at="2026-01-01"), NOW),
    "expired": lambda: POLICY.check_age(header(expires_at="2026-01-01"), NOW),
    "from the future": lambda: POLICY.check_age(header(signed_at="2027-01-01"), NOW),
}
SIGNATURE_CASES: Mapping[str, Callable[[], object]] = {
    "a signature of 3 bytes": decoded(bytes(3)),
    "a signature with a great S": decoded(RAW[:32] + b"\xff" * 32),
    "a signature with an R of small order": decoded(number(1) + bytes(32)),
    "a signature with an R that is no point": decoded(number(2) + bytes(32)),
    "a signature that is not base64": lambda: Signature("AAA", key_id="k").decode(),
    "a signature with unused bits": lambda: Signature("AAB=", key_id="k").decode(),
    "a signature by a stranger": lambda: verify_manifest_signature("m", b64(STRANGER.sign(b"m")), PUBLISHER.public_pem),
    "signatures that are no list": lambda: flat_signatures({"signatures": {}}),
    "a signature that is no mapping": lambda: flat_signatures({"signatures": ["AAAA"]}),
    "a signature that is no text": lambda: flat_signatures({"signature": 1}),
    "an algorithm that is no text": lambda: flat_signatures({"signature": "", "signature_algorithm": 1}),
    "too many signatures": lambda: flat_signatures({"signatures": [{"signature": ""}] * 65}),
    "an envelope of another type": envelope("application/vnd.in-toto+json"),
    "an envelope around no text": envelope(payload={"source": "acme"}),
    "an envelope around no base64": envelope(payload="e30"),
    "an envelope without a list of signatures": envelope(signatures={"sig": "AAAA"}),
    "a document that is not JSON": lambda: sign_manifest({"a": {1}}, PUBLISHER.private),
    "a document with NaN": lambda: sign_manifest({"a": math.nan}, PUBLISHER.private),
    "a document that reads back otherwise": lambda: sign_manifest({1: "a"}, PUBLISHER.private),  # type: ignore[dict-item]  # what is tried
}
MEMORY_CASES: Mapping[str, Callable[[], object]] = {
    "the memory of another source": lambda: SourceState("acme").see(authentic(1, source="evil")),
    "a source of others": lambda: SourceState("acme", signers=("1a", "2b")).refuse_newcomer("there", ["3c"]),
    "a rollback": lambda: SourceState("acme", Mark(7, "d")).see(authentic(6)),
    "a rollback to no number": lambda: SourceState("acme", Mark(7, "d")).see(authentic(None)),
    "equivocation": lambda: SourceState("acme", Mark(7, "d")).see(authentic(7, "e")),
    "keys of a former root": lambda: STATE.see(authentic(8), root_version=1),
    "no root known": lambda: known_root(SourceState("acme")),
    "a root that expired": lambda: ROOT.check_age(NOW),
    "a root not signed by itself": lambda: TrustRoot.open(root_bytes(1, by="thief")),
    "a root not signed by the one before": lambda: advanced(STATE, ROOT, root_bytes(3, by="thief")),
    "a root that came before": lambda: ROOT.succeed(root_bytes(1)),
    "a root once more": lambda: ROOT.succeed(root_bytes(2)),
    "an older one recalled": lambda: SourceState("acme", applied=Mark(7, "d")).recall(authentic(6)),
    "another root of one version": lambda: anchored(STATE, TrustRoot.open(root_bytes(2, more=1))),
    "a root too far": lambda: ROOT.succeed(root_bytes(4)),
    "a root for another source": lambda: ROOT.succeed(root_bytes(3, source="evil")),
    "a root without a version": lambda: sign_root({"source": "acme"}, PUBLISHER.private),
    "a root that is no key": lambda: TrustRoot.open(
        root_bytes(1, roles={name: {"keys": ["no key"], "threshold": 1} for name in ("root", "manifest")})
    ),
    "a manifest for a root": lambda: append_root_signature(
        sign_manifest({}, PUBLISHER.private, form="dsse"), PUBLISHER.private
    ),
    "a root for a manifest": lambda: read_envelope(root_bytes(1), MANIFEST_PAYLOAD, Limits()),
    "a root too long": lambda: TrustRoot.open(b" " * (512 * 1024 + 1)),
}
DOCUMENT_CASES: Mapping[str, Callable[[], object]] = {
    "a name without a type": lambda: media_type_of("manifest.txt"),
    "a type of something else": parsed("{}", "text/html"),
    "a document that is a list": parsed("[]"),
    "too many bytes": parsed("{}", max_bytes=1),
    "bytes that are not UTF-8": parsed(b'{"a":\n\n "\xff"\n}'),
    "bytes that are not UTF-8 after an empty line": parsed(b"\n\xff\n"),
    "a byte order mark": parsed("\ufeff{}"),
    "a document that is not JSON at all": parsed('{"a"\n 1}'),
    "a key twice": parsed('{"a": 1, "a": 2}'),
    "a constant": parsed('{"a": NaN}'),
    "a great integer": parsed('{"a": 9007199254740992}'),
    "a great float": parsed('{"a": 1e400}'),
    "half a surrogate pair": parsed('{"a": "\\ud800"}'),
    "too deep": parsed('{"a": [[]]}', max_depth=2),
    "too many values": parsed('{"a": [1, 2, 3]}', max_nodes=4),
    "YAML that is none": parsed("a: b: c", YAML),
    "YAML with a NUL": parsed("a: \0", YAML),
    "YAML with a byte order mark": parsed("a: \ufeffb", YAML),
    "YAML too deep": parsed("a: [[]]", YAML, max_depth=2),
    "YAML with too many values": parsed("a: [1, 2, 3]", YAML, max_nodes=4),
    "YAML with a key twice": parsed("a: 1\na: 2", YAML),
    "YAML with a key that is no text": parsed("1: a", YAML),
    "YAML with an anchor": parsed("a: &x 1", YAML),
    "YAML with an alias": parsed("a: *x", YAML),
    "YAML with a tag": parsed("a: !!str 1", YAML),
    "YAML with a directive": parsed("%YAML 1.1\n---\na: 1", YAML),
    "YAML with two documents": parsed("a: 1\n---\nb: 1", YAML),
    "YAML with half a surrogate pair": parsed('a: "\\uD800"', YAML),
    "the same, read by PyYAML's parser": lambda: read_yaml('a: "\\uD800"', Limits(), parser=yaml.SafeLoader),
    "YAML that begins with a byte order mark": lambda: read_yaml("\ufeffa: \ufeffb", Limits()),
    "YAML to be quoted": parsed("a: 017", YAML),
    "YAML with a great integer": parsed("a: 9007199254740992", YAML),
    "YAML with a great float": parsed("a: 1.0e+400", YAML),
    "no moment": lambda: read_moment("yesterday"),
    "a moment of another form": lambda: read_rfc3339("2026-01-01"),
    "a wrong source": lambda: header(source=""),
    "two wrong fields": lambda: header(source="", sequence_number=-1),
    "a wrong moment": lambda: header(signed_at="yesterday"),
    "a wrong name": entry(key="a/b"),
    "a wrong factory": entry(factory="acme"),
    "a wrong digest": entry(sha256="ab"),
    "a requirement with too many parentheses": entry(requires=["x; " + "(" * 17]),
    "a filter with two conditions": entry(event_filters=[{"path": "a", "equals": 1, "exists": True}]),
    "a graph with a dangling edge": entry(dag={"nodes": [{"id": "a", "task": "t", "depends_on": ["b"]}]}),
    "a graph with a circle": entry(dag={"nodes": [{"id": "a", "task": "t", "depends_on": ["a"]}]}),
    "a graph with two nodes of one id": entry(dag={"nodes": [{"id": "a", "task": "t"}] * 2}),
    "an entry twice": lambda: RemoteManifest.from_document({"entries": [V1, V1]}),
}
CERTIFICATE_CASES: Mapping[str, Callable[[], object]] = {
    "certificates by nobody": lambda: CertificatePolicy([]),
    "a level that is nearly right": lambda: CertificatePolicy(KEYS, "hardend"),
    "a level that is far from any": lambda: CertificatePolicy(KEYS, "gold"),
    "a certificate for other bytes": lambda: replace(CERTIFICATE, subjects={"a": "1", "b": "2"}).check_subject("AB"),
    "a certificate that expired": lambda: CERTIFICATE.check_moment(NOW.replace(year=2027)),
    "a certificate from the future": lambda: CERTIFICATE.check_moment(NOW.replace(year=2025)),
    "a certificate by strangers": lambda: CertificatePolicy(KEYS).check_issuer(
        envelope_bytes({}, {"sig": b64(RAW)}, {"sig": "AAAA"})
    ),
    "a certificate by nobody": lambda: CertificatePolicy(KEYS).check_issuer(
        envelope_bytes(certificate_statement("a" * 64))
    ),
    "a certificate of too low a level": lambda: CertificatePolicy(KEYS, "hardened").check_issuer(
        signed_certificate("a" * 64, signed_by=key_pair("refusals 0"))
    ),
    "a certificate that is no envelope": lambda: open_certificate(b"[]"),
    "a certificate around no statement": lambda: open_certificate(envelope_bytes([])),
    "a statement of another type": stated({"_type": "x"}),
    "a statement with another predicate": stated({"predicateType": "x"}),
    "a statement without a predicate": stated({"predicate": None}),
    "a statement without a name": stated({}, package={"name": 1, "version": "1.0"}),
    "a statement without files": stated({"subject": []}),
    "a statement about no file": stated({"subject": ["x"]}),
    "a schema that is no number": stated({}, schema="1"),
    "a schema of none": stated({}, schema=0),
    "a schema to come": stated({}, schema=2),
    "levels that are no list": stated({}, levels="core"),
    "a level that is not known": stated({}, levels=["core", "gold"]),
    "waivers that are no list": stated({}, waivers={}),
    "a waiver that is no mapping": stated({}, waivers=["LIFE-001"]),
    "a certificate with no moment": stated({}, expiresAt="tomorrow"),
}
CASES: Final = MappingProxyType(
    {**KEY_CASES, **POLICY_CASES, **SIGNATURE_CASES, **MEMORY_CASES, **DOCUMENT_CASES, **CERTIFICATE_CASES}
)

FOREIGN: Final = {
    "a key in broken PEM",
    "a private key for a public one",
    "a public key for a private one",
    "a signature that is not base64",
    "an envelope around no base64",
    "a document that is not JSON",
    "a document with NaN",
}


def said(name: str) -> str:
    """The error as text; what another library adds to it differs by its version, and stands as ``<cause>``."""
    with pytest.raises(OneiricError) as caught:
        CASES[name]()
    error = caught.value
    text = str(error)
    if name in FOREIGN:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        text = re.sub(re.escape(str(cause).rstrip(".?")) + "[.?]", "<cause>.", text)
    evidence = "".join(f"\n    {field} = {value}" for field, value in sorted(error.evidence.items()))
    return f"{type(error).__name__}: {text}{evidence}"


def all_said() -> str:
    return "".join(f"{name}\n    {said(name)}\n\n" for name in CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_refusal_says_what_it_said(name: str) -> None:
    sections = dict(part.split("\n    ", 1) for part in KEPT.read_text(encoding="utf-8").split("\n\n") if part)
    assert said(name) == sections[name]


def test_nothing_is_kept_that_is_no_longer_said() -> None:
    names = [part.split("\n", 1)[0] for part in KEPT.read_text(encoding="utf-8").split("\n\n") if part]
    assert names == list(CASES)


if __name__ == "__main__":
    sys.stdout.write(f"{KEPT.write_text(all_said(), encoding='utf-8')} characters\n")
