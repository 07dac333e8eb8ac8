"""What an audit hook is not told of, found on the disk: places remembered as they were, and looked at again."""

import os
import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

__all__ = ["Lookout", "places_of"]

_Signature: TypeAlias = tuple[int, ...] | None

_MOST: Final = 5_000
"""Entries of one directory that are remembered; what is in larger ones is not found."""
_PATHS: Final = re.compile(r"/[^\s'\"\0,;()<>|&]+")


class Lookout:
    """Paths as they were when they were first of interest, each with the reason why."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[_Signature, Any]] = {}
        self._directories: dict[str, Any] = {}

    def remember(self, path: str, reason: object) -> None:
        """Take note of one path, and of what is in it if it is a directory."""
        if os.path.isdir(path) and not os.path.islink(path):
            if path not in self._directories:
                self._directories[path] = reason
                for entry in _entries(path):
                    self._known.setdefault(entry, (_signature(entry), reason))
        else:
            self._known.setdefault(path, (_signature(path), reason))

    def changes(self) -> Iterator[tuple[str, str, Any]]:
        """What is different now: the path, ``appeared``, ``changed`` or ``is gone``, and the reason to look there."""
        for path, (before, reason) in self._known.items():
            now = _signature(path)
            if now != before:
                yield path, _told(before, now), reason
        for directory, reason in self._directories.items():
            for path in _entries(directory):
                if path not in self._known:
                    yield path, "appeared", reason

    def exported(self) -> dict[str, Any]:
        """What is known, in values that JSON has; for :meth:`add` in another process."""
        known = [[path, before, reason] for path, (before, reason) in self._known.items()]
        return {"known": known, "directories": [[*item] for item in self._directories.items()]}

    def add(self, exported: dict[str, Any], reason: object) -> None:
        """Know what another one knew as well; what is known already is older, and stays.

        :param reason: in place of theirs, of which JSON made something else.
        """
        for path, before, _ in exported["known"]:
            self._known.setdefault(path, (None if before is None else tuple(before), reason))
        for directory, _ in exported["directories"]:
            self._directories.setdefault(directory, reason)

    def refresh(self) -> None:
        """What is there now is what is known."""
        for path, (_, reason) in self._known.items():
            self._known[path] = (_signature(path), reason)
        for directory, reason in self._directories.items():
            for path in _entries(directory):
                self._known.setdefault(path, (_signature(path), reason))


def _told(before: _Signature, now: _Signature) -> str:
    return "appeared" if before is None else "is gone" if now is None else "changed"


def _signature(path: str) -> _Signature:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    # The time at which a directory was changed says nothing that its entries do not say.
    changed = 0 if stat.S_ISDIR(found.st_mode) else found.st_mtime_ns
    return found.st_ino, found.st_mode, found.st_size if changed else 0, changed


def _entries(directory: str) -> list[str]:
    """Without hidden ones: tools keep theirs there, also those of other processes."""
    try:
        with os.scandir(directory) as found:
            names = sorted(entry.path for entry in found if entry.name[0] != "." and entry.name != "__pycache__")
    except OSError:
        return []
    return names[:_MOST]


def places_of(command: Any, directory: Any) -> Iterator[str]:
    """Where a process may write as far as its start tells: its working directory, and paths in its arguments.

    Directories that all programs write in (the one for temporary files, the home) are not among them.
    """
    yield os.path.realpath(Path.cwd() if directory is None else os.fsdecode(directory))
    words = command if isinstance(command, list | tuple) else [command]
    everybodys = {os.path.realpath(path) for path in (tempfile.gettempdir(), Path.home(), "/", "/dev", "/proc", "/usr")}
    for word in words:
        for path in _PATHS.findall(os.fsdecode(word)):
            place = os.path.realpath(path)
            if place not in everybodys:
                yield place
