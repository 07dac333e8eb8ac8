"""The action and the workflows: what GitHub and an attacker would make of them, and what their shell really does.

Each step's shell is run here, with the inputs and the files that GitHub would give it; steps that use other actions are
GitHub's own business.
"""

import os
import re
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from junitparser import JUnitXml, Properties

from oneiric_core.testing import key_pair, make_wheel

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / "action.yml"
CALLED = ROOT / ".github" / "workflows" / "conformance.yml"
TOOLS = Path(sys.executable).parent
ISSUER = key_pair("the issuer of tests")
WHEEL = "third_party-1.0-py3-none-any.whl"
COMPONENT = """
from types import SimpleNamespace
class Slug:
    async def execute(self, payload):
        if not isinstance(payload, dict) or not isinstance(payload.get("text"), str):
            raise ValueError("payload needs a text")
        return {"slug": "-".join(payload["text"].lower().split())}
declared = SimpleNamespace(
    domain="action", key="slug", provider="third", factory="third:Slug", version="1.0",
    capabilities=[{"name": "slug", "payload_schema": {
        "type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}}],
)
"""
POINTS = "[oneiric.actions]\nslug = third:declared\n"
PYPROJECT = """
[project]
name = "third-party"
version = "1.0"
[project.entry-points."oneiric.actions"]
slug = "third:declared"
"""
SCRIPT = """#!{python}
import sys
from importlib.metadata import entry_points
(point, *_) = entry_points(group="console_scripts", name={name!r})
sys.exit(point.load()())
"""


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", [ACTION, CALLED, CALLED.with_name("ci.yml")], ids=lambda path: path.name)
def test_the_published_schemas_accept_it_and_nothing_in_it_could_be_misused(path: Path) -> None:
    schema = "vendor.github-actions" if path == ACTION else "vendor.github-workflows"
    for command in (
        [TOOLS / "check-jsonschema", "--builtin-schema", schema, path],
        [TOOLS / "zizmor", "--offline", "--no-progress", "--persona", "pedantic", path],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", [ACTION, CALLED], ids=lambda path: path.name)
def test_inputs_reach_the_shell_through_the_environment_alone(path: Path) -> None:
    shells = [step["run"] for step in every_step(path) if "run" in step]
    assert len(shells) >= 3
    assert not [shell for shell in shells if "${{" in shell]


@pytest.mark.parametrize("path", [ACTION, CALLED, CALLED.with_name("ci.yml")], ids=lambda path: path.name)
def test_other_actions_are_pinned_by_commit_and_say_which_version_that_is(path: Path) -> None:
    uses = [text for text in re.findall(r"uses: (.*)", path.read_text(encoding="utf-8")) if not text.startswith("./")]
    assert uses
    for text in uses:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", text), text


def every_step(path: Path) -> list[dict[str, Any]]:
    document = loaded(path)
    if "runs" in document:
        return list(document["runs"]["steps"])
    return [step for job in document["jobs"].values() for step in job["steps"]]


@dataclass
class Runner:
    """A machine of GitHub's, as far as the shell of a step can tell: a checkout, a Python, and files to write to."""

    home: Path
    values: dict[str, str] = field(default_factory=dict)

    @property
    def checkout(self) -> Path:
        return self.home / "checkout"

    def prepare(self) -> None:
        venv.create(self.home / "python", symlinks=True)
        (packages,) = self.home.glob("python/lib/python*/site-packages")
        shared = [ROOT, ROOT / "conformance", *(path for path in map(Path, sys.path) if path.name == "site-packages")]
        (packages / "shared.pth").write_text("".join(f"{path}\n" for path in shared), encoding="utf-8")
        tools = self.home / "python" / "bin"
        for name in ("oneiric-core",):
            (tools / name).write_text(SCRIPT.format(python=tools / "python", name=name), encoding="utf-8")
            (tools / name).chmod(0o755)
        for folder in ("temp", "checkout"):
            (self.home / folder).mkdir()
        for name in ("output", "summary"):
            (self.home / name).touch()
        (self.checkout / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
        (self.checkout / "dist").mkdir()
        wheel = make_wheel({"third.py": COMPONENT}, "third-party", "1.0", entry_points=POINTS)
        (self.checkout / "dist" / WHEEL).write_bytes(wheel)

    def run(self, step: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
        """The step's shell, as GitHub runs one that is called bash."""
        environment = {
            "PATH": os.pathsep.join((str(self.home / "python" / "bin"), os.environ["PATH"])),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "RUNNER_TEMP": str(self.home / "temp"),
            "GITHUB_OUTPUT": str(self.home / "output"),
            "GITHUB_STEP_SUMMARY": str(self.home / "summary"),
            "PIP_NO_INDEX": "1",
            "PYTEST_ADDOPTS": "-p no:asyncio",  # a plugin that packages do not have
            **{name: self.value(text) for name, text in step.get("env", {}).items()},
        }
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.checkout,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def value(self, text: object) -> str:
        """What GitHub puts in the place of an expression; a bare text stays what it is."""
        found = re.fullmatch(r"\$\{\{ ([\w.-]+) \}\}", str(text))
        return self.values[found[1]] if found else str(text)

    def outputs(self) -> dict[str, str]:
        lines = (self.home / "output").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)

    @property
    def summary(self) -> str:
        return (self.home / "summary").read_text(encoding="utf-8")


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    made = Runner(tmp_path)
    made.prepare()
    inputs = loaded(ACTION)["inputs"]
    made.values = {f"inputs.{name}": str(each.get("default", "")) for name, each in inputs.items()}
    return made


def steps() -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in loaded(ACTION)["runs"]["steps"]}


@pytest.mark.long
def test_the_action_judges_the_wheel_and_leaves_everything_behind(runner: Runner) -> None:
    install, judge, summarise = (steps()[name] for name in ("Install the kit and the package", "Judge", "Summarise"))
    runner.values |= {
        "inputs.wheel": "dist/*.whl",
        "inputs.level": "core",
        "inputs.signing-key": ISSUER.private_pem,
        "inputs.arguments": "-p\nno:cacheprovider\n",
    }
    done = runner.run(install)
    assert done.returncode == 0, done.stdout + done.stderr
    done = runner.run(judge)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "BEGIN PRIVATE KEY" not in done.stdout + done.stderr
    directory = Path(runner.outputs()["directory"])
    assert {path.name for path in directory.iterdir()} == {
        "report.json", "report.html", "badge.svg", "junit.xml", "certificate.json"
    }  # fmt: skip
    assert [path for path in (runner.home / "temp").iterdir() if path != directory] == [], "the key is gone"
    cases = [case for suite in JUnitXml.fromfile(directory / "junit.xml") for case in suite]
    properties = [{each.name: each.value for each in case.child(Properties) or ()} for case in cases]
    assert {"rule": "HOT-001", "component": "action/slug/third", "level": "must"} in properties
    runner.values["steps.judge.outputs.directory"] = str(directory)
    assert runner.run(summarise).returncode == 0
    assert "## third-party 1.0: certified" in runner.summary
    public = runner.home / "issuer.pem"
    public.write_text(ISSUER.public_pem, encoding="utf-8")
    verify = ["certificate", "verify", directory / "certificate.json", "--public-key", public]
    command = [runner.home / "python/bin/oneiric-core", *verify, "--wheel", runner.checkout / "dist" / WHEEL]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.mark.long
def test_the_exit_code_is_the_gate(runner: Runner) -> None:
    """The summary is written all the same, and says what is broken."""
    broken = COMPONENT.replace("class Slug:", "class Slug:\n    async def health(self):\n        return 'fine'\n")
    wheel = make_wheel({"third.py": broken}, "third-party", "1.0", entry_points=POINTS)
    (runner.checkout / "dist" / WHEEL).write_bytes(wheel)
    runner.values |= {"inputs.wheel": "dist/*.whl", "inputs.profile": "quick"}
    assert runner.run(steps()["Install the kit and the package"]).returncode == 0
    assert runner.run(steps()["Judge"]).returncode == 1
    runner.values["steps.judge.outputs.directory"] = runner.outputs()["directory"]
    assert runner.run(steps()["Summarise"]).returncode == 0
    assert "third-party 1.0: fails" in runner.summary
    assert "LIFE-002 action/slug/third" in runner.summary


def test_a_pattern_that_matches_no_wheel_stops_the_action(runner: Runner) -> None:
    runner.values["inputs.wheel"] = "nowhere/*.whl"
    done = runner.run(steps()["Install the kit and the package"])
    assert done.returncode == 2
    assert "::error::nowhere/*.whl matches 0 files instead of one" in done.stdout


def test_a_key_without_a_wheel_stops_the_action(runner: Runner) -> None:
    runner.values["inputs.signing-key"] = ISSUER.private_pem
    done = runner.run(steps()["Judge"])
    assert done.returncode == 2
    assert "::error::signing-key is given and wheel is not" in done.stdout
    assert not [*(runner.home / "temp").iterdir()]


def test_what_stands_in_an_input_is_never_a_command(runner: Runner) -> None:
    """Not even where it would end up in the middle of one."""
    evil = "$(touch pwned); `touch pwned`; ' \" ; touch pwned #"
    runner.values |= {f"inputs.{name}": evil for name in ("wheel", "profile", "level", "arguments", "requirement")}
    runner.values["inputs.signing-key"] = evil
    for name in ("Install the kit and the package", "Judge"):
        assert runner.run(steps()[name]).returncode != 0
    runner.values["steps.judge.outputs.directory"] = evil
    assert runner.run(steps()["Summarise"]).returncode == 0
    assert "Nothing was judged" in runner.summary
    assert not list(runner.home.rglob("pwned"))


@pytest.mark.long
def test_the_reusable_workflow_judges_and_puts_reports_together(runner: Runner) -> None:
    shells = {step["name"]: step for step in every_step(CALLED) if "run" in step}
    inputs = loaded(CALLED)[True]["workflow_call"]["inputs"]  # YAML 1.1 takes `on` for a truth
    runner.values |= {f"inputs.{name}": str(each["default"]) for name, each in inputs.items()}
    runner.values["secrets.signing-key"] = ISSUER.private_pem
    runner.values["inputs.requirement"] = "oneiric-core[conformance]"
    (runner.checkout / "third.py").write_text(COMPONENT, encoding="utf-8")
    (runner.checkout / "pyproject.toml").write_text(
        PYPROJECT + '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[tool.hatch.build.targets.wheel]\ninclude = ["third.py"]\n'
    )
    shell = shells["Build the wheel, and install it with the kit"]
    offline = {**shell, "env": {**shell["env"], "PIP_NO_BUILD_ISOLATION": "0"}}  # pip reads it upside down
    done = runner.run(offline)
    assert done.returncode == 0, done.stdout + done.stderr
    done = runner.run(shells["Judge"])
    assert done.returncode == 0, done.stdout + done.stderr
    for version in ("3.11", "3.13"):
        reports = runner.checkout / "reports" / f"oneiric-python-{version}"
        reports.mkdir(parents=True)
        (reports / "report.json").write_bytes((runner.home / "temp/oneiric/report.json").read_bytes())
    done = runner.run(shells["Merge"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 reports" in (runner.checkout / "report.html").read_text(encoding="utf-8")
    assert runner.summary.count("## third-party 1.0: certified") == 2
    assert (runner.home / "temp/oneiric/certificate.json").exists()
