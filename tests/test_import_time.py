"""What an import costs: decided by which modules it loads, not by a stopwatch."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import oneiric_core
import oneiric_core.testing

HEAVY = {
    "asyncio",
    "cryptography",
    "httpx",
    "importlib.metadata",
    "opentelemetry",
    "packaging",
    "pydantic",
    "rich",
    "ssl",
    "typer",
    "yaml",
}


def loaded_by(code: str) -> set[str]:
    """The modules that running ``code`` in a fresh interpreter loads, beyond those of an empty one."""
    listing = "import json, sys; before = set(sys.modules)\n{}\nprint(json.dumps(sorted(set(sys.modules) - before)))"
    run = subprocess.run(
        [sys.executable, "-I", "-c", listing.format(code)], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(run.stdout))


@pytest.mark.parametrize("package", ["oneiric_core", "oneiric_core.testing"])
def test_importing_the_package_loads_nothing_of_it(package: str) -> None:
    loaded = loaded_by(f"import {package}")
    assert {name for name in loaded if name.startswith("oneiric_core.")} <= {"oneiric_core.testing"}
    assert not HEAVY & loaded


def test_a_name_loads_what_it_needs_and_no_more() -> None:
    assert "oneiric_core.domains" in (loaded := loaded_by("from oneiric_core import Domain"))
    assert not HEAVY & loaded
    loaded = loaded_by("from oneiric_core import Resolver")
    assert not {"cryptography", "httpx", "yaml", "typer", "rich"} & loaded


@pytest.mark.parametrize("package", [oneiric_core, oneiric_core.testing])
def test_type_checkers_and_programs_see_the_same_names_in_the_same_places(package: object) -> None:
    """The imports under TYPE_CHECKING and the table agree, name by name."""
    source = Path(str(getattr(package, "__file__", ""))).read_text(encoding="utf-8")
    typed = {
        alias.asname: f"oneiric_core.{home.removeprefix('oneiric_core.')}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and (home := node.module or "").startswith("oneiric_core.")
        for alias in node.names
    }
    homes: dict[str, str] = vars(package)["_HOMES"]
    assert typed == {name: f"oneiric_core.{home}" for name, home in homes.items()}


def test_every_public_name_leads_somewhere() -> None:
    assert set(oneiric_core.__all__) <= set(dir(oneiric_core))
    assert all(getattr(oneiric_core, name) is not None for name in oneiric_core.__all__)
    assert oneiric_core.__version__[0].isdigit()


def test_a_wrong_name_is_an_ordinary_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'oneiric_core' has no attribute 'Nonsense'"):
        oneiric_core.Nonsense  # type: ignore[attr-defined]  # noqa: B018 - looking it up is the act
    assert not hasattr(oneiric_core, "nonsense")
