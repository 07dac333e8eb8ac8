"""Arguments that several verbs take."""

import re
import textwrap
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from oneiric_core.domains import Domain
from oneiric_core.durations import seconds_of

__all__ = [
    "AsJson",
    "DomainArgument",
    "DomainOption",
    "DomainsOption",
    "PublicKeys",
    "Threshold",
    "duration",
    "examples",
    "existing",
]


def check_domain(text: str | None) -> str | None:
    """The domain itself, if it is one.

    :raises typer.BadParameter: it is none; the message names the nearest, or all.
    """
    if text is None or text in set(Domain):
        return text
    near = get_close_matches(text, list(Domain), n=1)
    told = f"did you mean {near[0]}?" if near else f"there are {', '.join(Domain)}"
    raise typer.BadParameter(f"there is no domain {text!r}; {told}")


def check_domains(texts: list[str]) -> list[str]:
    """As :func:`check_domain`, for each of several."""
    return [text for text in texts if check_domain(text)]


def existing(text: str) -> Path:
    """The path of a file.

    :raises typer.BadParameter: there is none.
    """
    path = Path(text)
    try:
        found = path.is_file()
    except OSError as error:
        raise typer.BadParameter(f"there can be no file {text!r}: {error.strerror}") from error
    if not found:
        raise typer.BadParameter(f"there is no file {text!r}")
    return path


_NAMES = ", ".join(Domain)

DomainArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="DOMAIN", help=f"One of {_NAMES}.", callback=check_domain, show_default=False)
]
DomainOption: TypeAlias = Annotated[
    str | None, typer.Option("--domain", metavar="DOMAIN", help=f"Only one of {_NAMES}.", callback=check_domain)
]
DomainsOption: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--domain", metavar="DOMAIN", help=f"Only this one of {_NAMES}; may be said again.", callback=check_domains
    ),
]
PublicKeys: TypeAlias = Annotated[
    list[Path],
    typer.Option("--public-key", metavar="PATH", parser=existing, help="A key that is trusted; may be said again."),
]
Threshold: TypeAlias = Annotated[
    int, typer.Option("--threshold", metavar="N", min=1, help="How many distinct keys have to have signed.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]

_EXAMPLE: Final = 70


def duration(text: str) -> timedelta:
    """What ``30d``, ``12h``, ``2w``, ``1.5h`` or ``45s`` means, as in the settings.

    :raises typer.BadParameter: any other text.
    """
    try:
        return timedelta(seconds=seconds_of(text))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no duration; write it like 30d, 12h or 2w") from error


def examples(*commands: str) -> str:
    """The end of a help page: how it is typed. A long command goes on in the next line, as a shell takes it."""
    lines = (" \\\n      ".join(_folded(command)) for command in commands)
    return "\b\nExamples:\n" + "\n".join(f"  $ {line}" for line in lines)


def _folded(command: str) -> list[str]:
    """Parts that fit into 80 columns, with what is put around them, where words allow it."""
    whole = re.sub(r"(--[\w-]+) (?!--)(\S+)", "\\1\N{NO-BREAK SPACE}\\2", command.replace("\\\n", ""))
    parts = textwrap.wrap(whole, _EXAMPLE, break_long_words=False, break_on_hyphens=False)
    return [part.replace("\N{NO-BREAK SPACE}", " ") for part in parts]
