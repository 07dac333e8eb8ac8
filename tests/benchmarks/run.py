"""Measure what the documents promise, and write ``docs/reference/benchmarks.md``.

Run by ``make bench``, or with the names of some subjects to see only those. Medians on the machine at hand; nothing
here asserts a time.
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
    chosen = sys.argv[1:] or [*SUBJECTS]
    figures = []
    for name in chosen:
        for figure in SUBJECTS[name]():
            sys.stderr.write(f"{figure.work}: {figure.value}\n")  # it takes long, and may be ended
            figures.append(figure)
    machine = (
        f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}"
    )
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {machine}. Medians; figures of one machine, to be compared with each other.",
        "",
        "| work | measured | goal |",
        "|---|---|---|",
        *(f"| {figure.work} | {figure.value} | {figure.goal} |" for figure in figures),
        "",
    ]
    if not sys.argv[1:]:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text("\n".join(lines), encoding="utf-8")
    sys.stdout.write("\n".join(lines))


if __name__ == "__main__":
    main()
