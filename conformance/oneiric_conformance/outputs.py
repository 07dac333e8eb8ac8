"""Files that a run leaves behind: complete or not there, and refused before the run if they could not be written."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from oneiric_core import ConformanceError

__all__ = ["OutputFile"]


class OutputFile:
    """A place for a text.

    :param what: what it will be, for messages: ``report``, ``certificate``.
    :raises ConformanceError: at once, if nothing can be written there: an hour of checks must not end in a lost report.
    """

    def __init__(self, path: Path, what: str) -> None:
        self.path = path
        self.what = what
        try:
            self._renamed_from("")
        except OSError as error:
            raise ConformanceError(
                f"the {what} cannot be written to {str(path)!r}: {error.strerror or error}",
                fix="Name a file in a directory that exists and can be written to",
                path=str(path),
            ) from error

    def write(self, text: str) -> Path:
        """Put the text there in one step."""
        self._renamed_from(text, keep=True)
        return self.path

    def remove(self) -> None:
        """Take away what an earlier run left there, where this one has nothing to put in its place."""
        self.path.unlink(missing_ok=True)

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
