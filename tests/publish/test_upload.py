"""An artifact goes up once and for all, and nobody ever sees half of it: in S3, in GCS and in a directory alike."""

import hashlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from oneiric_core.errors import DigestMismatchError
from oneiric_core.publish.object_store import ObjectStore
from oneiric_core.publish.places import Backend
from oneiric_core.publish.upload import upload_artifact

pytestmark = pytest.mark.slow

KEY = "wheels/1.0/acme-1.0-py3-none-any.whl"
HEADERS = {"content_type": "application/zip", "cache_control": "no-cache"}
MANY = 20 << 20  # three parts, and a fourth that is not full


def a_file(folder: Path, content: bytes = b"the wheel") -> Path:
    path = folder / "acme-1.0-py3-none-any.whl"
    path.write_bytes(content)
    return path


def kept(bucket: Any, key: str = KEY) -> bytes:
    return b"".join(ObjectStore(bucket.place(key)).read())


@pytest.mark.parametrize("content", [b"the wheel", b"", bytes(range(256)) * (MANY // 256) + b"end"], ids=len)
def test_what_was_uploaded_is_there_for_everybody(tmp_path: Path, bucket: Any, content: bytes) -> None:
    made = upload_artifact(a_file(tmp_path, content), bucket.place(KEY))
    assert made.created
    assert (made.sha256, made.length) == (hashlib.sha256(content).hexdigest(), len(content))
    assert made.url.endswith(f"/{KEY}")
    fetched, _ = bucket.fetch(KEY)
    assert fetched == content


@pytest.mark.parametrize("backend", ["s3", "gcs"])
def test_a_wheel_is_declared_as_what_it_is(request: pytest.FixtureRequest, tmp_path: Path, backend: str) -> None:
    bucket = request.getfixturevalue(backend)
    upload_artifact(a_file(tmp_path), bucket.place(KEY))
    upload_artifact(a_file(tmp_path), bucket.place("other"), content_type="text/plain")
    assert bucket.fetch(KEY)[1]["content-type"] == "application/zip"
    assert bucket.fetch("other")[1]["content-type"].startswith("text/plain")


def test_an_object_that_never_changes_says_so(tmp_path: Path, s3: Any) -> None:
    upload_artifact(a_file(tmp_path), s3.place(KEY))
    assert "immutable" in s3.fetch(KEY)[1]["cache-control"]


def test_the_same_bytes_are_done_already_and_not_sent_again(tmp_path: Path, bucket: Any) -> None:
    content = b"x" * MANY
    upload_artifact(a_file(tmp_path, content), bucket.place(KEY))
    counted: list[int] = []
    again = upload_artifact(a_file(tmp_path, content), bucket.place(KEY), progress=counted.append)
    assert not again.created
    assert sum(counted) == len(content)  # read back, and not sent


def test_a_small_file_is_done_already_as_well(tmp_path: Path, bucket: Any) -> None:
    assert [upload_artifact(a_file(tmp_path), bucket.place(KEY)).created for _ in range(2)] == [True, False]


@pytest.mark.parametrize("other", [b"the wheeL", b"longer than that", b""])
def test_other_bytes_under_a_key_are_refused_and_it_keeps_its_own(tmp_path: Path, bucket: Any, other: bytes) -> None:
    upload_artifact(a_file(tmp_path), bucket.place(KEY))
    with pytest.raises(DigestMismatchError, match="Keys are never used twice"):
        upload_artifact(a_file(tmp_path, other), bucket.place(KEY))
    assert kept(bucket) == b"the wheel"


@pytest.mark.parametrize("content", [b"x", b"x" * MANY], ids=len)
def test_of_two_who_create_at_once_one_does(bucket: Any, content: bytes) -> None:
    """Whoever asked whether there is an object may be told no, and be late."""
    store = ObjectStore(bucket.place(KEY))
    assert store.size() is None
    assert ObjectStore(bucket.place(KEY)).create(iter([b"first"]), 5, **HEADERS)
    assert not store.create(iter([content]), len(content), **HEADERS)
    assert kept(bucket) == b"first"


class Interrupted(Exception):  # noqa: N818 - it stands for whatever happens
    """The power goes off."""


def going_off(chunks: int) -> Iterator[bytes]:
    for _ in range(chunks):
        yield b"y" * (7 << 20)
    raise Interrupted


@pytest.mark.parametrize("chunks", [0, 1, 3])
def test_an_upload_that_is_interrupted_leaves_nothing_to_be_seen_and_is_repeated(bucket: Any, chunks: int) -> None:
    store = ObjectStore(bucket.place(KEY))
    with pytest.raises(Interrupted):
        store.create(going_off(chunks), 4 * (7 << 20), **HEADERS)
    assert store.size() is None
    if bucket.backend is Backend.FILE:
        assert [path for path in Path(bucket.name).rglob("*") if path.is_file()] == []
    assert store.create(iter([b"all of it"]), 9, **HEADERS)
    assert kept(bucket) == b"all of it"


KILLED = """
import os, signal, sys
from oneiric_core.publish.object_store import ObjectStore
from oneiric_core.publish.places import Backend, Place

def chunks():
    yield b"y" * (9 << 20)
    os.kill(os.getpid(), signal.SIGKILL)

ObjectStore(Place(Backend.FILE, sys.argv[1], "a.whl")).create(chunks(), 9 << 20, content_type="", cache_control="")
"""


def test_what_somebody_who_was_killed_left_in_a_directory_goes_with_the_next_upload(directory: Any) -> None:
    root = Path(directory.name)
    done = subprocess.run([sys.executable, "-c", KILLED, root], check=False)
    assert done.returncode == -signal.SIGKILL
    assert next(root.iterdir()).name.startswith(".oneiric-upload-")
    store = ObjectStore(directory.place(KEY))

    def meanwhile() -> Iterator[bytes]:
        """Who uploads at the same time does not clear away what is in use."""
        assert ObjectStore(directory.place("other.whl")).create(iter([b"other"]), 5, **HEADERS)
        yield b"all of it"

    assert store.create(meanwhile(), 9, **HEADERS)
    assert kept(directory) == b"all of it"
    assert sorted(path.name for path in root.iterdir()) == ["other.whl", "wheels"]


def test_one_version_is_replaced_and_no_other(s3: Any) -> None:
    store = ObjectStore(s3.place("manifest.json"))
    assert store.tag() is None
    store.replace(iter([b"one"]), 3, **HEADERS)
    tag = store.tag()
    assert store.replace(iter([b"two"]), 3, tag=tag, **HEADERS)
    assert not store.replace(iter([b"three"]), 5, tag=tag, **HEADERS)
    assert b"".join(store.read()) == b"two"


def test_a_replacement_that_is_interrupted_leaves_what_was_there(bucket: Any) -> None:
    store = ObjectStore(bucket.place("manifest.json"))
    store.replace(iter([b"old"]), 3, **HEADERS)
    with pytest.raises(Interrupted):
        store.replace(going_off(2), 4 * (7 << 20), **HEADERS)
    assert kept(bucket, "manifest.json") == b"old"
    store.replace(iter([b"newer"]), 5, **HEADERS)
    assert kept(bucket, "manifest.json") == b"newer"


@pytest.mark.long
def test_progress_counts_each_byte_when_it_is_sent_and_when_it_is_read_back(tmp_path: Path, bucket: Any) -> None:
    counted: list[int] = []
    upload_artifact(a_file(tmp_path, b"z" * MANY), bucket.place(KEY), progress=counted.append)
    assert sum(counted) == 2 * MANY
    assert len(counted) > 3


def test_what_a_server_made_of_the_bytes_is_found_out(tmp_path: Path, gcs: Any) -> None:
    gcs.handler.corrupts = True
    with pytest.raises(DigestMismatchError, match="see who else writes there"):
        upload_artifact(a_file(tmp_path), gcs.place(KEY))


def test_nobody_is_given_rights_to_an_object_by_the_way(tmp_path: Path, s3: Any) -> None:
    """Who may read is the business of the bucket's policy."""
    upload_artifact(a_file(tmp_path), s3.place(KEY))
    client = boto3.client("s3", endpoint_url=s3.endpoint_url, region_name="eu-central-1")
    found = client.get_object_acl(Bucket=s3.name, Key=KEY)
    assert [grant["Grantee"]["ID"] for grant in found["Grants"]] == [found["Owner"]["ID"]]
