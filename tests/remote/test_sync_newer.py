"""What a newer publisher writes inside of an entry, and no version here knows."""

from typing import Any

import pytest

from oneiric_core.bridges import EventBridge, TaskBridge, WorkflowBridge, check_declaration
from oneiric_core.components import Candidate, CandidateSource
from oneiric_core.errors import ResolutionError
from oneiric_core.manifest import JSON
from oneiric_core.testing import manifest_entry, signed_manifest

POLICY = {"attempts": 2, "give_up_on": ["ValueError"]}
FILTER = {"path": "payload.amount", "exists": True}
NEWER = FILTER | {"less_than": 100}


def offer(*entries: dict[str, Any], number: int = 1) -> tuple[bytes, str]:
    return signed_manifest(entries, source="acme", sequence_number=number), JSON


class Flaky:
    """Fails the first time."""

    calls = 0

    async def run(self, payload: object) -> object:
        Flaky.calls += 1
        if Flaky.calls == 1:
            raise OSError("busy")
        return payload

    async def handle(self, envelope: object) -> str:
        return "heard"


@pytest.fixture(autouse=True)
def components(world: Any) -> None:
    Flaky.calls = 0
    world.factories["acme:Flaky"] = Flaky


async def test_an_unknown_field_of_a_retry_policy_counts_for_nothing(world: Any) -> None:
    report = await world.sync(offer(manifest_entry("task", "t", "acme", "acme:Flaky", retry_policy=POLICY)))
    assert (report.registered, dict(report.skipped)) == (1, {})
    assert world.resolver.require("task", "t").metadata["retry_policy"] == POLICY
    assert await TaskBridge(world.resolver, world.lifecycle, world.clock).run("t", 7) == 7


async def test_nor_does_one_in_the_policy_of_a_node(world: Any) -> None:
    dag = {"nodes": [{"id": "a", "task": "t", "retry_policy": POLICY, "colour": "red"}], "layout": "wide"}
    entries = [
        manifest_entry("task", "t", "acme", "acme:Flaky"),
        manifest_entry("workflow", "w", "acme", "a:b", dag=dag),
    ]
    await world.sync(offer(*entries))
    world.factories["a:b"] = dict
    assert await WorkflowBridge(world.resolver, world.lifecycle, world.clock).execute("w", 7) == {"a": 7}


@pytest.mark.parametrize("source", [each for each in CandidateSource if each != CandidateSource.REMOTE_MANIFEST])
async def test_declared_anywhere_else_it_is_a_slip(source: CandidateSource) -> None:
    with pytest.raises(ResolutionError, match=r"holds 'atempts'\. Did you mean attempts"):
        check_declaration(Candidate("task", "t", "acme", "a:b", {"retry_policy": {"atempts": 3}}, source=source))


@pytest.mark.parametrize("more", [{}, {"requires": ["pytest>=1"]}])
async def test_a_handler_with_a_filter_that_is_not_understood_is_skipped(world: Any, more: dict[str, Any]) -> None:
    known = manifest_entry("event", "all", "acme", "acme:Flaky", event_filters=[FILTER])
    newer = manifest_entry("event", "small", "acme", "acme:Flaky", event_filters=[FILTER, NEWER], **more)
    for unchanged in (False, True):
        report = await world.sync(offer(known, newer))
        assert report.unchanged is unchanged
        reason = "its event_filters[1] has 'less_than', which is not known here"
        assert dict(report.skipped) == {"event/small/acme": reason}
    events = EventBridge(world.resolver, world.lifecycle, world.clock)
    assert [each.key for each in await events.emit("orders", {"amount": 500})] == ["all"]


async def test_one_that_ran_is_retired_when_its_filter_is_not_understood_any_more(world: Any) -> None:
    def handler(**filters: Any) -> dict[str, Any]:
        return manifest_entry("event", "small", "acme", "acme:Flaky", **filters)

    await world.sync(offer(handler(event_filters=[FILTER])))
    events = EventBridge(world.resolver, world.lifecycle, world.clock)
    assert [each.value for each in await events.emit("orders", {"amount": 500})] == ["heard"]
    report = await world.sync(offer(handler(event_filters=[NEWER]), number=2))
    assert report.retired == ("event/small/acme",)
    assert await events.emit("orders", {"amount": 500}) == []


async def test_filters_of_what_is_no_handler_keep_nothing_back(world: Any) -> None:
    report = await world.sync(offer(manifest_entry("task", "t", "acme", "acme:Flaky", event_filters=[NEWER])))
    assert report.registered == 1
