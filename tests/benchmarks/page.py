"""The page of figures: a table of each subject, which goes as a whole when the subject is measured anew."""

from collections.abc import Iterable, Mapping

__all__ = ["page_of"]

_HEAD = "| work | measured | goal |"
_RULE = "|---|---|---|"


def page_of(machine: str, measured: Mapping[str, list[str]], before: str, subjects: Iterable[str]) -> str:
    """The text of the page.

    :param measured: rows by subject.
    :param before: the page as it was, which the others are taken from.
    :param subjects: all there are, in their order; what is of none of them any more goes.
    """
    tables = {**_rows_of(before), **measured}
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {machine}. Medians; each section is of one machine, to be compared in itself.",
    ]
    for subject in subjects:
        if subject in tables:
            lines += ["", f"## {subject}", "", _HEAD, _RULE, *tables[subject]]
    return "\n".join([*lines, ""])


def _rows_of(page: str) -> dict[str, list[str]]:
    tables: dict[str, list[str]] = {}
    rows: list[str] = []
    for line in page.splitlines():
        if line.startswith("## "):
            rows = tables[line.removeprefix("## ")] = []
        elif line.startswith("| ") and line != _HEAD:
            rows.append(line)
    return tables
