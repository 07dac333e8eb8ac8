"""The script of a failure: what is judged, the smallest example, and what the rule asks of both."""

from collections.abc import Mapping
from typing import Any, Final

from oneiric_conformance.checks.event import _NESTED
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.payloads import NASTY
from oneiric_conformance.handling.work import envelopes
from oneiric_conformance.judging.findings import cut
from oneiric_conformance.judging.route import NOTHING
from oneiric_conformance.scripts import base, graphs, heard, hosting, lives, own, secret, stores, verbs
from oneiric_conformance.scripts.bundle import bundle
from oneiric_conformance.scripts.describing import described
from oneiric_conformance.scripts.literals import literal
from oneiric_core import Domain, EventEnvelope

__all__ = ["LONGEST", "SCENARIOS", "script_of"]

LONGEST: Final = 65_536
"""Characters that a script has at most; an example that needs more has none."""

_KINDS: Final[Mapping[Any, type]] = {
    **dict.fromkeys((lives, stores, verbs, secret), base.Component),
    **dict.fromkeys((graphs, heard), hosting.Hosted),
    own: own.Exercised,
}
"""What the scenarios of a module are given."""

SCENARIOS: Final[Mapping[str, tuple[str, type]]] = {
    name.upper().replace("_", "-"): (module.__name__, kind)
    for module, kind in _KINDS.items()
    for name in module.__all__
    if name.islower()
}
"""The checks that have a scenario, the modules that know what is asked there, and what of."""

_ENVELOPES: Final = "EVT-003"
"""The check whose examples are payloads, each of which goes into several events."""

_MAIN: Final = '''\
"""{check} of {subject}: {rule}

Seen when it was judged: {seen}
Start it where the component is installed. It ends with 0 if the rule holds for this example, and else says what it saw.
"""

{body}


COMPONENT = {kind}(
{component}
)
EXAMPLE = {example}
PAYLOADS = {payloads}

if __name__ == "__main__":
    run({scenario}, COMPONENT, EXAMPLE, PAYLOADS)
'''


def script_of(bench: Bench, check: str, rule: str, seen: str) -> str:
    """The script of a failure of a check on the bench; empty where the component alone would not show it.

    That is where a check has no scenario, where the factory cannot be imported by name, where settings came from
    elsewhere than a configuration that can be shown, or where the example is no plain data.
    """
    if check not in SCENARIOS:
        return ""
    module, kind = SCENARIOS[check]
    scenario = check.lower().replace("-", "_")
    try:
        component = described(bench, kind)
        example = literal(_example(bench, check))
        payloads = literal(_payloads(bench, check))
    except (TypeError, RecursionError):
        return ""
    made = _MAIN.format(
        check=check,
        subject=_quoted(bench.subject.id),
        rule=_quoted(rule),
        seen=_quoted(cut(seen)),
        body=bundle((module, scenario), (kind.__module__, kind.__name__), (base.__name__, "run")),
        kind=kind.__name__,
        component=component,
        example=example,
        payloads=payloads,
        scenario=scenario,
    )
    return made if len(made) <= LONGEST else ""


def _quoted(text: str) -> str:
    """Inside of a docstring, which it cannot end."""
    return text.encode("unicode_escape").decode("ascii").replace('"', "'")


def _example(bench: Bench, check: str) -> Any:
    given = bench.tally.route.given
    if given is NOTHING or check == _ENVELOPES:
        return None
    return _told(given) if isinstance(given, EventEnvelope) else given


def _payloads(bench: Bench, check: str) -> list[Any]:
    """What it was tried with before, else objects that have broken others; a runtime makes the events itself."""
    samples = bench.kept.get(f"samples of {bench.subject.id}", list(NASTY))
    if check == _ENVELOPES and bench.tally.route.given is not NOTHING:
        samples = [bench.tally.route.given, _NESTED]
    if bench.subject.domain == Domain.EVENT and SCENARIOS[check][1] is base.Component:
        return [_told(envelope) for envelope in envelopes(bench.subject.metadata, samples)]
    return list(samples)


def _told(envelope: EventEnvelope) -> tuple[str, Any, Any]:
    return envelope.topic, dict(envelope.payload), dict(envelope.headers)
