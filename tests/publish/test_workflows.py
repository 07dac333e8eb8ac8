"""The workflows of this repository, looked at as GitHub and as an attacker would, without asking anybody."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
RELEASE = ROOT / ".github" / "workflows" / "release.yml"
TOOLS = Path(sys.executable).parent


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_one(workflow: Path) -> None:
    command = [TOOLS / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", workflow]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_nothing_is_found_that_could_be_misused(workflow: Path) -> None:
    command = [TOOLS / "zizmor", "--offline", "--no-progress", "--persona", "pedantic", workflow]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_action_is_pinned_by_commit_and_says_which_version_that_is() -> None:
    uses = re.findall(r"uses: (.*)", RELEASE.read_text(encoding="utf-8"))
    assert len(uses) > 5
    for text in uses:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", text), text


def test_the_signing_key_is_known_to_one_step_that_runs_no_code_of_the_package() -> None:
    jobs = yaml.safe_load(RELEASE.read_text(encoding="utf-8"))["jobs"]
    knowing = [
        (name, step["run"])
        for name, job in jobs.items()
        for step in job["steps"]
        if "SIGNING_KEY" in str(step.get("env", {}))
    ]
    assert knowing == [("publish", ".github/scripts/release publish")]
    assert RELEASE.read_text(encoding="utf-8").count("secrets.") == 1


def test_each_job_may_do_what_it_has_to_and_no_more() -> None:
    workflow = yaml.safe_load(RELEASE.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {}
    assert {name: job["permissions"] for name, job in workflow["jobs"].items()} == {
        "build": {"contents": "read"},
        "publish": {"contents": "read", "id-token": "write"},
        "pypi": {"id-token": "write"},
        "notes": {"contents": "write"},
    }
    assert {name: job.get("environment") for name, job in workflow["jobs"].items()} == {
        "build": None,
        "publish": "release",
        "pypi": "pypi",
        "notes": None,
    }


SCRIPT = ROOT / ".github" / "scripts" / "release"


def run(stage: str, tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {"PATH": "/usr/bin:/bin", "TAG": "v1.0.0", "PACKAGE": "acme", "OUT": str(tmp_path / "out"), **environment}
    return subprocess.run([SCRIPT, stage], env=given, cwd=tmp_path, capture_output=True, text=True, check=False)


def test_the_half_that_runs_the_packages_code_refuses_the_key(tmp_path: Path) -> None:
    done = run("build", tmp_path, SIGNING_KEY="secret")
    assert done.returncode == 2
    assert "must not know SIGNING_KEY" in done.stderr
    assert "secret" not in done.stdout + done.stderr


@pytest.mark.parametrize("stage", ["", "deploy"])
def test_another_stage_is_wrong_usage(tmp_path: Path, stage: str) -> None:
    assert run(stage, tmp_path).returncode == 2
