"""Judging waits for no disk; everybody else does."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from oneiric_conformance import Package, RequirementSet, Session, Status
from oneiric_conformance.handling.bench import Bench
from oneiric_core.durability import fsync


def test_no_check_waits_for_the_disk_and_after_each_everybody_does(
    echo: Package, registered: Callable[..., Any]
) -> None:
    """A pipe is on no disk: whoever waits until it is hears that."""
    reader, writer = os.pipe()

    def failing(bench: Bench) -> None:
        fsync(reader)
        bench.expect(False, seen="it got so far")

    registered("TST-001", failing)
    try:
        with Session(echo, requirements=RequirementSet("test", frozenset({"TST-001"}), "0" * 64)) as session:
            (planned,) = [item for item in session.plan() if item.check == "TST-001"]
            result = session.judge(planned)
        assert (result.status, result.reason) == (Status.FAIL, "it got so far")
        with pytest.raises(OSError, match="Invalid argument"):
            fsync(reader)
    finally:
        os.close(reader)
        os.close(writer)
