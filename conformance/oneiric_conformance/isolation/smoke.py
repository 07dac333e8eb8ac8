"""Smoke first: one run of every component in a process of its own, before any of it comes near the kit.

It decides whether the component can be judged in this process at all: that it imports, is built, comes up healthy, and
neither hangs, ends the process, crashes the interpreter nor changes the kit.
"""

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, Final

from oneiric_conformance.isolation.child import ChildEnd, fork_child, run_child
from oneiric_conformance.isolation.smoke_child import forked
from oneiric_conformance.observing.quarters import made_sandbox
from oneiric_conformance.observing.sandbox import Sandbox
from oneiric_conformance.runtime import Limits
from oneiric_conformance.subject import Subject
from oneiric_core import DOMAINS, Domain
from oneiric_core.testing import CLEANUP_HOOKS, HEALTH_HOOKS, INIT_HOOKS

__all__ = ["SmokeReport", "found_by_all", "request_for", "seconds_for", "smoke"]

_IMPORT_SECONDS: Final = 10.0
_VERB_SECONDS: Final = 5.0
_GRACE: Final = 1.0
"""Seconds after which a stage that should have been cancelled is taken to hang."""

_LIFE: Final = frozenset({"settings", "factory", "init", "start", "health", "stop", "cleanup"})
_COMING: Final = frozenset({"factory", "init", "start", "health"})
"""Stages that may ask for what has to be there before."""

_MUST_SUCCEED: Final = ("import", "settings", "factory", "init", "start", "health")


@dataclass(frozen=True, slots=True)
class SmokeReport:
    """How the first run went.

    :param stage: where it failed: ``import``, ``settings``, ``factory``, ``init``, ``start``, ``health``, ``verb``,
        ``stop``, ``cleanup``, or ``changes`` if it changed the kit or closed a standard stream; empty if
        it did not fail.
    :param reason: what happened there, on one line.
    :param side_effects: what importing did besides: connections, processes, threads, writes.
    :param trespasses: what the whole run wrote outside its sandbox.
    :param errors: ordinary exceptions of ``verb``, ``stop`` and ``cleanup``, by stage. They are not failures of the
        first run: the verb may refuse the payload, and clean-up has checks of its own.
    :param changes: functions and classes of the kit, of asyncio and of the system modules that it replaced.
    :param durations: seconds by stage.
    :param planted: whether it came up only where secrets are kept in the places that its settings name.
    """

    stage: str = ""
    reason: str = ""
    side_effects: tuple[str, ...] = ()
    trespasses: tuple[str, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    durations: Mapping[str, float] = field(default_factory=dict)
    planted: bool = False

    @property
    def ok(self) -> bool:
        """Whether the component may be judged in this process."""
        return not self.stage

    @property
    def lifetime(self) -> float:
        """Seconds from the factory to the end of clean-up, without what it did for its living."""
        return sum(seconds for stage, seconds in self.durations.items() if stage in _LIFE)

    @property
    def failure(self) -> str:
        """Why not, on one line; empty if it may."""
        return f"{self.stage}: {self.reason}" if self.stage else ""


def smoke(subject: Subject, limits: Limits | None = None, *, payload: object = None) -> SmokeReport:
    """Run a component once in a fresh process and a fresh sandbox; never raises for what the component does.

    A factory without an import path (a closure, say) cannot be found by another process. Its module is imported in a
    fresh one all the same, and the rest happens in a copy of this process. What gives secrets and does not come up is
    run once more with one planted: where they are kept may have to be there.

    :param limits: per stage; import has 10 s, and the verb 5 s or what ``timeout_seconds`` declares.
    :param payload: what the verb is given; an empty object if None. It must be plain JSON data.
    :raises ConformanceError: if the child process failed before it came to the component.
    """
    report = _first_run(subject, limits or Limits(), payload)
    if report.stage in _COMING and "secrets" in subject.capabilities:
        another = _first_run(subject, limits or Limits(), payload, planted=True)
        return replace(another, planted=True) if another.ok else report
    return report


def _first_run(subject: Subject, limits: Limits, payload: object, *, planted: bool = False) -> SmokeReport:
    importable = found_by_all(subject)
    with made_sandbox() as box:
        request = request_for(subject, limits, box, payload) | {"planted": planted}
        seconds = seconds_for(request["limits"])
        report = SmokeReport()
        if importable or subject.entry_point is not None:
            report = _report(subject, run_child("smoke_child", {**request, "live": importable}, box, seconds))
        if importable or not report.ok:
            return report
        copy = _report(subject, fork_child(partial(forked, request, subject), box, seconds), report.side_effects)
        return replace(copy, durations={**report.durations, **copy.durations})


def found_by_all(subject: Subject) -> bool:
    """Whether another process can make the component as well: all that it takes has an import path."""
    return _path(subject.factory) is not None and (
        subject.settings_model is None or _path(subject.settings_model) is not None
    )


def request_for(subject: Subject, limits: Limits, box: Sandbox, payload: object = None) -> dict[str, Any]:
    """What a process of its own has to be told of a component in order to run it."""
    row = next((row for row in DOMAINS.values() if row.domain == subject.domain), None)
    verb, start, stop = (row.verb, row.after_init, row.before_cleanup) if row else ("", "", "")
    topics, timeout = subject.metadata.get("topics"), subject.metadata.get("timeout_seconds")
    named = topics[0] if isinstance(topics, list | tuple) and topics else None
    verb_seconds = max(_VERB_SECONDS, float(timeout)) if isinstance(timeout, int | float) else _VERB_SECONDS
    point = subject.entry_point
    return {
        "root": str(box.root),
        "factory": _path(subject.factory),
        "settings_model": _path(subject.settings_model),
        "entry_point": [point.group, point.name, point.value] if point else None,
        "settings": dict(subject.settings),
        "planted": False,
        "limits": {**asdict(limits), "verb": min(verb_seconds, 60.0)},
        "hooks": {
            "init": INIT_HOOKS,
            "start": [start] if start else [],
            "health": HEALTH_HOOKS,
            "verb": [verb] if verb else [],
            "stop": [stop] if stop else [],
            "cleanup": CLEANUP_HOOKS,
        },
        "given": {Domain.SERVICE: "nothing", Domain.EVENT: "event"}.get(row.domain if row else Domain.TASK, "payload"),
        "topic": named if isinstance(named, str) else "conformance",
        "payload": {} if payload is None else payload,
    }


def seconds_for(limits: Mapping[str, float]) -> dict[str, float]:
    """What the parent allows each stage: a little more than the child itself does."""
    init = limits["init"] + _GRACE
    return {
        "import": _IMPORT_SECONDS,
        "settings": _IMPORT_SECONDS,
        "factory": init,
        "init": init,
        "start": init,
        "health": limits["health"] + _GRACE,
        "verb": limits["verb"] + _GRACE,
        "stop": limits["cleanup"] + _GRACE,
        "cleanup": limits["cleanup"] + _GRACE,
    }


def _path(made: object) -> str | None:
    """An import path under which another process finds this very object; None if there is none."""
    if isinstance(made, str):
        return made
    module, name = getattr(made, "__module__", None), getattr(made, "__qualname__", None)
    if not (isinstance(module, str) and isinstance(name, str)) or module == "__main__":
        return None
    found: object = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{module}:{name}" if found is made and found is not None else None


def _report(subject: Subject, end: ChildEnd, side_effects: tuple[str, ...] = ()) -> SmokeReport:
    facts: dict[str, Any] = {"side_effects": side_effects, "changes": (), "closed": (), "trespasses": ()}
    durations: dict[str, float] = {}
    errors: dict[str, str] = {}
    failed: list[tuple[str, str]] = []
    for note in end.notes:
        stage = note.get("ended")
        if stage is None:
            facts |= {name: tuple(value) for name, value in note.items() if name in facts}
            continue
        durations[stage] = note["seconds"]
        if not note["error"]:
            continue
        if note["raised"] == "exit":
            failed.append((stage, f"tried to end the process: {note['error']}"))
        elif stage in _MUST_SUCCEED:
            failed.append((stage, note["error"]))
        else:
            errors[stage] = note["error"]
    if end.fault:
        failed.insert(0, (end.stage, end.fault))
    if facts["changes"]:
        failed.append(("changes", f"it replaced {', '.join(facts['changes'][:3])}"))
    if closed := facts.pop("closed"):
        failed.append(("changes", f"it closed {', '.join(closed)}"))
    stage, reason = failed[0] if failed else ("", "")
    if stage == "settings":
        verb = "Correct" if subject.settings else "Write"
        reason += f'. {verb} `settings = {{...}}` under [tool.oneiric.conformance.components."{subject.id}"]'
    return SmokeReport(stage=stage, reason=reason, errors=errors, durations=durations, **facts)
