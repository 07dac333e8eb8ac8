"""Packages that are really installed, and wheels that are really built, for those who publish them."""

import importlib
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from oneiric_core.publish.places import Backend, Place
from oneiric_core.testing import make_wheel as build_wheel

sys.path.insert(0, str(Path(__file__).parent))  # the dry run of a release shares them, and is a program
import emulators

sys.path.pop(0)

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
def install(tmp_path: Path, on_path: Callable[[Path], None]) -> Install:
    """``install(name, code, {group: name}, metadata)``: one module and what it announces, as pip leaves it."""
    site = tmp_path / "site"
    site.mkdir()
    on_path(site)

    def put(name: str, code: str, groups: dict[str, str], metadata: str) -> None:
        (site / f"{name}.py").write_text(dedent(code), encoding="utf-8")
        info = site / f"{name}-0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        lines = [f"[oneiric.{group}]\n{point} = {name}:{point}\n" for group, point in groups.items()]
        (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
        importlib.invalidate_caches()

    return put


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
    with emulators.s3_server() as url:
        yield url


@pytest.fixture
def s3(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """An S3 bucket whose policy lets everybody read."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    emulators.make_s3_bucket(s3_url, "acme-s3")
    yield Bucket(Backend.S3, "acme-s3", s3_url)
    with urllib.request.urlopen(f"{s3_url}/moto-api/reset", data=b"") as answer:  # noqa: S310 - ours
        assert answer.status == 200


@pytest.fixture
def gcs() -> Iterator[Bucket]:
    """A GCS bucket."""
    with emulators.gcs_server("acme-gcs") as (url, handler):
        yield Bucket(Backend.GCS, "acme-gcs", url, handler)


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
