"""What an author is told at the end, and what other programs can read."""

import hashlib
import json
import re
import xml.etree.ElementTree as ET

import pytest

pytestmark = pytest.mark.slow

ASK = "--oneiric-conformance"
QUICK = ("--oneiric-profile", "quick")


def test_a_failure_is_a_card(judged) -> None:
    """Rule, what was seen, how to mend it, and a line that replays it; no traceback of ours."""
    out = judged.out
    assert "LIFE-002 action/forgetful/third" in out
    for label in ("rule ", "seen ", "mend ", "replay "):
        assert f"\n  {label}" in out, label
    assert "fine, thank you" in out
    assert "Traceback" not in out
    assert "site-packages" not in out


def test_the_replay_line_of_a_card_runs_that_check_alone(failing, judged) -> None:
    card = judged.out.partition("LIFE-002 action/forgetful/third")[2]
    line = next(line for line in card.splitlines() if line.strip().startswith("replay"))
    words = line.split("replay", 1)[1].split()
    assert words[0] == "pytest"
    again = failing.pytest(*(word.strip("'") for word in words[1:]))
    assert again.code == 1
    assert "1 failed" in again.out


def test_a_run_leaves_nothing_behind_but_what_it_was_asked_for(judged) -> None:
    assert judged.left == ["report.json"]


def test_the_summary_gives_a_verdict_for_every_component(judged) -> None:
    out = judged.out
    assert "action/slug/third" in out
    verdicts = {line.split()[0]: line for line in out.splitlines() if line.startswith("action/")}
    assert "certified" in verdicts["action/slug/third"]
    assert "fails" in verdicts["action/forgetful/third"]
    assert "LIFE-002" in verdicts["action/forgetful/third"]
    assert re.search(r"\d+ executed of \d+ applicable of \d+ checks", out)


def test_a_narrowed_run_is_incomplete(author) -> None:
    done = author.pytest(ASK, "-k", "META")
    assert done.code == 0
    assert "incomplete" in done.out
    assert "certified" not in done.out.replace("certifiable", "").replace("not certified", "")


def test_components_that_were_left_out_are_counted_not_listed(failing) -> None:
    out = failing.pytest(ASK, "pyproject.toml::action/slug/third::META-002").out
    assert "action/forgetful/third" not in out
    assert "1 component not judged" in out


def test_the_header_says_what_is_judged_and_where_settings_came_from(author) -> None:
    author.publish('[tool.oneiric.conformance]\nprofile = "quick"')
    out = author.pytest(ASK, "-k", "META").out
    assert "judging third-party 1.0, 1 component" in out
    assert "quick" in out
    assert "pyproject.toml" in out


@pytest.mark.long
def test_the_report_is_the_same_with_and_without_workers(author) -> None:
    author.pytest(ASK, *QUICK, "--oneiric-report", "alone.json")
    author.pytest(ASK, *QUICK, "--oneiric-report", "shared.json", "-n", "2", plugins=("xdist.plugin",))
    alone, shared = (json.loads((author.root / name).read_text()) for name in ("alone.json", "shared.json"))
    for report in (alone, shared):
        del report["timing"], report["environment"]
    assert alone == shared
    assert alone["verdict"] == "certified"


def test_the_report_lists_every_check_of_every_component(failing, judged) -> None:
    assert judged.code == 1
    report = json.loads((failing.root / "report.json").read_text())
    assert report["verdict"] == "fails"
    listed = {component["id"]: component for component in report["components"]}
    assert {"action/slug/third", "action/forgetful/third"} <= set(listed)
    statuses = {result["check"]: result["status"] for result in listed["action/forgetful/third"]["results"]}
    assert statuses["LIFE-002"] == "fail"


def test_the_report_names_the_wheel_by_digest(author) -> None:
    """Given on the command line relative to the working directory, also to workers."""
    author.write("dist/third_party-1.0-py3-none-any.whl", "not much of a wheel")
    arguments = ("--oneiric-wheel=../dist/*.whl", "--oneiric-report=../report.json", "-k", "META-002")
    done = author.pytest(ASK, *arguments, "-n", "1", cwd=author.root / "tests", plugins=("xdist.plugin",))
    assert done.code == 0, done.err
    digest = hashlib.sha256(b"not much of a wheel").hexdigest()
    wheel = json.loads((author.root / "report.json").read_text())["package"]["wheel"]
    assert wheel == {"name": "third_party-1.0-py3-none-any.whl", "sha256": digest}


def test_a_report_where_nobody_may_write_is_refused_before_the_run(author) -> None:
    """Not even root may create files in /sys, so that this holds whoever runs it."""
    done = author.pytest(ASK, "--oneiric-report=/sys/report.json")
    assert done.code == 4
    assert "/sys/report.json" in done.err
    assert "passed" not in done.out


def test_a_report_in_a_directory_that_is_not_there_is_refused_before_the_run(author) -> None:
    done = author.pytest(ASK, "--oneiric-report", "nowhere/report.json")
    assert done.code == 4
    assert "nowhere" in done.err
    assert "passed" not in done.out


def test_junit_carries_rule_component_and_level(author) -> None:
    """Also from workers."""
    author.pytest(ASK, "-k", "META-002", "--junitxml", "junit.xml", "-n", "2", plugins=("xdist.plugin",))
    cases = ET.parse(author.root / "junit.xml").getroot().iter("testcase")  # noqa: S314 - pytest wrote it just now
    properties = [
        {prop.get("name"): prop.get("value") for prop in case.iter("property")}
        for case in cases
        if case.get("name") == "META-002"
    ]
    assert properties == [{"rule": "META-002", "component": "action/slug/third", "level": "must"}]


MANY = """
from types import SimpleNamespace
class Hollow:
    pass
def declared():
    return [
        SimpleNamespace(domain="adapter", key=f"hollow{n}", provider="third", factory="many:Hollow", version="1.0")
        for n in range(20)
    ]
"""


@pytest.mark.long
def test_the_summary_of_many_components_is_twenty_lines_at_most(author, with_component) -> None:
    """The worst come first; the others are counted."""
    author.write("src/many.py", MANY)
    author.declare("oneiric.adapters", "many", "many:declared")
    lines = author.pytest(ASK, "-k", "META-002").out.splitlines()
    start = next(place for place, line in enumerate(lines) if "oneiric conformance" in line)
    summary = lines[start:-1]
    assert len(summary) <= 20
    assert any("and 13 more: 13 incomplete" in line for line in summary), summary
