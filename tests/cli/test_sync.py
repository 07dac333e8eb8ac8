"""``oneiric-core sync``: once, from a real server or a file, believed or refused, with everything told."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.cli.main import main
from oneiric_core.testing import ArtifactServer, KeyPair, key_pair, make_wheel, manifest_entry, signed_manifest

Capture = pytest.CaptureFixture[str]
KEY, OTHER = key_pair("of the command line"), key_pair("of somebody else")


@pytest.fixture
def server() -> Iterator[ArtifactServer]:
    with ArtifactServer() as server:
        yield server


@pytest.fixture
def wheel() -> bytes:
    return make_wheel({"acme_cli/__init__.py": "", "acme_cli/cache.py": "class Cache(dict): pass\n"}, "acme-cli")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory with a key, and a machine that may be asked without encryption."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("ONEIRIC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("ONEIRIC_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "key.pem").write_text(KEY.public_pem, encoding="utf-8")
    (tmp_path / "oneiric.toml").write_text("[remote]\nhttp_to_loopback = true\n", encoding="utf-8")
    return tmp_path


def offer(*entries: dict[str, Any], number: int = 1, key: KeyPair = KEY) -> bytes:
    entries = entries or (manifest_entry("adapter", "cache", "redis", "acme:Cache"),)
    return signed_manifest(entries, [key], source="acme", sequence_number=number)


def sync(*arguments: str) -> int:
    return main(["sync", *arguments])


def test_a_manifest_is_applied_from_a_server_and_told(capsys: Capture, server: ArtifactServer) -> None:
    entries = (
        manifest_entry("adapter", "cache", "redis", "acme:Cache"),
        manifest_entry("task", "job", "acme", "acme:Job"),
        manifest_entry("task", "new", "acme", "acme:New", python_version=">=4"),
    )
    url = server.serve("/manifest.json", offer(*entries))
    assert sync("--manifest-url", url, "--public-key", "key.pem") == 0
    out = capsys.readouterr().out
    assert f"{url}: acme, signed by 1 trusted key" in out
    assert "2 (1 adapter, 1 task)" in out
    assert "task/new/acme" in out
    assert "skipped: it needs Python >=4" in out


@pytest.mark.parametrize(
    ("asked", "why"),
    [("source = 'another'", "another"), ("require_expiry = true", "expires"), ("max_age = '1s'", "signed")],
)
def test_a_key_that_is_named_here_takes_away_nothing_the_settings_ask(capsys: Capture, asked: str, why: str) -> None:
    Path("manifest.json").write_bytes(offer())
    Path("oneiric.toml").write_text(f"[trust]\n{asked}\n", encoding="utf-8")
    assert sync("--manifest", "manifest.json", "--public-key", "key.pem") == 1
    assert why in " ".join(capsys.readouterr().err.split())


def test_programs_get_the_report(capsys: Capture, server: ArtifactServer) -> None:
    url = server.serve("/manifest.json", offer())
    assert sync("--manifest-url", url, "--public-key", "key.pem", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["source"], report["registered"], report["per_domain"], report["attempts"]) == (
        "acme",
        1,
        {"adapter": 1},
        1,
    )


def test_a_file_does_as_well_and_the_settings_say_the_rest(capsys: Capture, here: Path) -> None:
    (here / "manifest.json").write_bytes(offer())
    assert sync("--manifest", "manifest.json", "--public-key", "key.pem") == 0
    settings = "[trust]\nkeys = ['key.pem']\n[remote]\npath = 'manifest.json'\n"
    (here / "oneiric.toml").write_text(settings, encoding="utf-8")
    assert sync() == 0
    told = " ".join(capsys.readouterr().out.split())  # a line may be broken where a path before it is long
    assert told.count("acme, signed by 1 trusted key") == 2


def test_artifacts_are_brought_into_the_cache(
    capsys: Capture, here: Path, server: ArtifactServer, wheel: bytes
) -> None:
    digest = hashlib.sha256(wheel).hexdigest()
    entry = manifest_entry(
        "adapter", "cache", "acme", "acme_cli.cache:Cache", uri=server.serve("/acme.whl", wheel), sha256=digest
    )
    url = server.serve("/manifest.json", offer(entry))
    assert sync("--manifest-url", url, "--public-key", "key.pem") == 0
    assert (here / "cache" / "blobs" / digest).read_bytes() == wheel
    assert capsys.readouterr().err == "", "no progress where nobody looks"


def test_what_may_not_be_believed_is_two_lines_and_exit_code_1(capsys: Capture, server: ArtifactServer) -> None:
    url = server.serve("/manifest.json", offer(key=OTHER))
    assert sync("--manifest-url", url, "--public-key", "key.pem") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "0 of the trusted keys signed, 1 must" in captured.err
    assert len(captured.err.splitlines()) == 2


def test_what_was_seen_is_remembered_from_one_run_to_the_next(capsys: Capture, server: ArtifactServer) -> None:
    url = server.serve("/manifest.json", offer(number=2))
    assert sync("--manifest-url", url, "--public-key", "key.pem") == 0
    server.serve("/manifest.json", offer(number=1))
    assert sync("--manifest-url", url, "--public-key", "key.pem") == 1
    captured = capsys.readouterr()
    assert "the last known good manifest serves" in captured.err
    assert captured.out.count("acme, signed by") == 2


def test_without_a_server_the_last_known_good_serves_and_the_answer_is_no(
    capsys: Capture, server: ArtifactServer
) -> None:
    url = server.serve("/manifest.json", offer())
    assert sync("--manifest-url", url, "--public-key", "key.pem") == 0
    server.stop()
    (Path("oneiric.toml")).write_text("[remote]\nhttp_to_loopback = true\nattempts = 1\n", encoding="utf-8")
    assert sync("--manifest-url", url, "--public-key", "key.pem", "--json") == 1
    captured = capsys.readouterr()
    report = json.loads(captured.out[captured.out.index("{") :])
    assert report["registered"] == 1
    assert report["stale"]


def test_a_header_comes_from_the_environment_and_is_never_told(
    capsys: Capture, server: ArtifactServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "Authorization: Bearer hunter2")
    url = server.serve("/manifest.json", offer())
    assert sync("--manifest-url", url, "--public-key", "key.pem", "--header-env", "TOKEN") == 0
    [request] = server.requests
    assert dict(request.headers)["authorization"] == "Bearer hunter2"
    monkeypatch.setenv("TOKEN", "hunter2")
    assert sync("--manifest-url", url, "--public-key", "key.pem", "--header-env", "TOKEN") == 2
    monkeypatch.setenv("TOKEN", "Auth\x07: hunter2")
    assert sync("--manifest-url", url, "--public-key", "key.pem", "--header-env", "TOKEN") == 1
    captured = capsys.readouterr()
    assert "hunter2" not in captured.out + captured.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "there is no manifest"),
        (("--manifest", "manifest.json"), "nobody is trusted"),
        (("--manifest", "a.json", "--manifest-url", "https://a.example"), "once"),
        (("--manifest", "a.json", "--public-key", "key.pem", "--trust-root", "key.pem"), "not both"),
        (("--manifest", "a.json", "--threshold", "2"), "a threshold needs keys"),
        (("--manifest", "a.json", "--threshold", "0", "--public-key", "key.pem"), "threshold"),
        (("--manifest", "a.json", "--public-key", "missing.pem"), "there is no file"),
        (("--manifest", "key.pem", "--public-key", "key.pem"), "does not say what the document is"),
        (("--manifest-url", "gopher://a.example/m.json", "--public-key", "key.pem"), "gopher"),
        (("--manifest", "a.json", "--public-key", "key.pem", "--threshold", "2"), "threshold of 2"),
        (("--manifest", "a.json", "--public-key", "key.pem", "--settings", "missing.toml"), "missing.toml"),
        (("--manifest", "a.json", "--public-key", "key.pem", "--header-env", "NO_SUCH_THING"), "NO_SUCH_THING"),
    ],
)
def test_wrong_usage_is_two_lines_and_exit_code_2(capsys: Capture, arguments: tuple[str, ...], said: str) -> None:
    assert sync(*arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert len(captured.err.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--manifest", "missing.json", "--public-key", "key.pem"), "missing.json"),
        (("--manifest-url", "http://192.0.2.1/m.json", "--public-key", "key.pem"), "192.0.2.1"),
        (("--manifest", "a.json", "--public-key", "oneiric.toml"), "oneiric.toml"),
        (("--manifest", "a.json", "--trust-root", "key.pem"), "not JSON"),
    ],
)
def test_what_cannot_be_done_is_two_lines_and_exit_code_1(
    capsys: Capture, arguments: tuple[str, ...], said: str
) -> None:
    assert sync(*arguments) == 1
    captured = capsys.readouterr()
    assert said in captured.err
    assert len(captured.err.splitlines()) == 2


def test_a_cache_that_cannot_be_written_is_two_lines(
    capsys: Capture, here: Path, server: ArtifactServer, wheel: bytes
) -> None:
    (here / "cache").write_bytes(b"a file")
    digest = hashlib.sha256(wheel).hexdigest()
    uri = server.serve("/acme.whl", wheel)
    entry = manifest_entry("adapter", "cache", "acme", "acme_cli.cache:Cache", uri=uri, sha256=digest)
    assert sync("--manifest-url", server.serve("/m.json", offer(entry)), "--public-key", "key.pem") == 1
    assert len(capsys.readouterr().err.splitlines()) == 2
