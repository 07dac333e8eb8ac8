"""A loop that is held up is noticed, and a machine that is busy is not taken for that."""

import asyncio
import time
from pathlib import Path

import pytest

from oneiric_conformance.observing import pulse
from oneiric_conformance.observing.pulse import Pulse


async def test_a_call_that_blocks_is_as_long_as_it_was() -> None:
    with Pulse() as beats:
        await asyncio.sleep(0)
        time.sleep(0.05)  # noqa: ASYNC251 - which is what has to be noticed
    assert beats.longest >= 0.03


async def test_what_lets_others_run_is_not_noticed() -> None:
    with Pulse() as beats:
        for _ in range(100):
            await asyncio.sleep(0)
    assert beats.longest < 0.1


class Clock:
    """A loop's time and the schedule of its thread, which may have to wait just after the time was read."""

    def __init__(self, schedule: Path) -> None:
        self.now, self.waited, self.put_off = 100.0, 0.0, False
        self.schedule = schedule
        self.wait(0.0)

    def __call__(self) -> float:
        seen = self.now
        if self.put_off:
            self.put_off = False
            self.wait(0.05)
        return seen

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.waited += seconds
        self.schedule.write_text(f"1 {round(self.waited * 1e9)} 1")


@pytest.mark.parametrize("end", [False, True])
async def test_who_has_to_wait_while_the_time_is_taken_is_not_taken_for_quicker(
    end: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(tmp_path / "schedstat")
    monkeypatch.setattr(pulse, "_SCHEDULED", clock.schedule)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", clock)
    clock.put_off = not end
    with Pulse() as beats:
        clock.now += 0.05
        clock.put_off = end
    assert beats.longest == pytest.approx(0.04)
