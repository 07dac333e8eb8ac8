"""Loads entry points in a process made for it, one after the other, before the kit's own process does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oneiric_conformance.finding.declarations import load
from oneiric_conformance.isolation.fingerprint import noting_imports, take_fingerprint
from oneiric_conformance.isolation.telling import Over, Streams, Teller
from oneiric_conformance.observing.sandbox import Sandbox
from oneiric_conformance.observing.watch import watching
from oneiric_conformance.subject import EntryPointName

__all__ = ["main"]


def main(request: Mapping[str, Any], descriptor: int) -> None:
    """Load every entry point in ``request["points"]``; stages are their positions in that list."""
    teller, box, streams = Teller(descriptor), Sandbox(Path(request["root"])), Streams()
    with watching() as record, noting_imports(fingerprint := take_fingerprint()):
        box.record = record
        for position, point in enumerate(request["points"]):
            raised = ""
            try:
                with teller.stage(str(position)):
                    load(EntryPointName(*point))
            except Over as over:  # nothing but KeyboardInterrupt gets past load()
                raised = type(over.__cause__).__name__
            teller.tell(changes=fingerprint.differences(), closed=streams.closed(), raised=raised)
    teller.tell(done=True)
