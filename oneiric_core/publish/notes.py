"""Release notes, from the fragments that changes left behind."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from packaging.version import Version

from oneiric_core.errors import ArtifactError

__all__ = ["release_notes"]

_CONFIGURED_IN: Final = ("pyproject.toml", "towncrier.toml")


def release_notes(project: Path, version: Version) -> str:
    """What towncrier, as ``project`` configures it, makes of the fragments there; nothing is changed.

    :return: Markdown (or what the project has its notes in), ending in a newline.
    :raises ArtifactError: towncrier is not installed, or cannot make notes of it.
    """
    if not any((project / name).is_file() for name in _CONFIGURED_IN):  # it would go on looking further up
        raise ArtifactError(f"there is no {' or '.join(_CONFIGURED_IN)} in {project}", fix="Say where, by --project")
    asked = ["towncrier", "build", "--draft", "--version", str(version), "--dir", str(project)]
    command = [sys.executable, "-X", "utf8", "-m", *asked]  # whatever the locale says, the notes are in UTF-8
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)  # noqa: S603 - our own
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise ArtifactError(
            f"towncrier makes no notes of {project}: {said[-1] if said else 'it says nothing'}",
            fix="Install towncrier, and configure it in pyproject.toml or towncrier.toml",
        )
    return f"{done.stdout.strip()}\n"
