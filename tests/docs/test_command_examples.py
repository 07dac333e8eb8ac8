"""The examples of the verbs that look, apply and judge: each is run as it stands there, but on this machine.

Those of the verbs that publish are typed one after the other in :mod:`test_command_line`.
"""

import hashlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import typer

from oneiric_core.cli.finding import find_verbs
from oneiric_core.cli.main import main
from oneiric_core.testing import key_pair, make_wheel, manifest_entry, signed_certificate, signed_manifest, signed_root

sys.path.insert(0, str(Path(__file__).parent))  # it is a program as well
import command_line

sys.path.pop(0)

pytestmark = pytest.mark.slow

KEY, ROOT_KEY, ISSUER = (key_pair(f"{name} of the examples") for name in ("publisher", "root", "issuer"))
ELSEWHERE = {"keys", "manifest", "release", "artifacts"}
PROGRAM = "import sys; from oneiric_core.cli.main import main; sys.exit(main())"
COMPONENT = """
from oneiric_core import AdapterMetadata
class Cache: pass
cache = AdapterMetadata(category="cache", provider="acme", factory=Cache)
"""
WHEEL = "acme-1.0-py3-none-any.whl"


def typed() -> list[str]:
    """All examples, each in one line."""
    found: list[str] = []
    for name in sorted({*find_verbs()} - ELSEWHERE):
        command: Any = typer.main.get_command(find_verbs()[name].load())
        for each in getattr(command, "commands", {name: command}).values():
            lines = "\n".join(command_line.example_lines(each)).replace("\\\n", "").splitlines()
            assert lines, f"{name} {each.name} has no example"
            found += lines
    return found


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def url(tmp_path: Path, serve: Callable[[Any], AbstractContextManager[str]]) -> Iterator[str]:
    """Where the files of the directory are to be had."""
    with serve(partial(Quiet, directory=tmp_path)) as url:
        yield url


@pytest.fixture
def here(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    on_path: Callable[[Path], None],
    a_report: Callable[[str], str],
) -> Path:
    """A directory with every file that an example names, and an installed cache."""
    monkeypatch.chdir(tmp_path)
    info = tmp_path / "site" / "acme-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[oneiric.adapters]\ncache = acme_examples:cache\n", encoding="utf-8")
    (tmp_path / "site" / "acme_examples.py").write_text(COMPONENT, encoding="utf-8")
    on_path(tmp_path / "site")
    monkeypatch.setenv("ONEIRIC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("ONEIRIC_STATE_DIR", str(tmp_path / "state"))
    entry = manifest_entry("adapter", "cache", "acme", "acme_examples:Cache", priority=1)
    wheel = make_wheel({"acme.py": ""}, "acme", "1.0")
    certificate = partial(signed_certificate, signed_by=ISSUER, level="hardened", issued_at=datetime.now(UTC))
    files = {
        "acme.pem": KEY.public_pem.encode(),
        "issuer.pem": ISSUER.public_pem.encode(),
        "manifest.json": signed_manifest([entry], [KEY], source="acme"),
        "manifest.dsse.json": signed_manifest([entry], [KEY], source="acme", sequence_number=2, form="dsse"),
        "1.root.json": signed_root(root=[ROOT_KEY], manifest=[KEY], source="acme"),
        "oneiric.toml": b"[remote]\nhttp_to_loopback = true\n",
        "acme.toml": b'[remote]\npath = "manifest.json"\n[trust]\nkeys = ["acme.pem"]\n',
        WHEEL: wheel,
        "certificate.json": certificate(hashlib.sha256(wheel).hexdigest()),
        **{f"{name}.json": a_report(name).encode() for name in ("report", "one", "two")},
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_each_example_does_what_it_says(here: Path, url: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    for line in typed():
        command = line.replace("https://acme.example", url).replace("/etc/acme/oneiric.toml", "acme.toml")
        words = shlex.split(command.partition(">>")[0])
        assert words.pop(0) == "oneiric-core"
        code = until_it_says_something(words) if words[0] == "run" else main(words)
        assert code == 0, f"$ {command}\n{capsysbinary.readouterr().err.decode()}"
        told = capsysbinary.readouterr()
        assert words[0] == "run" or told.out, command
        assert told.err == b"", command
    assert (here / "both.html").exists()


def until_it_says_something(words: list[str]) -> int:
    """The exit code of a command that goes on until it is asked to end."""
    with subprocess.Popen([sys.executable, "-c", PROGRAM, *words], stdout=subprocess.PIPE, env=os.environ) as process:
        assert process.stdout is not None
        assert any(b"running" in line for line in process.stdout)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    return process.returncode
