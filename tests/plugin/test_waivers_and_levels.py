"""Waivers and levels, as pytest shows them."""

import pytest

ASK = "--oneiric-conformance"
WAIVER = """
[[waiver]]
id = "{id}"
component = "{component}"
reason = "the driver is too old"
"""
FORGETFUL = "action/forgetful/third"


def test_a_waived_rule_is_expected_to_fail_and_is_named(author, with_component) -> None:
    from_smoke = """
from types import SimpleNamespace
class Forgetful:
    async def execute(self, payload):
        return {"n": len(payload)}
    async def health(self):
        return "fine, thank you"
declared = SimpleNamespace(
    domain="action", key="forgetful", provider="third", factory="forgetful:Forgetful", version="1.0"
)
"""
    with_component("forgetful", from_smoke)
    author.write("oneiric-waivers.toml", WAIVER.format(id="LIFE-002", component=FORGETFUL))
    done = author.pytest(ASK, "-k", "LIFE-002", "-rx")
    assert done.code == 0, done.out
    assert f"XFAIL pyproject.toml::{FORGETFUL}::LIFE-002 - waived: the driver is too old" in done.out
    assert "waived LIFE-002" in done.out


@pytest.mark.long
def test_a_stale_waiver_fails_the_whole_run_and_not_a_repeated_check(author) -> None:
    author.write("oneiric-waivers.toml", WAIVER.format(id="META-002", component="action/slug/third"))
    node = "pyproject.toml::action/slug/third::META-002"
    assert author.pytest(ASK, node).code == 0
    done = author.pytest(ASK, "--oneiric-profile", "quick")
    assert done.code == 1
    assert "Remove the waiver of META-002 for action/slug/third" in " ".join(done.out.split())


@pytest.mark.long
def test_a_waiver_of_nothing_ends_the_run_before_it_begins(author) -> None:
    author.write("accepted.toml", WAIVER.format(id="META-02", component="action/slug/third"))
    done = author.pytest(ASK, "--oneiric-waivers", "accepted.toml")
    assert done.code == 4
    assert "Did you mean META-002?" in done.err


@pytest.mark.long
@pytest.mark.parametrize("where", ["command line", "file"])
def test_a_narrowed_run_misses_only_a_level_that_was_asked_for_just_now(author, where: str) -> None:
    """Else no check could be repeated in a repository that asks for a level."""
    if where == "file":
        author.publish('[tool.oneiric.conformance]\nlevel = "core"')
        done = author.pytest(ASK, "-k", "META-002")
        assert done.code == 0, done.out
    else:
        done = author.pytest(ASK, "-k", "META-002", "--oneiric-level", "core")
        assert done.code == 1
    assert "level core was asked for and not reached: without a result: " in done.out


@pytest.mark.long
def test_a_level_that_is_reached_is_said(author) -> None:
    done = author.pytest(ASK, "--oneiric-level", "core")
    assert done.code == 0, done.out
    assert "level: core" in done.out


HOLLOW = """
from types import SimpleNamespace
class Hollow:
    pass
declared = SimpleNamespace(domain="adapter", key="hollow", provider="third", factory="hollow:Hollow", version="1.0")
"""


@pytest.mark.long
def test_a_level_that_is_not_reached_fails_a_run_in_which_nothing_did(author) -> None:
    """A component that does nothing breaks no rule, and is not certified either."""
    author.write("src/hollow.py", HOLLOW)
    author.declare("oneiric.adapters", "hollow", "hollow:declared")
    author.publish('[tool.oneiric.conformance]\nlevel = "core"')
    done = author.pytest(ASK)
    assert done.code == 1, done.out
    assert " failed" not in done.out
    wanted = "level core was asked for and not reached: nothing of its own was seen to work: adapter/hollow/third"
    assert wanted in done.out
