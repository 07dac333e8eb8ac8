"""Certificates: what is believed of them, and each way in which one is refused."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from oneiric_core import CertificateError, CertificatePolicy, ExpiredError, PublicKey, SignatureError, UntrustedKeyError
from oneiric_core.testing import certificate_statement, key_pair, signed_certificate
from oneiric_core.trust import CERTIFICATE_LEVELS, open_certificate, sign_certificate
from oneiric_core.trust.certificate import CERTIFICATE_PAYLOAD, EXTENSION
from oneiric_core.trust.envelope import pre_authentication_encoding
from oneiric_core.trust.policy import CLOCK_SKEW

ISSUER = key_pair("issuer of certificates")
STRANGER = key_pair("nobody we know")
KEY = PublicKey(ISSUER.public, "issuer")
WHEEL, OTHER = "a" * 64, "b" * 64
ISSUED = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
POLICY = CertificatePolicy([KEY])


def issued(**changes: Any) -> bytes:
    return signed_certificate(WHEEL, signed_by=ISSUER, **changes)


def resigned(change: Callable[[dict[str, Any]], object]) -> bytes:
    """A statement that nobody would issue, signed by the issuer all the same: only what it says is wrong."""
    statement = certificate_statement(WHEEL)
    change(statement)
    payload = json.dumps(statement).encode("utf-8")
    signature = ISSUER.sign(pre_authentication_encoding(CERTIFICATE_PAYLOAD, payload))
    written = {
        "payload": base64.b64encode(payload).decode("ascii"),
        "payloadType": CERTIFICATE_PAYLOAD,
        "signatures": [{"keyid": "", "sig": base64.b64encode(signature).decode("ascii")}],
    }
    return json.dumps(written).encode("utf-8")


def test_a_certificate_of_a_trusted_issuer_vouches_for_its_bytes() -> None:
    certificate = POLICY.check(issued(), WHEEL, NOW)
    assert (certificate.package, certificate.version, certificate.requirements) == ("acme", "1.0", "2026.1")
    assert (certificate.profile, certificate.result) == ("gate", "PASSED")
    assert certificate.levels == ("core",)
    assert certificate.statement == certificate_statement(WHEEL)
    assert certificate.signers == (KEY.fingerprint,)
    assert certificate.expires_at - certificate.issued_at == timedelta(days=365)


def test_one_with_warnings_is_one() -> None:
    data = resigned(lambda said: said["predicate"].update(result="WARNED", failedTests=[]))
    assert POLICY.check(data, WHEEL, NOW).result == "WARNED"


def test_a_run_that_failed_is_not_signed() -> None:
    statement = certificate_statement(WHEEL)
    statement["predicate"]["result"] = "FAILED"
    with pytest.raises(CertificateError, match="result is 'FAILED'"):
        sign_certificate(statement, ISSUER.private)


def test_the_digest_may_be_written_in_capitals() -> None:
    assert POLICY.check(issued(), WHEEL.upper(), NOW).subjects == {"acme-1.0-py3-none-any.whl": WHEEL}


def test_one_for_other_bytes_is_refused() -> None:
    with pytest.raises(CertificateError, match=f"about other bytes: acme-1.0.*{WHEEL}.*, not {OTHER}"):
        POLICY.check(issued(), OTHER, NOW)


def test_one_by_a_stranger_is_refused() -> None:
    with pytest.raises(SignatureError, match="none of the issuers"):
        POLICY.check(signed_certificate(WHEEL, signed_by=STRANGER), WHEEL, NOW)


def test_one_that_nobody_signed_is_refused() -> None:
    envelope = json.loads(issued())
    with pytest.raises(SignatureError, match="no signature"):
        POLICY.check(json.dumps({**envelope, "signatures": []}).encode(), WHEEL, NOW)


def test_it_is_valid_from_its_first_moment_until_its_last() -> None:
    end = datetime(2027, 1, 1, tzinfo=UTC)
    data = issued(expires_at=end)
    assert POLICY.check(data, WHEEL, ISSUED)
    assert POLICY.check(data, WHEEL, end - timedelta(seconds=1))
    with pytest.raises(ExpiredError, match="expired at 2027-01-01"):
        POLICY.check(data, WHEEL, end)


def test_one_from_the_future_is_refused_unless_clocks_may_differ_by_so_much() -> None:
    assert POLICY.check(issued(), WHEEL, ISSUED - CLOCK_SKEW)
    with pytest.raises(ExpiredError, match="has yet to come"):
        POLICY.check(issued(), WHEEL, ISSUED - CLOCK_SKEW - timedelta(seconds=1))


def test_a_lower_level_than_asked_for_is_refused_and_a_higher_one_will_do() -> None:
    demanding = replace(POLICY, level="hardened")
    with pytest.raises(CertificateError, match="level is core, and hardened is asked for"):
        demanding.check(issued(), WHEEL, NOW)
    assert demanding.check(issued(level="hardened"), WHEEL, NOW).levels == ("core", "hardened")
    assert POLICY.check(issued(level="hardened"), WHEEL, NOW)


def extension(statement: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = statement["predicate"][EXTENSION]
    return found


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda said: extension(said).update(schema=2), r"schema 2, and this version reads schema 1\. Update oneiric"),
        (lambda said: extension(said).update(schema="1"), "schema is '1'"),
        (lambda said: extension(said).update(schema=True), "schema is True"),
        (lambda said: extension(said).update(levels=["core", "golden"]), "level 'golden', which is not known"),
        (lambda said: extension(said).update(levels=[["core"]]), "which is not known"),
        (lambda said: extension(said).update(levels=[]), r"levels are \[\]"),
        (lambda said: extension(said).update(levels="core"), "levels are 'core'"),
        (lambda said: extension(said).update(expiresAt="tomorrow"), "expiresAt is 'tomorrow', which is no moment"),
        (lambda said: extension(said).update(issuedAt="2026-01-01"), "issuedAt is '2026-01-01'"),
        (lambda said: extension(said).pop("expiresAt"), "'expiresAt' is None"),
        (lambda said: extension(said).update(package="acme"), "'package' is 'acme'"),
        (lambda said: extension(said).update(waivers={}), "waivers are {}"),
        (lambda said: extension(said).update(waivers=["LIFE-001"]), "one of its waivers is 'LIFE-001'"),
        (lambda said: extension(said).update(waivers=[{"check": "LIFE-001"}]), "'component' is None"),
        (lambda said: said["predicate"].pop(EXTENSION), f"'{EXTENSION}' is None"),
        (lambda said: said.pop("predicate"), "'predicate' is None"),
        (lambda said: said["predicate"].update(result="FAILED"), "result is 'FAILED', not PASSED or WARNED"),
        (lambda said: said["predicate"].update(result="passed"), "result is 'passed'"),
        (lambda said: said["predicate"].update(result=["PASSED"]), r"'result' is \['PASSED'\], not a text"),
        (lambda said: said["predicate"].pop("result"), "'result' is None"),
        (lambda said: said["predicate"].update(failedTests=["LIFE-001"]), r"failedTests are \['LIFE-001'\]"),
        (lambda said: said["predicate"].update(failedTests="LIFE-001"), "failedTests are 'LIFE-001'"),
        (lambda said: said.update(predicateType="https://slsa.dev/provenance/v1"), "predicate is 'https://slsa"),
        (lambda said: said.update(_type="https://in-toto.io/Statement/v0.1"), "type is 'https://in-toto.io/Statement/v0.1"),
        (lambda said: said.update(subject=[]), r"subject is \[\]"),
        (lambda said: said.update(subject=[{"name": "x"}]), "'digest' is None"),
        (lambda said: said.update(subject=["x"]), "one of its subjects is 'x'"),
    ],
)  # fmt: skip
def test_one_that_says_what_we_do_not_understand_is_refused(change: Callable[[dict[str, Any]], Any], why: str) -> None:
    with pytest.raises(CertificateError, match=why):
        POLICY.check(resigned(change), WHEEL, NOW)


@given(st.integers(0, len(issued()) - 1))
def test_one_that_is_cut_anywhere_is_refused(length: int) -> None:
    with pytest.raises(CertificateError, match="cannot be read"):
        POLICY.check(issued()[:length], WHEEL, NOW)


@given(st.data())
def test_one_whose_payload_was_changed_anywhere_is_refused(data: st.DataObject) -> None:
    envelope = json.loads(issued())
    payload = bytearray(base64.b64decode(envelope["payload"]))
    payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
    envelope["payload"] = base64.b64encode(payload).decode("ascii")
    with pytest.raises(SignatureError):
        POLICY.check(json.dumps(envelope).encode(), WHEEL, NOW)


def test_a_manifest_is_no_certificate() -> None:
    envelope = {**json.loads(issued()), "payloadType": "application/vnd.oneiric.manifest+json"}
    with pytest.raises(CertificateError, match=r"application/vnd\.oneiric\.manifest"):
        POLICY.check(json.dumps(envelope).encode(), WHEEL, NOW)


def test_one_that_is_too_big_is_not_read() -> None:
    with pytest.raises(CertificateError, match="bytes"):
        POLICY.check(b" " * (4 * 1024 * 1024 + 1), WHEEL, NOW)


def test_waived_rules_are_named() -> None:
    waiver = {"check": "LIFE-008", "component": "adapter/cache/acme", "reason": "old driver", "until": "2026-12-31"}
    forever = {**waiver, "until": None}
    first, second = POLICY.check(issued(waivers=[waiver, forever]), WHEEL, NOW).waivers
    assert (first.check, first.reason, first.until) == ("LIFE-008", "old driver", "2026-12-31")
    assert second.until == ""


def test_one_that_says_nothing_of_waivers_has_none() -> None:
    assert POLICY.check(resigned(lambda said: extension(said).pop("waivers")), WHEEL, NOW).waivers == ()


def test_a_policy_needs_issuers_whose_keys_are_their_own() -> None:
    with pytest.raises(UntrustedKeyError, match="by nobody"):
        CertificatePolicy([])
    published = PublicKey(key_pair("publisher").public)
    with pytest.raises(UntrustedKeyError, match="published"):
        CertificatePolicy([published])
    assert CertificatePolicy([published], unsafe_allow_published_keys=True)


def test_a_policy_takes_issuers_from_anything_that_names_them_and_is_a_value() -> None:
    policy = CertificatePolicy(key for key in [KEY, PublicKey(ISSUER.public, "the same by another name")])
    assert policy == POLICY
    assert len({policy, POLICY}) == 1
    assert policy.check(issued(), WHEEL, NOW) == policy.check(issued(), WHEEL, NOW)


@pytest.mark.parametrize(
    ("level", "fix"), [("hardend", "Did you mean hardened?"), ("gold", "Ask for core or hardened")]
)
def test_a_policy_cannot_ask_for_a_level_that_is_not_there(level: str, fix: str) -> None:
    with pytest.raises(CertificateError) as caught:
        CertificatePolicy([KEY], level)
    assert caught.value.fix == fix


def test_nobody_signs_with_a_published_key_or_what_is_no_certificate() -> None:
    with pytest.raises(UntrustedKeyError, match="published"):
        sign_certificate(certificate_statement(WHEEL), key_pair("publisher").private)
    with pytest.raises(CertificateError):
        sign_certificate({"_type": "something else"}, ISSUER.private)


def test_one_can_be_looked_at_whoever_signed_it() -> None:
    shown = open_certificate(signed_certificate(WHEEL, signed_by=STRANGER))
    assert (shown.package, shown.signers) == ("acme", ())
    with pytest.raises(CertificateError):
        open_certificate(b"{}")


class TestSecondOpinions:
    """Implementations of DSSE and in-toto that are not ours read what we write."""

    @pytest.fixture
    def key(self) -> SSlibKey:
        return SSlibKey(KEY.fingerprint, "ed25519", "ed25519", {"public": ISSUER.public.hex()})

    def test_securesystemslib_verifies_the_envelope(self, key: SSlibKey) -> None:
        theirs = Envelope.from_dict(json.loads(issued()))
        assert theirs.payload_type == "application/vnd.in-toto+json"
        assert set(theirs.verify([key], 1)) == {KEY.fingerprint}

    def test_securesystemslib_refuses_it_once_tampered_with(self, key: SSlibKey) -> None:
        envelope = json.loads(issued())
        envelope["payload"] = base64.b64encode(base64.b64decode(envelope["payload"]).replace(b"core", b"cork")).decode()
        with pytest.raises(VerificationError):
            Envelope.from_dict(envelope).verify([key], 1)

    def test_in_toto_reads_statement_and_predicate(self) -> None:
        payload = base64.b64decode(json.loads(issued())["payload"])
        statement = json_format.Parse(payload, statement_pb2.Statement())
        Statement.copy_from_pb(statement).validate()
        predicate = json_format.ParseDict(
            json_format.MessageToDict(statement.predicate), test_result_pb2.TestResult(), ignore_unknown_fields=True
        )
        assert predicate.result == "PASSED"
        assert [*predicate.passed_tests] == ["adapter/cache/acme::LIFE-001"]
        assert predicate.configuration[0].digest["sha256"] == "0" * 64


def test_a_policy_asks_for_any_of_the_levels_that_there_are() -> None:
    assert [CertificatePolicy([KEY], level).level for level in CERTIFICATE_LEVELS] == ["core", "hardened"]
