"""``@pytest.mark.oneiric(…)``: what the fixtures of one test are to be like."""

from collections.abc import Callable, Mapping
from datetime import datetime
from os import PathLike
from typing import Any, Final

import pytest

__all__ = ["MARK", "OPTIONS", "options_of"]

MARK: Final = "oneiric"


class Option:
    """What may be set, for which fixtures, what its values are, and which of those there is none of, with the fix.

    No tuple with names: to make such a class takes longer than all else that is here.
    """

    def __init__(
        self, fixtures: str, takes: str, fits: Callable[[Any], bool], unknown: Callable[[Any], str] = lambda _: ""
    ) -> None:
        self.fixtures: Final = fixtures
        self.takes: Final = takes
        self.fits: Final = fits
        self.unknown: Final = unknown


def _is_paths(value: Any) -> bool:
    several = value if isinstance(value, list | tuple) else [value]
    return all(isinstance(path, str | PathLike) for path in several)


def _unknown_tls(value: str) -> str:
    from oneiric_core import MisuseError  # noqa: PLC0415 - a run without this option must not pay for it
    from oneiric_core.testing import Tls, chosen  # noqa: PLC0415 - likewise

    try:
        chosen(Tls, value)
    except MisuseError as error:
        return str(error)
    return ""


OPTIONS: Final[Mapping[str, Option]] = {
    "strict": Option(
        "oneiric_artifact_server, oneiric_artifact_routes", "True or False", lambda value: isinstance(value, bool)
    ),
    "tls": Option("oneiric_artifact_server", "a kind of Tls", lambda value: isinstance(value, str), _unknown_tls),
    "allow": Option("oneiric_cache_sandbox", "a path, or a list of paths", _is_paths),
    "start": Option(
        "oneiric_clock, oneiric_runtime",
        "a datetime with a time zone",
        lambda value: isinstance(value, datetime) and value.tzinfo is not None,
    ),
    "leaks": Option("oneiric_runtime", "True or False", lambda value: isinstance(value, bool)),
    "profile": Option("oneiric_certify", "the name of a profile", lambda value: isinstance(value, str)),
}


def options_of(node: pytest.Item) -> dict[str, Any]:
    """The options of a test: of all its markers, the closest first.

    Fails the test, with what was probably meant, for anything that is not in :data:`OPTIONS`.
    """
    options: dict[str, Any] = {}
    for mark in node.iter_markers(MARK):
        if mark.args:
            pytest.fail(f"@pytest.mark.oneiric takes no positional arguments, such as {mark.args[0]!r}. "
                        f"Name one of {', '.join(OPTIONS)}.", pytrace=False)  # fmt: skip
        for name, value in mark.kwargs.items():
            _refuse_unfit(name, value)
            options.setdefault(name, value)
    return options


def _refuse_unfit(name: str, value: object) -> None:
    option = OPTIONS.get(name)
    if option is None:
        from difflib import get_close_matches  # noqa: PLC0415 - only a misspelling pays for it

        near = get_close_matches(name, OPTIONS, n=1)
        meant = f"Did you mean {near[0]}?" if near else f"There are {', '.join(OPTIONS)}."
        pytest.fail(f"@pytest.mark.oneiric has no option {name!r}. {meant}", pytrace=False)
    elif not option.fits(value):
        pytest.fail(f"@pytest.mark.oneiric({name}={value!r}): {name} takes {option.takes}.", pytrace=False)
    elif unknown := option.unknown(value):
        pytest.fail(f"@pytest.mark.oneiric({name}={value!r}): {unknown}", pytrace=False)
