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
from page import page_of
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
    measured: dict[str, list[str]] = {}
    for name in sys.argv[1:] or [*SUBJECTS]:
        measured[name] = []
        for figure in SUBJECTS[name]():
            sys.stderr.write(f"{figure.work}: {figure.value}\n")  # it takes long, and may be ended
            measured[name].append(f"| {figure.work} | {figure.value} | {figure.goal} |")
    machine = (
        f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}"
    )
    page = page_of(machine, measured, PAGE.read_text(encoding="utf-8") if PAGE.exists() else "", SUBJECTS)
    PAGE.write_text(page, encoding="utf-8")
    sys.stdout.write(page)


if __name__ == "__main__":
    main()
