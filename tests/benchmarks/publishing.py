"""Publishing: ten thousand entries made and signed, 256 MiB uploaded beside the vendor's client, and a start-up."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import boto3
from boto3.s3.transfer import TransferConfig
from measure import Figure
from moto.server import ThreadedMotoServer

from oneiric_core.clock import SYSTEM_CLOCK
from oneiric_core.components import AdapterMetadata
from oneiric_core.manifest import ENVELOPE, JSON, YAML
from oneiric_core.publish import Package, generate_manifest, render_document, sign_anew
from oneiric_core.publish.object_store import ObjectStore
from oneiric_core.publish.places import Backend, Place
from oneiric_core.trust import generate_private_key

ENTRIES = 10_000
BYTES = 256 << 20
PART = 8 << 20


def publishing() -> Iterator[Figure]:
    yield from manifests()
    yield from uploads()
    yield start_up()


def timed(times: int, work: Callable[[], object]) -> float:
    """Median seconds of processor time, which a busy machine changes least."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def manifests() -> Iterator[Figure]:
    declared = [
        AdapterMetadata(
            category=f"cache-{number}",
            provider="acme",
            factory="acme_components.cache:AcmeCache",
            version="1.0",
            capabilities=["kv", "ttl"],
            owner="Acme",
        ).to_candidate()
        for number in range(ENTRIES)
    ]
    package = Package("acme", "1.0", tuple(declared))
    key = generate_private_key()
    made = generate_manifest([package], version="1.0", source="acme")
    seconds = timed(3, lambda: generate_manifest([package], version="1.0", source="acme"))
    yield Figure(f"generate {ENTRIES:,} entries", f"{seconds:.2f} s", "")
    for name, media_type, into in (("JSON", JSON, JSON), ("YAML", YAML, YAML), ("an envelope", JSON, ENVELOPE)):
        data = render_document(made, media_type)

        def sign(data: bytes = data, media_type: str = media_type, into: str = into) -> None:
            sign_anew(data, media_type, key, into=into, now=SYSTEM_CLOCK.now(), expires_in=timedelta(days=30))

        yield Figure(f"read, sign, write and verify {ENTRIES:,} entries as {name}", f"{timed(3, sign):.2f} s", "")


def uploads() -> Iterator[Figure]:
    """To moto over HTTP; in parts of 8 MiB, four at once, both of them. Wall time: most of it is the server's."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client("s3", endpoint_url=url, region_name="us-east-1")
    client.create_bucket(Bucket="acme-bench")
    config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=4)
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(BYTES >> 20):
            file.write(os.urandom(1 << 20))
        file.flush()
        path = Path(file.name)

        def theirs(number: int) -> None:
            client.upload_file(str(path), "acme-bench", f"theirs-{number}", Config=config)

        def ours(number: int) -> None:
            place = Place(Backend.S3, "acme-bench", f"ours-{number}", "us-east-1", url)
            with path.open("rb") as content:
                chunks = iter(lambda: content.read(1 << 20), b"")
                headers = {"content_type": "application/zip", "cache_control": "no-cache"}
                assert ObjectStore(place).create(chunks, BYTES, **headers)

        for name, work in (("boto3 (no condition)", theirs), ("ours, only if absent", ours)):
            taken = []
            for number in range(3):
                start = time.perf_counter()
                work(number)
                taken.append(time.perf_counter() - start)
            yield Figure(f"upload 256 MiB to moto: {name}", f"{statistics.median(taken):.2f} s", "")
    server.stop()


def start_up() -> Figure:
    """Processor time of a process, bytecode compiled."""
    code = [sys.executable, "-c", "import sys; from oneiric_core.cli.main import main; sys.exit(main())", "--help"]
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        taken = []
        for _ in range(8):
            before = os.times()
            subprocess.run(code, check=True, stdout=subprocess.DEVNULL, env=environment)
            after = os.times()
            used = after.children_user + after.children_system - before.children_user - before.children_system
            taken.append(used)
    return Figure("`oneiric-core --help`, processor time", f"{statistics.median(taken[1:]) * 1000:.0f} ms", "250 ms")
