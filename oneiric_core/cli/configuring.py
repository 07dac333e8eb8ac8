"""The settings that a verb honours: a file that is named, or ``oneiric.toml`` where we are."""

from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from oneiric_core.cli.arguments import existing
from oneiric_core.runtime.settings_file import read_settings
from oneiric_core.settings import Settings

__all__ = ["SettingsOption", "find_settings", "read_configured"]

_HERE: Final = Path("oneiric.toml")

SettingsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="PATH",
        parser=existing,
        envvar="ONEIRIC_SETTINGS",
        help="The settings; oneiric.toml here if left out.",
    ),
]


def find_settings(named: Path | None) -> Path | None:
    """The settings file there is; None where none is named and none is here."""
    if named is not None:
        return named
    return _HERE if _HERE.exists() else None


def read_configured(named: Path | None) -> Settings:
    """What is configured; nothing where there is no file.

    :raises SettingsError: the file cannot be read, or says what has no meaning.
    """
    path = find_settings(named)
    return Settings() if path is None else read_settings(path)
