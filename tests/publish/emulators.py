"""Servers that speak S3 and GCS, over HTTP on this machine: for tests, and for the dry run of a release."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import ThreadingHTTPServer
from io import BufferedReader, BytesIO
from threading import Thread
from typing import ClassVar
from urllib.parse import parse_qs, quote, urlsplit

import boto3
from gcp_storage_emulator.exceptions import NotFound
from gcp_storage_emulator.handlers import buckets
from gcp_storage_emulator.server import RequestHandler
from gcp_storage_emulator.storage import Storage
from moto.server import ThreadedMotoServer

REGION = "eu-central-1"


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


@contextmanager
def s3_server() -> Iterator[str]:
    """moto; the URL it listens at."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def make_s3_bucket(url: str, name: str) -> None:
    """A bucket whose policy lets everybody read."""
    client = boto3.client("s3", endpoint_url=url, region_name=REGION)
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
    client.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [everybody]}))


@contextmanager
def gcs_server(bucket: str) -> Iterator[tuple[str, type[ConditionalHandler]]]:
    """The emulator of GCS with a bucket; the URL it listens at, and what answers there."""
    logging.getLogger("gcp_storage_emulator").setLevel(logging.ERROR)
    storage = Storage(use_memory_fs=True)
    buckets.create_bucket(bucket, storage)
    handler = type("Handler", (ConditionalHandler,), {"conditional": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, storage))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
