"""WHL: the file that is released is one that a runtime can unpack without harm.

A runtime refuses the whole wheel for any of these; here each is told apart, with the member that breaks it.
"""

import io
from collections.abc import Iterable
from typing import Final

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.releases import wheel_bytes
from oneiric_conformance.judging.findings import Untried
from oneiric_conformance.registry import check
from oneiric_core import UnsafeWheelError, WheelRule, wheel_faults
from oneiric_core.testing import BadWheel, bad_wheel, make_wheel

__all__: list[str] = []

_UNREADABLE: Final = frozenset({WheelRule.ARCHIVE, WheelRule.SIZE})
_NEEDS_RECORD: Final = frozenset({WheelRule.SHADOWING, WheelRule.SIZE, WheelRule.ARCHIVE})
_NAMED: Final = 3


def _judge(bench: Bench, rule: WheelRule) -> None:
    """Nothing in the wheel breaks the rule, and what breaks it in a wheel of the kit's own is found."""
    with bench.control("a small wheel with nothing wrong is accepted"):
        bench.expect(not wheel_faults(io.BytesIO(make_wheel())), seen="it was refused")
    with bench.control("wheels that break the rule in known ways are refused by it"):
        for kind in BadWheel:
            if kind.rule is rule:
                found = {fault.evidence["rule"] for fault in wheel_faults(io.BytesIO(bad_wheel(kind)))}
                bench.expect(found == {rule}, seen=f"a wheel with {kind} was refused by {found or 'nothing'}")
    faults = wheel_faults(io.BytesIO(wheel_bytes(bench.package)))
    broken = [fault for fault in faults if fault.evidence["rule"] is rule]
    bench.expect(not broken, seen=_listed(broken), example=str(broken[0].evidence["member"]) if broken else "")
    found = {fault.evidence["rule"] for fault in faults}
    hidden = found & _UNREADABLE or (rule in _NEEDS_RECORD and WheelRule.RECORD in found)
    if hidden:
        raise Untried(_listed(faults), "a wheel that can be read to its end")
    bench.exercised()


def _listed(faults: Iterable[UnsafeWheelError]) -> str:
    said = [fault.what for fault in faults]
    more = f" (and {len(said) - _NAMED} more)" if len(said) > _NAMED else ""
    return "; ".join(said[:_NAMED]) + more


@check("WHL-001", judges="package", level="must", since="2026.1", needs_wheel=True)
def its_names_stay_inside(bench: Bench) -> None:
    """Each name in the wheel is a plain relative path on every system.

    Troubleshooting: a name with a backslash, a colon, a trailing dot or a device's name (aux.py, nul.txt), which is
    another file, or none, on Windows; rename the file.
    """
    _judge(bench, WheelRule.NAMES)


@check("WHL-002", judges="package", level="must", since="2026.1", needs_wheel=True)
def it_holds_files_and_directories_only(bench: Bench) -> None:
    """Nothing in the wheel is a link, a device or anything else but a file or a directory.

    Troubleshooting: a symbolic link in the source tree that the build backend kept as one; put the file itself there.
    """
    _judge(bench, WheelRule.LINKS)


@check("WHL-003", judges="package", level="must", since="2026.1", needs_wheel=True)
def its_record_is_right(bench: Bench) -> None:
    """The wheel has one .dist-info, and its RECORD lists every file with the SHA-256 it has.

    Troubleshooting: a wheel that was changed after it was built (signed, stripped, repaired) by a tool that did not
    write RECORD anew; build it again, or let `wheel pack` do it.
    """
    _judge(bench, WheelRule.RECORD)


@check("WHL-004", judges="package", level="must", since="2026.1", needs_wheel=True)
def nothing_in_it_runs_unasked(bench: Bench) -> None:
    """The wheel has no .pth file, no .data directory and no bytecode.

    Troubleshooting: scripts and data_files of setuptools; use entry points, and package data read by
    importlib.resources. Bytecode comes from a build in a directory with __pycache__; leave it out.
    """
    _judge(bench, WheelRule.STARTUP)


@check("WHL-005", judges="package", level="must", since="2026.1", needs_wheel=True)
def its_modules_shadow_nobody(bench: Bench) -> None:
    """No top-level module of the wheel has the name of one of the standard library or of another distribution.

    Troubleshooting: a package named tests, docs or examples beside the real one; tell the build backend which packages
    to include. A namespace package that others share cannot be told apart from theirs; give yours a name of its own.
    """
    _judge(bench, WheelRule.SHADOWING)


@check("WHL-006", judges="package", level="must", since="2026.1", needs_wheel=True)
def its_names_do_not_collide(bench: Bench) -> None:
    """No two members of the wheel are one file on a system that ignores case, or how letters are composed.

    Troubleshooting: Readme.md beside README.md, or a file twice because two include patterns match it.
    """
    _judge(bench, WheelRule.COLLISIONS)


@check("WHL-007", judges="package", level="must", since="2026.1", needs_wheel=True)
def it_is_no_bomb(bench: Bench) -> None:
    """The wheel unpacks to no more than 10,000 members, half a gigabyte, and a hundred times its own size.

    Troubleshooting: data that belongs elsewhere; publish it by itself, and load it when it is needed.
    """
    _judge(bench, WheelRule.SIZE)


@check("WHL-008", judges="package", level="must", since="2026.1", needs_wheel=True)
def every_reader_sees_the_same_in_it(bench: Bench) -> None:
    """The wheel is a plain ZIP archive in which headers and directory say the same, with nothing before or after it.

    Troubleshooting: an archive written to a pipe (its members have data descriptors), joined to another file, or
    changed by a tool that left old members in; build it with a current build backend.
    """
    _judge(bench, WheelRule.ARCHIVE)
