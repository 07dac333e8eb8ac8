"""``list`` and ``explain`` with a manifest that somebody wants to look at, and with the settings of where they are."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.cli.main import main
from oneiric_core.testing import manifest_entry, signed_manifest

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("ONEIRIC_SETTINGS", raising=False)
    return tmp_path


@pytest.fixture
def manifest(here: Path) -> Path:
    path = here / "manifest.json"
    entries = [
        manifest_entry("adapter", "zcache", "redis", "zeta_not_here:Cache", version="2.1", owner="Zeta", stack_level=5),
        manifest_entry("adapter", "zcache", "memory", "zeta_not_here:Memory", x_unknown=[1]),
        manifest_entry("task", "zjob", "zeta", "zeta_not_here:Job", python_version=">=4"),
    ]
    path.write_bytes(signed_manifest(entries, signed_by=(), source="zeta"))
    return path


def told(capsys: Capture, *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_what_a_manifest_offers_is_listed_and_none_of_its_code_is_imported(capsys: Capture, manifest: Path) -> None:
    assert main(["list", "--manifest", str(manifest)]) == 0
    out = capsys.readouterr().out
    row = next(line for line in out.splitlines() if "adapter/zcache/redis" in line)
    assert "2.1" in row
    assert "Zeta" in row
    assert "zcache/memory" not in out
    out = out.replace("\n", " ")
    assert "without asking whether it may be believed" in out
    assert "task/zjob/zeta cannot run here: it needs Python >=4" in out
    assert "zeta_not_here" not in sys.modules


def test_programs_are_told_that_nobody_vouched_for_it(capsys: Capture, manifest: Path) -> None:
    found = told(capsys, "list", "--manifest", str(manifest))
    assert found["manifest"]["source"] == "zeta"
    assert found["manifest"]["verified"] is False
    assert [*found["manifest"]["skipped"]] == ["task/zjob/zeta"]
    memory = next(each for each in found["components"] if each["provider"] == "memory")
    assert memory["metadata"]["unknown_fields"] == {"x_unknown": [1]}
    assert (memory["origin"], memory["source"]) == ("zeta", "remote_manifest")


def test_a_domain_narrows_what_is_said_of_it(capsys: Capture, manifest: Path) -> None:
    assert main(["list", "--domain", "adapter", "--manifest", str(manifest)]) == 0
    assert "task/" not in capsys.readouterr().out


def test_what_is_listed_without_a_manifest_says_nothing_of_one(capsys: Capture) -> None:
    assert "manifest" not in told(capsys, "list")


@pytest.mark.parametrize(
    ("name", "content", "said", "code"),
    [
        ("missing.json", None, "there is no file", 2),
        ("broken.json", b'{"entries": [', "is not JSON", 1),
        ("wrong.json", b'{"entries": [{}]}', "entries[0]", 1),
        ("unclear.txt", b"{}", "does not say what the document is", 2),
        ("deep.json", b"[" * 100_000, "nests deeper", 1),
    ],
)
def test_a_manifest_that_cannot_be_looked_at_is_two_lines(  # noqa: PLR0917 - a fixture or a column each
    capsys: Capture, here: Path, name: str, content: bytes | None, said: str, code: int
) -> None:
    if content is not None:
        (here / name).write_bytes(content)
    assert main(["list", "--manifest", name]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert len(captured.err.splitlines()) == 2


def test_the_settings_here_are_honoured(capsys: Capture, manifest: Path, here: Path) -> None:
    asked = ("explain", "adapter", "zcache", "--manifest", str(manifest))
    assert told(capsys, *asked)["winner"] == "redis"
    (here / "oneiric.toml").write_text("[adapters.selections]\nzcache = 'memory'\n", encoding="utf-8")
    explained = told(capsys, *asked)
    assert (explained["winner"], explained["selection"]) == ("memory", "memory")
    listed = told(capsys, "list", "--manifest", str(manifest))["components"]
    assert next(each for each in listed if each["key"] == "zcache")["provider"] == "memory"


def test_other_settings_are_named_by_option_or_environment(
    capsys: Capture, manifest: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("explain", "adapter", "zcache", "--manifest", str(manifest))
    (here / "oneiric.toml").write_text("[adapters.selections]\nzcache = 'redis'\n", encoding="utf-8")
    (here / "other.toml").write_text("[adapters.selections]\nzcache = 'memory'\n", encoding="utf-8")
    assert told(capsys, *asked, "--settings", "other.toml")["winner"] == "memory"
    monkeypatch.setenv("ONEIRIC_SETTINGS", "other.toml")
    assert told(capsys, *asked)["winner"] == "memory"
    assert told(capsys, *asked, "--settings", "oneiric.toml")["winner"] == "redis"


def test_settings_that_cannot_be_used_are_two_lines(capsys: Capture, here: Path) -> None:
    (here / "oneiric.toml").write_text("[trust]\ntreshold = 1\n", encoding="utf-8")
    assert main(["list"]) == 1
    captured = capsys.readouterr()
    assert captured.err.splitlines() == [
        "oneiric-core: oneiric.toml: there is no setting 'trust.treshold'",
        "Did you mean trust.threshold?",
    ]
    assert main(["list", "--settings", "missing.toml"]) == 2
    assert "'--settings'" in (err := capsys.readouterr().err)
    assert "there is no file 'missing.toml'" in err


def test_as_large_a_manifest_is_looked_at_as_is_configured(capsys: Capture, manifest: Path, here: Path) -> None:
    configured = here / "oneiric.toml"
    configured.write_text("[remote]\nmax_manifest_bytes = 100\n", encoding="utf-8")
    assert main(["list", "--manifest", str(manifest)]) == 1
    what, fix = capsys.readouterr().err.splitlines()
    assert what.endswith("has more than 100 bytes")
    assert "raise max_manifest_bytes in the settings" in fix
    manifest.write_bytes(manifest.read_bytes() + b" " * (17 << 20))
    configured.write_text(f"[remote]\nmax_manifest_bytes = {64 << 20}\n", encoding="utf-8")
    assert told(capsys, "list", "--manifest", str(manifest))["manifest"]["source"] == "zeta"
