"""The actions that reach out: web hooks, requests, the log, and moments in time."""

import hashlib
import hmac
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from oneiric_core.builtin.actions.debug_console import DebugConsole, DebugConsoleSettings
from oneiric_core.builtin.actions.event_dispatch import EventDispatch, EventDispatchSettings
from oneiric_core.builtin.actions.http_fetch import HttpFetch, HttpFetchSettings
from oneiric_core.builtin.actions.task_schedule import TaskSchedule, TaskScheduleSettings
from oneiric_core.builtin.actions.workflow_notify import WorkflowNotify, WorkflowNotifySettings
from oneiric_core.builtin.hooks import Hook
from oneiric_core.clock import FrozenClock
from oneiric_core.testing import ArtifactServer, Broken, Reply, WireFault

Open = Callable[..., Awaitable[Any]]


async def test_each_hook_is_told_and_a_failure_keeps_no_other_one_back(opened: Open, server: ArtifactServer) -> None:
    good, bad = server.serve("/good", b""), server.on("/bad", Reply(b"", status=500))
    hooks = [
        Hook(name="bad", url=bad),
        Hook(name="gone", url="http://127.0.0.1:1/"),
        Hook(name="off", url=good, enabled=False),
        Hook(name="good", url=good, headers={"X-Mine": "1"}),
    ]
    settings = EventDispatchSettings(hooks=hooks, secret=SecretStr("hunter2"))
    action = await opened(EventDispatch, settings=settings, clock=FrozenClock())
    result = await action.execute({"topic": "opened", "payload": {"a": 1}, "event_id": "e1"})
    assert [(each["name"], each["status"]) for each in result["hooks"]] == [
        ("bad", "failed"),
        ("gone", "failed"),
        ("off", "skipped"),
        ("good", "delivered"),
    ]
    assert (result["delivered"], result["failed"], result["skipped"]) == (1, 2, 1)
    [told] = server.requests_to("/good")
    assert json.loads(told.body) == result["envelope"]
    assert result["envelope"]["timestamp"] == "2026-01-01T00:00:00+00:00"
    signature = hmac.new(b"hunter2", told.body, hashlib.sha256).hexdigest()
    assert told.header("X-Hub-Signature") == f"sha256={signature}"
    assert told.header("X-Mine") == "1"
    assert "hunter2" not in repr(result) + repr(settings) + str(told.headers)


async def test_a_payload_chooses_among_hooks_by_name_and_cannot_bring_its_own(
    opened: Open, server: ArtifactServer
) -> None:
    hooks = [Hook(name=name, url=server.serve(f"/{name}", b"")) for name in ("a", "b")]
    action = await opened(EventDispatch, settings=EventDispatchSettings(hooks=hooks))
    result = await action.execute({"topic": "t", "hooks": ["b", "c"]})
    assert [(each["name"], each["status"]) for each in result["hooks"]] == [("b", "delivered"), ("c", "failed")]
    assert not server.requests_to("/a")
    with pytest.raises(ValidationError):
        await action.execute({"topic": "t", "hooks": [{"name": "mine", "url": "http://127.0.0.1:1/"}]})


async def test_an_event_nobody_is_told_of_is_made_all_the_same(opened: Open) -> None:
    action = await opened(EventDispatch)
    first, second = [await action.execute({"topic": "t"}) for _ in range(2)]
    assert first["hooks"] == []
    assert first["envelope"]["event_id"] != second["envelope"]["event_id"]


async def test_a_failed_workflow_is_logged_as_an_error(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    action = await opened(WorkflowNotify, settings=WorkflowNotifySettings(logger="mine"))
    with caplog.at_level(logging.INFO, logger="mine"):
        good = await action.execute({"name": "release", "status": "succeeded"})
        bad = await action.execute({"name": "release", "status": "failed", "message": "no disk"})
    assert good["notification"]["title"] == "release has succeeded"
    assert bad["notification"]["title"] == "release has failed: no disk"
    assert [record.levelname for record in caplog.records] == ["INFO", "ERROR"]
    assert json.loads(caplog.records[1].message) == bad["notification"]


async def test_a_message_is_one_line_in_the_log_whatever_it_holds(
    opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    action = await opened(DebugConsole, settings=DebugConsoleSettings(prefix="here", max_characters=40))
    with caplog.at_level(logging.DEBUG, logger="oneiric.debug"):
        result = await action.execute({"message": "a\nERROR: forged\x1b[31m", "level": "debug", "details": {"n": 1}})
    assert result["text"] == 'here a\\nERROR: forged\\x1b[31m {"n": 1}'
    assert caplog.messages == [result["text"]]
    long = await action.execute({"message": "x" * 100})
    assert long["text"] == f"here {'x' * 35}…"


async def test_what_was_answered_is_told_as_text_json_or_bytes(opened: Open, server: ArtifactServer) -> None:
    action = await opened(HttpFetch)
    json_type, text_type = (("Content-Type", "application/json"),), (("Content-Type", "text/plain; charset=latin-1"),)
    server.on("/json", Reply(b'{"a": 1}', headers=json_type))
    server.on("/lies", Reply(b"{", headers=json_type))
    server.on("/latin", Reply(b"\xe9", headers=text_type))
    server.on("/bytes", Reply(b"\xff\xfe\x00", status=404))
    found = {
        path: await action.execute({"url": server.url_of(f"/{path}")}) for path in ("json", "lies", "latin", "bytes")
    }
    assert found["json"]["json"] == {"a": 1}
    assert "json" not in found["lies"]
    assert found["latin"]["text"] == "é"
    assert (found["bytes"]["status"], found["bytes"]["data"]) == (404, "//4A")
    await action.execute({"url": server.url_of("/json"), "method": "POST", "json_body": [1], "params": {"q": "1"}})
    sent = server.requests[-1]
    assert (sent.method, sent.query, json.loads(sent.body)) == ("POST", "q=1", [1])


async def test_requests_go_to_listed_hosts_and_answers_end_at_the_limit(opened: Open, server: ArtifactServer) -> None:
    url = server.serve("/long", b"x" * 101)
    small = await opened(HttpFetch, settings=HttpFetchSettings(max_bytes=100, hosts=["127.0.0.1"]))
    with pytest.raises(ValueError, match="more than 100 bytes"):
        await small.execute({"url": url})
    with pytest.raises(ValueError, match="localhost may not be asked"):
        await small.execute({"url": url.replace("127.0.0.1", "localhost")})
    assert len(server.requests) == 1


FRAMING = ["Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Upgrade", "TE", "Trailer", "Expect"]


@pytest.mark.parametrize("name", ["Host", "hOST", *FRAMING, "Proxy-Authorization", "proxy-connection"])
async def test_a_payload_speaks_for_no_other_host_and_frames_no_request(
    opened: Open, server: ArtifactServer, name: str
) -> None:
    action = await opened(HttpFetch, settings=HttpFetchSettings(hosts=["127.0.0.1"], headers={"Host": "acme.example"}))
    ask = {"url": server.serve("/a", b""), "method": "POST", "json_body": [1]}
    with pytest.raises(ValueError, match=f"the header '{name}' may not be sent"):
        await action.execute({**ask, "headers": {"X-Mine": "1", name: "internal.example"}})
    assert not server.requests
    await action.execute({**ask, "headers": {"X-Mine": "1"}})  # what the operator says counts
    assert (server.requests[0].header("Host"), server.requests[0].header("X-Mine")) == ("acme.example", "1")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/", "/path", "http://", ""])
async def test_what_is_no_address_of_a_web_server_is_refused(opened: Open, url: str) -> None:
    with pytest.raises(ValueError, match=r"url|address"):
        await (await opened(HttpFetch)).execute({"url": url})


async def test_a_server_that_breaks_off_or_never_ends_is_an_error(opened: Open, server: ArtifactServer) -> None:
    action = await opened(HttpFetch, settings=HttpFetchSettings(timeout=0.3))
    for fault in (WireFault.RESET, WireFault.STALLED_BODY):
        url = server.on("/fault", Broken(fault, b"x" * 1000))
        with pytest.raises((httpx.HTTPError, TimeoutError)):
            await action.execute({"url": url})


async def test_an_answer_that_is_compressed_unasked_is_refused(opened: Open, server: ArtifactServer) -> None:
    action = await opened(HttpFetch)
    url = server.on("/bomb", Broken(WireFault.GZIP_BOMB, b"x"))
    with pytest.raises(ValueError, match="compressed"):
        await action.execute({"url": url})
    assert server.requests[0].header("Accept-Encoding") == "identity"


START = "2026-03-28T23:30:00Z"


async def test_moments_are_equally_far_apart_also_when_clocks_are_put_forward(opened: Open) -> None:
    action = await opened(TaskSchedule, settings=TaskScheduleSettings(timezone="Europe/Berlin"))
    result = await action.execute({"task_type": "report", "start_time": START, "interval_seconds": 3600, "runs": 3})
    assert result["runs"] == ["2026-03-29T00:30:00+01:00", "2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"]
    local = await action.execute(
        {"task_type": "r", "start_time": "2026-07-01T12:00:00", "interval_seconds": 1, "runs": 1}
    )
    assert local["runs"] == ["2026-07-01T12:00:00+02:00"]


async def test_cron_is_read_in_the_time_zone_and_begins_after_the_start(opened: Open) -> None:
    action = await opened(TaskSchedule, settings=TaskScheduleSettings(timezone="Europe/Berlin", max_runs=2))
    result = await action.execute({"task_type": "r", "start_time": START, "cron_expression": "30 0 * * *"})
    assert result["runs"] == ["2026-03-30T00:30:00+02:00", "2026-03-31T00:30:00+02:00"]
    with pytest.raises(ValueError, match="no cron expression"):
        await action.execute({"task_type": "r", "start_time": START, "cron_expression": "every day"})


async def test_nothing_runs_after_the_end_or_beyond_what_a_calendar_can_say(opened: Open) -> None:
    action = await opened(TaskSchedule)
    ask = {"task_type": "r", "interval_seconds": 60.0}
    assert len((await action.execute({**ask, "start_time": START, "end_time": "2026-03-28T23:31:00Z"}))["runs"]) == 2
    assert (await action.execute({**ask, "start_time": START, "end_time": "2020-01-01T00:00:00Z"}))["runs"] == []
    late = {"task_type": "r", "interval_seconds": 1e9, "start_time": "9999-12-31T23:59:59-12:00"}
    assert len((await action.execute(late))["runs"]) <= 1
    assert (await action.execute({**ask, "start_time": "0001-01-01T00:00:00+14:00"}))["runs"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"start_time": "yesterday"},
        {"interval_seconds": 0},
        {"cron_expression": "* * * * *"},
        {"runs": 0},
        {"task_type": ""},
    ],
    ids=repr,
)
async def test_a_plan_of_another_form_is_refused(opened: Open, wrong: dict[str, Any]) -> None:
    action = await opened(TaskSchedule)
    with pytest.raises(ValidationError):
        await action.execute({"task_type": "r", "start_time": START, "interval_seconds": 1, **wrong})


async def test_settings_that_name_no_time_zone_are_told_so(opened: Open) -> None:
    action = await opened(TaskSchedule, settings=TaskScheduleSettings(timezone="../../etc/passwd"))
    with pytest.raises(ValueError, match="no time zone"):
        await action.execute({"task_type": "r", "start_time": START, "interval_seconds": 1})
