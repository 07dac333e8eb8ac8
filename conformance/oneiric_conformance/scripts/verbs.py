"""What an action, a task, an event handler or a service is given, and what has to come of it."""

import asyncio
import copy
import json
import os
import sys
import tempfile
import threading
import time
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from oneiric_conformance.handling.cancelling import Stepped, awaitable
from oneiric_conformance.handling.plain import flaw, same
from oneiric_conformance.handling.telling import tells_apart
from oneiric_conformance.handling.work import ask
from oneiric_conformance.observing.leaks import held, leaves, still_held
from oneiric_conformance.scripts.base import Broken, Component, expect
from oneiric_core import EventEnvelope

__all__ = [
    "act_001",
    "act_002",
    "act_003",
    "act_004",
    "evt_001",
    "evt_002",
    "evt_003",
    "svc_001",
    "task_001",
    "task_002",
    "task_003",
]

ACCIDENTS = (AttributeError, NameError, AssertionError, IndexError, RecursionError, NotImplementedError)
EFFECTS = {"subprocess.Popen", "os.posix_spawn", "os.fork", "os.remove", "os.rename", "os.mkdir", "socket.connect"}
MESSAGES = {"socket.sendto", "socket.sendmsg"}

ELSEWHERE = "--in-another-process"


async def once(component: Component, instance: Any, payload: Any) -> Any:
    return await ask(component.work(instance), copy.deepcopy(payload))


async def taken(component: Component, instance: Any, payloads: Any) -> list[Any]:
    """The payloads that it does its work on."""
    found, told = [], ""
    for payload in payloads:
        try:
            await once(component, instance, payload)
        except Exception as error:  # noqa: BLE001 - any exception refuses it
            told = repr(error)
            continue
        found.append(payload)
    expect(bool(found), f"it refused every payload; the last one with {told}", "a payload that it takes")
    return found


async def act_001(component: Component, payload: Any, payloads: Any) -> None:
    """A bad payload is refused clearly; good ones give plain data."""
    instance = await component.opened()
    for good in payloads if payload is None else ():
        fault = flaw(await once(component, instance, good))
        expect(not fault, f"of {good!r:.100}: {fault}", "plain JSON data")
    if payload is not None:
        try:
            result = await once(component, instance, payload)
        except Exception as error:  # noqa: BLE001 - any exception refuses it
            told = str(error).strip()
            clear = told and not isinstance(error, ACCIDENTS)
            clear = clear and not (isinstance(error, KeyError) and len(told.split()) == 1)
            expect(bool(clear), f"it was refused by {error!r}", "an exception that says what is wrong with it")
        else:
            raise Broken(f"seen      {payload!r:.100} was taken and gave {result!r:.100}\nexpected  a refusal")
    await component.closed(instance)


async def act_002(component: Component, payload: Any, payloads: Any) -> None:
    """Nothing is written, connected or started, also not by threads that are left behind."""
    instance, seen = await component.opened(), list[str]()

    def watch(event: str, arguments: Any) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & 3
        addressed = event in MESSAGES and arguments[1] is not None
        if watching and (writes or addressed or event in EFFECTS):
            seen.append(f"{event} {arguments[0]!r:.100}")

    watching = False
    sys.addaudithook(watch)
    for given in payloads if payload is None else [payload]:
        watching = True
        await once(component, instance, given)
        for thread in {*threading.enumerate()} - {threading.main_thread()}:
            thread.join(2)
        watching = False
        expect(not seen, f"on {given!r:.100} it did: {'; '.join(seen)}", "nothing but a result")
    await component.closed(instance)


async def act_003(component: Component, payload: Any, payloads: Any) -> None:
    """The same payload gives the same result, again, on another instance and in another process."""
    first, second = await component.opened(), await component.opened()
    given_all, gave = await taken(component, first, payloads) if payload is None else [payload], list[Any]()
    for given in given_all:
        results = [await once(component, instance, given) for instance in (first, first, second)]
        alike = same(results[0], results[1]) and same(results[0], results[2])
        expect(alike, f"{given!r:.100} gave {results!r:.300}", "the same three times")
        gave.append("" if flaw(results[0]) else results[0])
    await component.closed(first)
    await component.closed(second)
    if ELSEWHERE in sys.argv:
        Path(sys.argv[-1]).write_text(json.dumps(gave), encoding="utf-8")  # noqa: ASYNC240 - nothing else runs
        return
    for given, here, there in zip(given_all, gave, await elsewhere(), strict=True):
        alike = same(json.loads(json.dumps(here)), there)
        expect(alike, f"{given!r:.100} gave {here!r:.150}, and in another process {there!r:.150}", "the same")


async def elsewhere() -> Any:
    """What this very script says in a process where texts have other hashes."""
    said = Path(tempfile.mkdtemp(), "said")
    again = await asyncio.create_subprocess_exec(
        *(sys.executable, sys.argv[0], ELSEWHERE, str(said)), env={**os.environ, "PYTHONHASHSEED": "1"}
    )
    expect(not await again.wait(), "in another process it failed", "the same as here")
    return json.loads(said.read_text(encoding="utf-8"))  # noqa: ASYNC240 - nor does it here


async def act_004(component: Component, payload: Any, payloads: Any) -> None:
    """The payload is afterwards what it was."""
    instance = await component.opened()
    for given in await taken(component, instance, payloads) if payload is None else [payload]:
        passed = copy.deepcopy(given)
        with suppress(Exception):  # whether it may refuse is not the question here
            await ask(component.work(instance), passed)
        expect(same(passed, given), f"the payload went from {given!r:.100} to {passed!r:.100}", "the same as before")
    await component.closed(instance)


async def task_001(component: Component, payload: Any, payloads: Any) -> None:
    """It runs, and its result is plain data."""
    instance = await component.opened()
    for given in await taken(component, instance, payloads) if payload is None else [payload]:
        fault = flaw(await once(component, instance, given))
        expect(not fault, f"of {given!r:.100}: {fault}", "plain JSON data")
    await component.closed(instance)


async def task_002(component: Component, case: Any, payloads: Any) -> None:
    """Cancelled where it waits it ends within a second as cancelled, and runs again; a run ends in its time."""
    instance = await component.opened()
    able = await taken(component, instance, payloads)
    given, limit, left, others = case[0] if case else able[-1], component.seconds, set[Any](), dict[str, Any]()
    began = time.monotonic()
    await once(component, instance, given)
    seconds = time.monotonic() - began
    expect(seconds <= limit, f"a run took {seconds:.3f} s", f"{limit:g} s at most, as it declares")
    patience, fair = 1 + 2 * seconds if component.blocking else 1, 1 + 2 * seconds
    for payload, point in [case] if case else [(each, point) for each in (able[0], given) for point in range(9)]:
        tasks, more = await told_to_end(component, instance, payload, point, patience)
        left |= tasks
        others |= dict.fromkeys(more, (payload, point))
        await once(component, instance, payload)
    await component.closed(instance)
    await ended(left, fair)
    for payload, point in [others[line] for line in await still_held(others, fair)][:3]:
        more = await leaves(partial(let_go, component, payload, point, patience, fair))
        expect(not more, f"cancelled at its {point}. wait, it left {more[:3]}", "the end of all that it began")


async def told_to_end(component: Component, instance: Any, payload: Any, point: int, patience: float) -> Any:
    """What is there after it was cancelled, and was not before."""
    before, had = asyncio.all_tasks(), held()
    step = Stepped(component.work(instance), copy.deepcopy(payload), cancel_at=point)
    task = asyncio.ensure_future(awaitable(step))
    if not point:
        task.cancel()
    done, _ = await asyncio.wait({task}, timeout=patience)
    where = f"cancelled at its {step.cancel_at}. wait"
    expect(bool(done), f"{where} it ran for another {patience:.3g} s", "the end of it")
    expect(task.cancelled() or step.cancel_at > step.points, f"{where} it went on", "CancelledError, let through")
    return asyncio.all_tasks() - before, held().since(had)


async def ended(tasks: set[Any], seconds: float) -> None:
    if tasks:
        _, tasks = await asyncio.wait(tasks, timeout=seconds)
    expect(not tasks, f"it left {tasks!r:.300}", "the end of all that it began")


async def let_go(component: Component, payload: Any, point: int, patience: float, fair: float) -> None:
    instance = await component.opened()
    tasks, _ = await told_to_end(component, instance, payload, point, patience)
    await component.closed(instance)
    await ended(tasks, fair)


async def task_003(component: Component, example: Any, payloads: Any) -> None:
    """Runs at the same time give what each gives alone."""
    del example
    instance = await component.opened()
    given = (await taken(component, instance, payloads))[:8] * 2
    alone = [[await once(component, instance, payload) for payload in given] for _ in range(2)]
    together = await asyncio.gather(*(once(component, instance, payload) for payload in given))
    for payload, result, first, second in zip(given, together, *alone, strict=True):
        holds = same(result, first) or not same(first, second)
        expect(holds, f"beside others {payload!r:.100} gave {result!r:.100}", f"{first!r:.100}, as alone")
    await component.closed(instance)


async def evt_001(component: Component, event: Any, events: Any) -> None:
    """Events that its topics and filters let through are handled, with plain data as result."""
    instance = await component.opened()
    for topic, payload, headers in events if event is None else [event]:
        fault = flaw(await ask(component.work(instance), EventEnvelope(topic, payload, headers)))
        expect(not fault, f"of topic {topic!r}: {fault}", "None or plain JSON data")
    await component.closed(instance)


async def evt_002(component: Component, event: Any, events: Any) -> None:
    """Whatever comes ends in a result or an ordinary exception, in time."""
    instance = await component.opened()
    for topic, payload, headers in [event] if event is not None else events:
        work = asyncio.ensure_future(ask(component.work(instance), EventEnvelope(topic, payload, headers)))
        done, _ = await asyncio.wait({work}, timeout=component.seconds)
        expect(bool(done), f"topic {topic!r} did not end within {component.seconds:g} s", "an end")
        expect(not work.cancelled(), "CancelledError although nothing had cancelled it", "an ordinary exception")
        work.exception()
    await component.closed(instance)


async def evt_003(component: Component, event: Any, events: Any) -> None:
    """The event is afterwards what it was."""
    instance = await component.opened()
    for topic, payload, headers in [event] if event is not None else events:
        envelope = EventEnvelope(topic, copy.deepcopy(payload), copy.deepcopy(headers))
        await asyncio.wait({asyncio.ensure_future(ask(component.work(instance), envelope))})
        now = [envelope.topic, envelope.payload, envelope.headers]
        expect(same(now, [topic, payload, headers]), f"it has become {now!r:.300}", "the same as before")
    await component.closed(instance)


async def svc_001(component: Component, example: Any, payloads: Any) -> None:
    """It starts, stops and starts again, and its status follows."""
    del example, payloads
    instance = await component.opened()
    for name in (component.start, component.stop):
        expect(callable(getattr(instance, name, None)), f"it has no {name}()", "start(), stop() and status()")
    running, stopped = [await status(component, instance)], []
    for _ in range(3):
        await ask(getattr(instance, component.stop))
        stopped.append(await status(component, instance))
        seen = f"started and stopped, the status is {stopped[-1][-1]!r}"
        expect(tells_apart(running[-1], stopped[-1]), seen, "two different ones")
        await ask(getattr(instance, component.stop))
        await ask(getattr(instance, component.start))
        running.append(await status(component, instance))
        seen = f"started again, the status is still {running[-1][-1]!r}"
        expect(tells_apart(running[-1], stopped[-1]), seen, "that it runs")
        healthy = await component.health(instance)
        expect(healthy is True, f"after start, health() answered {healthy!r}", "True")
    told = tells_apart([*chain(*running)], [*chain(*stopped)])
    expect(told, f"nothing in the status says when it is stopped: {stopped!r}", "something that is the same each time")
    await component.closed(instance)


async def status(component: Component, instance: Any) -> list[Any]:
    """The status, asked for twice."""
    both = [await ask(component.work(instance)) for _ in range(2)]
    expect(not flaw(both[0], "the status"), flaw(both[0], "the status"), "plain JSON data")
    return both
