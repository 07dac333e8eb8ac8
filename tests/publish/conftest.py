"""Packages that are really installed, and wheels that are really built, for those who publish them."""

import base64
import hashlib
import importlib
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

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
    """``make_wheel(name, {path: text})``: a wheel with a RECORD, under that file name."""

    def make(filename: str = "zeta-2.1.0-py3-none-any.whl", files: dict[str, str] | None = None) -> Path:
        name, version = filename.split("-")[:2]
        info = f"{name}-{version}.dist-info"
        members = files or {"zeta.py": dedent(ZETA)}
        members |= {f"{info}/METADATA": METADATA, f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"}
        record = ""
        path = tmp_path / filename
        with zipfile.ZipFile(path, "w") as archive:
            for member, text in members.items():
                archive.writestr(zipfile.ZipInfo(member), text)
                digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
                record += f"{member},sha256={digest},{len(text.encode())}\n"
            archive.writestr(zipfile.ZipInfo(f"{info}/RECORD"), f"{record}{info}/RECORD,,\n")
        return path

    return make
