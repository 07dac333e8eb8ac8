"""The script of a failure: what is judged, the smallest example, and what the rule asks of both."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from oneiric_conformance.checks.event import NESTED
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.payloads import NASTY
from oneiric_conformance.handling.work import at_each_topic, envelopes
from oneiric_conformance.judging.findings import cut
from oneiric_conformance.judging.route import NOTHING
from oneiric_conformance.scripts import (
    asked,
    base,
    declared,
    graphs,
    heard,
    hosting,
    lives,
    offered,
    own,
    places,
    secret,
    stores,
    swapping,
    verbs,
    wheels,
)
from oneiric_conformance.scripts.bundle import bundle
from oneiric_conformance.scripts.describing import described
from oneiric_conformance.scripts.literals import literal
from oneiric_core import Domain, EventEnvelope

__all__ = ["LONGEST", "SCENARIOS", "script_of"]

LONGEST: Final = 65_536
"""Characters that a script has at most; an example that needs more has none."""

_KINDS: Final[Mapping[Any, type]] = {
    **dict.fromkeys((lives, stores, verbs, secret, places, own), base.Component),
    **dict.fromkeys((graphs, heard, swapping), hosting.Hosted),
    declared: declared.Packaged,
    offered: offered.Offered,
    wheels: wheels.Wheel,
}
"""What the scenarios of a module are given."""
_FILTERS: Final = "EVT-004"
"""The check whose script makes events of payloads itself, from the topics and filters that it shows."""

_ANSWERS: Final = ("MAN-002", *(f"SIG-{number:03}" for number in range(1, 11)))
"""Checks of what a runtime answers when it is given a manifest, which all ask alike."""


class Scenario(NamedTuple):
    """The function that makes the calls, by the name of its module and its own, and what it is given."""

    module: str
    function: str
    kind: type


SCENARIOS: Final[Mapping[str, Scenario]] = {
    name.upper().replace("_", "-"): Scenario(module.__name__, name, kind)
    for module, kind in _KINDS.items()
    for name in module.__all__
    if name.islower()
} | dict.fromkeys(_ANSWERS, Scenario(asked.__name__, asked.ask_again.__name__, asked.Asked))
"""By the ids of the checks that have one."""

_NAMES: Final = {wheels.Wheel: "WHEEL", asked.Asked: "MANIFEST"}
"""What is judged where it is no component."""

_ENVELOPES: Final = "EVT-003"
"""The check whose examples are payloads, each of which goes into several events."""

_MAIN: Final = '''\
"""{check} of {subject}: {rule}

Seen when it was judged: {seen}
Start it where the component is installed. It ends with 0 if the rule holds for this example, and else says what it saw.
"""

{body}


{name} = {kind}(
{component}
)
EXAMPLE = {example}
PAYLOADS = {payloads}

if __name__ == "__main__":
    run({scenario}, {name}, EXAMPLE, PAYLOADS)
'''


def script_of(bench: Bench, check: str, rule: str, seen: str) -> str:
    """The script of a failure of a check on the bench; empty where the component alone would not show it.

    That is where a check has no scenario, where the factory cannot be imported by name, where settings came from
    elsewhere than a configuration that can be shown, or where the example is no plain data.
    """
    if check not in SCENARIOS:
        return ""
    module, function, kind = SCENARIOS[check]
    try:
        component = described(bench, kind)
        example = literal(None if kind in _NAMES else _example(bench, check))
        payloads = literal([] if kind in _NAMES else _payloads(bench, check))
    except (TypeError, RecursionError):
        return ""
    made = _MAIN.format(
        check=check,
        subject=_quoted(bench.package.id if kind in _NAMES else bench.subject.id),
        rule=_quoted(rule),
        seen=_quoted(cut(seen)),
        body=bundle((module, function), (kind.__module__, kind.__name__), (base.__name__, "run")),
        name=_NAMES.get(kind, "COMPONENT"),
        kind=kind.__name__,
        component=component,
        example=example,
        payloads=payloads,
        scenario=function,
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
    """What it was tried with before, else objects that have broken others; for a handler as events."""
    samples = bench.kept.get(f"samples of {bench.subject.id}", list(NASTY))
    if check == _ENVELOPES and bench.tally.route.given is not NOTHING:
        return [_told(each) for each in at_each_topic(bench.subject.metadata, bench.tally.route.given, NESTED)]
    if bench.subject.domain == Domain.EVENT and check != _FILTERS:
        return [_told(envelope) for envelope in envelopes(bench.subject.metadata, samples)]
    return list(samples)


def _told(envelope: EventEnvelope) -> tuple[str, Any, Any]:
    return envelope.topic, dict(envelope.payload), dict(envelope.headers)
