"""Which level a run has reached, and what is said to stand between it and the next."""

from dataclasses import replace
from pathlib import Path

import pytest

from oneiric_conformance import (
    PROFILES,
    ConformanceReport,
    Package,
    Planned,
    RequirementSet,
    Result,
    Status,
    Wheel,
    read_configuration,
)
from oneiric_conformance.levels import lacking
from oneiric_core import ConformanceError

NAME = "task/a/acme"
PLAN = (
    Planned("META-001", "acme", "package"),
    Planned("LIFE-001", NAME, "component"),
    Planned("LIFE-008", NAME, "component"),
    Planned("TASK-001", NAME, "component", Status.NOT_APPLICABLE, "why"),
)
WHEEL = Wheel(Path("acme-1.0-py3-none-any.whl"), "a" * 64)


def report(
    *statuses: Status, profile: str = "deep", wheel: Wheel | None = WHEEL, behaviours: int = 1
) -> ConformanceReport:
    asked = (*statuses, *[Status.PASS] * (len(PLAN) - len(statuses)))
    results = [
        Result(item.check, item.subject, item.judges, "must", item.status or status, behaviours=behaviours)
        for item, status in zip(PLAN, asked, strict=True)
    ]
    package = Package("acme", "1.0", (), wheel=wheel)
    requirements = RequirementSet("2026.1", frozenset(), "f" * 64)
    return ConformanceReport.from_results(
        package, PLAN, results, profile=PROFILES[profile], requirements=requirements, runtime="m:R"
    )


def test_everything_holds_in_the_deep_profile_with_a_wheel() -> None:
    made = report()
    assert made.levels == ("core", "hardened")
    assert made.to_json()["levels"] == ["core", "hardened"]
    assert made.to_json()["lacking"] == {}


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (report(profile="gate"), "the profile was gate, not deep"),
        (report(profile="explore"), "the profile was explore, not deep"),
        (report(wheel=None), "no wheel was given"),
        (report(Status.PASS, Status.PASS, Status.WARN), f"warned: {NAME}::LIFE-008"),
        (report(Status.PASS, Status.WAIVED), f"waived: {NAME}::LIFE-001"),
        (report(Status.WAIVED), "waived: acme::META-001"),
    ],
)
def test_what_bars_only_the_hardened_level(made: ConformanceReport, why: str) -> None:
    assert made.levels == ("core",)
    assert made.to_json()["lacking"] == {"hardened": [why]}


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (report(Status.PASS, Status.FAIL), f"broken: {NAME}::LIFE-001"),
        (report(Status.ERROR), "not judged: acme::META-001"),
        (report(behaviours=0), f"nothing of its own was seen to work: {NAME}"),
        (report(profile="quick"), "the profile quick is too quick"),
    ],
)
def test_what_bars_every_level(made: ConformanceReport, why: str) -> None:
    assert made.levels == ()
    assert why in lacking(made, "core")
    assert why in lacking(made, "hardened")


def test_a_run_that_was_narrowed_reaches_no_level() -> None:
    whole = report()
    narrowed = ConformanceReport.from_results(
        whole.package,
        PLAN,
        [result for result in whole.results if result.check != "LIFE-008"],
        profile=whole.profile,
        requirements=whole.requirements,
        runtime="m:R",
    )
    assert narrowed.levels == ()
    assert f"without a result: {NAME}::LIFE-008" in lacking(narrowed, "core")


def test_long_lists_are_cut() -> None:
    made = replace(report(), missing=tuple(f"c::LIFE-00{number}" for number in range(8)))
    (why,) = lacking(made, "core")
    assert why.endswith("c::LIFE-004 and 3 more")


def test_a_run_without_components_reaches_none() -> None:
    assert "there is no component" in lacking(replace(report(), components=()), "core")


def test_the_hardened_level_chooses_its_profile(tmp_path: Path) -> None:
    found = read_configuration(tmp_path, level="hardened", wheel=tmp_path / "x.whl")
    assert found.profile.name == "deep"
    assert "profile: deep (from --oneiric-level)" in found.header()


@pytest.mark.parametrize(
    ("asked", "fix"),
    [
        ({"level": "hardend"}, "Did you mean hardened?"),
        ({"level": "gold"}, "There is core, hardened"),
        ({"level": "hardened"}, "Give the wheel, too"),
        ({"level": "hardened", "wheel": "x.whl", "profile": "gate"}, "Choose the profile deep"),
        ({"level": "core", "profile": "quick"}, "Choose the profile gate"),
    ],
)
def test_a_level_that_cannot_be_reached_is_refused_before_the_run(tmp_path: Path, asked, fix: str) -> None:
    with pytest.raises(ConformanceError) as caught:
        read_configuration(tmp_path, **asked)
    assert caught.value.fix == fix


def test_waivers_beside_the_project_are_found(tmp_path: Path) -> None:
    assert read_configuration(tmp_path).waivers is None
    (tmp_path / "oneiric-waivers.toml").write_text("", encoding="utf-8")
    found = read_configuration(tmp_path)
    assert found.waivers == tmp_path / "oneiric-waivers.toml"
    assert f"waivers: {found.waivers} (from oneiric-waivers.toml)" in found.header()
    elsewhere = tmp_path / "other.toml"
    assert read_configuration(tmp_path, waivers=elsewhere).waivers == elsewhere
