"""What a component does beside giving a result: written, connected, started."""

import copy
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.work import ask
from oneiric_conformance.observing.sandbox import Sandbox

__all__ = ["effects_of", "side_effects"]

_KINDS: Final = ("write", "rename", "remove", "mkdir", "link", "attributes", "temporary", "connect", "process")
_TRIED: Final = 3


def side_effects(box: Sandbox, since: int) -> list[str]:
    """What a component did in a watched sandbox, one line each.

    :param since: how many events had been recorded before it was asked.
    """
    allowed = (os.devnull, sys.pycache_prefix or os.devnull)
    events = [event for event in box.record.events[since:] if event.origin and event.kind in _KINDS]
    return [str(event) for event in events if not event.target.startswith(allowed)]


def effects_of(bench: Bench, work: Callable[[Any], Callable[..., Any]], inputs: Sequence[Any]) -> int:
    """1 if the component was seen to have an effect while it did its work on one of the first inputs, else 0.

    :param work: gives of an instance what does its work.
    """
    with bench.watched_sandbox() as box:
        instance = bench.run(bench.activated(box))
        act, seen = work(instance), 0
        for given in inputs[:_TRIED]:
            since = len(box.record.events)
            with suppress(Exception):  # whether it may refuse is for others to say
                bench.run(ask(act, copy.deepcopy(given)))
            seen = seen or int(bool(side_effects(box, since)))
        bench.run(bench.cleanup(instance))
    return seen
