"""``oneiric-core run``: a process that stays right until it is asked to end, and ends clean."""

import asyncio
import hashlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.cli.main import main
from oneiric_core.testing import ArtifactServer, key_pair, make_wheel, manifest_entry, signed_manifest

KEY = key_pair("of a long run")
PROGRAM = "import sys; from oneiric_core.cli.main import main; sys.exit(main())"
COMPONENTS = """
import os

class Kept:
    def __init__(self):
        self.mark = f"{type(self).__name__}.alive"
    def init(self):
        open(self.mark, "w").close()
    def cleanup(self):
        os.unlink(self.mark)

class One(Kept): pass
class Two(Kept): pass

class Slow(Kept):
    async def cleanup(self):
        import asyncio
        await asyncio.sleep(3600)
"""
SETTINGS = """
[remote]
http_to_loopback = true
[trust]
keys = ["key.pem"]
[factories]
allow = ["acme_long_run"]
[adapters.selections]
cache = "acme"
"""


class Running:
    """The process and the lines it has written."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def snapshot(self, wanted: Any) -> dict[str, Any]:
        """The first snapshot from here on that ``wanted`` likes."""
        assert self.process.stdout is not None
        async with asyncio.timeout(120):
            while line := await self.process.stdout.readline():
                snapshot: dict[str, Any] = json.loads(line)
                if wanted(snapshot):
                    return snapshot
        raise AssertionError("it ended before")

    async def end(self, number: int) -> tuple[int, str, str]:
        self.process.send_signal(number)
        async with asyncio.timeout(120):
            out, error = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, out.decode(), error.decode()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "acme_long_run.py").write_text(COMPONENTS, encoding="utf-8")
    (tmp_path / "oneiric.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "key.pem").write_text(KEY.public_pem, encoding="utf-8")
    return tmp_path


@pytest.fixture
def server() -> Iterator[ArtifactServer]:
    with ArtifactServer() as server:
        yield server


def offer(kind: str, number: int) -> bytes:
    entry = manifest_entry("adapter", "cache", "acme", f"acme_long_run:{kind}")
    return signed_manifest([entry], [KEY], source="acme", sequence_number=number)


def marks(here: Path) -> list[str]:
    """What is alive."""
    return sorted(path.name for path in here.glob("*.alive"))


@asynccontextmanager
async def running(here: Path, *arguments: str) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", PROGRAM, "run", "--cache-dir", "cache", "--state-dir", "state", *arguments),
        cwd=here,
        env=os.environ | {"PYTHONPATH": str(here)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    try:
        yield Running(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def cache_of(snapshot: dict[str, Any]) -> tuple[str | None, int | None]:
    adapters = snapshot["domains"]["adapter"]
    return adapters["active"].get("cache"), adapters["generations"].get("cache")


async def test_it_runs_what_is_selected_swaps_what_changes_and_ends_clean(here: Path, server: ArtifactServer) -> None:
    url = server.serve("/manifest.json", offer("One", 1))
    async with running(here, "--manifest-url", url, "--refresh-interval", "0.2", "--json") as process:
        await process.snapshot(lambda snapshot: snapshot["ready"] and cache_of(snapshot) == ("acme", 1))
        assert marks(here) == ["One.alive"]
        server.serve("/manifest.json", offer("Two", 2))
        await process.snapshot(lambda snapshot: snapshot["ready"] and cache_of(snapshot) == ("acme", 2))
        server.serve("/manifest.json", b"{")
        refused = await process.snapshot(lambda snapshot: not snapshot["ready"])
        assert "is not JSON" in refused["reasons"][0]
        assert cache_of(refused) == ("acme", 2)
        assert marks(here) == ["Two.alive"]
        code, out, error = await process.end(signal.SIGTERM)
    assert code == 0
    assert json.loads(out.splitlines()[-1])["phase"] == "stopped"
    assert "Traceback" not in error
    assert marks(here) == []


@pytest.mark.long
async def test_it_ends_clean_on_interrupt_and_says_what_runs_in_words(here: Path, server: ArtifactServer) -> None:
    url = server.serve("/manifest.json", offer("One", 1))
    async with running(here, "--manifest-url", url) as process:
        assert process.process.stdout is not None
        async with asyncio.timeout(120):
            while b"running: adapter/cache/acme runs" not in await process.process.stdout.readline():
                pass
        code, out, error = await process.end(signal.SIGINT)
    assert (code, error) == (0, "")
    assert out.splitlines()[-1] == "stopped: nothing runs"
    assert marks(here) == []


@pytest.mark.long
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
async def test_who_interrupts_twice_does_not_wait_for_the_clean_up_and_who_supervises_does(
    here: Path, server: ArtifactServer, number: int, code: int
) -> None:
    """``timeout`` sends SIGTERM to the process and to its group, which is the same process once more."""
    url = server.serve("/manifest.json", offer("Slow", 1))
    async with running(here, "--manifest-url", url, "--json") as process:
        await process.snapshot(lambda snapshot: snapshot["ready"])
        process.process.send_signal(number)
        await process.snapshot(lambda snapshot: snapshot["phase"] == "stopping")
        ended, out, error = await process.end(number)
    assert (ended, error) == (code, "")
    assert ('"phase": "stopped"' in out) is (code == 0)


async def test_it_insists_on_certificates_where_it_is_asked_to(here: Path) -> None:
    wheel = make_wheel({"acme_uncertified.py": "class Cache(dict): pass\n"}, "acme-uncertified")
    (here / "acme.whl").write_bytes(wheel)
    digest = hashlib.sha256(wheel).hexdigest()
    entry = manifest_entry("adapter", "cache", "acme", "acme_uncertified:Cache", uri="acme.whl", sha256=digest)
    (here / "manifest.json").write_bytes(signed_manifest([entry], [KEY], source="acme"))
    settings = SETTINGS.replace("[remote]", "[remote]\nlocal_roots = ['.']").replace(
        "acme_long_run", "acme_uncertified"
    )
    (here / "oneiric.toml").write_text(settings, encoding="utf-8")
    asked = ("--require-certificate", "core", "--certificate-key", "key.pem")
    async with running(here, "--manifest", "manifest.json", "--json", *asked) as process:
        refused = await process.snapshot(lambda snapshot: snapshot["sync"]["failures"] or snapshot["sync"]["applied"])
        await process.end(signal.SIGTERM)
    assert "adapter/cache/acme has no certificate" in refused["sync"]["last_error"]
    assert cache_of(refused) == (None, None)


@pytest.mark.long
async def test_it_starts_without_a_server_and_says_so(here: Path) -> None:
    with ArtifactServer() as gone:
        url = gone.url_of("/manifest.json")
    async with running(here, "--manifest-url", url, "--json") as process:
        down = await process.snapshot(lambda snapshot: snapshot["sync"]["failures"] > 0)
        assert "cannot be reached" in down["sync"]["last_error"]
        code, _, error = await process.end(signal.SIGTERM)
    assert code == 0
    assert "warning: sync: " in error


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "there is no manifest"),
        (("--manifest", "m.json"), 2, "nobody is trusted"),
        (("--manifest", "m.json", "--refresh-interval", "0"), 2, "refresh-interval"),
        (("--manifest", "m.json", "--settings", "missing.toml"), 2, "there is no file 'missing.toml'"),
        (("--manifest-url", "ftp://a.example/m.json"), 2, "has the scheme 'ftp'"),
        (("--manifest", "m.json", "--require-certificate", "gold"), 2, "there are core, hardened"),
    ],
)
def test_what_is_wrong_from_the_beginning_is_told_at_once(  # noqa: PLR0917 - a fixture or a column each
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", *arguments]) == code
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 2
