"""What the factories make is what it is said to be, and a slip is answered with what was meant."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oneiric_core import MisuseError, TrustPolicy, UntrustedKeyError
from oneiric_core.artifacts.wheel import scan_wheel
from oneiric_core.testing import (
    SOURCE,
    BadManifest,
    BadManifestFactory,
    BadWheel,
    KeyPair,
    Keys,
    ManifestFactory,
    WheelFactory,
    bad_manifest,
    bad_wheel,
    chosen,
    make_wheel,
    manifest_entry,
)
from oneiric_core.trust import load_public_key, verify_manifest

KEYS, MANIFEST, BAD_MANIFEST, WHEEL = Keys(), ManifestFactory(), BadManifestFactory(), WheelFactory()
ENTRY = manifest_entry("task", "text", "acme", "acme.text:Text")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def policy(*keys: KeyPair, threshold: int = 1) -> TrustPolicy:
    trusted = [load_public_key(key.public, name=key.name) for key in keys]
    return TrustPolicy(trusted, threshold=threshold, unsafe_allow_published_keys=True)


def test_a_weak_key_is_refused_wherever_keys_are_read() -> None:
    with pytest.raises(UntrustedKeyError):
        load_public_key(KEYS.weak(), name="weak")


@pytest.mark.parametrize("form", ["flat", "dsse"])
def test_a_made_manifest_is_believed(form) -> None:
    content, media_type = MANIFEST(ENTRY, form=form, sequence_number=4)
    believed = verify_manifest(content, media_type, policy(KEYS.publisher), now=NOW)
    assert (believed.manifest.source, believed.manifest.sequence_number) == (SOURCE, 4)


@pytest.mark.parametrize("lasting", [timedelta(days=30), 30 * 86400, 30 * 86400.0])
def test_it_expires_as_long_after_it_was_signed_as_was_said(lasting) -> None:
    content, media_type = MANIFEST(ENTRY, expires_in=lasting)
    believed = verify_manifest(content, media_type, policy(KEYS.publisher), now=NOW + timedelta(days=29))
    assert believed.manifest.expires_at == "2026-01-31T00:00:00+00:00"


def test_nobody_one_or_several_sign() -> None:
    both = (KEYS.publisher, KEYS.second_publisher)
    content, media_type = MANIFEST(ENTRY, signed_by=both)
    assert len(verify_manifest(content, media_type, policy(*both, threshold=2), now=NOW).signers) == 2
    assert "signature" not in json.loads(MANIFEST(ENTRY, signed_by=(), form="flat").content)


def test_a_field_can_be_left_out_or_given() -> None:
    document = json.loads(MANIFEST(ENTRY, form="flat", signed_at=None, expires_at="2026-02-01T00:00:00Z").content)
    assert "signed_at" not in document
    assert document["expires_at"] == "2026-02-01T00:00:00Z"


@pytest.mark.parametrize("kind", BadManifest, ids=lambda kind: kind.name)
def test_a_bad_manifest_is_wrong_in_the_way_it_is_called(kind: BadManifest) -> None:
    expected = bad_manifest(kind, [ENTRY])
    for given in (kind, kind.name, kind.name.lower().replace("_", "-")):
        assert BAD_MANIFEST(given, ENTRY) == (expected, "application/json")


def test_a_bad_manifest_needs_no_entry() -> None:
    assert json.loads(BAD_MANIFEST("unsigned").content)["entries"][0]["factory"] == "oneiric_core.testing.sample:Sample"


def test_wheels_are_those_of_the_functions_below_them(tmp_path: Path) -> None:
    files = {"acme/__init__.py": "answer = 42\n"}
    made = WHEEL(files, name="acme-x", version="2.0", requires=["httpx"], entry_points="[a]\nb = c:d\n")
    assert made.content == make_wheel(files, "acme-x", "2.0", requires=["httpx"], entry_points="[a]\nb = c:d\n")
    assert made.write_to(tmp_path) == tmp_path / "acme_x-2.0-py3-none-any.whl"
    assert scan_wheel(io.BytesIO((tmp_path / made.filename).read_bytes())).name == "acme-x"


def test_bad_wheels_are_those_of_the_functions_below_them() -> None:
    assert WHEEL.bad("symlink").content == WHEEL.bad(BadWheel.SYMLINK).content == bad_wheel(BadWheel.SYMLINK)


def test_a_manifest_is_written_as_it_is(tmp_path: Path) -> None:
    made = MANIFEST(ENTRY)
    assert made.write_to(tmp_path / "manifest").read_bytes() == made.content


MISUSES = {
    "a field": (
        lambda: MANIFEST(ENTRY, sequence_no=1),
        "a manifest has no field 'sequence_no'. Did you mean sequence_number?",
    ),
    "another field": (lambda: MANIFEST(ENTRY, expires="x"), "Did you mean expires_at?"),
    "a field of an entry": (lambda: MANIFEST.entry("task", "b", "c", "d", pryority=1), "Did you mean priority?"),
    "a form": (lambda: MANIFEST(ENTRY, form="dse"), "there is no form 'dse'. Did you mean dsse?"),
    "a kind of manifest": (lambda: BAD_MANIFEST("fliped_signature"), "Did you mean FLIPPED_SIGNATURE?"),
    "a kind of wheel": (lambda: WHEEL.bad("symlnk"), "BadWheel has no kind 'symlnk'. Did you mean SYMLINK?"),
    "nothing like it": (lambda: chosen(BadManifest, "?"), "There are UNSIGNED, STRANGER,"),
}


@pytest.mark.parametrize(("act", "told"), MISUSES.values(), ids=MISUSES)
def test_a_slip_is_answered_with_what_was_meant(act, told: str) -> None:
    with pytest.raises(MisuseError) as caught:
        act()
    assert told in str(caught.value)
