"""The first run of a factory that no other process can import: in a copy of this one."""

import asyncio
import os
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from oneiric_conformance import Limits, Subject
from oneiric_conformance.isolation.smoke import smoke
from oneiric_conformance.subject import EntryPointName

pytestmark = pytest.mark.slow

QUICK = Limits(init=0.4, health=0.4, cleanup=0.4, drain=0.4)


def test_a_callable_factory_is_found_by_its_name(author: Any) -> None:
    """Another process imports it, as it would a path."""
    subject = Subject("task", "cwd", "acme", asyncio.Event, settings_model=None)
    report = smoke(subject, QUICK)
    assert report.ok
    assert "import" in report.durations


def test_a_closure_is_tried_in_a_copy_of_this_process(tmp_path: Path) -> None:
    class Local:
        def __init__(self, ready: bool) -> None:
            self.ready = ready

        def health(self) -> bool:
            return self.ready

    for ready, failure in ((True, ""), (False, "health: ValueError: it answered False; only True is healthy")):
        report = smoke(Subject("task", "local", "acme", partial(Local, ready)), QUICK)
        assert report.failure == failure
        assert "factory" in report.durations
        assert "import" not in report.durations


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda: os._exit(3), "ended the process with exit code 3"),
        (lambda: time.sleep(60), "did not end within 1.4 s"),
        (lambda: Path("here").write_text("x"), None),
    ],
)
def test_a_copy_is_watched_and_ended_like_any_child(act: Any, reason: str | None) -> None:
    def factory() -> object:
        act()
        return object()

    report = smoke(Subject("task", "local", "acme", factory), QUICK)
    if reason is None:
        assert report.ok
        assert len(report.trespasses) == 1
    else:
        assert report.stage == "factory"
        assert reason in report.reason


def test_the_module_of_a_closure_is_still_imported_in_a_fresh_process(author: Any) -> None:
    """Or nothing would be known of what importing it does."""
    author.package("import subprocess\nsubprocess.run(['true'])\nmetadata = []")
    point = EntryPointName("oneiric.tasks", "local", f"{author.written[0]}:metadata")
    report = smoke(Subject("task", "local", "acme", partial(dict), entry_point=point), QUICK)
    assert "import" in report.durations
