"""The options this plugin adds, and what happens to one that is misspelt."""

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

__all__ = ["ANCHOR_INI", "PATHS", "add_options", "given", "refuse_misleading", "refuse_secret", "refuse_unknown"]

ANCHOR_INI: Final = "oneiric_conformance_anchor"
_SIGNING_KEY: Final = "--oneiric-signing-key"
_OPTIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "--oneiric-conformance": {
        "action": "store_true",
        "help": "judge the components of this project, beside its own tests",
    },
    "--oneiric-component": {
        "action": "append",
        "metavar": "SPEC",
        "default": [],
        "help": "judge only this component: domain/key/provider, or module:attribute (repeatable)",
    },
    "--oneiric-profile": {
        "metavar": "NAME",
        "default": None,
        "help": "how thoroughly: quick, gate (default), deep or explore",
    },
    "--oneiric-seed": {
        "metavar": "N",
        "type": int,
        "default": None,
        "help": "where the profile explore starts (default: somewhere else each time)",
    },
    "--oneiric-database": {
        "action": "append",
        "metavar": "PLACE",
        "default": [],
        "help": "where the profile explore saves what failed: a directory, or redis://host:port/number (repeatable)",
    },
    "--oneiric-replay": {
        "metavar": "WORD",
        "default": None,
        "help": "try again the one example that the word of a failure card stands for",
    },
    "--oneiric-level": {
        "metavar": "LEVEL",
        "default": None,
        "help": "fail unless this level is reached: core or hardened",
    },
    "--oneiric-waivers": {
        "metavar": "PATH",
        "default": None,
        "help": "rules accepted as broken (default: oneiric-waivers.toml, if there is one)",
    },
    "--oneiric-wheel": {
        "metavar": "PATH",
        "default": None,
        "help": "the wheel that is released; rules about wheels apply only when there is one",
    },
    "--oneiric-runtime": {
        "metavar": "SPEC",
        "default": None,
        "help": "try them in this runtime, and judge it: module:attribute (default: the project's own)",
    },
    "--oneiric-report": {
        "metavar": "PATH",
        "default": None,
        "help": "write the report as JSON to PATH",
    },
    "--oneiric-html": {
        "metavar": "PATH",
        "default": None,
        "help": "write the report as one page to PATH",
    },
    "--oneiric-badge": {
        "metavar": "PATH",
        "default": None,
        "help": "write a badge to PATH: .json for shields.io, .svg for a picture",
    },
    "--oneiric-certificate": {
        "metavar": "PATH",
        "default": None,
        "help": "write a signed certificate for the wheel to PATH",
    },
    _SIGNING_KEY: {
        "metavar": "PATH",
        "default": None,
        "help": "the private key (Ed25519, PEM) that signs the certificate",
    },
    "--oneiric-password-env": {
        "metavar": "NAME",
        "default": None,
        "help": "the environment variable that holds the password of the private key",
    },
    "--oneiric-run-url": {
        "metavar": "URL",
        "default": None,
        "help": "where people can look at this run; stands on the certificate",
    },
}


PATHS: Final = tuple(name for name, how in _OPTIONS.items() if how.get("metavar") == "PATH")
"""The options that take a path, relative to where pytest was started."""


def given(config: pytest.Config) -> list[str]:
    """Those of the options that need ``--oneiric-conformance`` and were given."""
    unset: tuple[object, ...] = (None, False, [])
    return [flag for flag in _OPTIONS if flag != "--oneiric-conformance" and config.getoption(flag) not in unset]


def refuse_misleading(args: Sequence[str], here: Path) -> None:
    """Refuse a path outside of where pytest was started that stands in an argument of its own.

    Pytest looks for its root directory before it knows any plugin's options, and takes every argument that is a path
    for a place where tests are. With ``=`` it is none.

    :raises pytest.UsageError: with the argument as it should be.
    """
    if any(arg.partition("=")[0] in {"--rootdir", "-c", "--config-file"} for arg in args):
        return
    for flag, value in itertools.pairwise(args):
        if flag in PATHS and not Path(os.path.normpath(here / value)).is_relative_to(here):
            raise pytest.UsageError(
                f"{flag} {value} lies outside of {here}, and pytest would look for tests there. Write {flag}={value}"
            )


def refuse_secret(config: pytest.Config) -> None:
    """Refuse, and do not show, a key in the place of its path.

    The settings refuse it, too, yet what is typed reaches them as an absolute path, where a key is hard to recognise.

    :raises pytest.UsageError: that was given.
    """
    if value := config.getoption(_SIGNING_KEY):
        from oneiric_core import could_be_path  # noqa: PLC0415 - only where one is given

        if not could_be_path(value) and not os.path.lexists(config.invocation_params.dir / value):
            raise pytest.UsageError(
                f"{_SIGNING_KEY} takes the path of a file; what was given is not shown, since it may be the key itself"
            )


def add_options(parser: pytest.Parser) -> None:
    """Add the command line options and the ini setting."""
    group = parser.getgroup("oneiric", "conformance of Oneiric components")
    for flag, how in _OPTIONS.items():
        group.addoption(flag, **how)
    parser.addini(ANCHOR_INI, "file under which the conformance suite appears (default: pyproject.toml)", default="")


def refuse_unknown(args: Sequence[str]) -> None:
    """Refuse an option that looks like one of ours and is none.

    :raises pytest.UsageError: with the option that was probably meant.
    """
    for arg in args:
        flag = arg.partition("=")[0]
        if flag.startswith("--onei") and flag not in _OPTIONS:
            from difflib import get_close_matches  # noqa: PLC0415 - only a misspelling pays for it

            near = get_close_matches(flag, _OPTIONS, n=1)
            meant = f"Did you mean {near[0]}?" if near else f"There are {', '.join(_OPTIONS)}."
            raise pytest.UsageError(f"unknown option {flag}. {meant}")
