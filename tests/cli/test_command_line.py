"""What people type, and what they get: output, one or two lines on standard error, an exit code."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from oneiric_core.cli.main import main
from oneiric_core.testing import manifest_entry, signed_manifest

pytestmark = pytest.mark.slow

Capture = pytest.CaptureFixture[str]
Install = Callable[..., None]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from oneiric_core.cli.main import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "COLUMNS": "80", **environment},
    )


def test_the_version_is_that_of_the_distribution() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"oneiric-core {version('oneiric-core')}\n", "")


def test_help_names_every_verb(capsys: Capture) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert "list " in out
    assert "explain " in out


def test_a_verbs_help_names_its_options(capsys: Capture) -> None:
    assert main(["list", "--help"]) == 0
    out = capsys.readouterr().out
    assert "--domain" in out
    assert "--json" in out


def test_without_a_verb_the_usage_is_shown_and_the_exit_code_says_so(capsys: Capture) -> None:
    assert main([]) == 2
    captured = capsys.readouterr()
    assert "Usage: oneiric-core" in captured.err
    assert captured.out == ""


def test_the_next_program_in_a_pipe_reads_a_row_from_each_line(tmp_path: Path) -> None:
    """There is no terminal whose columns it would have to keep to."""
    keys = [f"a-key-that-goes-on-and-on-up-to-number-{number}" for number in range(3)]
    manifest = tmp_path / "manifest.json"
    manifest.write_bytes(signed_manifest([manifest_entry("task", key, "acme", "acme.tasks:Task") for key in keys]))
    done = run("list", "--domain", "task", "--manifest", str(manifest), COLUMNS="")
    rows = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("task/a-key")]
    assert rows == [f"task/{key}/acme" for key in keys]


@pytest.mark.parametrize(
    ("arguments", "said", "where"),
    [
        (["lst"], "there is no verb 'lst'; did you mean list?", "oneiric-core --help"),
        (["xyzzy"], "there is no verb 'xyzzy'", "oneiric-core --help"),
        (["list", "--jsn"], "--json", "oneiric-core list --help"),
        (["--verson"], "--version", "oneiric-core --help"),
        (["list", "--domain", "tsk"], "there is no domain 'tsk'; did you mean task?", "oneiric-core list --help"),
        (["list", "--domain", "xyzzy"], "there are adapter, service, task", "oneiric-core list --help"),
        (["explain", "adaptor", "x"], "did you mean adapter?", "oneiric-core explain --help"),
        (["explain", "adapter"], "'KEY'", "oneiric-core explain --help"),
        (["list", "superfluous"], "superfluous", "oneiric-core list --help"),
    ],
)
def test_wrong_usage_is_two_lines_and_exit_code_2(capsys: Capture, arguments: list[str], said: str, where: str) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    first, second = captured.err.splitlines()
    assert first.startswith("oneiric-core: ")
    assert said in first
    assert second == f"Try '{where}'."
    assert captured.out == ""


VERBS = """
    import sys
    from typing import Annotated
    import typer
    from oneiric_core.cli import render
    from oneiric_core.errors import LifecycleError

    def greet(name: str = "you", *, loud: bool = False) -> int:
        '''Greet somebody.'''
        render.text(f"hello {name}" + "!" * loud)
        return 1 if name == "nobody" else 0

    locks = typer.Typer()

    @locks.command()
    def generate() -> None:
        render.text("generated")

    @locks.command()
    def show() -> None:
        render.text("shown")

    def defect() -> None:
        raise KeyError("lost")

    def refuse() -> None:
        raise LifecycleError("it is late", fix="Come back tomorrow")

    def leave(how: str) -> None:
        sys.exit({"text": "gone", "number": 7, "nothing": None}[how])

    def interrupt() -> None:
        raise KeyboardInterrupt

    def abort() -> None:
        raise typer.Abort

    number = 7
"""
COMMANDS = """
    greet = greetings:greet
    locks = greetings:locks
    defect = greetings:defect
    refuse = greetings:refuse
    leave = greetings:leave
    interrupt = greetings:interrupt
    abort = greetings:abort
    number = greetings:number
    missing = greetings:missing
    gone = greetings_gone:verb
    list = greetings:greet
"""


@pytest.fixture
def greetings(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "greetings", raising=False)
    install("greetings", VERBS, oneiric_core__commands=COMMANDS)


@pytest.mark.usefixtures("greetings")
def test_an_installed_package_adds_verbs(capsys: Capture) -> None:
    assert main(["greet", "--name", "world", "--loud"]) == 0
    assert main(["locks", "generate"]) == 0
    assert capsys.readouterr().out == "hello world!\ngenerated\n"


@pytest.mark.usefixtures("greetings")
def test_what_a_verb_returns_is_the_exit_code(capsys: Capture) -> None:
    assert main(["greet", "--name", "nobody"]) == 1
    assert capsys.readouterr().out == "hello nobody\n"


@pytest.mark.usefixtures("greetings")
def test_added_verbs_are_in_the_help_broken_ones_with_the_reason(capsys: Capture) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert "Greet somebody." in out
    assert "Cannot be loaded" in out


@pytest.mark.usefixtures("greetings")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing", "no attribute 'missing'"),
        ("gone", "No module named 'greetings_gone'"),
        ("number", "is int, not a verb"),
    ],
)
def test_a_broken_verb_is_its_own_trouble_only(capsys: Capture, name: str, reason: str) -> None:
    assert main([name, "--any", "thing"]) == 1
    captured = capsys.readouterr()
    first, second = captured.err.splitlines()
    assert first.startswith(f"oneiric-core: the verb '{name}' of greetings cannot be loaded: ")
    assert reason in first
    assert second == "Mend or remove greetings."
    assert main(["greet"]) == 0


@pytest.mark.usefixtures("greetings")
def test_our_own_verbs_cannot_be_replaced(capsys: Capture) -> None:
    assert main(["list", "--json"]) == 0
    assert '"components"' in capsys.readouterr().out


@pytest.mark.usefixtures("greetings")
@pytest.mark.parametrize(
    ("arguments", "code", "lines"),
    [
        (["refuse"], 1, ["oneiric-core: it is late", "Come back tomorrow."]),
        (["leave", "text"], 1, ["oneiric-core: gone"]),
        (["leave", "number"], 7, []),
        (["leave", "nothing"], 0, []),
        (["interrupt"], 130, None),
        (["abort"], 130, ["oneiric-core: interrupted"]),
    ],
)
def test_however_a_verb_ends_there_is_an_exit_code_and_no_traceback(
    capsys: Capture, arguments: list[str], code: int, lines: list[str] | None
) -> None:
    assert main(arguments) == code
    err = capsys.readouterr().err
    assert "Traceback" not in err
    if lines is not None:
        assert err.splitlines() == lines


@pytest.mark.usefixtures("greetings")
def test_a_defect_is_two_lines_with_its_place_and_exit_code_3(capsys: Capture) -> None:
    assert main(["defect"]) == 3
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("oneiric-core: KeyError: 'lost' (at ")
    assert second == "This is a defect of ours. Please report it."


@pytest.mark.parametrize("arguments", [["--version"], ["list", "--json"]])
def test_a_reader_who_has_seen_enough_is_no_error(arguments: list[str]) -> None:
    code = f"import sys; from oneiric_core.cli.main import main; sys.exit(main({arguments}))"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, text=True, check=False, timeout=60
    )
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode in {0, 1}


def test_a_terminal_that_lacks_a_character_shows_its_escape() -> None:
    done = run("explain", "adapter", "\u00fc\u2192", PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert "\\xfc\\u2192" in done.stderr


@pytest.mark.usefixtures("greetings")
def test_one_verb_does_not_import_the_code_of_another() -> None:
    assert main(["list", "--domain", "service"]) == 0
    assert "greetings" not in sys.modules
