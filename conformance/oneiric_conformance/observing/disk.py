"""What is on the disk, seen with our own eyes: every file below a directory and the digest of its bytes."""

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

__all__ = ["differences", "tree"]


def tree(root: Path, *, without: Collection[Path] = ()) -> dict[str, str]:
    """Everything below ``root`` by its path from there, and what it is: ``directory``, a digest, a link's target.

    :param without: directories that are not looked into; they themselves are left out too.
    """
    return dict(_below(str(root), "", {str(path) for path in without}))


def _below(directory: str, named: str, without: Collection[str]) -> Iterator[tuple[str, str]]:
    """What is in ``directory``, and further down, by names that begin with ``named``."""
    try:
        with os.scandir(directory) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.path in without:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield f"{named}{entry.name}", "directory"
            yield from _below(entry.path, f"{named}{entry.name}/", without)
        else:
            yield f"{named}{entry.name}", _kind(entry)


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return f"link to {os.readlink(entry.path)}"  # noqa: PTH115 - asked for every file in a tree
    if not entry.is_file(follow_symlinks=False):
        return "neither file nor directory"
    return hashlib.sha256(Path(entry.path).read_bytes()).hexdigest()


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What changed between two looks, one phrase each."""
    return [
        *(f"{path!r} appeared, a {_named(after[path])}" for path in sorted(after.keys() - before.keys())),
        *(f"{path!r} is gone" for path in sorted(before.keys() - after.keys())),
        *(f"{path!r} was changed" for path in sorted(before.keys() & after.keys()) if before[path] != after[path]),
    ]


def _named(kind: str) -> str:
    return kind if " " in kind or kind == "directory" else "file"
