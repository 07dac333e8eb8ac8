"""It outlives every exception: what runs goes on, the reason is told, and it recovers without a restart."""

import asyncio
import hashlib
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from oneiric_core.testing import make_wheel, manifest_entry

HALF = "[adapters.selections]\ncache = 'two'\n[adapters.provider_settings.two]\nname = 'unfinis"


Disk = Callable[[str], Path]
Fill = Callable[[Path], Path]


async def one_runs(stage: Any, settings: str = "", **options: Any) -> Any:
    stage.publish(stage.entry("One"), stage.entry("Two"))
    stage.configure(f"[adapters.selections]\ncache = 'one'\n{settings}")
    runtime = stage.runtime(**options)
    await runtime.start()
    assert stage.ledger.alive == ["One"]
    return runtime


@pytest.fixture
async def running(stage: Any) -> Any:
    """A runtime in which ``One`` is selected and runs."""
    return await one_runs(stage)


@pytest.mark.parametrize("broken", [HALF, "", "[adapters.selectons]\ncache = 'two'", "\0", "a = " + "[" * 5000])
async def test_a_settings_file_broken_half_way_changes_nothing_until_it_is_whole(
    stage: Any, running: Any, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    stage.write(stage.settings, broken.encode())
    await stage.pass_by(3)
    snapshot = running.snapshot()
    assert str(stage.settings) in snapshot.settings_error
    assert not snapshot.ready
    assert snapshot.domains["adapter"].active == {"cache": "one"}
    assert snapshot.settings_error in caplog.text
    stage.configure("[adapters.selections]\ncache = 'two'")
    await stage.pass_by(3)
    assert stage.ledger.alive == ["Two"]
    assert running.snapshot().ready


async def test_a_settings_file_that_is_still_being_written_is_not_read(stage: Any, running: Any) -> None:
    """Whole TOML all the time, and each part of it would change what runs."""
    with stage.settings.open("w", encoding="utf-8") as file:
        for line in ("[factories]\n", "allow = ['acme_runtime']\n", "[adapters.selections]\n", "cache = 'two'\n"):
            file.write(line)
            file.flush()
            await stage.clock.advance(0.15)
    assert stage.ledger.made == ["One"]
    await stage.pass_by(3)
    assert stage.ledger.made == ["One", "Two"]
    assert running.snapshot().ready


async def test_a_settings_file_that_vanishes_is_missed_and_nothing_more(stage: Any, running: Any) -> None:
    stage.settings.unlink()
    await stage.pass_by(3)
    assert "cannot be read: No such file" in running.snapshot().settings_error
    assert stage.ledger.alive == ["One"]
    stage.configure("[adapters.selections]\ncache = 'one'")
    await stage.pass_by(3)
    assert running.snapshot().ready


async def test_settings_that_cannot_be_read_at_the_start_are_read_once_they_can(stage: Any) -> None:
    stage.publish(stage.entry("One"))
    stage.write(stage.settings, HALF.encode())
    runtime = stage.runtime()
    await runtime.start()
    assert runtime.snapshot().settings_error
    assert runtime.snapshot().sync.attempts == 0, "they may ask more of a manifest than whom to trust"
    stage.configure("[adapters.selections]\ncache = 'one'")
    await stage.pass_by(3)
    assert stage.ledger.alive == ["One"]
    assert runtime.snapshot().ready


async def test_without_readable_settings_nobody_is_trusted(stage: Any) -> None:
    stage.publish(stage.entry("One"))
    stage.write(stage.settings, HALF.encode())
    runtime = stage.runtime(trust=None)
    await runtime.start()
    assert (runtime.snapshot().sync.attempts, runtime.resolver.candidates()) == (0, [])


async def test_a_full_disk_while_remembering_changes_nothing_and_is_tried_again(
    stage: Any, disk: Disk, fill: Fill, caplog: pytest.LogCaptureFixture
) -> None:
    place = disk("size=128k")
    running = await one_runs(stage, state_dir=place / "state")
    before = {path.name: path.read_bytes() for path in (place / "state").iterdir()}
    ballast = fill(place)
    stage.publish(stage.entry("Three", provider="one"), stage.entry("Two"))
    await stage.pass_by(30)
    snapshot = running.snapshot()
    assert "cannot be written: No space left on device" in snapshot.sync.last_error
    assert snapshot.sync.last_error in caplog.text
    assert snapshot.sync.failures > 1
    assert stage.ledger.alive == ["One"]
    assert {path.name: path.read_bytes() for path in (place / "state").iterdir()} == before
    ballast.unlink()
    await stage.pass_by(60)
    assert stage.ledger.alive == ["Three"]
    assert running.snapshot().ready


async def test_a_full_disk_while_artifacts_come_changes_nothing_and_is_tried_again(
    stage: Any, disk: Disk, fill: Fill, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether it is the artifact that does not fit, or what is unpacked from it."""
    code = "class New:\n    def cleanup(self):\n        pass\n"
    wheel = make_wheel({"acme_new/__init__.py": code, "acme_new/data.bin": os.urandom(300_000)}, name="acme-new")
    (stage.path / "wheels").mkdir()
    (stage.path / "wheels" / "acme.whl").write_bytes(wheel)
    place = disk("size=1m")
    running = await one_runs(stage, "[remote]\nlocal_roots = ['wheels']", cache_dir=place / "cache")
    ballast = fill(place)
    artifact = {"uri": str(stage.path / "wheels" / "acme.whl"), "sha256": hashlib.sha256(wheel).hexdigest()}
    stage.publish(stage.entry("One"), manifest_entry("adapter", "new", "acme", "acme_new:New", **artifact))
    for room in (0, len(wheel) + 50_000):
        os.truncate(ballast, ballast.stat().st_size - room)
        await stage.pass_by(120)
        assert "No space left on device. Make room on its disk" in running.snapshot().sync.last_error
        assert not list((place / "cache").glob("temporary/*"))
        assert not list((place / "cache").glob("trees/*"))
        assert stage.ledger.alive == ["One"]
    assert "No space left on device" in caplog.text
    ballast.unlink()
    await stage.pass_by(120)
    assert running.snapshot().ready
    assert running.snapshot().sync.last_error == ""
    assert len(list((place / "cache").glob("trees/*"))) == 1


async def test_a_manifest_file_that_vanishes_is_missed_and_nothing_more(stage: Any, running: Any) -> None:
    stage.manifest.unlink()
    await stage.pass_by(3)
    assert running.snapshot().sync.last_error
    assert stage.ledger.alive == ["One"]
    stage.publish(stage.entry("Three", provider="one"))
    await stage.pass_by(3)
    assert stage.ledger.alive == ["Three"]


async def test_whatever_a_policy_raises_is_told_and_it_goes_on(stage: Any, caplog: pytest.LogCaptureFixture) -> None:
    class Moody:
        source = root_version = certificate = None
        moods: ClassVar[list[BaseException | None]] = [
            ZeroDivisionError("moody"),
            asyncio.CancelledError(),
            RecursionError(),
            None,
        ]

        def check_signatures(self, message: bytes, signatures: object) -> tuple[str, ...]:
            del message, signatures
            mood = self.moods.pop(0) if self.moods else None
            if mood is not None:
                raise mood
            return ()

        def check_source(self, source: str) -> None:
            del source

        def check_age(self, header: object, now: object) -> None:
            del header, now

    stage.publish(stage.entry("One"))
    runtime = stage.runtime(trust=Moody(), refresh_interval=60)
    with caplog.at_level(logging.ERROR):
        await runtime.start()
    assert runtime.snapshot().sync.last_error == "ZeroDivisionError: moody"
    assert "Traceback" in caplog.text
    await stage.pass_by(2)
    assert runtime.snapshot().sync.last_error == "it was cancelled from within"
    await stage.pass_by(30)
    assert (Moody.moods, runtime.snapshot().sync.last_error, runtime.snapshot().sync.applied) == ([], "", 1)


async def test_an_observer_that_fails_stops_nothing_and_one_that_is_undone_is_not_called(
    stage: Any, running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Any] = []

    def fail(_: Any) -> None:
        raise RuntimeError("not my day")

    running.observe(fail)
    undo = running.observe(seen.append)
    stage.publish(stage.entry("Three", provider="one"))
    await stage.pass_by(3)
    assert stage.ledger.alive == ["Three"]
    assert seen[-1].domains["adapter"].generations == {"cache": 2}
    assert "not my day" in caplog.text
    undo()
    undo()
    count = len(seen)
    await running.sync()
    assert len(seen) == count


async def test_a_component_that_leaves_the_process_does_not_take_it_along(stage: Any, running: Any) -> None:
    class Leaving:
        def __init__(self) -> None:
            raise SystemExit(3)

    Leaving.__module__ = "acme_runtime"
    vars(sys.modules["acme_runtime"])["Leaving"] = Leaving
    stage.publish(stage.entry("Leaving", provider="one"))
    await stage.pass_by(3)
    assert "SystemExit" in running.snapshot().sync.last_error
    assert stage.ledger.alive == ["One"]


async def test_a_failure_that_lasts_is_told_once_and_its_end_as_well(
    stage: Any, running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stage.manifest.write_bytes(b"{")
    with caplog.at_level(logging.INFO):
        await stage.pass_by(30)
        warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
        assert len(warnings) == 1
        assert running.snapshot().sync.failures > 2
        stage.publish(stage.entry("One"), stage.entry("Two"))
        await stage.pass_by(3)
    assert "sync: works again" in caplog.text
