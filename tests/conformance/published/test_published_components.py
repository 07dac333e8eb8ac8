"""Components of the published ``oneiric``, unmodified, over our runtime: who is certified, who is refused, and why."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from oneiric_conformance import ComponentReport, run_conformance

if sys.version_info < (3, 13):
    pytest.skip("the published oneiric needs Python 3.13", allow_module_level=True)
pytest.importorskip("oneiric", reason="the published oneiric is not installed here")

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""What one of them leaves open when it is cancelled is closed at some later time, in whatever test runs then."""

_RECORDS = {"payloads": "tests.conformance.published.payloads:records"}
_MESSAGES = {"payloads": "tests.conformance.published.payloads:messages"}
_NO_MAPPING = {"ACT-001": "it was refused by AttributeError: 'int' object has no attribute 'get'"}
"""Its actions take what is no mapping for one."""
_NO_HEALTH = {"LIFE-008": "it has no health hook"}
_HEALTHY_FOR_EVER = {"LIFE-008": "after clean-up, health() answered True"}


@dataclass(frozen=True)
class Case:
    """One component with what its author would configure, and what the kit says of it.

    :ivar breaks: what fails, by rule, with part of the reason; ``warns`` likewise.
    """

    spec: str
    id: str
    verdict: str
    breaks: Mapping[str, str] = field(default_factory=dict)
    warns: Mapping[str, str] = field(default_factory=dict)
    configured: Mapping[str, Any] = field(default_factory=dict)


CASES = (
    Case(
        "oneiric.adapters.cache.memory:MemoryCacheAdapter",
        "adapter/cache/memory",
        "certified",
        warns=_HEALTHY_FOR_EVER,
    ),
    Case(
        "oneiric.adapters.storage.local:LocalStorageAdapter",
        "adapter/storage/local",
        "fails",
        breaks={"PATH-006": "box-oneiric-escape' appeared, a file"},
        warns=_HEALTHY_FOR_EVER,
    ),
    Case(
        "oneiric.adapters.database.sqlite:SQLiteDatabaseAdapter",
        "adapter/database/sqlite",
        "conforms",
        configured={"settings": {"path": "{sandbox}/db.sqlite"}},
    ),
    Case(
        "oneiric.actions.compression:CompressionAction",
        "action/compression.encode/builtin-compression",
        "fails",
        breaks=_NO_MAPPING,
        warns=_NO_HEALTH,
    ),
    Case(
        "oneiric.actions.data:DataTransformAction",
        "action/data.transform/builtin-data-transform",
        "fails",
        breaks=_NO_MAPPING,
        warns=_NO_HEALTH,
        configured=_RECORDS,
    ),
    Case(
        "oneiric.actions.security:SecuritySignatureAction",
        "action/security.signature/builtin-security-signature",
        "fails",
        breaks=_NO_MAPPING,
        warns={**_NO_HEALTH, "ACT-003": "timestamp"},
        configured=_MESSAGES,
    ),
)


@pytest.mark.long
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_it_is_judged_as_it_is(case: Case, tmp_path: Path) -> None:
    lines = [f"{name} = {_as_toml(value)}" for name, value in case.configured.items()]
    section = f'[tool.oneiric.conformance.components."{case.id}"]\n' if lines else ""
    (tmp_path / "pyproject.toml").write_text(section + "\n".join(lines), encoding="utf-8")
    report = run_conformance(case.spec, rootdir=tmp_path, profile="quick")
    (component,) = report.components
    assert (component.id, component.verdict.value) == (case.id, case.verdict), _reasons(component, "fail", "error")
    _expect(case.breaks, _reasons(component, "fail", "error"))
    _expect(case.warns, _reasons(component, "warn"))
    assert [result.reason for result in report.whole if result.status.value in {"fail", "error"}] == []


def _reasons(component: ComponentReport, *statuses: str) -> dict[str, str]:
    return {result.check: result.reason for result in component.results if result.status.value in statuses}


def _expect(said: Mapping[str, str], found: Mapping[str, str]) -> None:
    assert found.keys() == said.keys(), found
    for check, part in said.items():
        assert part in found[check]


def _as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_as_toml(item)}" for name, item in value.items()) + "}"
    return json.dumps(value)
