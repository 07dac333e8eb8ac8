"""``release check`` and ``release notes`` as typed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from oneiric_core.cli.main import main
from oneiric_core.testing import make_wheel

Capture = pytest.CaptureFixture[str]
WHEEL = "acme-1.4.0-py3-none-any.whl"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path
