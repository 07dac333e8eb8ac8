"""``artifacts upload`` as typed: into a directory, with progress for people only."""

import hashlib
import json
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from oneiric_core.cli.main import main

Capture = pytest.CaptureFixture[str]

CONTENT = b"a wheel"
UPLOAD = "artifacts upload --artifact acme.whl --backend file --bucket www --key wheels/acme.whl"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a file to upload, and one to upload it to."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "www").mkdir()
    (tmp_path / "acme.whl").write_bytes(CONTENT)
    return tmp_path


def test_the_url_comes_last_and_a_second_run_says_that_it_is_done(capsys: Capture, here: Path) -> None:
    digest = hashlib.sha256(CONTENT).hexdigest()
    for told in ("uploaded", "there already"):
        assert main(UPLOAD.split()) == 0
        captured = capsys.readouterr()
        first, url = captured.out.splitlines()
        assert first == f"file://www/wheels/acme.whl: {told}, 7 bytes, sha256 {digest}"
        assert url == (here / "www" / "wheels" / "acme.whl").as_uri()
        assert captured.err == ""
    assert (here / "www" / "wheels" / "acme.whl").read_bytes() == CONTENT


def test_programs_are_told_the_same(capsys: Capture) -> None:
    assert main([*UPLOAD.split(), "--json", "--public-url", "https://cdn.example"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "url": "https://cdn.example/wheels/acme.whl",
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "length": 7,
        "created": True,
        "backend": "file",
        "bucket": "www",
        "key": "wheels/acme.whl",
    }


@pytest.mark.parametrize(
    ("change", "said", "code"),
    [
        (("--key wheels/acme.whl", "--key ../acme.whl"), "Path traversal", 2),
        (("--backend file", "--backend ftp"), "'--backend'", 2),
        (("acme.whl --backend", "missing.whl --backend"), "there is no file 'missing.whl'", 2),
        (("--bucket www", "--public-url cdn.example --bucket www"), "'--public-url'", 2),
        (("--bucket www", "--endpoint-url ftp://s3.example --bucket www"), "has the scheme 'ftp'", 2),
        (("--bucket www", "--content-type wheel --bucket www"), "'wheel' is no media type", 2),
        (("--bucket www", "--bucket nowhere"), "there is no directory 'nowhere'", 1),
    ],
)
def test_what_is_refused_is_two_lines(capsys: Capture, change: tuple[str, str], said: str, code: int) -> None:
    assert main(UPLOAD.replace(*change).split()) == code
    captured = capsys.readouterr()
    assert said in captured.err.splitlines()[0]
    assert len(captured.err.splitlines()) == 2
    assert captured.out == ""


def test_a_key_is_not_used_twice(capsys: Capture, here: Path) -> None:
    assert main(UPLOAD.split()) == 0
    (here / "acme.whl").write_bytes(b"another")
    capsys.readouterr()
    assert main(UPLOAD.split()) == 1
    assert "SHA256 mismatch" in capsys.readouterr().err
    assert (here / "www" / "wheels" / "acme.whl").read_bytes() == CONTENT


def test_who_looks_sees_how_far_it_is(here: Path, at_a_terminal: Callable[[Sequence[str]], bytes]) -> None:
    (here / "acme.whl").write_bytes(bytes(3 << 20))
    shown = at_a_terminal(UPLOAD.split())
    assert b"Uploading acme.whl" in shown
    assert b"6.3" in shown  # megabytes: each byte sent, and read back


def test_whoever_asks_for_it_to_be_public_is_told_when_it_is_not(capsys: Capture) -> None:
    assert main([*UPLOAD.split(), "--public"]) == 0
    assert main([*UPLOAD.split(), "--public", "--public-url", "http://127.0.0.1:9/www"]) == 1
    assert "http://127.0.0.1:9/www/wheels/acme.whl is not there for everybody" in capsys.readouterr().err


ENDED = """
import os, signal
from oneiric_core.publish.object_store import ObjectStore
from oneiric_core.publish.places import Backend, Place

def chunks():
    yield b"y" * (9 << 20)
    os.kill(os.getpid(), signal.SIGTERM)
    yield b"y"

def upload() -> None:
    ObjectStore(Place(Backend.FILE, "www", "a.whl")).create(chunks(), 10 << 20, content_type="", cache_control="")
"""


def test_whoever_ends_it_by_sigterm_leaves_nothing_half_done(
    capsys: Capture, here: Path, install: Callable[..., None]
) -> None:
    install("ended", ENDED, oneiric_core__commands="ended = ended:upload")
    assert main(["ended"]) == 130
    assert "Traceback" not in capsys.readouterr().err
    assert [*(here / "www").iterdir()] == []
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
