"""The heartbeat, the summary of numbers, and the journal of events."""

import hashlib
import json
import logging
import os
import statistics
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from oneiric_core import EventEnvelope
from oneiric_core.builtin.events.journal import Journal, JournalSettings
from oneiric_core.builtin.services.heartbeat import Heartbeat, HeartbeatSettings
from oneiric_core.builtin.tasks.summary import Summary
from oneiric_core.clock import FrozenClock

Open = Callable[..., Awaitable[Any]]


async def test_the_heart_beats_at_once_and_then_at_each_interval(opened: Open, tmp_path: Path) -> None:
    clock, file = FrozenClock(), tmp_path / "heartbeat"
    heart = await opened(Heartbeat, settings=HeartbeatSettings(interval=5), clock=clock)
    await heart.start()
    await heart.start()
    assert (await heart.status())["beats"] == 1
    await clock.advance(10)
    assert await heart.status() == {"running": True, "beats": 3, "interval": 5.0, "worst": 0.0}
    await heart.stop()
    await clock.advance(10)
    assert (await heart.status())["beats"] == 3
    assert not file.exists()


async def test_a_beat_is_seen_as_the_age_of_the_file(opened: Open, tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    file.touch()
    os.utime(file, (0, 0))
    heart = await opened(Heartbeat, settings=HeartbeatSettings(directory=tmp_path))
    await heart.start()
    assert file.stat().st_mtime > 0


async def test_a_file_that_cannot_be_touched_fails_the_start_and_later_the_health(opened: Open, tmp_path: Path) -> None:
    clock, file = FrozenClock(), tmp_path / "heartbeat"
    nowhere = await opened(Heartbeat, settings=HeartbeatSettings(directory=tmp_path / "no"))
    with pytest.raises(FileNotFoundError):
        await nowhere.start()
    heart = await opened(Heartbeat, settings=HeartbeatSettings(directory=tmp_path, interval=1), clock=clock)
    await heart.start()
    assert await heart.health() is True
    file.unlink()
    file.symlink_to("elsewhere")
    await clock.advance(1)
    while await heart.health() is True:
        await clock.advance(0)
    assert not (tmp_path / "elsewhere").exists()


async def test_numbers_are_summed_up_as_statistics_does(opened: Open) -> None:
    task, values = await opened(Summary), [3.5, -1, 2, 1e9]
    assert await task.run({"values": values}) == {
        "count": 4,
        "minimum": -1,
        "maximum": 1e9,
        "mean": statistics.fmean(values),
        "median": 2.75,
        "deviation": statistics.pstdev(values),
    }


@pytest.mark.parametrize("values", [[], ["1"], [float("nan")], [1e101], [True], None, {}], ids=repr)
async def test_what_is_no_list_of_numbers_is_refused(opened: Open, values: Any) -> None:
    task = await opened(Summary)
    with pytest.raises(ValueError, match="values"):
        await task.run({"values": values})


async def test_an_event_is_one_line_with_its_digest_and_without_its_payload(
    opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    journal = await opened(Journal)
    with caplog.at_level(logging.INFO, logger="oneiric.events"):
        result = await journal.handle(EventEnvelope("a\nb", {"z": "hunter2", "a": 1}))
    assert result["sha256"] == hashlib.sha256(b'{"a":1,"z":"hunter2"}').hexdigest()
    [line] = caplog.messages
    assert json.loads(line) == result
    assert "\n" not in line
    assert "hunter2" not in line


async def test_the_payload_is_written_where_it_is_asked_for(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    journal = await opened(Journal, settings=JournalSettings(with_payload=True, level="warning", logger="mine"))
    await journal.handle(EventEnvelope("t", {"a": [1]}))
    assert json.loads(caplog.messages[0])["payload"] == {"a": [1]}
    assert caplog.records[0].levelname == "WARNING"


@pytest.mark.parametrize("payload", [[1], "text", None, {"a": {1}}, {"a": float("nan")}], ids=repr)
async def test_what_is_no_json_object_is_refused(opened: Open, payload: Any) -> None:
    journal = await opened(Journal)
    with pytest.raises(ValueError, match=r"payload is"):
        await journal.handle(EventEnvelope("t", payload))
