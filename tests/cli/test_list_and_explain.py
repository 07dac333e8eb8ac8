"""The two verbs that show what is installed, for people at 80 columns and for programs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.cli.main import main
from oneiric_core.cli.verbs import explain, list_
from oneiric_core.components import AdapterMetadata, Candidate, CandidateSource
from oneiric_core.errors import ResolutionError
from oneiric_core.resolver import Resolver

Capture = pytest.CaptureFixture[str]
Install = Callable[..., None]

COMPONENTS = """
    from oneiric_core import AdapterMetadata, TaskMetadata

    class Cache:
        pass

    redis = AdapterMetadata(
        category="zeta-cache", provider="redis", factory=f"{__name__}:Cache", version="2.1", owner="Zeta Ltd",
        capabilities=["kv", "ttl"], stack_level=5, description="Values in a server that many processes share",
        retry_policy={"attempts": 3}, extras={"x_unknown": [1, {"deep": True}]},
    )
    memory = AdapterMetadata(category="zeta-cache", provider="memory", factory=Cache)
    task = TaskMetadata(key="zeta-task", provider="zeta", factory=f"{__name__}:Cache")

    def broken():
        raise RuntimeError("not today")
"""


@pytest.fixture
def zeta(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    install(
        "zeta", COMPONENTS, oneiric__adapters="redis = zeta:redis\nmemory = zeta:memory", oneiric__tasks="t = zeta:task"
    )


def listed(capsys: Capture, *arguments: str) -> dict[str, Any]:
    assert main(["list", "--json", *arguments]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


@pytest.mark.usefixtures("zeta")
def test_the_winners_are_listed_with_all_a_person_asks_for(capsys: Capture) -> None:
    assert main(["list", "--domain", "adapter"]) == 0
    captured = capsys.readouterr()
    head, *rows = captured.out.splitlines()
    assert head.split("  ")[0] == "component"
    row = next(row for row in rows if "zeta-cache/redis" in row)
    for told in ("2.1", "Zeta Ltd", "kv, ttl", "ranks highest"):
        assert told in row
    assert "zeta-cache/memory" not in captured.out
    assert "1 more stand" in captured.out
    assert "task/" not in captured.out
    assert captured.err == ""
    assert max(map(len, captured.out.splitlines())) <= 80


@pytest.mark.usefixtures("zeta")
def test_programs_are_told_everything_losers_included(capsys: Capture) -> None:
    found = listed(capsys)
    ours = {each["provider"]: each for each in found["components"] if each["key"].startswith("zeta")}
    assert set(ours) == {"redis", "memory", "zeta"}
    assert ours["redis"]["won"]
    assert ours["redis"]["metadata"]["x_unknown"] == [1, {"deep": True}]
    assert ours["redis"]["origin"] == "zeta"
    assert not ours["memory"]["won"]
    assert ours["memory"]["reason"] == "stack_level 0 is lower than 5"
    assert ours["memory"]["factory"] == "zeta:Cache"
    assert found["failed"] == []


@pytest.mark.usefixtures("zeta")
def test_a_domain_narrows_the_list(capsys: Capture) -> None:
    assert {each["domain"] for each in listed(capsys, "--domain", "task")["components"]} == {"task"}


@pytest.mark.usefixtures("zeta")
def test_what_cannot_be_loaded_is_a_line_and_exit_code_1_and_the_others_are_listed(
    capsys: Capture, install: Install
) -> None:
    install("eta", "", oneiric__adapters="eta = zeta:broken", oneiric__tasks="gone = eta_gone:task")
    assert main(["list"]) == 1
    captured = capsys.readouterr()
    assert "zeta-cache/redis" in captured.out
    assert len(captured.err.splitlines()) == 2
    assert "[oneiric.adapters] eta = zeta:broken of eta: " in captured.err
    assert "RuntimeError: not today" in captured.err
    assert main(["list", "--json", "--domain", "task"]) == 1
    [failure] = json.loads(capsys.readouterr().out)["failed"]
    assert (failure["name"], failure["distribution"]) == ("gone", "eta")


def test_nothing_to_list_is_said_kindly(capsys: Capture) -> None:
    assert list_.show(Resolver(), [], None, as_json=False) == 0
    assert list_.show(Resolver(), [], "service", as_json=False) == 0
    captured = capsys.readouterr()
    assert "No component is installed here yet." in captured.out
    assert "No service is installed here yet." in captured.out
    assert captured.out.endswith("by an entry point in oneiric.services.\n")
    assert captured.err == ""
    assert list_.show(Resolver(), [], None, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"components": [], "unmet": [], "failed": []}


@pytest.mark.usefixtures("zeta")
def test_a_selection_that_nothing_meets_is_listed_and_not_left_out(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    settings = tmp_path / "selecting.toml"
    settings.write_text('[adapters.selections]\nzeta-cache = "redsi"\n[tasks.selections]\nzeta-tsk = "zeta"\n')
    assert main(["list", "--settings", str(settings)]) == 0
    out = capsys.readouterr().out
    told = {line.split()[0]: line for line in out.splitlines() if line}
    assert "nothing wins: 'redsi' is selected explicitly, and there is redis, memory" in told["adapter/zeta-cache"]
    assert "nothing wins: 'zeta' is selected explicitly, and nothing is here" in told["task/zeta-tsk"]
    assert "task/zeta-task/zeta" in told
    assert listed(capsys, "--settings", str(settings), "--domain", "adapter")["unmet"] == [
        {"domain": "adapter", "key": "zeta-cache", "selection": "redsi", "offered": ["redis", "memory"]}
    ]


@pytest.mark.usefixtures("zeta")
def test_a_decision_is_explained_in_full(capsys: Capture) -> None:
    assert main(["explain", "adapter", "zeta-cache"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("adapter/zeta-cache: redis wins\n\n1. redis wins: ranks highest\n")
    assert "2. memory loses: stack_level 0 is lower than 5\n" in out
    flat = " ".join(out.split())
    for told in (
        "factory zeta:Cache",
        "from entry_point, zeta",
        "rank stack_level 5, priority 0, registration",
        "description Values in a server that many processes share",
        "capabilities kv, ttl",
        'retry_policy {"attempts": 3}',
        'x_unknown [1, {"deep": true}]',
        "3. the higher stack_level (None is 0);",
    ):
        assert told in flat
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.usefixtures("zeta")
def test_an_explanation_for_programs_is_the_resolvers_own(capsys: Capture) -> None:
    assert main(["explain", "adapter", "zeta-cache", "--json"]) == 0
    explained = json.loads(capsys.readouterr().out)
    assert explained["winner"] == "redis"
    assert [each["provider"] for each in explained["candidates"]] == ["redis", "memory"]


@pytest.mark.usefixtures("zeta")
@pytest.mark.parametrize(("key", "fix"), [("zeta-cahe", "Did you mean zeta-cache?"), ("xyzzy", "zeta-cache")])
def test_an_unknown_key_is_answered_with_what_there_is(capsys: Capture, key: str, fix: str) -> None:
    assert main(["explain", "adapter", key]) == 1
    captured = capsys.readouterr()
    first, second = captured.err.splitlines()
    assert first == f"oneiric-core: nothing is installed for adapter/{key}"
    assert fix in second
    assert captured.out == ""


def test_where_nothing_is_installed_at_all_it_says_so() -> None:
    with pytest.raises(ResolutionError, match="there is no event at all"):
        explain.show(Resolver(), "event", "x", as_json=False)


def test_a_selection_that_nothing_meets_wins_nothing(capsys: Capture) -> None:
    resolver = Resolver(selections={"adapter": {"cache": "redis"}})
    resolver.register(Candidate("adapter", "cache", "memory", "m:C", source=CandidateSource.MANUAL))
    explain.show(resolver, "adapter", "cache", as_json=False)
    out = capsys.readouterr().out
    assert out.startswith("adapter/cache: nothing wins\n")
    assert " from manual " in " ".join(out.split())


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_a_long_list_fits_the_terminal_and_loses_nothing(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    resolver = Resolver()
    names = [f"provider{number:03}" for number in range(60)]
    for name in names:
        resolver.register(
            AdapterMetadata(
                category=f"category-{name}", provider=name, factory="m:C", version="1.2.3", capabilities=["kv", "blob"]
            ).to_candidate()
        )
    assert list_.show(resolver, [], None, as_json=False) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= int(columns)
    assert all(line == line.rstrip() for line in out.splitlines())
    assert len(out.splitlines()) > 60


def test_what_a_package_calls_itself_cannot_move_the_cursor(capsys: Capture) -> None:
    resolver = Resolver()
    resolver.register(Candidate("adapter", "a\x1b[2J", "p\r\u202eq", "m:C", {"owner": "o\x07\nwn\u00a0er"}))
    list_.show(resolver, [], None, as_json=False)
    explain.show(resolver, "adapter", "a\x1b[2J", as_json=False)
    out = capsys.readouterr().out
    assert not set("\x1b\r\x07\u202e\u00a0") & set(out)
    assert "\\x1b[2J" in out
    assert "\\u202e" in out


def test_no_file_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.chdir(tmp_path)
    main(["list"])
    main(["explain", "adapter", "x"])
    capsys.readouterr()
    assert list(tmp_path.iterdir()) == []
