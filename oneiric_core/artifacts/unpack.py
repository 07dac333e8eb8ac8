"""From a wheel in the cache to the tree of its files, which is there already or appears as a whole.

Bytes are scanned, written and read again; each time it is checked that they are the same. The writer and the scan have
one reader, our own: what another one makes of the archive does not matter.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from oneiric_core.artifacts.contents import faults_of
from oneiric_core.artifacts.descriptors import NEW_FILE, open_directory
from oneiric_core.artifacts.installed import runs_here, shadowed_by
from oneiric_core.artifacts.layout import Layout
from oneiric_core.artifacts.store import BlobStore
from oneiric_core.artifacts.wheel import Shadowed, Wheel, scan_wheel, unpacked
from oneiric_core.artifacts.wheel_rules import LIMITS, WheelLimits
from oneiric_core.errors import ArtifactError

__all__ = ["unpack"]


def unpack(
    store: BlobStore, sha256: str, *, limits: WheelLimits = LIMITS, shadowed: Shadowed = shadowed_by
) -> tuple[Wheel, Path]:
    """What the wheel of that digest is, and where its files are, verified just now. Blocks; hold the digest meanwhile.

    :raises UnsafeWheelError: it must not be unpacked; nothing is.
    :raises ArtifactError: it is not in the cache, or is for other systems; or the cache cannot be used.
    """
    with store.open(sha256) as file:
        wheel = scan_wheel(file, limits, shadowed=shadowed)
        _refuse_foreign(wheel)
        files = {each.name: each.sha256 for each in wheel.files}
        with Layout(store.root).telling():
            path = store.trees.find(sha256, lambda tree: not faults_of(tree, files))
            if path is None:
                with store.trees.new(sha256) as tree:
                    for member, chunks in unpacked(file, wheel, limits):
                        _write(tree, member.name, chunks)
                path = store.trees.find(sha256, lambda tree: not faults_of(tree, files))
    if path is None:
        raise ArtifactError(
            f"the files of artifact {sha256} were written and are not there: somebody else works in the cache",
            fix="Stop whoever does, or name another cache directory",
            sha256=sha256,
        )
    return wheel, path


def _refuse_foreign(wheel: Wheel) -> None:
    if not runs_here(wheel.tags):
        raise ArtifactError(
            f"{wheel.name} {wheel.version} is a wheel for {', '.join(sorted(wheel.tags)) or 'no system at all'}",
            fix="Publish one for this system, or say in the entry where it runs (python_version, os_platform)",
            tags=wheel.tags,
        )


def _write(tree: int, name: str, chunks: Iterator[bytes]) -> None:
    *steps, last = name.split("/")
    with _made(tree, steps) as directory, open(os.open(last, NEW_FILE, 0o600, dir_fd=directory), "wb") as file:  # noqa: PTH123 - a descriptor
        file.writelines(chunks)


@contextmanager
def _made(directory: int, steps: Sequence[str]) -> Iterator[int]:
    with ExitStack() as stack:
        for step in steps:
            with suppress(FileExistsError):
                os.mkdir(step, 0o700, dir_fd=directory)
            directory = stack.enter_context(open_directory(step, above=directory))
        yield directory
