"""A manifest is published last, and only if everything it says is true; else what stood there stands."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from oneiric_core.errors import (
    ArtifactError,
    DigestMismatchError,
    ExpiredError,
    ManifestError,
    RollbackError,
    SignatureError,
    TrustError,
)
from oneiric_core.manifest import ENVELOPE, JSON
from oneiric_core.publish import Signed, find_package, generate_manifest, read_wheel, render_document, sign_anew
from oneiric_core.publish.announce import Announced, announce_manifest
from oneiric_core.publish.object_store import ObjectStore
from oneiric_core.publish.upload import upload_artifact
from oneiric_core.trust import TrustPolicy, generate_private_key, public_key_of, verify_manifest

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ALICE, BOB = generate_private_key(), generate_private_key()
KEY = "manifest.dsse.json"
WHEEL = "wheels/zeta-2.1.0-py3-none-any.whl"
TRUSTED = TrustPolicy([public_key_of(ALICE)])

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("zeta")]


@pytest.fixture
def wheel(make_wheel: Callable[..., Path]) -> Path:
    return make_wheel()


def signed(bucket: Any, wheel: Path, **options: Any) -> Signed:
    """A manifest of the wheel as it will be in the bucket."""
    given: dict[str, Any] = {"source": "zeta", "changes": {}, "key": ALICE, "into": ENVELOPE, "now": NOW} | options
    wheels = {bucket.place(WHEEL).url: read_wheel(wheel)}
    document = generate_manifest([find_package("zeta")], version="1", source=given.pop("source"), wheels=wheels)
    changes = given.pop("changes")
    document["entries"] = [entry | changes for entry in document["entries"]]
    return sign_anew(render_document(document, JSON), JSON, given.pop("key"), **given)


def announced(bucket: Any, made: Signed, key: str = KEY, **options: Any) -> Announced:
    given: dict[str, Any] = {"policy": TRUSTED, "now": NOW} | options
    return announce_manifest(made.data, made.media_type, bucket.place(key), given.pop("policy"), **given)


def standing(bucket: Any, key: str = KEY) -> bytes | None:
    store = ObjectStore(bucket.place(key))
    return None if store.size() is None else b"".join(store.read())


def test_artifact_then_manifest_and_the_next_one_in_its_place(bucket: Any, wheel: Path) -> None:
    upload_artifact(wheel, bucket.place(WHEEL))
    first, second = signed(bucket, wheel), signed(bucket, wheel, sequence_number=2)
    made = announced(bucket, first, public=True)
    assert (made.url, made.replaced, made.unchanged) == (bucket.place(KEY).url, None, False)
    assert bucket.fetch(KEY)[0] == first.data
    again = announced(bucket, first)
    assert again.unchanged
    after = announced(bucket, second, public=True)
    assert (after.replaced, after.unchanged) == (1, False)
    assert standing(bucket) == second.data


def test_a_manifest_says_what_it_is_and_that_it_is_to_be_asked_for_each_time(s3: Any, wheel: Path) -> None:
    upload_artifact(wheel, s3.place(WHEEL))
    for number in (1, 2):
        announced(s3, signed(s3, wheel, sequence_number=number))
        headers = s3.fetch(KEY)[1]
        assert (headers["content-type"], headers["cache-control"]) == (ENVELOPE, "no-cache")


def test_a_digest_in_capitals_is_published_as_it_was_signed(bucket: Any, wheel: Path) -> None:
    upload_artifact(wheel, bucket.place(WHEEL))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    made = signed(bucket, wheel, changes={"sha256": digest.upper()}, into=JSON)
    announced(bucket, made, "manifest.json")
    there = standing(bucket, "manifest.json") or b""
    assert digest.upper().encode() in there
    assert {entry.sha256 for entry in verify_manifest(there, JSON, TRUSTED, now=NOW).manifest.entries} == {digest}


def test_a_manifest_never_points_to_nothing(bucket: Any, wheel: Path) -> None:
    with pytest.raises(ArtifactError):
        announced(bucket, signed(bucket, wheel))
    assert standing(bucket) is None


@pytest.mark.parametrize("uri", ["file://[bad/", "file:///a%00b", "https://[bad/", "", "x:y"])
def test_what_is_no_address_is_nothing(directory: Any, wheel: Path, uri: str) -> None:
    with pytest.raises(ArtifactError):
        announced(directory, signed(directory, wheel, changes={"uri": uri}))


def test_a_manifest_never_points_to_something_else(bucket: Any, wheel: Path) -> None:
    upload_artifact(wheel, bucket.place(WHEEL))
    for changes in ({"sha256": "0" * 64}, {"length": wheel.stat().st_size + 1}, {"sha256": None}):
        with pytest.raises((DigestMismatchError, ManifestError)):
            announced(bucket, signed(bucket, wheel, changes=changes))
        assert standing(bucket) is None


def test_a_manifest_never_points_to_a_certificate_that_is_not_there(bucket: Any, wheel: Path) -> None:
    upload_artifact(wheel, bucket.place(WHEEL))
    content = b"a certificate"
    place = bucket.place("certificates/zeta.json")
    named = {"certificate": {"uri": place.url, "sha256": hashlib.sha256(content).hexdigest()}}
    with pytest.raises(ArtifactError):
        announced(bucket, signed(bucket, wheel, changes=named))
    ObjectStore(place).create(iter([content]), len(content), content_type="application/json", cache_control="no-cache")
    other = {"certificate": {"uri": place.url, "sha256": "0" * 64}}
    with pytest.raises(DigestMismatchError):
        announced(bucket, signed(bucket, wheel, changes=other))
    assert standing(bucket) is None
    assert announced(bucket, signed(bucket, wheel, changes=named)).url == bucket.place(KEY).url


@pytest.mark.parametrize("kind", ["s3", "directory"])
def test_of_two_who_publish_at_once_the_later_does_not_go_back(
    request: pytest.FixtureRequest, wheel: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Whoever read number 1 may replace that one only, though 2 is greater and there is a 3 meanwhile."""
    bucket = request.getfixturevalue(kind)
    upload_artifact(wheel, bucket.place(WHEEL))
    first, second, third = (signed(bucket, wheel, sequence_number=number) for number in (1, 2, 3))
    announced(bucket, first)
    read, refused = ObjectStore.read, []

    def read_and_be_late(store: ObjectStore) -> Any:
        yield from read(store)
        monkeypatch.setattr(ObjectStore, "read", read)
        try:
            announced(bucket, third)
        except ArtifactError as error:
            refused.append(error)

    monkeypatch.setattr(ObjectStore, "read", read_and_be_late)
    try:
        announced(bucket, second)
    except ArtifactError as error:
        refused.append(error)
    (error,) = refused
    assert "somebody else" in error.what
    assert standing(bucket) == (third if kind == "s3" else second).data
    if standing(bucket) == second.data:
        assert announced(bucket, third).replaced == 2


def test_who_is_not_trusted_publishes_nothing(directory: Any, wheel: Path) -> None:
    upload_artifact(wheel, directory.place(WHEEL))
    with pytest.raises(SignatureError):
        announced(directory, signed(directory, wheel, key=BOB))
    with pytest.raises(ExpiredError):
        announced(directory, signed(directory, wheel, expires_in=timedelta(1)), now=NOW + timedelta(1))
    assert standing(directory) is None


@pytest.mark.parametrize("number", [6, 7])
def test_a_number_that_does_not_grow_changes_nothing(bucket: Any, wheel: Path, number: int) -> None:
    upload_artifact(wheel, bucket.place(WHEEL))
    first = signed(bucket, wheel, sequence_number=7)
    announced(bucket, first)
    other = signed(bucket, wheel, sequence_number=number, now=NOW - timedelta(hours=1))
    with pytest.raises(RollbackError, match="7 is used already"):
        announced(bucket, other)
    assert standing(bucket) == first.data


def test_what_is_of_another_source_or_no_manifest_of_ours_is_not_replaced(directory: Any, wheel: Path) -> None:
    upload_artifact(wheel, directory.place(WHEEL))
    first = signed(directory, wheel, key=BOB)
    both = TrustPolicy([public_key_of(ALICE), public_key_of(BOB)])
    announced(directory, first, policy=both)
    later = signed(directory, wheel, sequence_number=2)
    with pytest.raises(TrustError, match="is not a manifest that may be replaced"):
        announced(directory, later)
    with pytest.raises(TrustError, match="of 'zeta', and this one of 'eta'"):
        announced(directory, signed(directory, wheel, source="eta", sequence_number=2), policy=both)
    assert standing(directory) == first.data
    assert announced(directory, later, policy=both).replaced == 1
    Path(directory.name, KEY).write_bytes(b"a page of something else")
    with pytest.raises(TrustError, match="is not a manifest that may be replaced"):
        announced(directory, later, policy=both)


def test_the_name_of_the_key_says_what_the_manifest_is(directory: Any, wheel: Path) -> None:
    upload_artifact(wheel, directory.place(WHEEL))
    with pytest.raises(ManifestError, match="does not say that it is"):
        announced(directory, signed(directory, wheel), "manifest.yaml")
    assert announced(directory, signed(directory, wheel, into=JSON), "manifest.json")


def test_a_bucket_that_lets_nobody_read_is_found_out(s3: Any, wheel: Path) -> None:
    upload_artifact(wheel, s3.place(WHEEL))
    client = boto3.client("s3", endpoint_url=s3.endpoint_url, region_name="eu-central-1")
    client.delete_bucket_policy(Bucket=s3.name)
    with pytest.raises(ArtifactError, match=r"is not there for everybody.*Let the bucket's policy allow"):
        announced(s3, signed(s3, wheel))
    assert standing(s3) is None
