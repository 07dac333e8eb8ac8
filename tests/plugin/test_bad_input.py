"""Whatever is wrong before or in a component ends as one clear line and a code other than 0; the others are judged."""

import re

import pytest

pytestmark = pytest.mark.slow

ASK = "--oneiric-conformance"


def errors(run) -> list[str]:
    return [line for line in (run.err + run.out).splitlines() if "ERROR" in line or "error" in line.lower()]


def test_a_repository_without_entry_points(bare) -> None:
    bare.publish()
    bare.install()
    done = bare.pytest(ASK)
    assert done.code == 4
    assert "oneiric.adapters" in done.err
    assert "Traceback" not in done.err


def test_a_directory_without_a_project(bare) -> None:
    done = bare.pytest(ASK)
    assert done.code == 4
    assert "pyproject.toml" in done.err
    assert "Traceback" not in done.err


def test_a_package_that_is_declared_but_not_installed(bare) -> None:
    bare.entry_points = {"oneiric.actions": {"slug": "third:slug"}}
    bare.publish()
    done = bare.pytest(ASK)
    assert done.code == 4
    assert "pip install -e ." in done.err


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("--oneiric-conformence", "--oneiric-conformance"),
        ("--oneiric-repport=x.json", "--oneiric-report"),
        ("--oneiric-componet=x", "--oneiric-component"),
    ],
)
def test_a_misspelt_option(author, written: str, meant: str) -> None:
    done = author.pytest(written)
    assert done.code == 4
    assert f"Did you mean {meant}?" in done.err


def test_a_misspelt_profile(author) -> None:
    done = author.pytest(ASK, "--oneiric-profile", "gaet")
    assert done.code == 4
    assert "gate" in done.err


def test_a_misspelt_key_in_the_configuration(author) -> None:
    author.publish('[tool.oneiric.conformance]\nprofil = "gate"')
    done = author.pytest(ASK)
    assert done.code == 4
    assert "profil" in done.err
    assert done.err.rstrip().endswith("Did you mean profile?")


def test_a_component_that_is_not_there(author) -> None:
    done = author.pytest(ASK, "--oneiric-component", "action/slug/thrid")
    assert done.code == 4
    assert "action/slug/third" in done.err


@pytest.mark.parametrize(
    "option", ["--oneiric-component=action/slug/third", "--oneiric-report=report.json", "--oneiric-profile=quick"]
)
def test_an_option_without_the_one_it_belongs_to(author, option: str) -> None:
    done = author.pytest(option)
    assert done.code == 4
    assert f"{option.partition('=')[0]} needs {ASK}" in done.err


def test_a_path_elsewhere_that_would_lead_pytest_astray_is_refused(author, tmp_path_factory) -> None:
    """Pytest takes an argument that is a path for a place of tests, and looks for its configuration there."""
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "report.json"
    elsewhere.write_text("of yesterday")
    done = author.pytest(ASK, "-k", "META-002", "--oneiric-report", str(elsewhere))
    assert done.code == 4
    assert f"Write --oneiric-report={elsewhere}" in done.err
    assert author.pytest(ASK, "-k", "META-002", f"--oneiric-report={elsewhere}").code == 0
    assert elsewhere.read_text().startswith("{")


@pytest.mark.long
def test_a_wheel_that_is_not_there_is_said_before_the_run(author) -> None:
    done = author.pytest(ASK, "--oneiric-wheel", "dist/third_party-1.0-py3-none-any.whl")
    assert done.code == 4
    assert f"{author.root}/dist/third_party-1.0-py3-none-any.whl" in done.err
    assert "passed" not in done.out


def test_an_entry_point_that_fails_to_import_is_its_own_failing_item(author, with_component) -> None:
    """With the last line of its traceback; the other component is judged all the same."""
    with_component("broken", "import no_such_module_anywhere\n")
    done = author.pytest(ASK, "-v", "-k", "META-001 or META-002")
    assert done.code == 1
    assert "pyproject.toml::oneiric.actions/broken::META-001 FAILED" in done.out
    assert "pyproject.toml::action/slug/third::META-002 PASSED" in done.out
    assert "ModuleNotFoundError: No module named 'no_such_module_anywhere'" in done.out


FAULTY = """
from types import SimpleNamespace
declared = SimpleNamespace(
    domain="action", key="{name}", provider="third", factory="{name}:make", version="1.0"
)
"""

FACTORIES = {
    "raises": ("def make():\n    raise RuntimeError('out of luck')\n", "out of luck"),
    "gives_none": ("def make():\n    return None\n", "None"),
    "exits": ("import os\ndef make():\n    os._exit(7)\n", "7"),
    "leaves": ("import sys\ndef make():\n    sys.exit('bye')\n", "bye"),
}


@pytest.mark.parametrize("name", sorted(FACTORIES))
def test_a_factory_that_does_not_deliver(author, with_component, name: str) -> None:
    source, told = FACTORIES[name]
    with_component(name, source + FAULTY.format(name=name))
    done = author.pytest(ASK, "-k", "LIFE-002")
    assert done.code == 1
    assert f"action/{name}/third::LIFE-002" in done.out
    assert told in done.out
    assert "1 failed, 1 passed" in done.out


def test_a_factory_that_hangs(author, with_component) -> None:
    author.publish()
    source = "import time\ndef make():\n    time.sleep(3600)\n" + FAULTY.format(name="hangs")
    with_component("hangs", source)
    done = author.pytest(ASK, "-k", "LIFE-002")
    assert done.code == 1
    assert "1 failed, 1 passed" in done.out
    assert "did not end within" in done.out


def test_a_module_that_ends_the_process_when_imported(author, with_component) -> None:
    with_component("exits", "import os\nos._exit(9)\n")
    done = author.pytest(ASK, "-k", "META-001")
    assert done.code == 1
    assert "META-001 oneiric.actions/exits" in done.out
    assert "9" in done.out.split("META-001 oneiric.actions/exits", 1)[1].split("expected", 1)[0]
    assert author.pytest(ASK, "pyproject.toml::action/slug/third::META-002").code == 0


NEEDY = """
    from types import SimpleNamespace
    from pydantic import BaseModel
    class Needs(BaseModel):
        url: str
    class Needy:
        def __init__(self, settings): ...
    declared = SimpleNamespace(
        domain="action", key="needy", provider="third", factory="needy:Needy", settings_model="needy:Needs"
    )
"""


def test_after_a_failed_first_run_one_card_says_why_and_the_rest_is_a_line_each(author, with_component) -> None:
    with_component("needy", NEEDY)
    done = author.pytest(ASK, "-k", "needy and LIFE", "--tb=short")
    assert done.out.count("\n  mend ") == 1, done.out
    assert re.search(r"^action/needy/third +fails +fail LIFE-002; \d+ not tried$", done.out, re.MULTILINE)
    assert "url: Field required" in done.out
    assert "LIFE-001 action/needy/third was not tried: prerequisite: settings: ValidationError" in done.out


def test_settings_for_others_do_not_stand_in_the_way_of_a_named_component(author) -> None:
    author.publish('[tool.oneiric.conformance.components."action/other/third"]\nsettings = {a = 1}')
    refused = author.pytest(ASK, "-k", "META-001")
    assert refused.code == 4
    done = author.pytest(ASK, "--oneiric-component", "action/slug/third", "-k", "META-001")
    assert done.code == 0, done.out + done.err
