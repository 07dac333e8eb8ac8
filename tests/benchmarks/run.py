"""Measure what the documents promise, and write ``docs/reference/benchmarks.md``.

Run by ``make bench``, or with the names of some subjects to measure only those anew. Medians on the machine at hand;
nothing here asserts a time.
"""

import os
import platform
import sys

from cache import cache
from core import core
from fetches import fetches
from fixtures import fixtures
from kit import kit
from manifests import manifests
from measure import ROOT
from overhead import overhead
from plugin import plugin
from publishing import publishing
from reload import reload
from swaps import swaps

_HEAD = "| work | measured | goal |"
PAGE = ROOT / "docs" / "reference" / "benchmarks.md"
SUBJECTS = {
    "plugin": plugin,
    "core": core,
    "fixtures": fixtures,
    "swaps": swaps,
    "manifests": manifests,
    "fetches": fetches,
    "reload": reload,
    "cache": cache,
    "kit": kit,
    "overhead": overhead,
    "publishing": publishing,
}


def main() -> None:
    rows = {} if not sys.argv[1:] else _rows_of_the_page()
    for name in sys.argv[1:] or [*SUBJECTS]:
        for figure in SUBJECTS[name]():
            sys.stderr.write(f"{figure.work}: {figure.value}\n")  # it takes long, and may be ended
            rows[figure.work] = f"| {figure.work} | {figure.value} | {figure.goal} |"
    machine = (
        f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}"
    )
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {machine}. Medians; figures of one machine, to be compared with each other.",
        "",
        _HEAD,
        "|---|---|---|",
        *rows.values(),
        "",
    ]
    PAGE.write_text("\n".join(lines), encoding="utf-8")
    sys.stdout.write("\n".join(lines))


def _rows_of_the_page() -> dict[str, str]:
    """What was measured before, by its work: some of it is measured anew."""
    lines = PAGE.read_text(encoding="utf-8").splitlines() if PAGE.exists() else []
    rows = [line for line in lines if line.startswith("| ") and line != _HEAD]
    return {row.split(" | ")[0].removeprefix("| "): row for row in rows}


if __name__ == "__main__":
    main()
