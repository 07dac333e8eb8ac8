"""Each rule of trust stands between an attack and its success: take the rule away, and the attack succeeds.

A rule is taken away at one seam, in memory. That says two things of each row: nothing else refuses that attack, so the
rule is needed; and the attack is one, so a test that sees it refused has seen the rule. (Where a root follows another,
the three rules of order and source share a seam and go together.)
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import ANY

import pytest

from oneiric_core.errors import (
    CertificateError,
    EquivocationError,
    ExpiredError,
    RollbackError,
    SignatureError,
    TrustError,
    UntrustedKeyError,
)
from oneiric_core.manifest import JSON, ManifestHeader
from oneiric_core.remote import belief
from oneiric_core.remote.state_store import StateStore
from oneiric_core.testing import PUBLISHER, key_pair, signed_certificate, signed_manifest, signed_root
from oneiric_core.trust import (
    CertificatePolicy,
    PublicKey,
    Signature,
    TrustPolicy,
    TrustRoot,
    certificate,
    keys,
    policy,
    root,
    signatures,
)
from oneiric_core.trust.curve import ORDER
from oneiric_core.trust.envelope import Envelope, read_envelope
from oneiric_core.trust.root_document import ROOT_LIMITS, ROOT_PAYLOAD
from oneiric_core.trust.trusted_state import Mark, SourceState

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FIRST, SECOND, OTHER = (key_pair(f"rules removed {place}") for place in range(3))
KEYS = [PublicKey(FIRST.public), PublicKey(SECOND.public)]
ORDER_EIGHT = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
NOT_CANONICAL = (2**255 - 19 + 3).to_bytes(32, "little")


@dataclass(frozen=True)
class Rule:
    """One row.

    :param attack: is handed a directory for a memory.
    :param refused: how the rule answers.
    :param seam: the module or class, and ``name`` what it has there, that is ``without`` the rule for a while.
    """

    attack: Callable[[Path], object]
    refused: type[TrustError]
    seam: object
    name: str
    without: object


def nothing(*_: object, **__: object) -> None:
    """Refuses nothing."""


def believe(
    path: Path, *, now: datetime = NOW, trust: TrustPolicy | None = None, place: str = "there", **fields: Any
) -> None:
    """What a runtime asks of bytes that came from ``place``, with its memory in ``path``."""
    named = {"signed_by": [FIRST], "source": "acme", "signed_at": None} | fields
    offer = signed_manifest([], **named), JSON
    belief.believe(offer, trust or TrustPolicy(KEYS), StateStore(path), place, now)


def in_turn(*steps: Mapping[str, Any]) -> Callable[[Path], None]:
    """Several manifests, of which the last is the attack."""

    def attack(path: Path) -> None:
        for step in steps:
            believe(path, **step)

    return attack


def at(moment: datetime) -> str:
    return moment.isoformat()


def signed(raw: bytes, algorithm: str = "ed25519") -> Signature:
    return Signature(base64.b64encode(raw).decode("ascii"), algorithm)


def check(*given: Signature, threshold: int = 1) -> Callable[[Path], object]:
    return lambda _: TrustPolicy(KEYS, threshold=threshold).check_signatures(b"m", given)


def each_signature(message: bytes, given: Any, trusted: Any) -> Any:
    """As ``signers_of``, and who signs twice counts twice."""
    return SimpleNamespace(keys=[signatures._signer_of(message, each, trusted) for each in given], rejected=())


def a_root(version: int, by: Any = (FIRST,), keys: Any = (FIRST,), manifest: Any = (FIRST,), **more: Any) -> bytes:
    return signed_root(version, keys, manifest, by, **{"source": "acme"} | more)


ANCHOR = TrustRoot.open(a_root(1))


def required_but(what: str) -> Callable[..., None]:
    """Asks for each threshold but one."""
    require = root._require

    def ask(role: TrustPolicy, envelope: Envelope, otherwise: str) -> None:
        if what not in otherwise:
            require(role, envelope, otherwise)

    return ask


def whatever_follows(self: TrustRoot, data: bytes) -> TrustRoot:
    """Asks for nothing of a root but its form."""
    return TrustRoot._parse(
        read_envelope(data, ROOT_PAYLOAD, ROOT_LIMITS), unsafe=self.root.unsafe_allow_published_keys
    )


def rotated(path: Path, *, manifest: Any, number: int) -> None:
    """A manifest with a great number, a new root, and then a manifest with ``number`` by who may sign now."""
    store, great = StateStore(path), 2**53 - 1
    store.update("acme", lambda state: root.anchored(state, ANCHOR))
    believe(path, sequence_number=great, trust=ANCHOR.manifest)
    state = store.update("acme", lambda state: root.advanced(state, ANCHOR, a_root(2, manifest=manifest)))
    believe(path, sequence_number=number, trust=root.known_root(state).manifest, signed_by=[manifest[-1]])


def replaced_keys(path: Path) -> None:
    store = StateStore(path)
    store.update("acme", lambda state: root.anchored(state, ANCHOR))
    store.update("acme", lambda state: root.advanced(state, ANCHOR, a_root(2, manifest=[SECOND])))
    believe(path, sequence_number=9, trust=ANCHOR.manifest)


def certified(*, now: datetime = NOW, digest: str = "a" * 64, level: str = "core") -> Callable[[Path], object]:
    data = signed_certificate("a" * 64, signed_by=FIRST)
    return lambda _: CertificatePolicy(KEYS, level).check(data, digest, now)


GOOD = FIRST.sign(b"m")
TALL = GOOD[:32] + (int.from_bytes(GOOD[32:], "little") + ORDER).to_bytes(32, "little")
SOON, LATER = timedelta(minutes=5), timedelta(days=1)
PAST = {"signed_at": at(NOW - LATER), "expires_at": at(NOW - SOON)}
NUMBERED = {"sequence_number": 7}

RULES = {
    "a threshold counts distinct keys": Rule(
        check(signed(GOOD), signed(GOOD), threshold=2), SignatureError, policy, "signers_of", each_signature
    ),
    "a key that is not trusted counts for nothing": Rule(
        check(signed(OTHER.sign(b"m"))), SignatureError, PublicKey, "verifies", lambda *_: True
    ),
    "a signature is over these bytes": Rule(
        check(signed(FIRST.sign(b"other"))), SignatureError, PublicKey, "verifies", lambda *_: True
    ),
    "another algorithm does not count": Rule(
        check(signed(GOOD, "ed25519ph")), SignatureError, signatures, "ALGORITHM", ANY
    ),
    "base64 is written in one way": Rule(
        check(Signature(base64.b64encode(GOOD).decode("ascii") + "\n")),
        SignatureError,
        signatures,
        "decode_strictly",
        base64.b64decode,
    ),
    "S is below the order": Rule(
        lambda _: signed(TALL).decode(), SignatureError, signatures, "is_canonical_scalar", lambda _: True
    ),
    "R is not of small order": Rule(
        lambda _: signed(ORDER_EIGHT + GOOD[32:]).decode(),
        SignatureError,
        signatures,
        "is_small_order",
        lambda _: False,
    ),
    "R is a point in its one encoding": Rule(
        lambda _: signed(NOT_CANONICAL + GOOD[32:]).decode(), SignatureError, signatures, "is_point", lambda _: True
    ),
    "a key is not of small order": Rule(
        lambda _: PublicKey(ORDER_EIGHT), UntrustedKeyError, keys, "is_small_order", lambda _: False
    ),
    "a key is a point in its one encoding": Rule(
        lambda _: PublicKey(NOT_CANONICAL), UntrustedKeyError, keys, "is_point", lambda _: True
    ),
    "a key file holds one key": Rule(
        lambda _: keys.load_public_key(FIRST.public_pem + SECOND.public_pem, name="k"),
        UntrustedKeyError,
        keys,
        "_refuse_more_than_one",
        nothing,
    ),
    "a key that everyone has is not trusted": Rule(
        lambda _: TrustPolicy([PublicKey(PUBLISHER.public)]), UntrustedKeyError, policy, "refuse_published", nothing
    ),
    "what expired is refused": Rule(
        in_turn(PAST), ExpiredError, policy, "check_moments", nothing
    ),
    "what is from the future is refused": Rule(
        lambda _: TrustPolicy(KEYS).check_age(ManifestHeader(signed_at=at(NOW + 2 * SOON)), NOW),
        ExpiredError,
        policy,
        "refuse_future",
        nothing,
    ),
    "no row of manifests carries the time on": Rule(
        in_turn({"signed_at": at(NOW + SOON)}, {"signed_at": at(NOW + 2 * SOON), "sequence_number": 2}),
        ExpiredError,
        SourceState,
        "refuse_future",
        nothing,
    ),
    "a clock set back revives nothing": Rule(
        in_turn({"signed_at": at(NOW)}, PAST | {"sequence_number": 2, "now": NOW - LATER}),
        ExpiredError,
        SourceState,
        "moment",
        lambda _, now: now,
    ),
    "a lower number is a rollback": Rule(
        in_turn({"sequence_number": 2}, {"sequence_number": 1}),
        RollbackError,
        Mark,
        "is_older_than",
        lambda *_: False,
    ),
    "no number is older than any": Rule(
        in_turn({"sequence_number": 2}, {"sequence_number": None}),
        RollbackError,
        Mark,
        "is_older_than",
        lambda *_: False,
    ),
    "one number is for the same bytes": Rule(
        in_turn(NUMBERED, NUMBERED | {"comment": "other"}),
        EquivocationError,
        Mark,
        "of",
        lambda authentic: Mark(authentic.header.sequence_number, ""),
    ),
    "a policy accepts the source it names": Rule(
        in_turn({"trust": TrustPolicy(KEYS, source="acme"), "source": "evil"}),
        TrustError,
        policy,
        "_check_source",
        nothing,
    ),
    "a place speaks for one source": Rule(
        in_turn({}, {"source": "evil"}), TrustError, StateStore, "pin", nothing
    ),
    "a new place speaks for no source of others": Rule(
        in_turn({}, {"place": "elsewhere", "trust": TrustPolicy(KEYS[1:]), "signed_by": [SECOND]} | NUMBERED),
        TrustError,
        SourceState,
        "refuse_newcomer",
        nothing,
    ),
    "a root is signed by the one before": Rule(
        lambda _: ANCHOR.succeed(a_root(2, by=[SECOND], keys=[SECOND])),
        SignatureError,
        root,
        "_require",
        required_but("threshold of root 1"),
    ),
    "a root is signed by itself": Rule(
        lambda _: ANCHOR.succeed(a_root(2, by=[FIRST], keys=[SECOND])),
        SignatureError,
        root,
        "_require",
        required_but("its own threshold"),
    ),
    "a root follows at once": Rule(
        lambda _: ANCHOR.succeed(a_root(3)), TrustError, TrustRoot, "succeed", whatever_follows
    ),
    "a root that came before does not follow": Rule(
        lambda _: ANCHOR.succeed(a_root(2)).succeed(a_root(1)), RollbackError, TrustRoot, "succeed", whatever_follows
    ),
    "a root is of the same source": Rule(
        lambda _: ANCHOR.succeed(a_root(2, source="evil")), TrustError, TrustRoot, "succeed", whatever_follows
    ),
    "a root that expired names no keys": Rule(
        lambda _: ANCHOR.check_age(ANCHOR.expires), ExpiredError, TrustRoot, "check_age", nothing
    ),
    "keys of a root that was replaced do not come back": Rule(
        replaced_keys, RollbackError, SourceState, "_refuse_strange", nothing
    ),
    "numbers stay where all who could sign still can": Rule(
        lambda path: rotated(path, manifest=[FIRST, SECOND], number=1),
        RollbackError,
        TrustRoot,
        "silences",
        lambda *_: True,
    ),
    "a certificate is by an issuer": Rule(
        lambda _: CertificatePolicy([KEYS[1]]).check(signed_certificate("a" * 64, signed_by=FIRST), "a" * 64, NOW),
        SignatureError,
        PublicKey,
        "verifies",
        lambda *_: True,
    ),
    "a certificate is about these bytes": Rule(
        certified(digest="b" * 64), CertificateError, certificate.Certificate, "check_subject", nothing
    ),
    "a certificate ends": Rule(
        certified(now=NOW.replace(year=2030)), ExpiredError, certificate.Certificate, "check_moment", nothing
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_stops_its_attack(rule: Rule, tmp_path: Path) -> None:
    with pytest.raises(rule.refused):
        rule.attack(tmp_path)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_without_the_rule_the_attack_succeeds(rule: Rule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule.seam, rule.name, rule.without)
    rule.attack(tmp_path)


def test_numbers_burnt_by_a_key_that_went_are_forgotten_and_nothing_else_forgets_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule that lets in, and does not keep out: without it honest manifests are refused for ever."""
    rotated(tmp_path / "with", manifest=[SECOND], number=1)
    monkeypatch.setattr(TrustRoot, "silences", lambda *_: False)
    with pytest.raises(RollbackError):
        rotated(tmp_path / "without", manifest=[SECOND], number=1)
