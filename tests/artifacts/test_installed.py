"""Which module names are taken here, and by whom; which wheels run here."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from oneiric_core.artifacts.installed import runs_here, shadowed_by


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory on the path, with one distribution in it that has a package, a module and an extension."""
    info = tmp_path / "zeta_tools-1.0.dist-info"
    for name in ("zeta", "loose", "declared"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    for name in ("zetamod.py", "zetabin.abi3.so"):
        (tmp_path / name).touch()
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Zeta.Tools\nVersion: 1.0\n")
    (info / "RECORD").write_text("zeta/__init__.py,,\nzetamod.py,,\nzetabin.abi3.so,,\n")
    (info / "top_level.txt").write_text("declared\n")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("json", "the standard library"),
        ("JSON", "the standard library"),
        ("sys", "the standard library"),
        ("oneiric_core", "this runtime"),
        ("Oneiric_Conformance", "this runtime"),
        ("pytest_oneiric", "this runtime"),
        ("sitecustomize", "Python's start-up"),
        ("__main__", "Python's start-up"),
        ("pydantic", "pydantic"),
        ("yaml", "pyyaml"),
        ("no_such_module_anywhere", ""),
    ],
)
def test_names_of_others_are_taken(name: str, owner: str) -> None:
    assert shadowed_by(name, "acme") == owner


@pytest.mark.parametrize("name", ["zeta", "zetamod", "zetabin", "declared"])
def test_a_distribution_has_its_own_names_and_nobody_else_has_them(site: Path, name: str) -> None:
    assert shadowed_by(name, "zeta-tools") == ""
    assert shadowed_by(name, "acme") == "zeta-tools"


def test_what_nobody_lists_is_somebody_elses_unless_the_distribution_is_installed(site: Path) -> None:
    """An editable installation lists none of its modules."""
    assert shadowed_by("loose", "acme") == "something that can be imported here"
    assert shadowed_by("loose", "zeta-tools") == ""


def test_a_directory_that_happens_to_be_there_takes_no_name(site: Path) -> None:
    (site / "plain").mkdir()
    assert shadowed_by("plain", "acme") == ""


def test_a_module_in_memory_takes_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "made_up", ModuleType("made_up"))
    assert shadowed_by("made_up", "acme") == "something that can be imported here"


def test_a_distribution_without_a_name_is_no_obstacle(site: Path) -> None:
    (site / "broken-1.0.dist-info").mkdir()
    assert shadowed_by("zeta", "acme") == "zeta-tools"


def test_to_ask_for_a_name_imports_nothing(site: Path) -> None:
    (site / "zeta" / "__init__.py").write_text("raise SystemExit('imported')")
    code = f"import sys; sys.path.insert(0, {str(site)!r}); from oneiric_core.artifacts.installed import shadowed_by"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print(shadowed_by('zeta', 'acme'))"], capture_output=True, check=False
    )
    assert done.stdout == b"zeta-tools\n", done.stderr


def test_wheels_for_other_systems_do_not_run_here() -> None:
    minor = sys.version_info.minor
    assert runs_here(frozenset({"py3-none-any"}))
    assert runs_here(frozenset({f"cp3{minor}-none-any", "cp27-none-any"}))
    assert runs_here(frozenset({"py2.py3-none-any"}))
    assert not runs_here(frozenset({"py2-none-any", "py3-none-no_such_system", "cp311-cp311-plan9_mips"}))
    assert not runs_here(frozenset({"nonsense", "a-b-c-d", "py3-none-", "--", "py3..py2-none-linux_9"}))
    assert not runs_here(frozenset({f"cp3{minor}-none-any-1", "py2-abi3-any"}))
    assert runs_here(frozenset({"PY3-None-ANY"}))
    assert not runs_here(frozenset())


def test_no_tag_is_written_out_into_all_that_it_stands_for() -> None:
    """Of thirty kilobytes it would be a thousand million."""
    parts = [".".join(f"{letter}{number}" for number in range(1_000)) for letter in ("py", "none", "any")]
    assert not runs_here(frozenset({"-".join(parts)}))
    with_ours = [f"{part}.{ours}" for part, ours in zip(parts, ("py3", "none", "any"), strict=True)]
    assert runs_here(frozenset({"-".join(with_ours)}))
