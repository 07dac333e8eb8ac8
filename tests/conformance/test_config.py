"""``[tool.oneiric.conformance]``: what may stand there, and what wins."""

from pathlib import Path
from typing import Any

import pytest

from oneiric_conformance import Package, Subject, read_configuration
from oneiric_core import ConformanceError

FULL = """
[tool.oneiric.conformance]
profile = "deep"
report = "build/report.json"
component = ["adapter/storage/acme"]

[tool.oneiric.conformance.components."adapter/storage/acme"]
settings = { base_path = "{sandbox}", url = "redis://${HOST}/{worker}", list = ["{worker}", 7], deep = { a = true } }
"""
PACKAGE = Package("acme", "1.0", (Subject("adapter", "cache", "acme"), Subject("adapter", "storage", "acme")))


def written(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def test_without_a_file_the_gate_is_run(tmp_path: Path) -> None:
    configuration = read_configuration(tmp_path)
    assert (configuration.profile.name, configuration.report, configuration.component) == ("gate", None, ())
    assert configuration.header() == ["profile: gate (from default)"]
    assert read_configuration(None) == configuration


def test_the_file_is_read_and_the_header_says_so(tmp_path: Path) -> None:
    configuration = read_configuration(written(tmp_path, FULL))
    assert configuration.profile.name == "deep"
    assert configuration.report == tmp_path / "build/report.json"
    assert configuration.header() == [
        "profile: deep (from pyproject.toml)",
        "component: adapter/storage/acme (from pyproject.toml)",
        f"report: {tmp_path}/build/report.json (from pyproject.toml)",
        "components: adapter/storage/acme (from pyproject.toml)",
    ]


def test_the_command_line_wins(tmp_path: Path) -> None:
    absolute = tmp_path / "elsewhere.json"
    configuration = read_configuration(
        written(tmp_path, FULL), profile="explore", seed=7, report=str(absolute), component=()
    )
    assert (configuration.profile.name, configuration.profile.seed) == ("explore", 7)
    assert configuration.report == absolute
    assert configuration.component == ("adapter/storage/acme",)
    assert "profile: explore (from --oneiric-profile)" in configuration.header()
    assert "seed: 7 (from --oneiric-seed)" in configuration.header()


def test_seed_zero_is_given_too(tmp_path: Path) -> None:
    with pytest.raises(ConformanceError, match="seed 0"):
        read_configuration(tmp_path, seed=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("profle = 'deep'", r"unknown key 'profle'\. Did you mean profile\?"),
        ("zzz = 1", r"unknown key 'zzz'\. There is profile, .*, components"),
        ("profile = 'dep'", r"no profile 'dep'\. Did you mean deep\?"),
        ("profile = 7", "profile in .* is 7, of type int"),
        ("profile = 'explore'\nseed = true", "seed in .* is True, of type bool"),
        ("components = 'x'", "components in .* of type str"),
        ("components.a = 'x'", "a in .* of type str"),
        ("components.a.setings = {}", r"unknown key 'setings'\. Did you mean settings\?"),
        ("components.a.settings = 'x'", r"a\.settings in .* of type str"),
        ("components.a.payloads = ['x']", r"a\.payloads in .* of type list"),
        ("components.a.external = 'x'", r"a\.external in .* of type str"),
        ("components.a.exercise = 7", r"a\.exercise in .* of type int"),
        ("components.a.limits = 7", r"a\.limits in .* of type int"),
        ("components.a.limits = { inti = 7 }", "unknown key 'inti'"),
        ("components.a.limits = { init = 0 }", r"a\.limits\.init in .* is 0"),
        ("components.a.limits = { init = -1.0 }", r"a\.limits\.init in .* is -1"),
        ("components.a.limits = { init = nan }", r"a\.limits\.init in .* is nan"),
        ("components.a.limits = { init = inf }", r"a\.limits\.init in .* is inf"),
        ("components.a.limits = { init = 601 }", r"a\.limits\.init in .* is 601"),
        ("components.a.limits = { init = true }", r"a\.limits\.init in .* is True"),
        ("components.a.limits = { init = '5' }", r"a\.limits\.init in .* is '5'"),
        ("components.a.external = [7]", r"a\.external in .* is 7"),
    ],
)
def test_a_misspelling_or_a_wrong_type_is_refused(tmp_path: Path, text: str, message: str) -> None:
    written(tmp_path, f"[tool.oneiric.conformance]\n{text}")
    with pytest.raises(ConformanceError, match=message):
        read_configuration(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool", "is not TOML"),
        ("[tool.oneiric]\nconformance = 7", "conformance in .* is 7"),
        ("tool = 1", "tool in .* is 1"),
        (
            "[tool.oneiric.conformnce]\nprofile = 'deep'",
            r"\[tool\.oneiric\] .*'conformnce'\. Did you mean conformance\?",
        ),
        ("[tool.oneiric]\nzzz = 1", r"\[tool\.oneiric\] has the unknown key 'zzz'\. There is conformance"),
        ("[tool.oneiric]\nprofile = 'deep'", r"'profile', where nobody reads it\. Write it into \[tool\.oneiric\.conf"),
        ("[tool.oneiric.components.'a/b/c']", r"'components', where nobody reads it"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConformanceError, match=message):
        read_configuration(written(tmp_path, text))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff")
    with pytest.raises(ConformanceError, match="is not TOML"):
        read_configuration(tmp_path)


def test_an_override_nobody_knows_is_refused(tmp_path: Path) -> None:
    unknown: dict[str, Any] = {"profil": "gate"}
    with pytest.raises(ConformanceError, match="Did you mean profile"):
        read_configuration(tmp_path, **unknown)


def test_settings_reach_the_component_with_everything_but_the_sandbox_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST", "127.0.0.1")
    package = read_configuration(written(tmp_path, FULL)).applied_to(PACKAGE, worker="gw1")
    assert package.subjects[0] == PACKAGE.subjects[0]
    assert package.subjects[1].settings == {
        "base_path": "{sandbox}",
        "url": "redis://127.0.0.1/gw1",
        "list": ["gw1", 7],
        "deep": {"a": True},
    }


def test_a_variable_that_is_not_set_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOST", raising=False)
    with pytest.raises(ConformanceError, match=r"HOST, which is not set\. Set HOST"):
        read_configuration(written(tmp_path, FULL)).applied_to(PACKAGE)


def test_settings_for_nobody_are_refused(tmp_path: Path) -> None:
    text = "[tool.oneiric.conformance.components.'adapter/storge/acme']\nsettings = {}"
    with pytest.raises(ConformanceError, match=r"Did you mean adapter/storage/acme\?"):
        read_configuration(written(tmp_path, text)).applied_to(PACKAGE)


def test_settings_of_components_that_nobody_asks_for_now_are_left_alone(tmp_path: Path) -> None:
    text = "[tool.oneiric.conformance.components.'adapter/other/acme']\nsettings = {a = '${NOT_SET_ANYWHERE}'}"
    configured = written(tmp_path, text)
    with pytest.raises(ConformanceError, match="none of the components"):
        read_configuration(configured).applied_to(PACKAGE)
    assert read_configuration(configured).applied_to(PACKAGE, chosen=True) == PACKAGE
    assert read_configuration(configured, component=("adapter/storage/acme",)).applied_to(PACKAGE) == PACKAGE


def test_what_a_component_is_given_and_needs_reaches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "db.test")
    text = """
    [tool.oneiric.conformance.components.'adapter/storage/acme']
    payloads = "acme.payloads:all"
    external = ["redis://${HOST}", "tcp://${HOST}:99", "unix:///run/acme.sock"]
    exercise = "acme.exercises:storage"
    limits = { init = 20, cleanup = 0.5 }
    """
    configured = read_configuration(written(tmp_path, text)).applied_to(PACKAGE).subjects[1]
    assert (configured.payloads, configured.exercise) == ("acme.payloads:all", "acme.exercises:storage")
    assert configured.limits == {"init": 20.0, "cleanup": 0.5}
    assert configured.external == ("redis://db.test", "tcp://db.test:99", "unix:///run/acme.sock")


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("", "names no host"),
        ("redis", "names no host"),
        ("localhost:6379", "names no host"),
        ("tcp://:1", "names no host"),
        ("http://…", "its host '…' is none"),
        ("redis://my host", "its host 'my host' is none"),
        ("acme://host", "names no port, and none is usual for 'acme'"),
        ("reids://host", r"none is usual for 'reids'\. Did you mean redis://\?"),
        ("tcp://host:99999", "its port is no number up to 65535"),
        ("redis://host:0", "nothing can listen on port 0"),
        ("unix://", "names no absolute path"),
        ("unix://run/acme.sock", "names no absolute path"),
    ],
)
def test_what_is_no_address_is_refused_before_anything_runs(tmp_path: Path, address: str, why: str) -> None:
    text = f"[tool.oneiric.conformance.components.'adapter/storage/acme']\nexternal = ['{address}']"
    with pytest.raises(ConformanceError, match=rf"^adapter/storage/acme\.external in .* no address of .*{why}"):
        read_configuration(written(tmp_path, text)).applied_to(PACKAGE)


@pytest.mark.parametrize(
    "address", ["http://localhost", "kafka://bücher.example:9092", "tcp://[::1]:5", "rediss://my_db.:7/0?protocol=3"]
)
def test_whatever_says_where_to_connect_to_is_an_address(tmp_path: Path, address: str) -> None:
    text = f"[tool.oneiric.conformance.components.'adapter/storage/acme']\nexternal = ['{address}']"
    assert read_configuration(written(tmp_path, text)).applied_to(PACKAGE).subjects[1].external == (address,)


@pytest.mark.parametrize(
    "address", ["acme://me:hunter2@host", "tcp://host?password=hunter2", "redis://me:hunter2@a\u2100"]
)
def test_a_password_in_an_address_is_not_shown(tmp_path: Path, address: str) -> None:
    text = f"[tool.oneiric.conformance.components.'adapter/storage/acme']\nexternal = ['{address}']"
    with pytest.raises(ConformanceError) as refusal:
        read_configuration(written(tmp_path, text)).applied_to(PACKAGE)
    assert "hunter2" not in str(refusal.value)
