"""A component of the published ``oneiric``, judged as it is by somebody who only installed it."""

import sys
from pathlib import Path

import pytest

from oneiric_conformance.finding.packages import find_component

SPEC = "oneiric.adapters.cache.memory:MemoryCacheAdapter"
ARGUMENTS = ("--oneiric-conformance", "--oneiric-component", SPEC, "--oneiric-profile", "quick")

if sys.version_info < (3, 13):
    pytest.skip("the published oneiric needs Python 3.13", allow_module_level=True)
pytest.importorskip("oneiric", reason="the published oneiric is not installed here")


@pytest.mark.long
@pytest.mark.parametrize("project", ["", "[project]\nname = 'somebody-elses'\n"])
def test_its_memory_cache_gets_a_verdict_with_reasons(bare, project: str) -> None:
    """In a directory with nothing in it, and in a project that has nothing to do with it."""
    if project:
        bare.write("pyproject.toml", project)
    done = bare.pytest(*ARGUMENTS, "-p", "no:cacheprovider")
    assert done.code == 0, done.out + done.err
    lines = done.out.splitlines()
    assert "verdict: certified" in lines
    assert any(line.split()[:2] == ["adapter/cache/memory", "certified"] for line in lines)
    assert any(line.startswith("warn LIFE-008: ") for line in lines)
    assert [path.name for path in bare.root.iterdir()] == (["pyproject.toml"] if project else [])


def test_it_is_found_unmodified(tmp_path: Path) -> None:
    subject = find_component(SPEC, tmp_path)
    assert (subject.id, subject.error, subject.stack_level) == ("adapter/cache/memory", "", 5)
    assert subject.capabilities == {"kv", "ttl"}
