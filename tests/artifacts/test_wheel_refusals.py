"""What a refusal says, and what is looked at after the first thing that is wrong."""

import io

import pytest

from oneiric_core.artifacts.wheel import scan_wheel, unpacked, wheel_faults
from oneiric_core.artifacts.wheel_rules import WheelLimits, WheelRule
from oneiric_core.errors import UnsafeWheelError
from oneiric_core.testing import BadWheel, bad_wheel, make_wheel
from oneiric_core.testing.archives import write_archive
from oneiric_core.testing.wheels import SAMPLE, record_part, wheel_parts

FOLDER = "acme-1.0.dist-info"


LEAVE = "Leave it out, or ship it as data of the package"
COPY = "Put a copy of the file itself in the wheel"
SMALLER = "Ask the publisher for a smaller one, or allow more"
PLAIN = "Give it a plain relative path"


@pytest.mark.parametrize(
    ("kind", "member", "what", "fix"),
    [
        (BadWheel.CLIMBING, "../../evil.py", "holds the name '..', which stands for another directory", PLAIN),
        (BadWheel.ABSOLUTE, "/evil.py", "is absolute", PLAIN),
        (
            BadWheel.ESCAPED,
            "%2e%2e/evil.py",
            "holds a percent sign, which some readers take for the beginning of an escape",
            PLAIN,
        ),
        (BadWheel.SYMLINK, "acme/link", "is not a plain file or directory (mode 120777, attributes 0x0)", COPY),
        (BadWheel.WINDOWS_LINK, "acme/link", "is not a plain file or directory (mode 0, attributes 0x400)", COPY),
        (BadWheel.PTH, "evil.pth", "would run whenever Python starts", LEAVE),
        (BadWheel.SCRIPT, "acme-1.0.data/scripts/evil", "is to be installed outside of the package", LEAVE),
        (BadWheel.BYTECODE, "acme/evil.pyc", "is bytecode, which need not be what its source says", LEAVE),
        (BadWheel.CASE, "acme/EVIL.txt", "is one with another member on some system", "Rename it"),
        (BadWheel.DUPLICATE, "acme/__init__.py", "is one with another member on some system", "Rename it"),
        (BadWheel.STANDARD_LIBRARY, "json", "is the name of a module of the standard library", "Rename the package"),
        (BadWheel.INSTALLED, "pydantic", "is the name of a module of pydantic", "Rename the package"),
        (
            BadWheel.OTHER_BYTES,
            "acme/__init__.py",
            "has other bytes than RECORD says",
            "Build the wheel anew, and change nothing afterwards",
        ),
        (BadWheel.MANY, "", "it has 10006 members, and 10000 are allowed", SMALLER),
    ],
)
def test_it_says_which_member_is_wrong_in_which_way_and_what_to_do(
    kind: BadWheel, member: str, what: str, fix: str
) -> None:
    [fault] = wheel_faults(io.BytesIO(bad_wheel(kind)))
    assert fault.what == f"unsafe wheel ({kind.rule}): {f'{member!r} ' if member else ''}{what}"
    assert fault.fix == fix
    assert dict(fault.evidence) == {"rule": kind.rule, "member": member}


def test_every_file_that_was_changed_is_told() -> None:
    parts = wheel_parts(SAMPLE, "acme", "1.0")
    record = record_part(parts, FOLDER)
    broken = [part.but(content=b"changed") if part.name in SAMPLE else part for part in parts]
    faults = wheel_faults(io.BytesIO(write_archive([*broken, record])))
    assert [fault.evidence["member"] for fault in faults] == [*SAMPLE]
    unreadable = [part.in_both(crc=1) if part.name in SAMPLE else part for part in parts]
    faults = wheel_faults(io.BytesIO(write_archive([*unreadable, record])))
    assert [fault.evidence["member"] for fault in faults] == [*SAMPLE]


def test_record_may_leave_out_sizes_but_not_digests() -> None:
    parts = wheel_parts(SAMPLE, "acme", "1.0")
    record = record_part(parts, FOLDER)
    lines = [line.rpartition(b",")[0] + b"," for line in record.content.splitlines()]
    sizeless = record.but(content=b"\n".join(lines) + b"\n")
    assert scan_wheel(io.BytesIO(write_archive([*parts, sizeless])))
    changed = [parts[0].but(content=b"changed"), *parts[1:]]
    [fault] = wheel_faults(io.BytesIO(write_archive([*changed, sizeless])))
    assert fault.evidence["rule"] is WheelRule.RECORD


def test_a_directory_with_a_dot_in_its_name_brings_no_module() -> None:
    data = make_wheel({"acme/__init__.py": "", "zeta.libs/module.py": ""})
    assert scan_wheel(io.BytesIO(data)).top_levels == {"acme"}


def test_unpacking_keeps_to_the_limits_it_is_given() -> None:
    data = make_wheel()
    wheel = scan_wheel(io.BytesIO(data))
    with pytest.raises(UnsafeWheelError) as caught:
        [*unpacked(io.BytesIO(data), wheel, WheelLimits(members=1))]
    assert caught.value.evidence["rule"] is WheelRule.SIZE


def test_what_is_not_as_scanned_is_told_by_member() -> None:
    wheel = scan_wheel(io.BytesIO(make_wheel({"acme/a.py": ""})))
    for other in ({"acme/a.py": "changed = True\n"}, {"acme/a.py": "", "acme/b.py": ""}):
        files = unpacked(io.BytesIO(make_wheel(other)), wheel)
        with pytest.raises(UnsafeWheelError) as caught:
            [b"".join(chunks) for _, chunks in files]
        member = [*other][-1]
        assert (caught.value.evidence["rule"], caught.value.evidence["member"]) == (WheelRule.RECORD, member)
        assert caught.value.what == f"unsafe wheel (record): {member!r} is not what was scanned"
        assert caught.value.fix == "Let nobody else write where it is kept"
