"""Rules that are known to be broken, and accepted by somebody who gives a reason: ``oneiric-waivers.toml``.

::

    [[waiver]]
    id = "HOT-005"
    component = "adapter/cache/acme"
    reason = "the driver keeps one thread until version 3"
    until = 2027-01-31

- A waived check is run like any other. One that passes has a stale waiver, which fails: else waivers would outlive
  what they are about, and hide the next defect.
- Whatever does not fit the run is refused before it: an unknown id or component, a rule that does not apply there, a
  day that is over, a second waiver of the same.
- A check that could not be judged stays an error; only a broken rule can be waived.
"""

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from oneiric_conformance.judging.plan import Planned
from oneiric_conformance.registry import CHECKS, FORMER_IDS
from oneiric_conformance.results import Card, Result, Status, Waiver
from oneiric_conformance.subject import Package
from oneiric_core import ConformanceError

__all__ = ["fitting", "read_waivers", "waived"]

_KEYS: Final[Mapping[str, type]] = {"id": str, "component": str, "reason": str, "until": date}
_REQUIRED: Final = ("id", "component", "reason")
_BROKEN: Final = frozenset({Status.FAIL, Status.WARN})


def read_waivers(path: Path | None, *, only: Package | None = None) -> tuple[Waiver, ...]:
    """The waivers of a file, under the present ids of their rules; none without a file.

    :param only: leave out those of components that were not chosen to be judged: all but this package's.
    :raises ConformanceError: the file cannot be read, or says anything but waivers.
    """
    if path is None:
        return ()
    try:
        written: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        why = error.strerror or str(error)
        raise ConformanceError(
            f"{path} cannot be read: {why}", fix="Name the file of waivers", path=str(path)
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConformanceError(f"{path} is not TOML: {error}", fix="Mend the file", path=str(path)) from error
    _refuse_unknown(written, ["waiver"], f"{path}", "key")
    tables = written.get("waiver", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConformanceError(
            f"waiver in {path} is no list of tables", fix="Begin each with [[waiver]]", path=str(path)
        )
    found = (_waiver(table, f"waiver {place} in {path}") for place, table in enumerate(tables, start=1))
    known = None if only is None else {only.id, *(subject.id for subject in only.subjects)}
    return tuple(waiver for waiver in found if known is None or waiver.component in known)


def fitting(waivers: Iterable[Waiver], planned: Sequence[Planned], today: date) -> Mapping[tuple[str, str], Waiver]:
    """The waivers by component and check.

    :raises ConformanceError: one of them is about nothing that will be judged, is over, or is there twice.
    """
    plan = {(item.subject, item.check): item for item in planned}
    found: dict[tuple[str, str], Waiver] = {}
    for waiver in waivers:
        place = (waiver.component, waiver.check)
        if fault := _fault(waiver, plan, today) or ("it is there twice" if place in found else ""):
            raise ConformanceError(
                f"the waiver of {waiver.check} for {waiver.component} cannot hold: {fault}",
                fix="Remove it, or correct it",
                check=waiver.check,
                component=waiver.component,
            )
        found[place] = waiver
    return found


def waived(result: Result, waiver: Waiver | None, *, narrowed: bool = False) -> Result:
    """The result, as a waiver makes it.

    :param narrowed: not everything is judged in this run; then nobody is told that a waiver is stale.
    """
    if waiver is None:
        return result
    if result.status in _BROKEN:
        return replace(result, status=Status.WAIVED, waiver=waiver)
    if result.status is not Status.PASS or narrowed:
        return result
    reason = f"stale waiver: the rule holds, though it is waived because {waiver.reason}"
    card = Card(
        check=result.check,
        subject=result.subject,
        rule=CHECKS[result.check].rule,
        seen="the rule holds, though it is waived",
        expected="a waiver where the rule is broken, and nowhere else",
        example="",
        mend=f"Remove the waiver of {waiver.check} for {waiver.component}",
        replay="pytest --oneiric-conformance",
    )
    return replace(result, status=Status.FAIL, reason=reason, card=card)


def _waiver(table: Mapping[str, Any], where: str) -> Waiver:
    _refuse_unknown(table, list(_KEYS), where, "key")
    for name in _REQUIRED:
        if name not in table:
            raise ConformanceError(f"{where} has no {name}", fix=f"Add {name}", name=name)
    for name, value in table.items():
        if not isinstance(value, _KEYS[name]) or isinstance(value, datetime) or not str(value).strip():
            kind = "a date, without quotes" if name == "until" else "a text that says something"
            raise ConformanceError(f"{name} of {where} is {value!r}", fix=f"Give it {kind}", name=name, value=value)
    named = FORMER_IDS.get(table["id"], table["id"])
    _refuse_unknown([named], [*CHECKS, *FORMER_IDS], where, "id")
    return Waiver(named, table["component"], table["reason"], table.get("until"))


def _fault(waiver: Waiver, plan: Mapping[tuple[str, str], Planned], today: date) -> str:
    if waiver.until is not None and waiver.until < today:
        return f"it ended on {waiver.until.isoformat()}"
    item = plan.get((waiver.component, waiver.check))
    if item is None:
        components = sorted({subject for subject, _ in plan})
        if waiver.component in components:
            return f"that rule is not about {waiver.component}"
        near = get_close_matches(waiver.component, components, n=1)
        return "there is no such component" + (f", did you mean {near[0]}?" if near else "")
    return "" if item.status is None else f"{item.status.value} there, {item.reason}"


def _refuse_unknown(given: Iterable[str], known: Collection[str], where: str, what: str) -> None:
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            fix = f"Did you mean {near[0]}?" if near else f"There is {', '.join(known)}"
            raise ConformanceError(f"{where} has the unknown {what} {name!r}", fix=fix, name=name)
