"""Quick help, and shells that complete what is typed."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from oneiric_core.cli.finding import find_verbs
from oneiric_core.cli.main import main

pytestmark = pytest.mark.slow

Capture = pytest.CaptureFixture[str]
Install = Callable[..., None]

RUN = "import sys; from oneiric_core.cli.main import main; code = main(); {after}; sys.exit(code)"
SLOW = {"asyncio", "cryptography", "httpx", "opendal", "opentelemetry", "packaging", "pydantic", "rich", "ssl", "yaml"}


def run(*arguments: str, after: str = "pass", **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(after=after), *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "COLUMNS": "80", **environment},
    )
    return done.stdout


def test_the_list_of_verbs_loads_none_of_them_nor_what_they_need() -> None:
    """What it costs is decided by what it imports."""
    out = run("--help", after="print('loaded:', *sys.modules)")
    loaded = set(out.partition("loaded:")[2].split())
    assert not SLOW & loaded
    assert not {name for name in loaded if name.startswith("oneiric_core.cli.verbs.")}


@pytest.mark.parametrize("name", sorted(name for name, verb in find_verbs().items() if not verb.owner))
def test_each_verb_of_ours_says_in_its_first_line_what_it_does(capsys: Capture, name: str) -> None:
    summary = find_verbs()[name].summary()
    assert summary
    assert main(["--help"]) == 0
    assert summary.split()[0] in capsys.readouterr().out


def test_a_verb_of_somebody_else_is_listed_by_its_first_line_and_not_imported(
    capsys: Capture, install: Install
) -> None:
    code = '"""``oneiric-core dance``: dance until the music stops.\n"""\nraise SystemExit("imported")\n'
    install("dancing", code, oneiric_core__commands="dance = dancing:verb")
    assert main(["--help"]) == 0
    assert "Dance until the music stops." in capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_ask(shell: str) -> None:
    """Named by hand: which shell it is asked from is no matter of the test."""
    script = run("--show-completion", shell, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert "_ONEIRIC_CORE_COMPLETE=complete_" in script
    assert "oneiric-core" in script


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("oneiric-core man", {"manifest"}),
        ("oneiric-core manifest si", {"sign"}),
        ("oneiric-core manifest sign --priv", {"--private-key", "--private-key-env"}),
        ("oneiric-core manifest sign --form d", {"dsse"}),
        ("oneiric-core artifacts upload --backend g", {"gcs"}),
    ],
)
def test_what_is_typed_is_completed(typed: str, completed: set[str]) -> None:
    asked = {"_ONEIRIC_CORE_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    environment = {**os.environ, **asked}
    code = [sys.executable, "-c", RUN.format(after="pass")]
    done = subprocess.run(code, capture_output=True, text=True, check=True, timeout=60, env=environment)
    assert set(done.stdout.split()) == completed


@pytest.mark.parametrize(
    "words", [("keys", "generate"), ("manifest", "sign"), ("manifest", "publish"), ("artifacts", "upload")]
)
def test_help_fits_into_80_columns_examples_included(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, words: tuple[str, str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*words, "--help"]) == 0
    out = capsys.readouterr().out
    assert "$ oneiric-core " in out
    assert max(map(len, out.splitlines())) <= 80
