"""Wheels as people build them pass the scan, and their code runs from the cache."""

import hashlib
import io
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.artifacts.modules import load_code
from oneiric_core.artifacts.wheel import scan_wheel, wheel_faults
from oneiric_core.components import CodeReference

ACME = Path(__file__).resolve().parents[3] / "conformance" / "acme"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example package's wheel, built by ``build``."""
    source, out = tmp_path_factory.mktemp("acme") / "acme", tmp_path_factory.mktemp("dist")
    shutil.copytree(ACME, source, ignore=shutil.ignore_patterns("__pycache__", "dist", ".*"))
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    [wheel] = out.glob("*.whl")
    return wheel


@pytest.mark.long
def test_a_wheel_built_from_a_repository_is_safe_and_runs(bench: Any, built: Path) -> None:
    content = built.read_bytes()
    assert wheel_faults(io.BytesIO(content)) == []
    wheel = scan_wheel(io.BytesIO(content))
    assert (wheel.name, wheel.top_levels) == ("acme-oneiric", {"acme_oneiric"})
    code = load_code(bench.store, bench.add(content))
    reference = code.reference("acme_oneiric.text_statistics:TextStatistics")
    assert isinstance(reference, CodeReference)
    pin = code.pin()
    loaded: Any = reference.load()
    assert Path(sys.modules[loaded.__module__].__file__ or "").is_relative_to(bench.store.root)
    assert loaded()
    del pin, loaded


@pytest.mark.long
def test_a_built_wheel_that_was_changed_is_not(bench: Any, built: Path) -> None:
    content = built.read_bytes()
    at = content.index(b"PK\1\2") - 1
    changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    assert hashlib.sha256(changed).hexdigest() != hashlib.sha256(content).hexdigest()
    assert wheel_faults(io.BytesIO(changed)) != []
