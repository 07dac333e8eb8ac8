"""Where a report is kept: a file that is complete or not there, refused before the run if it could not be written."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from oneiric_conformance.report import ConformanceReport
from oneiric_core import ConformanceError

__all__ = ["ReportFile"]


class ReportFile:
    """A place for a report.

    :raises ConformanceError: at once, if nothing can be written there: an hour of checks must not end in a lost report.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._renamed_from("")
        except OSError as error:
            raise ConformanceError(
                f"the report cannot be written to {str(path)!r}: {error.strerror or error}",
                fix="Name a file in a directory that exists and can be written to",
                path=str(path),
            ) from error

    def write(self, report: ConformanceReport) -> Path:
        """Put the report there in one step."""
        self._renamed_from(report.to_text(), keep=True)
        return self.path

    def _renamed_from(self, text: str, *, keep: bool = False) -> None:
        if self.path.is_dir():
            raise IsADirectoryError(None, "it is a directory")
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            if keep:
                Path(name).chmod(0o644)
                Path(name).replace(self.path)
        finally:
            with suppress(FileNotFoundError):  # renamed: nothing is left to remove
                Path(name).unlink()
