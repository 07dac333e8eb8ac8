"""What somebody names and what cannot be used is told in two lines, with an exit code for it: no defect of ours."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from oneiric_core.cli.main import main
from oneiric_core.testing import key_pair, make_wheel, signed_certificate

pytestmark = pytest.mark.slow

Capture = pytest.CaptureFixture[str]
LONG = "n" * 300
RUN = (sys.executable, "-c", "import sys; from oneiric_core.cli.main import main; sys.exit(main())")
GENERATE = "manifest generate --version 1 --output x.json --artifact acme-1.0-py3-none-any.whl"
SIGN = "manifest sign --manifest m.json"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "m.json").write_text('{"source": "zeta", "entries": []}')
    (tmp_path / "c.json").write_bytes(signed_certificate("0" * 64))
    (tmp_path / "key.pem").write_text(key_pair("anybody").public_pem)
    (tmp_path / "acme-1.0-py3-none-any.whl").write_bytes(make_wheel({"acme.py": ""}, "acme", "1.0"))
    return tmp_path


@pytest.mark.parametrize(
    ("line", "said", "code"),
    [
        (f"certificate show {LONG}", "File name too long", 2),
        (f"manifest verify --manifest {LONG}.json --public-key key.pem", "File name too long", 2),
        (f"keys generate --output-dir {LONG}", "cannot be used: File name too long", 1),
        (f"artifacts upload --artifact m.json --backend file --bucket {LONG} --key k", "File name too long", 1),
        (f"release notes --tag v1.0 --project {LONG}", "there can be no directory", 2),
        ("release notes --tag v1.0 --project nowhere", "'--project': there is no directory 'nowhere'", 2),
        ("manifest generate --package= --version 1 --output x.json", "'' is not the name of a package", 2),
        ("manifest generate --package a/b --version 1 --output x.json", "'a/b' is not the name of a package", 2),
        ("manifest generate --version= --output x.json", "'' is no version; write it like 1.4.0", 2),
        ("manifest generate --version 1 --source= --output x.json", "'--source': it has no name", 2),
        ("artifacts upload --artifact m.json --backend file --bucket= --key k", "'--bucket': it has no name", 2),
        (f"{GENERATE} --artifact-url https://[bad/", "'https://[bad/' is not the URL of an artifact", 2),
    ],
)
def test_it_is_told_what_cannot_be_used(capsys: Capture, line: str, said: str, code: int) -> None:
    assert main(line.split()) == code
    captured = capsys.readouterr()
    assert said in captured.err.splitlines()[0]
    assert len(captured.err.splitlines()) == 2
    assert captured.out == ""


def unprivileged() -> Sequence[str]:
    """How to start a program for which the modes of files count: root sees through them all."""
    if os.geteuid():
        return ()
    program = shutil.which("setpriv")
    if program is None:
        pytest.skip("only who is not root, or has setpriv, meets a file that may not be read")
    return (program, "--bounding-set=-dac_override,-dac_read_search")


@pytest.mark.parametrize("line", ["certificate show shut/c.json", f"{SIGN} --private-key shut/key.pem"])
def test_a_directory_that_nobody_may_look_into(here: Path, line: str) -> None:
    (here / "shut").mkdir(mode=0)
    done = subprocess.run([*unprivileged(), *RUN, *line.split()], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "Permission denied" in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_a_key_that_may_not_be_read(here: Path) -> None:
    (here / "key.pem").chmod(0)
    line = "certificate verify c.json --public-key key.pem"
    done = subprocess.run([*unprivileged(), *RUN, *line.split()], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "key.pem cannot be used: Permission denied" in done.stderr


def test_standard_input_that_is_closed_holds_no_key() -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *RUN, *SIGN.split(), "--private-key", "-"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "the private key from standard input is empty" in done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_standard_output_that_is_closed_hears_nothing(closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *RUN, "keys", "generate", "--output-dir", "keys"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Path("keys/oneiric.private.pem").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_disk_that_is_full_is_no_defect_of_ours() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*RUN, "list", "--json"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr


def test_notes_are_in_utf_8_whatever_the_locale_says(here: Path) -> None:
    (here / "towncrier.toml").write_text('[tool.towncrier]\nname = "Acme"\ndirectory = "news"\n')
    (here / "news").mkdir()
    (here / "news" / "+new.feature.md").write_text("Größer, und auf Ελληνικά.", encoding="utf-8")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [*RUN, "release", "notes", "--tag", "v1.0"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Größer, und auf Ελληνικά." in done.stdout.decode("utf-8")


def test_whoever_interrupts_it_while_it_is_loaded_sees_no_traceback(here: Path) -> None:
    (here / "typer.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    heeded = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # not so in a shell's background
    code = f"{heeded}; import sys; from oneiric_core.cli.start import start; sys.exit(start())"
    modules = os.pathsep.join(filter(None, (str(here), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": modules}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")


def test_the_program_begins_there() -> None:
    heeded = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # not so in a shell's background
    code = f"{heeded}; import sys; from oneiric_core.cli.start import start; sys.exit(start())"
    for arguments, expected in (["--version"], 0), (["nonsense"], 2):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, check=False)
        assert done.returncode == expected
