"""Packages whose wheel must not be unpacked."""

from mutants import mutant, reference
from mutants.released import released
from oneiric_conformance.subject import Package
from oneiric_core.testing import BadWheel


def _with(kind: BadWheel) -> Package:
    return reference.package(reference.subject_of(reference.Slugify), wheel=released(kind))


@mutant("WHL-001", expects="../evil.py")
def climbs_out() -> Package:
    """Its wheel has a file whose name leads out of it."""
    return _with(BadWheel.CLIMBING)


@mutant("WHL-001", expects="nul.txt")
def names_a_device() -> Package:
    """Its wheel has a file that is a device on Windows."""
    return _with(BadWheel.DEVICE_NAME)


@mutant("WHL-002", expects="mutants/link' is not a plain file")
def holds_a_link() -> Package:
    """Its wheel has a symbolic link."""
    return _with(BadWheel.SYMLINK)


@mutant("WHL-003", expects="has other bytes than RECORD says")
def was_changed() -> Package:
    """A file of its wheel was changed after it was built."""
    return _with(BadWheel.OTHER_BYTES)


@mutant("WHL-003", expects="is not in RECORD")
def lists_too_little() -> Package:
    """Its wheel has a file that RECORD does not list."""
    return _with(BadWheel.UNLISTED)


@mutant("WHL-004", expects="would run whenever Python starts")
def starts_with_python() -> Package:
    """Its wheel has a .pth file."""
    return _with(BadWheel.PTH)


@mutant("WHL-004", expects="is bytecode")
def ships_bytecode() -> Package:
    """Its wheel has bytecode without the source of it."""
    return _with(BadWheel.BYTECODE)


@mutant("WHL-005", expects="'json' is the name of a module of the standard library")
def shadows_the_standard_library() -> Package:
    """Its wheel has a module named json."""
    return _with(BadWheel.STANDARD_LIBRARY)


@mutant("WHL-005", expects="'pydantic' is the name of a module of pydantic")
def shadows_another_distribution() -> Package:
    """Its wheel has a module named as one that it requires."""
    return _with(BadWheel.INSTALLED)


@mutant("WHL-006", expects="is one with another member")
def differs_in_case() -> Package:
    """Its wheel has two files whose names differ in case only."""
    return _with(BadWheel.CASE)


@mutant("WHL-007", expects="unpack to")
def is_a_bomb() -> Package:
    """Its wheel unpacks to a thousand times its size."""
    return _with(BadWheel.BOMB)


@mutant("WHL-008", expects="has a descriptor")
def was_streamed() -> Package:
    """Its wheel was written to a pipe, so that sizes stand behind what they are the size of."""
    return _with(BadWheel.DESCRIPTOR)


@mutant("WHL-008", expects="something hidden is before it")
def hides_a_member() -> Package:
    """Its wheel has a member that the directory does not name."""
    return _with(BadWheel.HIDDEN)
