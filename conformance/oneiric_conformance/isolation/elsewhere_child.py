"""The work of one component on several payloads, inside a process made for it: what came of each is told."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from oneiric_conformance.handling.plain import flaw
from oneiric_conformance.isolation.smoke_child import imported, live
from oneiric_conformance.isolation.telling import Over, Teller
from oneiric_conformance.observing.sandbox import Sandbox
from oneiric_core.testing import call_hook, find_hook

__all__ = ["main"]


def main(request: Mapping[str, Any], descriptor: int) -> None:
    """Run one component on each of its payloads and tell the parent.

    :param request: made by :func:`oneiric_conformance.isolation.elsewhere.results_elsewhere`.
    :param descriptor: the pipe to the parent.
    """
    teller = Teller(descriptor)
    with suppress(Over):
        with teller.stage("import"):
            subject = imported(request)
        asyncio.run(live(request, subject, teller, Sandbox(Path(request["root"])), _each))
    teller.tell(done=True)


async def _each(request: Mapping[str, Any], instance: object, teller: Teller) -> None:
    verb = find_hook(instance, request["hooks"]["verb"])
    if verb is None:
        return
    for payload in request["payloads"]:
        with suppress(Over):  # it has been told, and the others are asked for all the same
            async with teller.timed("verb", request["limits"]["verb"]):
                result = await call_hook(partial(verb, payload))
            teller.tell(result=[] if flaw(result) else [result])
