"""On whose account is what threads do that an executor keeps for whatever comes."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from oneiric_conformance.observing.quarters import remove
from oneiric_conformance.observing.watch import watching

SUBJECT = """
def hand_over(pool, act, *arguments):
    pool.submit(act, *arguments).result()
"""


@pytest.fixture
def subject(module_of: Callable[[str, str], ModuleType]) -> ModuleType:
    return module_of("handing_subject", SUBJECT)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


def test_work_is_on_the_account_of_whoever_handed_it_over(
    subject: ModuleType, pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """The thread was started for another piece of work, before anybody watched."""
    pool.submit(int).result()
    with watching() as record:
        subject.hand_over(pool, (tmp_path / "file").write_text, "x")
    [written] = record.writes
    assert written.origin == f"work handed to a thread at {subject.__file__}:3 in hand_over"


def test_what_others_hand_to_a_thread_of_the_subjects_is_not_on_its_account(
    subject: ModuleType, pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    with watching() as record:
        subject.hand_over(pool, int)
        pool.submit((tmp_path / "file").write_text, "x").result()
    [written] = record.writes
    assert (written.target, written.origin) == (str(tmp_path / "file"), "")


async def test_what_nobody_is_seen_to_hand_over_was_left_on_the_loop(tmp_path: Path) -> None:
    """There is only library code on the stack of such a task."""
    await asyncio.to_thread(int)
    with watching() as record:
        await asyncio.create_task(asyncio.to_thread((tmp_path / "file").write_text, "x"))
    [written] = record.writes
    assert written.origin == "work handed to a thread at a callback it left on the event loop"


async def test_but_the_kits_work_is_its_own_whoever_hands_it_over(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    await asyncio.to_thread(int)
    with watching() as record:
        await asyncio.create_task(asyncio.to_thread(remove, tmp_path / "folder"))
    assert record.removes
    assert record.by_subject == []
