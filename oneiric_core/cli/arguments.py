"""Arguments that several verbs take."""

import re
import textwrap
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from oneiric_core.domains import Domain
from oneiric_core.durations import seconds_of
from oneiric_core.errors import OneiricError
from oneiric_core.levels import CERTIFICATE_LEVELS
from oneiric_core.manifest import media_type_of

__all__ = [
    "AsJson",
    "DomainArgument",
    "DomainOption",
    "DomainsOption",
    "PublicKeys",
    "Threshold",
    "as_usage",
    "check_level",
    "check_threshold",
    "choice",
    "duration",
    "examples",
    "existing",
    "existing_directory",
    "existing_manifest",
    "http_url",
    "manifest_path",
    "named",
]


@contextmanager
def as_usage(option: str | None = None) -> Iterator[None]:
    """What is refused in this block is wrong usage: the argument makes no sense, whatever there is in the world.

    :param option: whose argument it is; a parser need not say, for typer knows.
    """
    try:
        yield
    except OneiricError as error:
        fix = error.fix[:1].lower() + error.fix[1:]
        raise typer.BadParameter(f"{error.what}; {fix}", param_hint=option) from error


def choice(text: str, known: Sequence[str], what: str) -> str:
    """The text itself, if it is one of those known.

    :param what: what they are, such as ``domain``.
    :raises typer.BadParameter: it is none; the message names the nearest, or all.
    """
    if text in known:
        return text
    near = get_close_matches(text, known, n=1)
    told = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    raise typer.BadParameter(f"there is no {what} {text!r}; {told}")


def check_domain(text: str | None) -> str | None:
    """The domain itself, if it is one.

    :raises typer.BadParameter: it is none.
    """
    return None if text is None else choice(text, [*Domain], "domain")


def check_domains(texts: list[str]) -> list[str]:
    """As :func:`check_domain`, for each of several."""
    return [text for text in texts if check_domain(text)]


def existing(text: str) -> Path:
    """The path of a file.

    :raises typer.BadParameter: there is none.
    """
    return _there(text, Path.is_file, "file")


def existing_directory(text: str) -> Path:
    """The path of a directory.

    :raises typer.BadParameter: there is none.
    """
    return _there(text, Path.is_dir, "directory")


def _there(text: str, found: Callable[[Path], bool], what: str) -> Path:
    path = Path(text)
    try:
        there = found(path)
    except OSError as error:
        raise typer.BadParameter(f"there can be no {what} {text!r}: {error.strerror}") from error
    if not there:
        raise typer.BadParameter(f"there is no {what} {text!r}")
    return path


def manifest_path(text: str) -> Path:
    """A path whose name says in which form a manifest is; it may come to be there later.

    :raises typer.BadParameter: the name says nothing.
    """
    path = Path(text)
    with as_usage():
        media_type_of(path.name)
    return path


def existing_manifest(text: str) -> Path:
    """The same of a file.

    :raises typer.BadParameter: there is none, or its name says nothing.
    """
    existing(text)
    return manifest_path(text)


def named(text: str) -> str:
    """A name that is not empty.

    :raises typer.BadParameter: it is.
    """
    if not text.strip():
        raise typer.BadParameter("it has no name")
    return text


def http_url(text: str, option: str | None = None) -> str:
    """The URL itself, if it is one that a server could be asked for.

    :raises typer.BadParameter: it is none.
    """
    from oneiric_core.remote.http_urls import read_url  # noqa: PLC0415 - loads an HTTP client, and few name one

    with as_usage(option):
        read_url(text)
    return text


def check_level(text: str) -> str:
    """The level of a certificate itself, if it is one.

    :raises typer.BadParameter: it is none.
    """
    return choice(text, CERTIFICATE_LEVELS, "level")


def check_threshold(threshold: int, keys: Collection[object]) -> int:
    """The threshold itself, if so many keys can sign.

    :raises typer.BadParameter: there are fewer.
    """
    if threshold > (distinct := len(frozenset(keys))):
        raise typer.BadParameter(
            f"a threshold of {threshold} makes no sense with {distinct} distinct keys", param_hint="--threshold"
        )
    return threshold


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
