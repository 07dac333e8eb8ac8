"""TASK: what a task promises."""

import asyncio
import copy
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.cancelling import Stepped, awaitable, in_thread, points_in, spread
from oneiric_conformance.handling.effects import effects_of
from oneiric_conformance.handling.evidence import own_work
from oneiric_conformance.handling.payloads import schemas_of
from oneiric_conformance.handling.plain import same
from oneiric_conformance.handling.work import answered, ask, opened, samples, takes, verb_of, working
from oneiric_conformance.judging.findings import Finding, described, shown
from oneiric_conformance.observing.leaks import held, leaves, still_held
from oneiric_conformance.registry import check
from oneiric_core import Domain

__all__: list[str] = []

_POINTS: Final = 8
_OTHERS: Final = 3
_IN_TIME: Final = 1.0
_TOGETHER: Final = 8
_ANY: Final = object()


def _run_of(bench: Bench, instance: object) -> Callable[..., Any]:
    """The task's ``run``, called as a runtime does: in a thread if it declares ``blocking``."""
    run = verb_of(bench, instance)
    return partial(in_thread, run) if _blocks(bench) else run


def _blocks(bench: Bench) -> bool:
    return bench.subject.metadata.get("blocking") is True


@check("TASK-001", judges="component", level="must", since="2026.1", domains=[Domain.TASK], exercises=True)
def runs_on_its_payloads(bench: Bench) -> None:
    """A task runs on every payload its schema allows, and its result is plain JSON data.

    Without a schema it may refuse a payload, by raising an exception that says why; it has to run on some.

    Troubleshooting: results that are objects of your own (return a dictionary), a schema that allows what the task
    refuses, or no schema at all: declare ``payload_schema`` in ``capabilities``.
    """
    done: list[tuple[Any, Any]] = []
    strict = bool(schemas_of(bench.subject))
    with working(bench) as instance:
        run = _run_of(bench, instance)

        def once(payload: Any) -> None:
            try:
                result = bench.run(ask(run, copy.deepcopy(payload)))
            except Finding:
                raise
            except Exception as error:
                if strict or not str(error):
                    raise Finding(
                        f"run() raised {described(error)}", "a result, as the payload is a valid one"
                    ) from error
                return
            answered(bench, "run()", result)
            done.append((payload, result))

        with bench.control("it runs on at least one payload"):
            runs = any(takes(bench, run, payload) for payload in samples(bench))
            bench.expect(runs, seen="it refused every payload", expected="a payload it runs on")
        strategy, nasty = bench.payloads()
        bench.for_all(strategy, once, nasty=nasty)
        own = bench.run(own_work(done, lambda given: ask(run, copy.deepcopy(given))))
    bench.behaved(own or effects_of(bench, partial(_run_of, bench), [payload for payload, _ in done]))


@check("TASK-002", judges="component", level="must", since="2026.1", floor=2, domains=[Domain.TASK])
def gives_up_when_told(bench: Bench) -> None:
    """A task that is cancelled, at any point where it waits, ends within a second as cancelled; so does one whose time
    is up.

    It runs again afterwards, and every run ends within its declared ``timeout_seconds``. What declares ``blocking`` is
    run in a thread, which cannot be stopped: it ends when the run is over. Tried are the payload on which it waits most
    often, at eight points at most, and others that wait elsewhere. A piece of it that a shield lets go on, so that
    nothing is left half done, has ended once the instance was cleaned up, or a second and twice a run's time later; so
    have threads and processes, and no descriptor is open then. What is set up once for all instances may stay.

    Troubleshooting: an ``except BaseException`` or ``except CancelledError`` that does not raise again, a loop that
    tries again whatever happens, or work that is only waited for in a shield. A ``finally`` that ends a helper with
    ``with suppress(CancelledError): await ticker`` swallows what was meant for the run as well: wait for it with
    ``await asyncio.wait({ticker})``, or have it in a ``TaskGroup``.
    """
    left: dict[asyncio.Task[Any], str] = {}
    others: dict[str, tuple[Any, int]] = {}
    with working(bench) as instance:
        run = _run_of(bench, instance)
        with bench.control("it runs when nobody cancels it"):
            runs, seconds = bench.run(_observed(bench, run))
        limit = bench.subject.metadata.get("timeout_seconds")
        in_time = not isinstance(limit, int | float) or seconds <= limit
        bench.expect(in_time, seen=f"a run took {seconds:.2f} s", expected=f"{limit} s at most, as it declares")
        patience = _IN_TIME + 2 * seconds if _blocks(bench) else _IN_TIME
        for payload, point in bench.each(_cancellations(runs)):
            tasks, more = bench.run(_cancelled(run, payload, point, patience))
            left |= tasks
            others |= dict.fromkeys(more, (payload, point))
            with bench.asking("the run after a cancelled one"):
                bench.run(ask(run, copy.deepcopy(payload)))
            bench.exercised()
        bench.run(_timed_out(bench, run, runs[0][0], patience))
        bench.exercised()
    fair = _IN_TIME + 2 * seconds
    bench.run(_expect_ended(bench, left, fair))
    suspects = {id(others[line]): others[line] for line in bench.run(still_held(others, fair))}
    for payload, point in spread([*suspects.values()], _OTHERS):
        bench.run(_expect_let_go(bench, payload, point, patience, fair))


async def _observed(bench: Bench, run: Callable[..., Any]) -> tuple[list[tuple[Any, Stepped]], float]:
    """Payloads and how their runs waited, the one that waits most often first, and the seconds of the slowest run."""
    found: list[tuple[Any, Stepped]] = []
    refused, slowest = "", 0.0
    for payload in samples(bench):
        stepped = Stepped(run, copy.deepcopy(payload))
        began = time.monotonic()
        try:
            await stepped
        except Exception as error:  # noqa: BLE001 - whether it may refuse is for TASK-001 to say
            refused = described(error)
            continue
        slowest = max(slowest, time.monotonic() - began)
        found.append((payload, stepped))
    if not found:
        raise Finding(f"it ran on no payload; the last one ended with {refused}", "a payload it runs on")
    return sorted(found, key=lambda each: -each[1].points), slowest


def _cancellations(runs: list[tuple[Any, Stepped]]) -> list[tuple[Any, int]]:
    """Payloads, and where to cancel their runs, counted from 0: before it begins, then each time it waits."""
    (longest, steps), *others = runs
    known = {*steps.places}
    elsewhere: list[tuple[Any, int]] = []
    for payload, stepped in others:
        for point, place in enumerate(stepped.places, 1):
            if place not in known:
                known.add(place)
                elsewhere.append((payload, point))
    alike = [(payload, stepped.points) for payload, stepped in others if stepped.points]
    return [
        *((longest, point) for point in (0, *points_in(steps, _POINTS))),
        *spread(elsewhere, _POINTS),
        *spread(alike, _OTHERS),
    ]


async def _cancelled(
    run: Callable[..., Any], payload: Any, point: int, patience: float
) -> tuple[dict["asyncio.Task[Any]", str], list[str]]:
    """Cancel a run at the given point; the tasks that it has left then and where it was cancelled, and what else."""
    before, had = asyncio.all_tasks(), held()
    stepped = Stepped(run, copy.deepcopy(payload), cancel_at=point)
    task = asyncio.ensure_future(awaitable(stepped))
    if not point:
        task.cancel()
    done, _ = await asyncio.wait({task}, timeout=patience)
    where = f"at the {stepped.cancel_at}. point where it waits" if point else "before it began"
    if not done:
        task.cancel()
        raise Finding(f"cancelled {where}, it still ran {patience:.3g} s later", "the end of the run", shown(payload))
    if not task.cancelled() and stepped.cancel_at <= stepped.points:  # else it waited less often than before
        error = task.exception()
        ended = f"raised {described(error)}" if error else f"went on and returned {task.result()!r}"
        raise Finding(f"cancelled {where}, it {ended}", "CancelledError, let through", shown(payload))
    return dict.fromkeys(asyncio.all_tasks() - before, where), held().since(had)


async def _expect_ended(bench: Bench, left: dict["asyncio.Task[Any]", str], seconds: float) -> None:
    pending = {task for task in left if not task.done()}
    if pending:
        _, pending = await asyncio.wait(pending, timeout=seconds)
    for task in pending:
        name = getattr(task.get_coro(), "__qualname__", "a coroutine")
        seen = f"cancelled {left[task]}, it left the task {name}, which still ran {seconds:.3g} s after clean-up"
        bench.expect(False, seen=seen, expected="the end of all that it began")


async def _expect_let_go(bench: Bench, payload: Any, point: int, patience: float, fair: float) -> None:
    """An instance whose only run is cancelled leaves nothing, or nothing the second time: that was set up once."""

    async def life() -> None:
        async with opened(bench) as instance:
            tasks, _ = await _cancelled(_run_of(bench, instance), payload, point, patience)
        await _expect_ended(bench, tasks, fair)

    more = await leaves(life)
    where = f"at the {point}. point where it waits" if point else "before it began"
    seen = f"cancelled {where}, it left after clean-up: {', '.join(more[:3])}"
    bench.expect(not more, seen=seen, expected="the end of all that it began", example=shown(payload))


async def _timed_out(bench: Bench, run: Callable[..., Any], payload: Any, patience: float) -> None:
    """A deadline that has passed already: the run ends at its first wait, or is over before it."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(0):
            await ask(run, copy.deepcopy(payload))
    except TimeoutError:
        pass
    seconds = time.monotonic() - began
    seen = f"it ended {seconds:.2f} s after its deadline"
    bench.expect(seconds <= patience, seen=seen, expected=f"{patience:.3g} s")


@check("TASK-003", judges="component", level="must", since="2026.1", floor=2, domains=[Domain.TASK])
def parallel_runs_do_not_mix(bench: Bench) -> None:
    """Runs that are under way at the same time do not mix: each gives for its payload what it gives alone.

    Troubleshooting: the payload, or something made of it, kept in an attribute while the task waits; a run that is
    refused because another one is under way.
    """
    with working(bench) as instance:
        run = _run_of(bench, instance)
        with bench.control("it runs alone on at least one payload, and gives the same again where it can"):
            alone = bench.run(_alone(bench, run))
        bench.run(_at_once(bench, run, alone))


async def _alone(bench: Bench, run: Callable[..., Any]) -> list[tuple[Any, Any]]:
    """Payloads and what is steady in their results: the result itself, or :data:`_ANY` where it differs each time."""
    found: list[tuple[Any, Any]] = []
    for payload in samples(bench)[:_TOGETHER]:
        try:
            first, second = [await ask(run, copy.deepcopy(payload)) for _ in range(2)]
        except Exception:  # noqa: BLE001, S112 - whether it may refuse is for TASK-001 to say
            continue
        found.append((payload, first if same(first, second) else _ANY))
    bench.expect(bool(found), seen="it refused every payload", expected="a payload it runs on")
    return found


async def _at_once(bench: Bench, run: Callable[..., Any], alone: list[tuple[Any, Any]]) -> None:
    pairs = alone * 2
    works = (ask(run, copy.deepcopy(payload)) for payload, _ in pairs)
    for (payload, expected), result in zip(pairs, await asyncio.gather(*works, return_exceptions=True), strict=True):
        example = shown(payload)
        failed = isinstance(result, BaseException)
        seen = f"beside others it raised {described(result)}" if isinstance(result, BaseException) else ""
        bench.expect(not failed, seen=seen, expected="a result, as alone", example=example)
        mixed = expected is not _ANY and not same(result, expected)
        seen = f"beside others it gave {shown(result, 100)}"
        bench.expect(not mixed, seen=seen, expected=f"{shown(expected, 100)}, as alone", example=example)
        bench.exercised()
