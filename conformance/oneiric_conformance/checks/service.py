"""SVC: what a service promises."""

import asyncio
from itertools import chain

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.plain import flaw
from oneiric_conformance.handling.telling import tells_apart
from oneiric_conformance.handling.work import ask, verb_of, working
from oneiric_conformance.judging.findings import Finding, shown
from oneiric_conformance.observing.disk import tree
from oneiric_conformance.observing.inventory import take_inventory
from oneiric_conformance.observing.sandbox import Sandbox
from oneiric_conformance.registry import check
from oneiric_core import DOMAINS, Domain
from oneiric_core.testing import find_hook

__all__: list[str] = []

_ROW = DOMAINS[Domain.SERVICE]


@check("SVC-001", judges="component", level="must", since="2026.1", floor=3, domains=[Domain.SERVICE], exercises=True)
def starts_stops_and_starts_again(bench: Bench) -> None:
    """A service starts, stops and starts again, is healthy while it runs, and its status says which of the two it is.

    The status is plain data, in which clocks and counts may stand at any depth: something in it is the same each time
    the service is stopped and another while it runs, or the other way round. Stopping what is stopped is no error. A
    service of which nothing can be seen while it runs (no task, thread, timer, descriptor, process or file) conforms,
    and is not certified by this.

    Troubleshooting: a stop() that ends something start() does not make anew (an event that stays set, a closed pool),
    or a status that does not follow, or only counts how often it changed.
    """
    with bench.control("it is healthy after start()"), working(bench) as instance:
        _expect_healthy(bench, instance)
    with bench.sandbox() as box:
        instance = bench.run(bench.activated(box))
        try:
            works = _cycled(bench, box, instance)
        finally:
            bench.run(bench.cleanup(instance))
    if works:
        bench.behaved()


def _cycled(bench: Bench, box: Sandbox, instance: object) -> bool:
    """Stop it and start it again three times; whether anything but its own word tells which of the two it is."""
    works, running, stopped = False, [_status(bench, instance)], []
    for _ in range(3):
        at_work = bench.run(_traces(box))
        _do(bench, instance, _ROW.before_cleanup)
        works = works or at_work != bench.run(_traces(box))
        stopped.append(_status(bench, instance))
        told = tells_apart(running[-1], stopped[-1])
        seen = f"started and stopped, the status is {shown(stopped[-1][-1])}"
        bench.expect(told, seen=seen, expected="two different ones")
        _do(bench, instance, _ROW.before_cleanup)
        _do(bench, instance, _ROW.after_init)
        running.append(_status(bench, instance))
        told = tells_apart(running[-1], stopped[-1])
        seen = f"started again, the status is still {shown(running[-1][-1])}"
        bench.expect(told, seen=seen, expected="that it runs")
        _expect_healthy(bench, instance)
        bench.exercised()
    told = tells_apart([*chain(*running)], [*chain(*stopped)])
    seen = f"the status was {', '.join(shown(each[-1], 60) for each in stopped)} when it was stopped"
    bench.expect(told, seen=f"{seen}, and nothing of this says so", expected="something that is the same each time")
    return works


async def _traces(box: Sandbox) -> tuple[object, ...]:
    """How many tasks, threads, descriptors, processes and timers there are, and what is in its directory."""
    held = take_inventory()
    timers = [handle for handle in getattr(asyncio.get_running_loop(), "_scheduled", ()) if not handle.cancelled()]
    kinds = (held.tasks, held.threads, held.descriptors, held.children, timers)
    return (*map(len, kinds), tree(box.path))


def _do(bench: Bench, instance: object, name: str) -> None:
    hook = find_hook(instance, (name,))
    if hook is None:
        raise Finding(f"it has no {name}()", "start(), stop() and status()")
    with bench.asking(f"{name}()"):
        bench.run(ask(hook))


def _status(bench: Bench, instance: object) -> list[object]:
    """The status, asked for twice."""
    verb = verb_of(bench, instance)
    with bench.asking(f"{_ROW.verb}()"):
        both = [bench.run(ask(verb)) for _ in range(2)]
    fault = flaw(both[0], "the status") or flaw(both[1], "the status")
    bench.expect(not fault, seen=fault, expected="plain JSON data")
    return both


def _expect_healthy(bench: Bench, instance: object) -> None:
    answer = bench.run(bench.health(instance))
    bench.expect(answer is True, seen=f"after start(), health() answered {answer!r}", expected="True")
