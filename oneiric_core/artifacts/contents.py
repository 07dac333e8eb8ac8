"""What is in a tree, beside what should be: the files of the wheel it was unpacked from, and nothing else."""

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from oneiric_core.artifacts.descriptors import names_in, open_directory, open_file
from oneiric_core.artifacts.digest import digest_of
from oneiric_core.artifacts.layout import why_no_blob, why_no_tree
from oneiric_core.errors import ArtifactError

__all__ = ["Fault", "faults_of", "judged"]

# That these have run out says nothing about what was to be opened.
_SCARCE: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in a tree that is not as we left it.

    :param name: where, with ``/`` between names; empty for the tree itself.
    :param what: what is wrong with it, as the rest of a sentence.
    """

    name: str
    what: str


def faults_of(tree: int, files: Mapping[str, str]) -> list[Fault]:
    """Everything in which the tree with this descriptor is not as it was unpacked. No link is followed.

    :param files: SHA-256 of each file that should be there, by its name.
    :raises OSError: there are too many open files, or too little memory.
    """
    wanted: dict[str, dict[str, str]] = {"": {}}
    for name, sha256 in files.items():
        above, last = "", name
        while "/" in last:
            step, _, last = last.partition("/")
            wanted[above][step] = ""
            above = f"{above}{step}/"
            wanted.setdefault(above, {})
        wanted[above][last] = sha256
    return judged("", lambda: _faults(tree, "", wanted))


def _faults(directory: int, above: str, wanted: Mapping[str, Mapping[str, str]]) -> list[Fault]:
    """By name; what is missing or should not be there is named as a whole, and not looked into."""
    there, expected, found = set(names_in(directory)), wanted[above], []
    for name in sorted(there | expected.keys()):
        path = f"{above}{name}"
        if name not in there:
            found.append(Fault(path, "is missing"))
        elif name not in expected:
            found.append(Fault(path, "should not be there"))
        elif expected[name]:
            found += judged(path, partial(_faults_of_file, name, directory, path, expected[name]))
        else:
            found += judged(path, partial(_faults_below, name, directory, path, wanted))
    return found


def _faults_of_file(name: str, directory: int, path: str, sha256: str) -> list[Fault]:
    what = why_no_blob(os.stat(name, dir_fd=directory, follow_symlinks=False))
    if not what:
        with open_file(name, above=directory) as file:
            what = why_no_blob(os.fstat(file.fileno()))
            if not what and digest_of(file) != sha256:
                what = "has other bytes than in its wheel"
    return [Fault(path, what)] if what else []


def _faults_below(name: str, directory: int, path: str, wanted: Mapping[str, Mapping[str, str]]) -> list[Fault]:
    what = why_no_tree(os.stat(name, dir_fd=directory, follow_symlinks=False))
    if what:
        return [Fault(path, what)]
    with open_directory(name, above=directory) as below:
        return _faults(below, f"{path}/", wanted)


def judged(path: str, look: Callable[[], list[Fault]]) -> list[Fault]:
    """What ``look`` finds; what cannot be looked at is a fault as well, be it that somebody changes it meanwhile."""
    try:
        return look()
    except ArtifactError:
        return [Fault(path, "is no regular file")]
    except OSError as error:
        if error.errno in _SCARCE:
            raise
        return [Fault(path, f"cannot be read: {error.strerror}")]
