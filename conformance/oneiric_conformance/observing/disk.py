"""What is on the disk, seen with our own eyes: every file below a directory and the digest of its bytes."""

import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

__all__ = ["differences", "tree"]


def tree(root: Path, *, without: Collection[Path] = ()) -> dict[str, str]:
    """Everything below ``root`` by its path from there, and what it is: ``directory``, a digest, a link's target.

    :param without: directories that are not looked into; they themselves are left out too.
    """
    return dict(_below(root, root, {str(path) for path in without}))


def _below(root: Path, directory: Path, without: Collection[str]) -> Iterator[tuple[str, str]]:
    if not directory.is_dir():
        return
    with os.scandir(directory) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.path in without:
                continue
            path = Path(entry.path)
            yield str(path.relative_to(root)), _kind(path)
            if entry.is_dir(follow_symlinks=False):
                yield from _below(root, path, without)


def _kind(path: Path) -> str:
    mode = path.lstat().st_mode
    if stat.S_ISDIR(mode):
        return "directory"
    if stat.S_ISLNK(mode):
        return f"link to {path.readlink()}"
    return hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(mode) else "neither file nor directory"


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What changed between two looks, one phrase each."""
    return [
        *(f"{path!r} appeared, a {_named(after[path])}" for path in sorted(after.keys() - before.keys())),
        *(f"{path!r} is gone" for path in sorted(before.keys() - after.keys())),
        *(f"{path!r} was changed" for path in sorted(before.keys() & after.keys()) if before[path] != after[path]),
    ]


def _named(kind: str) -> str:
    return kind if " " in kind or kind == "directory" else "file"
