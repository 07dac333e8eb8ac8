"""Looking at everything in the cache without using it: what is not as it was left is put aside, and said.

A tree is compared with the wheel it was unpacked from, byte by byte. Where that is gone, its own RECORD has to do: it
shows what a disk has lost, but nothing of what somebody changed who changed RECORD as well. No such tree is used before
the wheel is there again, and is compared with it then.
"""

import hashlib
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from typing import Final

from oneiric_core.artifacts.contents import Fault, faults_of, judged
from oneiric_core.artifacts.descriptors import names_in, open_directory, open_file
from oneiric_core.artifacts.layout import Layout
from oneiric_core.artifacts.store import BlobStore
from oneiric_core.artifacts.wheel import scan_wheel
from oneiric_core.artifacts.wheel_metadata import DIST_INFO, LONGEST_RECORD, parse_record
from oneiric_core.artifacts.wheel_rules import LIMITS, WheelLimits
from oneiric_core.errors import UnsafeWheelError

__all__ = ["Finding", "find_faults"]

_SYNC: Final = "Sync its source to fetch it again"
_NOTHING: Final = "There is nothing to do: whoever needs it unpacks it again"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was not as it was left, and is in quarantine.

    :param of: "artifact", or "tree" for what was unpacked from it, which is in quarantine as a whole.
    :param name: the file in the tree, with ``/`` between names; empty for the artifact or the tree itself.
    :param what: what is wrong with it, as the rest of a sentence.
    :param fix: what to do.
    """

    sha256: str
    of: str
    name: str
    what: str
    fix: str


def find_faults(store: BlobStore, sha256: str, *, limits: WheelLimits = LIMITS) -> tuple[Finding, ...]:
    """What is wrong with an artifact and its tree; nothing of what is not there. Neither is a use of it.

    Blocks; hold the digest meanwhile, since what is being evicted is not whole.

    :param limits: those under which it was unpacked.
    :raises ArtifactError: the cache directory is not ours alone, or its disk fails.
    """
    with store.examine(sha256) as (file, what), Layout(store.root).telling():
        faults = store.trees.verify(sha256, lambda tree: _faults(tree, file, limits))
        found = [Finding(sha256, "artifact", "", what, _SYNC)] if what else []
        fix = _SYNC if file is None else _NOTHING
        return (*found, *(Finding(sha256, "tree", fault.name, fault.what, fix) for fault in faults))


def _faults(tree: int, file: BufferedReader | None, limits: WheelLimits) -> list[Fault]:
    if file is not None:
        return _faults_by_wheel(tree, file, limits)
    directory = next((name for name in sorted(names_in(tree)) if name.endswith(DIST_INFO)), DIST_INFO)
    return judged(f"{directory}/RECORD", partial(_faults_by_record, tree, directory, limits))


def _faults_by_wheel(tree: int, file: BufferedReader, limits: WheelLimits) -> list[Fault]:
    try:
        wheel = scan_wheel(file, limits, shadowed=lambda *_: "")  # who has its names is no matter: nothing is imported
    except UnsafeWheelError as error:
        return [Fault("", f"is of an artifact that must not be unpacked: {error.what}")]
    return faults_of(tree, {each.name: each.sha256 for each in wheel.files})


def _faults_by_record(tree: int, directory: str, limits: WheelLimits) -> list[Fault]:
    record = f"{directory}/RECORD"
    with open_directory(directory, above=tree) as info, open_file("RECORD", above=info) as file:
        content = file.read(LONGEST_RECORD)
    try:
        lines = parse_record(content, record, limits)
    except UnsafeWheelError as error:
        return [Fault(record, f"cannot be understood: {error.what}")]
    files = {name: line.sha256 for name, line in lines.items()}
    return faults_of(tree, files | {record: hashlib.sha256(content).hexdigest()})
