"""Arguments that several verbs take."""

from difflib import get_close_matches
from typing import Annotated, TypeAlias

import typer

from oneiric_core.domains import Domain

__all__ = ["AsJson", "DomainArgument", "DomainOption"]


def check_domain(text: str | None) -> str | None:
    """The domain itself, if it is one.

    :raises typer.BadParameter: it is none; the message names the nearest, or all.
    """
    if text is None or text in set(Domain):
        return text
    near = get_close_matches(text, list(Domain), n=1)
    told = f"did you mean {near[0]}?" if near else f"there are {', '.join(Domain)}"
    raise typer.BadParameter(f"there is no domain {text!r}; {told}")


_NAMES = ", ".join(Domain)

DomainArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="DOMAIN", help=f"One of {_NAMES}.", callback=check_domain, show_default=False)
]
DomainOption: TypeAlias = Annotated[
    str | None, typer.Option("--domain", metavar="DOMAIN", help=f"Only one of {_NAMES}.", callback=check_domain)
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]
