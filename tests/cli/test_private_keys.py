"""The pair that signs: how it is made, and the places its private half may come from."""

import base64
import contextlib
import io
import json
import os
import pty
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.cli.main import main
from oneiric_core.trust import load_private_key, load_public_key, public_key_of

Capture = pytest.CaptureFixture[str]

SIGN = "manifest sign --manifest manifest.json --private-key keys/oneiric.private.pem"
VERIFY = "manifest verify --manifest manifest.json --public-key keys/oneiric.public.pem"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory to work in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def ready(here: Path) -> Path:
    """``manifest.json``, unsigned, and ``keys/oneiric.*.pem``."""
    does("keys generate --output-dir keys")
    (here / "manifest.json").write_text(json.dumps({"source": "zeta", "entries": []}))
    return here


def does(line: str, code: int = 0) -> None:
    assert main(line.split()) == code


def refused(capsys: Capture, line: str, said: str, code: int = 1) -> None:
    """Two lines, the first of which says what is wrong."""
    capsys.readouterr()
    does(line, code)
    captured = capsys.readouterr()
    assert said in captured.err.splitlines()[0]
    assert len(captured.err.splitlines()) == 2
    assert captured.out == ""


def test_a_pair_is_made_once_and_its_private_half_is_for_nobody_else(capsys: Capture) -> None:
    does("keys generate --output-dir new/keys --name release --json")
    made: dict[str, Any] = json.loads(capsys.readouterr().out)
    private, public = Path(made["private_key"]), Path(made["public_key"])
    assert (str(private), str(public)) == ("new/keys/release.private.pem", "new/keys/release.public.pem")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700
    key = load_public_key(public.read_bytes(), name="public")
    assert public_key_of(load_private_key(private.read_bytes(), name="private")) == key
    assert made["fingerprint"] == key.fingerprint
    refused(capsys, "keys generate --output-dir new/keys --name release", "exists already")
    private.unlink()
    refused(capsys, "keys generate --output-dir new/keys --name release", "release.public.pem exists already")
    assert not private.exists()


@pytest.mark.parametrize("name", ["../up", "a/b", "", "nul", "/abs"])
def test_a_name_that_leads_elsewhere_is_no_name(capsys: Capture, name: str) -> None:
    assert main(["keys", "generate", "--output-dir", "keys", "--name", name]) == 2
    assert "is not the name of a file" in capsys.readouterr().err
    assert not Path("keys").exists()


def test_keys_cannot_be_made_where_nothing_can(capsys: Capture, here: Path) -> None:
    (here / "file").touch()
    refused(capsys, "keys generate --output-dir file/keys", "file/keys cannot be made")
    (here / "keys").mkdir()
    (here / "keys" / "oneiric.public.pem").symlink_to(here / "nowhere")
    refused(capsys, "keys generate --output-dir keys", "oneiric.public.pem exists already")
    assert not (here / "keys" / "oneiric.private.pem").exists()


def standard_input(content: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8")


PLACES = {"file": "--private-key key", "variable": "--private-key-env KEY", "input": "--private-key -"}
TEXTS = [(written, where) for written in ("pem", "base64") for where in PLACES]


@pytest.mark.parametrize(("written", "where"), [*TEXTS, ("raw", "file"), ("raw", "input")])
def test_a_private_key_is_read_in_each_form_from_each_place(
    capsys: Capture, ready: Path, monkeypatch: pytest.MonkeyPatch, written: str, where: str
) -> None:
    pem = (ready / "keys" / "oneiric.private.pem").read_bytes()
    raw = load_private_key(pem, name="").private_bytes_raw()
    content = {"pem": pem, "raw": raw, "base64": base64.b64encode(raw) + b"\n"}[written]
    path = ready / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    monkeypatch.setattr("sys.stdin", standard_input(content))
    if where == "variable":
        monkeypatch.setenv("KEY", content.decode())
    does(f"manifest sign --manifest manifest.json {PLACES[where]}")
    assert capsys.readouterr().err == ""
    does(VERIFY)


def test_an_encrypted_key_needs_its_password(capsys: Capture, ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "correct horse")
    monkeypatch.setenv("WRONG", "battery")
    does("keys generate --output-dir keys --name locked --password-env PASSWORD")
    assert b"ENCRYPTED" in (ready / "keys" / "locked.private.pem").read_bytes()
    sign = SIGN.replace("oneiric.", "locked.")
    monkeypatch.setattr("sys.stdin", standard_input(b""))
    refused(capsys, sign, "cannot be read as a private key")
    refused(capsys, f"{sign} --password-env WRONG", "cannot be read as a private key")
    does(f"{sign} --password-env PASSWORD")
    does(VERIFY.replace("oneiric.", "locked."))


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--private-key-env NOTHING", "is not set, or empty"),
        ("--private-key-env EMPTY", "is not set, or empty"),
        ("--private-key missing.pem", "'missing.pem' cannot be read: No such file"),
        ("", "say where the private key is"),
    ],
)
def test_a_key_that_is_not_there_is_wrong_usage(
    capsys: Capture, ready: Path, monkeypatch: pytest.MonkeyPatch, option: str, said: str
) -> None:
    assert ready
    monkeypatch.setenv("EMPTY", "")
    refused(capsys, f"manifest sign --manifest manifest.json {option}", said, 2)


def test_who_sits_at_a_terminal_is_asked_for_the_password_and_does_not_see_it(
    ready: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", "correct horse")
    does("keys generate --output-dir keys --name locked --password-env PASSWORD")
    child, terminal = pty.fork()
    if child == 0:
        code = "import sys; from oneiric_core.cli.main import main; sys.exit(main())"
        os.execv(sys.executable, [sys.executable, "-c", code, *SIGN.replace("oneiric.", "locked.").split()])  # noqa: S606
    shown = b""
    while b"Password of keys/locked.private.pem: " not in shown:
        shown += os.read(terminal, 1024)
    os.write(terminal, b"correct horse\n")
    with contextlib.suppress(OSError):  # how Linux says that nobody is at the other end any more
        while chunk := os.read(terminal, 1024):
            shown += chunk
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(terminal)
    assert b"1 signature" in shown
    assert b"correct horse" not in shown
    assert "signature" in (ready / "manifest.json").read_text()


def test_an_empty_key_is_no_key(capsys: Capture, ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ready
    monkeypatch.setattr("sys.stdin", standard_input(b" \n"))
    refused(capsys, "manifest sign --manifest manifest.json --private-key -", "from standard input is empty")


def test_a_private_key_that_others_can_read_is_warned_about(capsys: Capture, ready: Path) -> None:
    path = ready / "keys" / "oneiric.private.pem"
    path.chmod(0o640)
    does(SIGN)
    assert (
        "oneiric-core: warning: keys/oneiric.private.pem can be read by others (-rw-r-----)" in capsys.readouterr().err
    )


def test_a_secret_is_never_shown(capsys: Capture, ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even a key that cannot be read, which may be nearly right."""
    nearly = (
        (ready / "keys" / "oneiric.private.pem").read_text().replace("PRIVATE KEY-----\n", "PRIVATE KEY-----\nAA", 1)
    )
    monkeypatch.setenv("KEY", nearly)
    does("manifest sign --manifest manifest.json --private-key-env KEY", 1)
    captured = capsys.readouterr()
    secret = nearly.splitlines()[1][8:40]
    assert secret not in captured.out + captured.err
