# ruff: noqa: T201 - this is where things are printed
"""How things look. Nothing else prints.

Text is plain: no colours, no boxes, as wide as the terminal; where there is none a paragraph has 80 columns, and a
table what it needs, with one line to each row. Whatever could move a cursor is shown as an escape, because names and
descriptions come from other people's packages.
"""

import json
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any, Final

from oneiric_core.secrecy import without_keys

__all__ = [
    "columns",
    "data",
    "error",
    "fields",
    "flush",
    "line",
    "progress",
    "table",
    "text",
    "usage",
    "verbatim",
    "warning",
]

PROGRAM: Final = "oneiric-core"
_GAP: Final = "  "
_NARROWEST: Final = 4


def columns(*, elsewhere: int = 80) -> int:
    """How wide a line may be: as the terminal, or as ``$COLUMNS`` says, or else ``elsewhere``."""
    return shutil.get_terminal_size((elsewhere, 24)).columns


def text(line: str = "") -> None:
    """A paragraph on standard output. No word is broken, since it may be a path."""
    print("\n".join(textwrap.wrap(_clean(line), columns(), break_long_words=False, break_on_hyphens=False)))


def line(content: str) -> None:
    """One line on standard output, however long, at once: for output that goes on and on."""
    print(_clean(content), flush=True)


def fields(pairs: Sequence[tuple[str, str]], *, indent: str = "   ") -> None:
    """Names and their values, one below the other."""
    longest = max(len(_clean(name)) for name, _ in pairs)
    for name, value in pairs:
        label = f"{indent}{_clean(name):<{longest}}{_GAP}"
        room = max(columns() - len(label), _NARROWEST)
        lines = textwrap.wrap(_clean(value), room) or [""]
        print("\n".join([label + lines[0], *(" " * len(label) + line for line in lines[1:])]).rstrip())


def usage(lines: str) -> None:
    """How to call the program, as typer laid it out, on standard error."""
    print(lines, file=sys.stderr)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows below their headings; the widest columns are wrapped until a row fits a terminal."""
    cells = [[_clean(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    room = columns(elsewhere=sys.maxsize) - len(_GAP) * (len(widths) - 1)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    for row in cells:
        for line in zip_longest(*map(textwrap.wrap, row, widths), fillvalue=""):
            print(_GAP.join(f"{part:<{width}}" for part, width in zip(line, widths, strict=True)).rstrip())


def data(value: Any) -> None:
    """JSON for a program to read."""
    print(json.dumps(value, indent=2))


def verbatim(content: bytes) -> None:
    """A document as it would stand in a file; it goes where programs read."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)


def warning(what: str) -> None:
    """A line on standard error about something that is done nevertheless."""
    print(f"{PROGRAM}: warning: {_clean(without_keys(what))}", file=sys.stderr)


def error(what: str, fix: str = "") -> None:
    """One or two lines on standard error: what happened, and what to do. No private key that got into them."""
    print(f"{PROGRAM}: {_clean(without_keys(what))}", file=sys.stderr)
    if fix:
        print(_clean(fix), file=sys.stderr)


@contextmanager
def progress(label: str, total: int | None, *, hidden: bool = False) -> Iterator[Callable[[int], object]]:
    """Show how far long work is, on standard error and only to a person: a pipe or a file gets nothing.

    :param total: how many units there are; None if nobody knows.
    :param hidden: show nothing, though a person may look.
    :return: what to tell of each unit that is done.
    """
    if hidden or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - only where somebody looks
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn  # noqa: PLC0415

    text_column = TextColumn("{task.description}", markup=False)
    parts = (text_column, BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*parts, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(_clean(label), total=total)
        yield lambda units: bar.advance(task, units)


def flush() -> None:
    """Hand over everything printed so far; whoever closed the pipe is told by the exception."""
    sys.stdout.flush()


def _clean(value: str) -> str:
    return "".join(
        char if char == " " or unicodedata.category(char)[0] not in "CZ" else _escaped(char)
        for char in value.replace("\n", " ").replace("\t", " ")
    )


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
