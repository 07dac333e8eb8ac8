"""Write ``docs/reference/command-line.md`` from the commands themselves: ``python tests/docs/command_line.py``."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from oneiric_core.cli.finding import find_verbs

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "command-line.md"
HEAD = """\
# Command line

<!-- Written by tests/docs/command_line.py; a test compares it with what the commands say of themselves. -->

`oneiric-core --help` lists the verbs, `oneiric-core VERB --help` explains one. Packages may add verbs of their own,
which are listed where they are installed. `checks`, `certificate merge` and `certificate verify --rerun` need
`oneiric-core[conformance]`. `oneiric-core --install-completion` teaches your shell to complete what you type.

| exit code | means |
|---|---|
| 0 | done |
| 1 | the answer is no: not verified, not certified, refused, or something could not be had |
| 2 | wrong usage |
| 3 | a defect of ours |
| 130 | interrupted |

What is asked for goes to standard output, with `--json` as JSON; errors go to standard error, in one or two lines that
say what to do. Progress is shown on a terminal, and nowhere else.
"""


def page() -> str:
    """All of it."""
    verbs = [verb for verb in find_verbs().values() if verb.owner in {"", "oneiric-core"}]
    sections = [section for verb in verbs for section in sections_of(verb.name, typer.main.get_command(verb.load()))]
    return "\n".join([HEAD, *sections])


def sections_of(path: str, command: Any) -> Iterator[str]:
    """A verb, or each of those below it."""
    below = getattr(command, "commands", None)
    if below is None:
        yield section(path, command)
        return
    for name, each in below.items():
        yield from sections_of(f"{path} {name}", each)


def section(path: str, command: Any) -> str:
    lines = [f"## {path}", "", inspect.cleandoc(command.help or ""), ""]
    context = command.make_context(path, [], resilient_parsing=True)
    records = [param.get_help_record(context) for param in command.params]
    rows = [f"| `{plain(name)}` | {plain(told)} |" for name, told in filter(None, records)]
    if rows:
        lines += ["| | |", "|---|---|", *rows, ""]
    if examples := example_lines(command):
        lines += ["For example:", "", *(f"    {line}" for line in examples)]
    return "\n".join(lines).rstrip() + "\n"


def plain(text: str) -> str:
    """``text`` for a cell of a table, where a bar would end it."""
    return re.sub(r"\s+", " ", text.replace("|", " or "))


def example_lines(command: Any) -> list[str]:
    """The commands at the end of its help, without the prompt."""
    _, _, text = (command.epilog or "").partition("Examples:\n")
    return [re.sub(r"^  (\$ )?", "", line) for line in text.splitlines()]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
