"""Somebody gives the secret where its path or the name of a variable is asked for: no message repeats it."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from oneiric_core.cli.main import main
from oneiric_core.trust import generate_private_key, load_private_key, private_pem

Capture = pytest.CaptureFixture[str]
Tell = Callable[..., str]
PEM = private_pem(generate_private_key())
LOCKED = private_pem(generate_private_key(), password=b"correct horse")
BASE64 = base64.b64encode(load_private_key(PEM, name="").private_bytes_raw()).decode()
KEYS = {
    "pem": PEM,
    "locked": LOCKED,
    "base64": BASE64,
    "in one line": " ".join(PEM.split()),
    "body": PEM.splitlines()[1],
}
SIGN = ("manifest", "sign", "--manifest", "m.json")


@pytest.fixture
def tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Tell:
    """``tell(*arguments)``: all that is shown by a command that is refused as wrong usage, which is two lines."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.json").write_text(json.dumps({"source": "zeta", "entries": []}))
    (tmp_path / "key.pem").write_text(LOCKED)
    (tmp_path / "key.pem").chmod(0o600)

    def told(*arguments: str) -> str:
        assert main(arguments) == 2
        captured = capsys.readouterr()
        assert len(captured.err.splitlines()) == 2
        return captured.out + captured.err

    return told


def shows(told: str, secret: str) -> list[str]:
    """What of the secret stands there: any twelve characters in a row, line by line."""
    lines = [line for line in secret.split() if not line.startswith("-----") and len(line) > 12]
    return [line[at : at + 12] for line in lines for at in range(len(line) - 11) if line[at : at + 12] in told]


@pytest.mark.parametrize("option", ["--private-key", "--private-key-env"])
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_private_key_is_not_repeated(tell: Tell, option: str, key: str) -> None:
    told = tell(*SIGN, option, key)
    assert not shows(told, key)
    assert option in told
    assert "not what is in it" in told


def test_nor_where_the_shell_made_many_arguments_of_it(tell: Tell) -> None:
    assert not shows(tell(*SIGN, "--private-key", *PEM.split()), PEM)
    told = tell(*SIGN, "--private-key", "key.pem", BASE64)
    assert "unexpected extra argument" in told
    assert not shows(told, BASE64)


@pytest.mark.parametrize("option", ["--manifest", "--previous"])
def test_nor_in_the_place_of_another_file(tell: Tell, option: str) -> None:
    assert not shows(tell("manifest", "sign", "--manifest", "m.json", option, PEM), PEM)


@pytest.mark.parametrize("password", ["correct horse", "hunter2", "Tr0ub4dor&3"])
def test_a_password_is_not_repeated(tell: Tell, password: str) -> None:
    signing = tell(*SIGN, "--private-key", "key.pem", "--password-env", password)
    making = tell("keys", "generate", "--output-dir", "keys", "--password-env", password)
    for told in (signing, making):
        assert password not in told
        assert "--password-env" in told


def test_a_header_is_not_repeated(tell: Tell) -> None:
    header = "Authorization: Bearer abc.def"
    told = tell("sync", "--manifest-url", "https://acme.example/m.json", "--header-env", header)
    assert "abc.def" not in told


def test_a_defect_of_ours_shows_none_either(tmp_path: Path) -> None:
    """What it is told with may be anything, such as the path of a file."""
    code = (
        "import sys; from oneiric_core.cli import main as home\n"
        "def fail(arguments): raise RuntimeError(arguments)\n"
        "home._run = fail; sys.exit(home.main())"
    )
    command = [sys.executable, "-c", code, PEM]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert not shows(done.stdout + done.stderr, PEM)
