"""What goes wrong with a bucket is told in one line that says what to do, and leaves nothing behind."""

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import boto3
import pytest

from oneiric_core.errors import ArtifactError, PathTraversalError
from oneiric_core.publish.object_store import ObjectStore
from oneiric_core.publish.places import Backend, Place, content_type_of
from oneiric_core.publish.upload import upload_artifact

pytestmark = pytest.mark.slow

DOCS = Path(__file__).resolve().parents[2] / "docs"
Always: TypeAlias = Callable[..., AbstractContextManager[str]]
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
    assert "response" not in str(caught.value)  # the library shows requests and answers with all their headers


def test_a_bucket_that_is_missing(wheel: Path, s3: Any, gcs: Any, tmp_path: Path) -> None:
    refused(wheel, Place(Backend.S3, "nope", KEY, "eu-central-1", s3.endpoint_url), "no such bucket", "Create it")
    refused(wheel, Place(Backend.GCS, "nope", KEY, None, gcs.endpoint_url), "no such bucket", "correct --bucket")
    refused(wheel, Place(Backend.FILE, str(tmp_path / "nope"), KEY), "there is no directory", "Make it first")


@pytest.mark.parametrize("size", [9 << 20, 20 << 20], ids=["two parts", "more at once"])
def test_a_bucket_that_is_missing_is_told_in_the_same_way_of_a_large_file(
    wheel: Path, s3: Any, gcs: Any, size: int
) -> None:
    wheel.write_bytes(b"z" * size)
    refused(wheel, Place(Backend.S3, "nope", KEY, "eu-central-1", s3.endpoint_url), "no such bucket", "Create it")
    missing = Place(Backend.GCS, "nope", KEY, None, gcs.endpoint_url)
    refused(wheel, missing, "gcs://nope/wheels/acme-1.0-py3-none-any.whl cannot be used: there is no such bucket", "")


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


class Stubborn(BaseHTTPRequestHandler):
    """A server that says the same to everybody."""

    status: ClassVar[int]
    body: ClassVar[bytes]
    region: ClassVar[str] = ""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(self.status)
        self.send_header("content-length", str(len(self.body)))
        if self.region:
            self.send_header("x-amz-bucket-region", self.region)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(self.body)

    do_PUT = do_POST = do_GET = do_HEAD = answer  # noqa: N815 - the names of the methods

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def always(serve: Callable[[Any], AbstractContextManager[str]]) -> Always:
    """``with always(status, body, region) as url``: what S3 and GCS say where no emulator does."""

    def saying(status: int, body: bytes = b"", region: str = "") -> AbstractContextManager[str]:
        return serve(type("Handler", (Stubborn,), {"status": status, "body": body, "region": region}))

    return saying


@pytest.mark.parametrize("size", [9, 9 << 20], ids=["small", "asked for before"])
def test_a_region_that_is_wrong(wheel: Path, always: Always, s3: Any, size: int) -> None:
    """The answer to HEAD has no body that could say more."""
    assert s3
    wheel.write_bytes(b"z" * size)
    with always(400, WRONG_REGION) as url:
        place = Place(Backend.S3, "acme", KEY, "us-east-1", url)
        refused(wheel, place, "the bucket is in eu-west-1", "Say --region eu-west-1")
        with pytest.raises(ArtifactError, match="the bucket is in eu-west-1"):  # what publishing a manifest asks first
            ObjectStore(place).size()


def test_a_region_that_is_only_in_a_header(wheel: Path, always: Always, s3: Any) -> None:
    """Of a bucket that may not be used it says nothing: that the credentials are wrong is what has to be known."""
    assert s3
    with always(301, region="eu-west-2") as url:
        refused(wheel, Place(Backend.S3, "acme", KEY, "us-east-1", url), "the bucket is in eu-west-2", "--region")
    denied = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    with always(403, denied, region="eu-west-2") as url:
        place = Place(Backend.S3, "acme", KEY, "us-east-1", url)
        refused(wheel, place, "the credentials do not allow it", "may create and read objects")


def of_google(code: int, message: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": message, "errors": []}}).encode()


@pytest.mark.parametrize("size", [9, 9 << 20, 20 << 20])
@pytest.mark.parametrize(
    ("code", "message"),
    [
        (401, "Anonymous caller does not have storage.objects.create access to the bucket"),
        (403, "reader@acme.example does not have storage.objects.create access to the bucket"),
    ],
)
def test_credentials_that_google_denies(wheel: Path, always: Always, code: int, message: str, size: int) -> None:
    wheel.write_bytes(b"z" * size)
    with always(code, of_google(code, message)) as url:
        place = Place(Backend.GCS, "acme", KEY, None, url)
        refused(wheel, place, f"the credentials do not allow it ({code}: {message})", "may create and read objects")


def test_a_bucket_that_google_says_is_missing(wheel: Path, always: Always) -> None:
    with always(404, of_google(404, "The specified bucket does not exist.")) as url:
        refused(wheel, Place(Backend.GCS, "acme", KEY, None, url), "there is no such bucket", "correct --bucket")


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
