"""``oneiric-core checks``: which rules the conformance kit checks, or one of them in full."""

from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oneiric_core import ActivationError
from oneiric_core.cli import render
from oneiric_core.cli.arguments import AsJson, examples
from oneiric_core.cli.finding import plain_application

if TYPE_CHECKING:
    from oneiric_conformance.registry import Check

__all__ = ["verb"]


verb = plain_application()


@verb.command(
    "checks",
    epilog=examples("oneiric-core checks", "oneiric-core checks HOT-004", "oneiric-core checks HOT --json"),
)
def checks(
    id: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="A check, as HOT-004, or an area, as HOT.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Which rules the conformance kit checks, or one of them in full."""
    chosen = _chosen(_known(), None if id is None else id.upper())
    if as_json:
        render.data([_as_data(check) for check in chosen])
    elif id is not None and chosen[0].id == id.upper():
        _show(chosen[0])
    else:
        rows = [(check.id, check.judges, check.level, _brief(check.rule)) for check in chosen]
        render.table(("check", "judges", "level", "rule"), rows)
        render.text()
        render.text(f"{len(chosen)} checks. Say `oneiric-core checks ID` to see one of them in full.")


def _known() -> "dict[str, Check]":
    try:
        from oneiric_conformance.checks import CHECKS  # noqa: PLC0415 - brings Hypothesis; the list of verbs does not
    except ModuleNotFoundError as error:
        raise ActivationError(
            f"the conformance kit needs {error.name}, which is not installed",
            fix="Install oneiric-core[conformance]",
            module=error.name,
        ) from error
    return dict(sorted(CHECKS.items()))


def _chosen(known: "dict[str, Check]", id: str | None) -> "list[Check]":
    """The check of that id, else all of that area, else all there are.

    :raises typer.BadParameter: there is none.
    """
    if id is None:
        return [*known.values()]
    if id in known:
        return [known[id]]
    areas = sorted({check.area for check in known.values()})
    if id in areas:
        return [check for check in known.values() if check.area == id]
    near = get_close_matches(id, [*known, *areas], n=1)
    told = f"did you mean {near[0]}?" if near else f"choose one, or an area: {', '.join(areas)}"
    raise typer.BadParameter(f"there is no check {id!r}; {told}", param_hint="ID")


def _as_data(check: "Check") -> dict[str, Any]:
    """Plain data."""
    return {
        "id": check.id,
        "name": check.name,
        "judges": check.judges,
        "level": check.level,
        "since": check.since,
        "counts": _counts(check),
        "domains": sorted(check.domains),
        "claims": check.claims,
        "floor": check.floor,
        "rule": check.rule,
        "troubleshooting": check.troubleshooting,
    }


def _counts(check: "Check") -> str:
    """The requirement set in which it counts; empty where it waits for the next one."""
    from oneiric_conformance.requirements import requirement_set  # noqa: PLC0415 - only once a check was found

    latest = requirement_set()
    return latest.id if check.id in latest.checks else ""


def _show(check: "Check") -> None:
    data = _as_data(check)
    render.text(f"{check.id} {check.name.replace('_', ' ')}")
    render.text()
    for paragraph in check.explanation:
        render.text(paragraph.replace("``", ""))
        render.text()
    facts = {
        "judges": check.judges,
        "level": f"{check.level}: a component that breaks it {'fails' if check.level == 'must' else 'is warned'}",
        "about": ", ".join(data["domains"]) or "every domain",
        "claims": check.claims,
        "tries": f"{check.floor} cases at least, else it is an error of the kit",
        "counts": f"in requirement set {data['counts']}" if data["counts"] else "not yet: it is reported as not scored",
        "mend": check.troubleshooting.replace("``", ""),
        "alone": f"pytest --oneiric-conformance -k {check.id}",
    }
    render.fields([(name, text) for name, text in facts.items() if text], indent="")


def _brief(rule: str) -> str:
    """The first sentence; what follows is told of one check at a time."""
    return rule.partition(". ")[0].rstrip(".").replace("``", "") + "."
