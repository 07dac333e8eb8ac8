"""Rules that are accepted as broken: what may be waived, for how long, and what a waiver never hides."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from textwrap import dedent

import pytest

from oneiric_conformance import (
    CHECKS,
    Finding,
    Package,
    Planned,
    RequirementSet,
    Result,
    Session,
    Status,
    Waiver,
    read_waivers,
)
from oneiric_conformance import registry as check_registry
from oneiric_conformance.judging.findings import Tally
from oneiric_core import ConformanceError, FrozenClock

ECHO = "task/echo/acme"
TODAY = datetime(2026, 6, 15, tzinfo=UTC)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def put(text: str) -> Path:
        path = tmp_path / "oneiric-waivers.toml"
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return put


def waiver(check: str = "TST-001", component: str = ECHO, until: date | None = None) -> Waiver:
    return Waiver(check, component, "we know", until)


@pytest.fixture
def judge(echo: Package, registered) -> Callable[..., Result]:
    """What becomes of a check with a body, under waivers."""

    def run(body: Callable[[Tally], None], *waivers: Waiver, level: str = "must", narrowed: bool = False) -> Result:
        registered("TST-001", lambda bench: body(bench.tally), level=level)
        everything = RequirementSet("test", frozenset(CHECKS), "0" * 64)
        with Session(echo, requirements=everything, waivers=waivers, clock=FrozenClock(TODAY)) as session:
            return session.judge(Planned("TST-001", ECHO, "component"), narrowed=narrowed)

    return run


def holds(tally: Tally) -> None:
    with tally.control("it is there"):
        pass
    tally.exercised += 1


def broken(tally: Tally) -> None:
    raise Finding("seen")


def vacuous(tally: Tally) -> None:
    """A defect of the kit: it never had a control."""


@pytest.mark.parametrize("level", ["must", "should"])
def test_a_broken_rule_that_is_waived_says_so_and_keeps_its_card(judge, level: str) -> None:
    result = judge(broken, waiver(), level=level)
    assert result.status is Status.WAIVED
    assert result.waiver == waiver()
    assert result.card is not None
    assert result.card.seen == "seen"
    assert Result.from_json(result.to_json()) == result


def test_a_waiver_of_another_rule_changes_nothing(judge) -> None:
    assert judge(broken, waiver("LIFE-001")).status is Status.FAIL


@pytest.mark.parametrize("level", ["must", "should"])
def test_a_rule_that_holds_has_a_stale_waiver_which_fails(judge, level: str) -> None:
    result = judge(holds, waiver(), level=level)
    assert result.status is Status.FAIL
    assert result.reason.startswith("stale waiver")
    assert result.card is not None
    assert result.card.mend == f"Remove the waiver of TST-001 for {ECHO}"


def test_stale_waivers_are_not_judged_in_a_narrowed_run(judge) -> None:
    assert judge(holds, waiver(), narrowed=True).status is Status.PASS


def test_what_could_not_be_judged_cannot_be_waived(judge) -> None:
    assert judge(vacuous, waiver()).status is Status.ERROR


def test_a_waiver_holds_until_the_end_of_its_last_day(judge) -> None:
    assert judge(broken, waiver(until=TODAY.date())).status is Status.WAIVED


@pytest.mark.parametrize(
    ("unfit", "why"),
    [
        (waiver(until=date(2026, 6, 14)), "it ended on 2026-06-14"),
        (waiver(component="task/ecko/acme"), "there is no such component, did you mean task/echo/acme"),
        (waiver(component="zzz"), "there is no such component"),
        (waiver("SIG-001"), f"that rule is not about {ECHO}"),
        (waiver("ACT-001"), "not-applicable there, about action, not task"),
    ],
)
def test_a_waiver_that_is_about_nothing_or_over_ends_the_run_before_it_begins(judge, unfit: Waiver, why: str) -> None:
    with pytest.raises(ConformanceError, match=why):
        judge(broken, unfit)


def test_a_rule_that_does_not_count_yet_needs_no_waiver(echo: Package) -> None:
    with pytest.raises(ConformanceError, match="not-scored there"):
        Session(echo, requirements=RequirementSet("old", frozenset(), "0" * 64), waivers=[waiver("LIFE-001")])


def test_a_second_waiver_of_the_same_is_refused(judge) -> None:
    with pytest.raises(ConformanceError, match="it is there twice"):
        judge(broken, waiver(), waiver())


def test_a_waiver_of_the_whole_package_names_the_package(echo: Package) -> None:
    with Session(echo, waivers=[waiver("SIG-001", "acme")]) as session:
        assert session.plan()


def test_a_file_of_waivers(write) -> None:
    path = write(
        f"""
        [[waiver]]
        id = "LIFE-001"
        component = "{ECHO}"
        reason = "one connection for all"
        until = 2026-12-31

        [[waiver]]
        id = "LIFE-003"
        component = "task/other/acme"
        reason = "see the driver's tracker"
        """
    )
    first, second = read_waivers(path)
    assert first == Waiver("LIFE-001", ECHO, "one connection for all", date(2026, 12, 31))
    assert second.until is None
    assert read_waivers(None) == ()


def test_waivers_of_components_that_were_not_chosen_are_left_out(write, echo: Package) -> None:
    path = write(
        f"""
        [[waiver]]
        id = "LIFE-001"
        component = "{ECHO}"
        reason = "a"

        [[waiver]]
        id = "LIFE-001"
        component = "task/elsewhere/acme"
        reason = "b"
        """
    )
    assert [found.component for found in read_waivers(path, only=echo)] == [ECHO]


def test_a_former_id_names_the_rule_that_it_became(write, registered, monkeypatch: pytest.MonkeyPatch) -> None:
    registered("TST-002", lambda _: None)
    monkeypatch.setitem(check_registry._former, "TST-001", "TST-002")
    path = write("[[waiver]]\nid = 'TST-001'\ncomponent = 'c'\nreason = 'r'\n")
    assert read_waivers(path)[0].check == "TST-002"


GOOD = {"id": "'LIFE-001'", "component": "'c'", "reason": "'r'"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "'LIFE-01'"}, r"unknown id 'LIFE-01'\. Did you mean LIFE-001\?"),
        ({"id": None}, "waiver 1 in .* has no id"),
        ({"component": None}, "has no component"),
        ({"reason": None}, "has no reason"),
        ({"reason": "'  '"}, "reason of waiver 1 in .* is '  '"),
        ({"reason": "7"}, "reason of waiver 1 in .* is 7"),
        ({"until": "'2026-12-31'"}, r"until of waiver 1 .*\. Give it a date, without quotes"),
        ({"until": "2026-12-31T10:00:00Z"}, "Give it a date"),
        ({"resaon": "'r'"}, r"unknown key 'resaon'\. Did you mean reason\?"),
    ],
)
def test_a_waiver_that_is_not_written_as_one_is_refused(write, changes, message: str) -> None:
    lines = [f"{name} = {value}" for name, value in {**GOOD, **changes}.items() if value is not None]
    with pytest.raises(ConformanceError, match=message):
        read_waivers(write("\n".join(["[[waiver]]", *lines])))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("waivers = []", r"unknown key 'waivers'\. Did you mean waiver\?"),
        ("waiver = 3", "no list of tables"),
        ("[waiver]\nid = 'LIFE-001'", "no list of tables"),
        ("[[waiver", "is not TOML"),
    ],
)
def test_a_file_that_holds_anything_else_is_refused(write, text: str, message: str) -> None:
    with pytest.raises(ConformanceError, match=message):
        read_waivers(write(text))


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConformanceError, match="cannot be read: No such file"):
        read_waivers(tmp_path / "waivers.toml")
    (tmp_path / "waivers.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConformanceError, match="is not TOML"):
        read_waivers(tmp_path / "waivers.toml")
