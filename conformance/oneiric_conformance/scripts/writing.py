"""The script of a failure: the component, the smallest example, and what the rule asks of both."""

from collections.abc import Mapping
from typing import Any, Final

from oneiric_conformance.checks.event import _NESTED
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.payloads import NASTY
from oneiric_conformance.handling.settings import guessed
from oneiric_conformance.handling.work import envelopes
from oneiric_conformance.judging.findings import cut
from oneiric_conformance.judging.route import NOTHING
from oneiric_conformance.scripts import base, lives, stores, verbs
from oneiric_conformance.scripts.bundle import bundle
from oneiric_conformance.scripts.literals import literal
from oneiric_conformance.subject import Subject
from oneiric_core import DOMAINS, Domain, EventEnvelope
from oneiric_core.testing import import_object

__all__ = ["LONGEST", "SCENARIOS", "script_of"]

LONGEST: Final = 65_536
"""Characters that a script has at most; an example that needs more has none."""

SCENARIOS: Final[Mapping[str, str]] = {
    name.upper().replace("_", "-"): module.__name__ for module in (lives, stores, verbs) for name in module.__all__
}
"""The checks that a component alone can fail, and the modules that know what is asked of it."""

_ENVELOPES: Final = "EVT-003"
"""The check whose examples are payloads, each of which goes into several events."""

_MAIN: Final = '''\
"""{check} of {subject}: {rule}

Seen when it was judged: {seen}
Start it where the component is installed. It ends with 0 if the rule holds for this example, and else says what it saw.
"""

{body}


COMPONENT = Component(
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
    scenario = check.lower().replace("-", "_")
    try:
        component = _component(bench.subject, event=bench.limits.init)
        example = literal(_example(bench, check))
        payloads = literal(_payloads(bench, check))
    except (TypeError, RecursionError):
        return ""
    made = _MAIN.format(
        check=check,
        subject=_quoted(bench.subject.id),
        rule=_quoted(rule),
        seen=_quoted(cut(seen)),
        body=bundle((SCENARIOS[check], scenario), (base.__name__, "run")),
        component=component,
        example=example,
        payloads=payloads,
        scenario=scenario,
    )
    return made if len(made) <= LONGEST else ""


def _quoted(text: str) -> str:
    """Inside of a docstring, which it cannot end."""
    return text.encode("unicode_escape").decode("ascii").replace('"', "'")


def _component(subject: Subject, *, event: float) -> str:
    row = next(row for row in DOMAINS.values() if row.domain == subject.domain)
    declared = subject.metadata.get("timeout_seconds")
    seconds = float(declared) if isinstance(declared, int | float) and declared > 0 else None
    fields = {
        "factory": _path(subject.factory),
        "settings_model": None if subject.settings_model is None else _path(subject.settings_model),
        "settings": _settings(subject),
        "claims": tuple(sorted(subject.capabilities & {"kv", "blob", "ttl"})),
        "verb": row.verb or "",
        "start": row.after_init or "",
        "stop": row.before_cleanup or "",
        "seconds": seconds or (event if subject.domain == Domain.EVENT else 60.0),
        "takes_events": subject.domain == Domain.EVENT,
    }
    return "\n".join(f"    {name}={literal(value)}," for name, value in fields.items())


def _path(made: object) -> str:
    """``module:attribute``, if that leads to the same object.

    :raises TypeError: it does not.
    """
    if isinstance(made, str):
        return made
    path = f"{getattr(made, '__module__', '')}:{getattr(made, '__qualname__', '')}"
    try:
        found = import_object(path, None)
    except Exception as error:  # whatever an import raises
        raise TypeError(f"{path} cannot be imported") from error
    if found is not made:
        raise TypeError(f"{path} is something else")
    return path


def _settings(subject: Subject) -> dict[str, Any]:
    """As they are written, so that what came from the environment is not shown.

    :raises TypeError: it is not known how they are written.
    """
    if not subject.settings:
        return dict(guessed(subject.settings_model))
    if not subject.written:
        raise TypeError("settings that nobody wrote down")
    return dict(subject.written)


def _example(bench: Bench, check: str) -> Any:
    given = bench.tally.route.given
    if given is NOTHING or check == _ENVELOPES:
        return None
    return _told(given) if isinstance(given, EventEnvelope) else given


def _payloads(bench: Bench, check: str) -> list[Any]:
    """What it was tried with before, else objects that have broken others."""
    samples = bench.kept.get(f"samples of {bench.subject.id}", list(NASTY))
    if check == _ENVELOPES and bench.tally.route.given is not NOTHING:
        samples = [bench.tally.route.given, _NESTED]
    if bench.subject.domain == Domain.EVENT:
        return [_told(envelope) for envelope in envelopes(bench.subject.metadata, samples)]
    return list(samples)


def _told(envelope: EventEnvelope) -> tuple[str, Any, Any]:
    return envelope.topic, dict(envelope.payload), dict(envelope.headers)
