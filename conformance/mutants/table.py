"""The kit's README, made from the checks and mutants there are: ``python -m mutants.table`` writes it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from oneiric_conformance.registry import CHECKS, Check

README: Final = Path(__file__).resolve().parent.parent / "README.md"

_HEAD: Final = """\
# The conformance kit

Every rule a component, its package or a runtime has to keep, the check that decides it, and what is wrong on purpose to
prove that the check can fail. A check without a mutant that it kills, or a mutant that survives, fails the test suite.

This file is generated: `python -m mutants.table` writes it anew.

- `oneiric_conformance/`: the kit. It needs no pytest; `run_conformance("your-package")` gives a report.
- `mutants/`: the components, packages and runtimes that are wrong in one way each, and one right component per domain.
- `acme/`: a complete repository of a third party, as an example and for `make certify`.

*judges*: **component** is one of yours; **package** is what you publish; **runtime** is the runtime with your package's
data in it, counted apart, for with our own runtime a well-formed package can hardly fail it. A *should* gives a warning
where a *must* fails.
"""


def rendered() -> str:
    """The whole file."""
    from mutants import load  # noqa: PLC0415 - loading imports this file as well

    killers: dict[str, list[str]] = {}
    for mutant in load().values():
        killers.setdefault(mutant.check, []).append(f"{mutant.wrong} (`{mutant.name}`)")
    areas = sorted({check.area for check in CHECKS.values()})
    return "\n".join([_HEAD, *(_area(area, killers) for area in areas)])


def _area(area: str, killers: Mapping[str, Iterable[str]]) -> str:
    rows = [_row(check, killers.get(check.id, ())) for _, check in sorted(CHECKS.items()) if check.area == area]
    head = ["| check | rule | judges | level | mutants it kills | since |", "|---|---|---|---|---|---|"]
    return "\n".join([f"## {area}", "", *head, *rows, ""])


def _row(check: Check, killers: Iterable[str]) -> str:
    place = f"`{check.id}`<br>[{check.name}](oneiric_conformance/checks/{_file(check)})"
    cells = [place, check.rule, check.judges, check.level, "<br>".join(sorted(killers)), check.since]
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _file(check: Check) -> str:
    return f"{check.body.__module__.rpartition('.')[2]}.py"


if __name__ == "__main__":
    README.write_text(rendered(), encoding="utf-8")
