"""Where xdist hands out the checks: the process that does, and what it says before the first check."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

ASK = "--oneiric-conformance"
WORKERS = ("-n", "2")
XDIST = ("xdist.plugin",)
WAIVER = '[[waiver]]\nid = "META-002"\ncomponent = "action/nobody/third"\nreason = "known"\n'


def test_the_header_says_what_is_judged_and_where_settings_came_from(author) -> None:
    author.publish('[tool.oneiric.conformance]\nprofile = "quick"')
    done = author.pytest(ASK, "-k", "META-002", *WORKERS, plugins=XDIST)
    assert done.code == 0, done.err
    assert done.out.count("oneiric: judging third-party 1.0, 1 component\n") == 1
    assert "oneiric: profile: quick (from pyproject.toml)\n" in done.out


@pytest.mark.parametrize("quiet", ["-q", "--no-header"])
def test_who_wants_no_header_gets_none(author, quiet: str) -> None:
    done = author.pytest(ASK, "-k", "META-002", quiet, *WORKERS, plugins=XDIST)
    assert done.code == 0, done.err
    assert "judging" not in done.out


@pytest.mark.parametrize(
    ("told", "arguments"),
    [
        ("there is no profile 'nope'", ["--oneiric-profile", "nope"]),
        ("no component 'adapter/nope/nobody' is installed", ["--oneiric-component", "adapter/nope/nobody"]),
        ("the waiver of META-002 for action/nobody/third", ["--oneiric-waivers", "accepted.toml"]),
        ("/sys/report.json", ["--oneiric-report=/sys/report.json"]),
    ],
    ids=["configuration", "package", "waivers", "report"],
)
def test_what_makes_judging_impossible_is_one_line_before_any_check(author, told: str, arguments: list[str]) -> None:
    """Whether it is found before the workers are started or while they start; none of them has anything to add."""
    author.write("accepted.toml", WAIVER)
    done = author.pytest(ASK, *arguments, *WORKERS, plugins=XDIST)
    assert done.code == pytest.ExitCode.USAGE_ERROR
    (line,) = done.err.strip().splitlines()
    assert line.startswith("ERROR: ")
    assert told in line
    assert "passed" not in done.out
    assert "Traceback" not in done.out
    assert "INTERNALERROR" not in done.out


IN_A_HOST = """
import os
import sys

import pytest


def children():
    with open(f"/proc/self/task/{os.getpid()}/children") as told:
        return told.read().split()


code = pytest.main(sys.argv[1:])
print(int(code), len(children()))
"""


def test_a_host_that_goes_on_is_left_no_workers(author) -> None:
    """An editor, or a test of a plugin, runs pytest in a process that does not end with it."""
    author.write("accepted.toml", WAIVER)
    plugins = [word for name in ("pytest_oneiric.plugin", *XDIST) for word in ("-p", name)]
    host = author.write("host.py", IN_A_HOST)
    done = subprocess.run(
        [sys.executable, host, *plugins, ASK, "--oneiric-waivers", "accepted.toml", *WORKERS],
        cwd=author.root,
        env={**os.environ, "PYTHONPATH": str(author.root / "src"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.split()[-2:] == ["4", "0"]


def test_markers_are_listed(author) -> None:
    done = author.pytest(ASK, "--markers", *WORKERS, plugins=XDIST)
    assert "@pytest.mark.oneiric_conformance: a rule of the Oneiric conformance suite" in done.out


@pytest.mark.parametrize("workers", [(), WORKERS], ids=["alone", "with workers"])
def test_a_missing_extra_is_one_line_that_says_what_to_install(author, workers: tuple[str, ...]) -> None:
    author.write("src/hypothesis.py", 'raise ModuleNotFoundError("there is none", name="hypothesis")')
    done = author.pytest(ASK, *workers, plugins=XDIST, fresh=True)
    assert done.code == pytest.ExitCode.USAGE_ERROR
    told = "the conformance kit needs hypothesis. Install it with: pip install 'oneiric-core[conformance]'"
    assert done.err.strip() == f"ERROR: {told}"
    assert "passed" not in done.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(("--dist", "load"), "1 passed"), ((*WORKERS, "--collect-only"), "<CheckItem META-002>")],
    ids=["no workers", "nothing to run"],
)
def test_where_nothing_is_handed_out_this_process_collects_by_itself(author, arguments: tuple[str, ...], told) -> None:
    done = author.pytest(ASK, "-k", "META-002", *arguments, plugins=XDIST)
    assert done.code == 0, done.err
    assert done.out.count("oneiric: judging third-party 1.0, 1 component\n") == 1
    assert told in done.out
