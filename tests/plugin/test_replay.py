"""The replay line of a card, pasted into a shell."""

import json
import re
import shlex

import pytest

ASK = "--oneiric-conformance"
TAKES_OUT = """
from types import SimpleNamespace

class Slug:
    async def execute(self, payload):
        if not isinstance(payload, dict) or not isinstance(payload.get("text"), str):
            raise ValueError("payload needs a text")
        return {"slug": payload.pop("text") if len(payload["text"]) > 3 else payload["text"]}

declared = SimpleNamespace(
    domain="action", key="takes-out", provider="third", factory="takes_out:Slug", version="1.0",
    capabilities=[{"name": "slug", "payload_schema": {
        "type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}}],
)
"""
NODE = "pyproject.toml::action/takes-out/third::ACT-004"


def card_of(out: str) -> str:
    return out.partition("ACT-004 action/takes-out/third")[2].partition("\n====")[0].partition("\n----")[0]


@pytest.mark.long
def test_the_line_meets_the_same_example_alone_and_refuses_to_be_another(author, with_component) -> None:
    with_component("takes_out", TAKES_OUT)
    card = card_of(author.pytest(ASK, "--oneiric-profile", "deep", NODE).out)
    *words, node = shlex.split(card.partition("  replay    ")[2].splitlines()[0])
    assert (words[:2], node) == (["pytest", ASK], NODE)
    done = author.pytest(*words[1:], node)
    assert done.code == 1
    assert card_of(done.out) == card
    assert "oneiric: profile: deep (from --oneiric-replay)" in done.out
    assert "oneiric: replay: one example of ACT-004 of action/takes-out/third (from --oneiric-replay)" in done.out, (
        done.out
    )
    assert "verdict: fails" in done.out
    assert author.pytest(*words[1:], "--collect-only", "-q").ids == [NODE, "tests/test_own.py::test_own"]
    other = author.pytest(*words[1:], NODE.replace("004", "001"))
    assert (other.code, "Leave out the id, or the replay." in other.err) == (4, True)


def test_garbage_is_one_line_before_the_run(author) -> None:
    done = author.pytest(ASK, "--oneiric-replay=yesterday")
    assert done.code == 4
    assert "Copy the whole replay line" in done.err
    assert "Traceback" not in done.err
    assert "passed" not in done.out


@pytest.mark.slow
def test_the_wheel_is_named_as_from_the_root_directory(failing, tmp_path_factory) -> None:
    """So that the line holds on another machine, too; a path elsewhere stays as it is."""
    name = "third_party-1.0-py3-none-any.whl"
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (failing.root / "dist").mkdir()
    node = "pyproject.toml::action/forgetful/third::LIFE-002"
    for folder, shown in (("dist", f"dist/{name}"), (elsewhere, f"{elsewhere}/{name}")):
        (failing.root / folder / name).write_bytes(b"")
        done = failing.pytest(ASK, f"--oneiric-wheel={folder}/{name}", "-k", "LIFE-002")
        assert f"pytest --oneiric-conformance --oneiric-wheel {shown} {node}" in " ".join(done.out.split())


@pytest.mark.long
def test_all_processes_of_an_exploration_start_in_one_place_and_say_where(failing) -> None:
    """And whoever has no example is told to start there again."""
    done = failing.pytest(
        ASK, "--oneiric-profile=explore", "--oneiric-report=explored.json", "-n2", "-k", "LIFE-002", plugins=("xdist",)
    )
    report = json.loads((failing.root / "explored.json").read_text())
    [seed] = re.findall(r"^oneiric: seed: (\d+) \(from chance\)$", done.out, re.MULTILINE)
    assert (report["profile"], str(report["seed"])) == ("explore", seed)
    line = f"--oneiric-profile explore --oneiric-seed {seed} pyproject.toml::action/forgetful/third::LIFE-002"
    assert line in done.out
