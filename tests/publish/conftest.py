"""Packages that are really installed, and wheels that are really built, for those who publish them."""

import importlib
import json
import logging
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http.server import ThreadingHTTPServer
from io import BufferedReader, BytesIO
from pathlib import Path
from textwrap import dedent
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, quote, urlsplit

import boto3
import pytest
from gcp_storage_emulator.exceptions import NotFound
from gcp_storage_emulator.handlers import buckets
from gcp_storage_emulator.server import RequestHandler
from gcp_storage_emulator.storage import Storage
from moto.server import ThreadedMotoServer

from oneiric_core.publish.places import Backend, Place
from oneiric_core.testing import make_wheel as build_wheel

Install = Callable[..., None]
MakeWheel = Callable[..., Path]

ZETA = """
    from pydantic import BaseModel
    from oneiric_core import ActionMetadata, AdapterMetadata, EventMetadata, WorkflowMetadata

    class Settings(BaseModel):
        size: int = 1

    class Cache:
        pass

    def make():
        return Cache()

    cache = AdapterMetadata(
        category="cache", provider="zeta", factory=Cache, version="2.1", description="Keeps values",
        capabilities=["kv", {"name": "ttl", "description": "Forgets", "event_types": ["expired"]}],
        stack_level=5, priority=-2, owner="Zeta", requires_secrets=True, settings_model=Settings, timeout_seconds=2.5,
        retry_policy={"attempts": 3, "base_delay": 0.5},
        extras={"license": "MIT", "requires": [], "color": "red", "conflicts_with": ["eta<2"], "priority": "high"},
    )
    heard = EventMetadata(
        key="heard", provider="zeta", factory="zeta:make", topics=["a", "b"], max_concurrency=4, event_priority=7,
        filters=[{"path": "payload.x", "any_of": [1, "yes"]}], fanout_policy="exclusive",
    )
    flow = WorkflowMetadata(
        key="flow", provider="zeta", factory="zeta:make",
        dag={"nodes": [{"id": "a", "task": "t"}, {"id": "b", "task": "t", "depends_on": ["a"]}]},
    )
    act = ActionMetadata(key="act", provider="zeta", factory="zeta:make", side_effect_free=True, domains=["task"])
"""
GROUPS = {"adapters": "cache", "events": "heard", "workflows": "flow", "actions": "act"}
METADATA = """\
Metadata-Version: 2.4
Name: Zeta
Version: 2.1.0
License-Expression: BSD-3-Clause
Requires-Python: >=3.11
Requires-Dist: pydantic>=2
Requires-Dist: nothing-much; python_version<"3"
Requires-Dist: pytest; extra == "test"
Project-URL: Source, https://zeta.example/source
Project-URL: Documentation, https://zeta.example/docs
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """``install(name, code, {group: name}, metadata)``: one module and what it announces, as pip leaves it."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    before = set(sys.modules)

    def put(name: str, code: str, groups: dict[str, str], metadata: str) -> None:
        (site / f"{name}.py").write_text(dedent(code), encoding="utf-8")
        info = site / f"{name}-0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        lines = [f"[oneiric.{group}]\n{point} = {name}:{point}\n" for group, point in groups.items()]
        (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
        importlib.invalidate_caches()

    yield put
    for module in set(sys.modules) - before:
        del sys.modules[module]


@pytest.fixture
def zeta(install: Install) -> None:
    """The package ``zeta`` 2.1.0, which declares all there is to declare."""
    install("zeta", ZETA, GROUPS, METADATA)


@pytest.fixture
def make_wheel(tmp_path: Path) -> MakeWheel:
    """``make_wheel(name, {path: text})``: a wheel under that file name."""

    def make(filename: str = "zeta-2.1.0-py3-none-any.whl", files: dict[str, str] | None = None) -> Path:
        name, version, tag = filename.removesuffix(".whl").replace("-1-py3", "-py3").split("-", 2)
        path = tmp_path / filename
        path.write_bytes(build_wheel(files or {"zeta.py": dedent(ZETA)}, name, version, tag=tag))
        return path

    return make


class ConditionalHandler(RequestHandler):
    """The emulator, with what it leaves out of the protocol and we rely on.

    ``ifGenerationMatch=0`` is "only if there is no such object", when an upload begins and when it ends:
    https://cloud.google.com/storage/docs/request-preconditions
    """

    corrupts: ClassVar[bool] = False
    conditional: ClassVar[dict[str, tuple[str, str]]] = {}

    def do_POST(self) -> None:  # noqa: N802 - the name of the method
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        bucket, name = parts.path.split("/")[-2], query.get("name", [""])[0]
        conditional = query.get("ifGenerationMatch") == ["0"]
        if conditional and self._exists(bucket, name):
            self._refuse()
            return
        super().do_POST()
        if conditional:
            self.conditional[name] = (bucket, name)

    def do_PUT(self) -> None:  # noqa: N802 - likewise
        for bucket, name in self.conditional.values():
            if f"name={quote(name, safe='')}" in self.path and self._exists(bucket, name):
                self._refuse()
                return
        if self.corrupts:
            body = bytearray(self.rfile.read(int(self.headers["content-length"])))
            body[-1] ^= 1
            self.rfile = BufferedReader(BytesIO(bytes(body)))
        super().do_PUT()

    def _exists(self, bucket: str, name: str) -> bool:
        try:
            self.storage.get_file(bucket, name)
        except NotFound:
            return False
        return True

    def _refuse(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_error(412, "Precondition Failed")


@dataclass(frozen=True)
class Bucket:
    """A bucket that is really there, in a server that really listens."""

    backend: Backend
    name: str
    endpoint_url: str | None = None
    handler: Any = None

    def place(self, key: str, **options: Any) -> Place:
        region = "eu-central-1" if self.backend is Backend.S3 else None
        given = {"region": region, "endpoint_url": self.endpoint_url}
        return Place(self.backend, self.name, key, **{**given, **options})

    def fetch(self, key: str) -> tuple[bytes, Mapping[str, str]]:
        """As anybody would: without credentials."""
        with urllib.request.urlopen(self.place(key).url) as answer:  # noqa: S310 - ours
            return answer.read(), answer.headers


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """An S3 bucket whose policy lets everybody read."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    client = boto3.client("s3", endpoint_url=s3_url, region_name="eu-central-1")
    client.create_bucket(Bucket="acme-s3", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-s3/*"}
    client.put_bucket_policy(Bucket="acme-s3", Policy=json.dumps({"Version": "2012-10-17", "Statement": [everybody]}))
    yield Bucket(Backend.S3, "acme-s3", s3_url)
    with urllib.request.urlopen(f"{s3_url}/moto-api/reset", data=b"") as answer:  # noqa: S310 - ours
        assert answer.status == 200


@pytest.fixture
def gcs() -> Iterator[Bucket]:
    """A GCS bucket."""
    storage = Storage(use_memory_fs=True)
    buckets.create_bucket("acme-gcs", storage)
    handler = type("Handler", (ConditionalHandler,), {"conditional": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, storage))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield Bucket(Backend.GCS, "acme-gcs", f"http://127.0.0.1:{server.server_port}", handler)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def directory(tmp_path: Path) -> Bucket:
    """A directory, as a web server publishes one."""
    (tmp_path / "www").mkdir()
    return Bucket(Backend.FILE, str(tmp_path / "www"))


@pytest.fixture(params=[backend.value for backend in Backend])
def bucket(request: pytest.FixtureRequest) -> Bucket:
    """Each of them in turn."""
    name = "directory" if request.param == "file" else request.param
    found: Bucket = request.getfixturevalue(name)
    return found
