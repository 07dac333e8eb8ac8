"""What goes wrong with a bucket is told in one line that says what to do, and leaves nothing behind."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import pytest

from oneiric_core.errors import ArtifactError, PathTraversalError
from oneiric_core.publish.places import Backend, Place, content_type_of
from oneiric_core.publish.upload import upload_artifact

DOCS = Path(__file__).resolve().parents[2] / "docs"
KEY = "wheels/acme-1.0-py3-none-any.whl"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "acme-1.0-py3-none-any.whl"
    path.write_bytes(b"the wheel")
    return path


def refused(path: Path, place: Place, what: str, fix: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        upload_artifact(path, place)
    assert what in caught.value.what
    assert fix in caught.value.fix
    assert "\n" not in str(caught.value)


def test_a_bucket_that_is_missing(wheel: Path, s3: Any, gcs: Any, tmp_path: Path) -> None:
    refused(wheel, Place(Backend.S3, "nope", KEY, "eu-central-1", s3.endpoint_url), "no such bucket", "Create it")
    refused(wheel, Place(Backend.GCS, "nope", KEY, None, gcs.endpoint_url), "nope", "")
    refused(wheel, Place(Backend.FILE, str(tmp_path / "nope"), KEY), "there is no directory", "Make it first")


@pytest.fixture
def strict(s3: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """From now on the server asks who it is; the credentials of somebody who may read."""
    client = boto3.client("iam", endpoint_url=s3.endpoint_url, region_name="eu-central-1")
    client.create_user(UserName="reader")
    policy = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}
    client.put_user_policy(UserName="reader", PolicyName="reads", PolicyDocument=json.dumps(policy))
    key = client.create_access_key(UserName="reader")["AccessKey"]
    monkeypatch.setattr("moto.settings.INITIAL_NO_AUTH_ACTION_COUNT", 0.0)
    return key


def test_credentials_that_nobody_knows(wheel: Path, s3: Any, strict: Any) -> None:
    assert strict
    refused(wheel, s3.place(KEY), "the credentials do not allow it", "may create and read objects")


def test_credentials_that_may_only_read(wheel: Path, s3: Any, strict: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", strict["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", strict["SecretAccessKey"])
    refused(wheel, s3.place(KEY), "the credentials do not allow it (AccessDenied", "may create and read objects")


@pytest.mark.parametrize("size", [9, 9 << 20], ids=["small", "in parts"])
def test_the_least_policy_suffices(
    wheel: Path, s3: Any, strict: Any, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """The one of the how-to on publishing, which neither lists nor deletes."""
    wheel.write_bytes(b"z" * size)
    client = boto3.client("iam", endpoint_url=s3.endpoint_url, region_name="eu-central-1")
    monkeypatch.setattr("moto.settings.INITIAL_NO_AUTH_ACTION_COUNT", float("inf"))
    text = (DOCS / "how-to" / "publish.md").read_text(encoding="utf-8")
    policy = text.partition(":caption: s3-publisher.json\n")[2].partition("```")[0].replace("acme-releases", s3.name)
    client.put_user_policy(UserName="reader", PolicyName="reads", PolicyDocument=policy)
    monkeypatch.setattr("moto.settings.INITIAL_NO_AUTH_ACTION_COUNT", 0.0)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", strict["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", strict["SecretAccessKey"])
    assert [upload_artifact(wheel, s3.place(KEY)).created for _ in range(2)] == [True, False]
    refused(wheel, s3.place("elsewhere.whl"), "the credentials do not allow it (AccessDenied", "may create and read")


def test_no_credentials_at_all(wheel: Path, s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    refused(wheel, s3.place(KEY), "no credentials were found", "Set AWS_ACCESS_KEY_ID")


def test_a_region_that_is_not_known(wheel: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    refused(wheel, Place(Backend.S3, "acme", KEY), "region", "Say which by --region")


WRONG_REGION = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AuthorizationHeaderMalformed</Code><Message>The authorization header is malformed; the region 'us-east-1'
is wrong; expecting 'eu-west-1'</Message><Region>eu-west-1</Region><RequestId>1</RequestId></Error>"""


class Elsewhere(BaseHTTPRequestHandler):
    """What S3 answers to requests that were signed for another region; there is no emulator that does."""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(400)
        self.send_header("content-length", str(len(WRONG_REGION)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(WRONG_REGION)

    do_PUT = do_POST = do_GET = do_HEAD = answer  # noqa: N815 - the names of the methods

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.mark.parametrize(
    ("size", "what", "fix"),
    [(9, "the bucket is in eu-west-1", "Say --region eu-west-1"), (9 << 20, "acme", "Check --bucket, --region")],
    ids=["small", "asked for before"],
)
def test_a_region_that_is_wrong(wheel: Path, s3: Any, size: int, what: str, fix: str) -> None:
    """The answer to HEAD has no body that could say more."""
    assert s3
    wheel.write_bytes(b"z" * size)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        refused(wheel, Place(Backend.S3, "acme", KEY, "us-east-1", f"http://127.0.0.1:{server.server_port}"), what, fix)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.long  # it is tried again for a while
def test_a_server_that_is_not_there(wheel: Path, s3: Any, gcs: Any) -> None:
    assert s3
    for backend, name in ((Backend.S3, "acme"), (Backend.GCS, gcs.name)):
        nobody = Place(backend, name, KEY, "eu-central-1", "http://127.0.0.1:9")
        refused(wheel, nobody, "the server cannot be reached", "nothing half-done can be seen")


def test_a_directory_in_the_way(wheel: Path, directory: Any) -> None:
    root = Path(directory.name)
    (root / "wheels").write_text("a file")
    refused(wheel, directory.place(KEY), "cannot be used", "")
    assert [path.name for path in root.iterdir()] == ["wheels"]


def test_a_directory_under_the_key(wheel: Path, directory: Any) -> None:
    (Path(directory.name) / KEY).mkdir(parents=True)
    refused(wheel, directory.place(KEY), f"/{KEY} is a directory", "Choose another --key")


def test_a_directory_where_nothing_can_be_written(wheel: Path) -> None:
    refused(wheel, Place(Backend.FILE, "/proc", KEY), "nothing can be written into '/proc'", "may write to")


def test_an_artifact_that_cannot_be_read(directory: Any, tmp_path: Path) -> None:
    refused(tmp_path, directory.place(KEY), "cannot be read: Is a directory", "can be read")


@pytest.mark.parametrize("key", ["", "/abs", "a/../b", "a\\b", "a//b", "a/", "nul", "a:b", "a\nb"])
def test_a_key_that_is_no_plain_path(key: str) -> None:
    with pytest.raises(PathTraversalError):
        Place(Backend.S3, "acme", key)


def test_without_the_extra_it_is_said_how_to_get_it(
    wheel: Path, directory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opendal", None)
    refused(wheel, directory.place(KEY), "is not installed", "pip install 'oneiric-core[publish]'")


@pytest.mark.parametrize(
    ("place", "url"),
    [
        (Place(Backend.S3, "acme", "a b/c.whl", "eu-west-1"), "https://acme.s3.eu-west-1.amazonaws.com/a%20b/c.whl"),
        (Place(Backend.S3, "ac.me", "c.whl", "eu-west-1"), "https://s3.eu-west-1.amazonaws.com/ac.me/c.whl"),
        (Place(Backend.S3, "acme", "c.whl"), "https://acme.s3.amazonaws.com/c.whl"),
        (Place(Backend.S3, "acme", "c.whl", None, "https://minio.example/"), "https://minio.example/acme/c.whl"),
        (Place(Backend.GCS, "acme", "c.whl"), "https://storage.googleapis.com/acme/c.whl"),
        (Place(Backend.GCS, "acme", "c.whl", public_url="https://cdn.example/x/"), "https://cdn.example/x/c.whl"),
        (Place(Backend.FILE, "/srv/www", "a+b/c.whl"), "file:///srv/www/a%2Bb/c.whl"),
    ],
)
def test_the_url_is_the_one_that_others_find_it_under(place: Place, url: str) -> None:
    assert place.url == url


def test_what_a_key_is_declared_as() -> None:
    assert content_type_of("a.WHL") == "application/zip"
    assert content_type_of("m.dsse.json") == "application/vnd.dsse.envelope.v1+json"
    assert content_type_of("m.json") == "application/json"
    assert content_type_of("m.yml") == "application/yaml"
    assert content_type_of("page.html") == "text/html"
    assert content_type_of("LICENSE") == "application/octet-stream"
