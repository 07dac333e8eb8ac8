"""A wheel is refused before anything of it is unpacked, by the rule it breaks, and a good one is not."""

import hashlib
import io
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneiric_core.artifacts.wheel import Wheel, scan_wheel, unpacked, wheel_faults
from oneiric_core.artifacts.wheel_rules import WheelLimits, WheelRule
from oneiric_core.errors import UnsafeWheelError
from oneiric_core.testing import BadWheel, bad_wheel, make_wheel
from oneiric_core.testing.archives import STORED, Part, write_archive
from oneiric_core.testing.wheels import SAMPLE, record_part, wheel_parts

FOLDER = "acme-1.0.dist-info"


def scan(data: bytes, limits: WheelLimits | None = None, **options: Any) -> Wheel:
    return scan_wheel(io.BytesIO(data), *([limits] if limits else []), **options)


def refusal(data: bytes, limits: WheelLimits | None = None, **options: Any) -> tuple[Any, Any]:
    with pytest.raises(UnsafeWheelError) as caught:
        scan(data, limits, **options)
    return caught.value.evidence["rule"], caught.value.evidence["member"]


def wheel_of(*parts: Part, **options: Any) -> bytes:
    """The sample with further members, which RECORD lists."""
    everything = [*wheel_parts(SAMPLE, "acme", "1.0"), *parts]
    return write_archive([*everything, record_part(everything, FOLDER)], **options)


def test_a_good_wheel_is_what_it_says() -> None:
    wheel = scan(make_wheel(SAMPLE | {"acme/data/table.csv": b"1,2\n", "helper.py": ""}))
    assert (wheel.name, wheel.version, wheel.tags) == ("acme", "1.0", {"py3-none-any"})
    assert wheel.dist_info == FOLDER
    assert wheel.top_levels == {"acme", "helper"}
    files = {file.name: file for file in wheel.files}
    assert list(files) == sorted(files)
    assert files["acme/data/table.csv"].sha256 == hashlib.sha256(b"1,2\n").hexdigest()
    assert files["acme/data/table.csv"].size == 4
    assert {f"{FOLDER}/RECORD", f"{FOLDER}/WHEEL", f"{FOLDER}/METADATA"} < set(files)


def test_it_unpacks_to_what_was_scanned() -> None:
    data = make_wheel()
    content = {file.name: b"".join(chunks) for file, chunks in unpacked(io.BytesIO(data), scan(data))}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert content == {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize(
    "other", [{"acme/cache.py": "class Cache(dict): pass\n"}, {"acme/cache.py": "", "acme/a.py": ""}]
)
def test_it_does_not_unpack_to_anything_else(other: dict[str, str]) -> None:
    files = unpacked(io.BytesIO(make_wheel(other)), scan(make_wheel({"acme/cache.py": ""})))
    with pytest.raises(UnsafeWheelError, match="is not what was scanned"):
        [b"".join(chunks) for _, chunks in files]


@pytest.mark.parametrize("kind", BadWheel)
def test_each_hostile_wheel_is_refused_by_the_rule_it_breaks_and_by_no_other(kind: BadWheel) -> None:
    """The control is the same wheel without what is wrong with it."""
    data = bad_wheel(kind)
    assert not wheel_faults(io.BytesIO(make_wheel()))
    assert {fault.evidence["rule"] for fault in wheel_faults(io.BytesIO(data))} == {kind.rule}
    rule, member = refusal(data)
    assert rule is kind.rule
    assert isinstance(member, str)


@pytest.mark.parametrize("kind", BadWheel)
def test_a_refusal_names_member_and_rule_and_says_what_to_do(kind: BadWheel) -> None:
    [fault, *_] = wheel_faults(io.BytesIO(bad_wheel(kind)))
    assert str(fault).startswith(f"unsafe wheel ({kind.rule}): ")
    assert repr(fault.evidence["member"]) in fault.what or not fault.evidence["member"]
    assert fault.fix


def test_all_that_is_wrong_can_be_had_at_once() -> None:
    parts = Part("../a.py"), Part("b.pth"), Part("json.py"), Part("acme/c", mode=0o120777)
    found = [fault.evidence["rule"] for fault in wheel_faults(io.BytesIO(wheel_of(*parts)))]
    assert found == [WheelRule.NAMES, WheelRule.LINKS, WheelRule.STARTUP, WheelRule.SHADOWING]


def test_directories_may_be_members_and_need_no_line_in_record() -> None:
    folders = [Part(name, mode=0o040755, method=STORED) for name in ("acme/", "acme/data/", f"{FOLDER}/")]
    assert "acme/data/" not in {file.name for file in scan(wheel_of(*folders)).files}
    assert [name for name, _ in unpacked(io.BytesIO(wheel_of(*folders)), scan(wheel_of(*folders)))]
    assert refusal(wheel_of(folders[0], folders[0])) == (WheelRule.COLLISIONS, "acme/")


def test_a_file_and_a_directory_of_one_name_collide_in_either_order() -> None:
    file, inside, folder = Part("acme/x"), Part("acme/x/y"), Part("acme/x/", mode=0o040755, method=STORED)
    for parts in ([file, inside], [inside, file], [file, folder], [folder, file]):
        assert refusal(wheel_of(*parts))[0] is WheelRule.COLLISIONS


@pytest.mark.parametrize("name", ["acme/a.PTH", "acme/a.pyo", "a.PYC", "ACME-1.0.DATA/purelib/a.py", "x.data/y"])
def test_case_does_not_hide_what_runs_unasked(name: str) -> None:
    assert refusal(wheel_of(Part(name))) == (WheelRule.STARTUP, name)
    folder = Part(f"{name}/", mode=0o040755, method=STORED)
    assert refusal(wheel_of(folder)) == (WheelRule.STARTUP, folder.name)


def test_as_many_bytes_and_members_as_are_allowed_are_allowed() -> None:
    data = wheel_of(Part("acme/big.bin", bytes(10_000)))
    size = sum(file.size for file in scan(data).files)
    assert scan(data, WheelLimits(members=6, size=size))
    assert refusal(data, WheelLimits(members=6, size=size - 1)) == (WheelRule.SIZE, "")
    assert refusal(data, WheelLimits(members=5, size=size)) == (WheelRule.SIZE, "")
    enough = -(-size // len(data))
    assert scan(data, WheelLimits(ratio=enough, floor=0))
    assert refusal(data, WheelLimits(ratio=enough - 1, floor=0)) == (WheelRule.SIZE, "")
    assert scan(data, WheelLimits(ratio=0, floor=size))
    assert refusal(data, WheelLimits(ratio=0, floor=size - 1)) == (WheelRule.SIZE, "")


def test_names_may_be_64_directories_deep_and_no_deeper() -> None:
    assert scan(wheel_of(Part("a/" * 63 + "b")))
    assert refusal(wheel_of(Part("a/" * 64 + "b"))) == (WheelRule.NAMES, "a/" * 64 + "b")


@pytest.mark.parametrize("extra", [b"UT\5\0\1\0\0\0\0", b"ux\x0b\0\1\4\0\0\0\0\4\0\0\0\0"])
def test_times_and_owners_in_extra_fields_do_no_harm(extra: bytes) -> None:
    assert scan(wheel_of(Part("acme/a.txt", extra=extra)))


@pytest.mark.parametrize("extra", [b"UT\6\0\1\0\0\0\0", b"U", b"UT\5\0\1\0\0\0\0\1\0\0\0", b"\x99\x01\0\0"])
def test_other_extra_fields_and_broken_ones_do(extra: bytes) -> None:
    """0x9901 is the encryption of WinZip."""
    assert refusal(wheel_of(Part("acme/a.txt", extra=extra))) == (WheelRule.ARCHIVE, "acme/a.txt")
    assert refusal(wheel_of(Part("acme/a.txt", local={"extra": extra})))[0] is WheelRule.ARCHIVE


@pytest.mark.parametrize(
    ("field", "value"),
    [("needed", 10), ("flags", 2), ("time", 1), ("date", 1), ("crc", 1), ("packed", 1), ("name", b"acme/b.txt")],
)
def test_what_stands_at_a_member_is_what_the_directory_says(field: str, value: object) -> None:
    assert scan(wheel_of(Part("acme/a.txt", flags=2)))
    assert refusal(wheel_of(Part("acme/a.txt", local={field: value}))) == (WheelRule.ARCHIVE, "acme/a.txt")


@pytest.mark.parametrize("flags", [1 << bit for bit in range(16) if bit not in {1, 2, 11}])
def test_flags_that_change_how_a_member_is_read_are_refused(flags: int) -> None:
    assert refusal(wheel_of(Part("acme/a.txt", flags=flags))) == (WheelRule.ARCHIVE, "acme/a.txt")


@pytest.mark.parametrize("field", ["disk", "start_disk", "here", "count", "size", "offset"])
@pytest.mark.parametrize("wrong", [1, 0xFFFF])
def test_the_end_has_to_say_what_is_there(field: str, wrong: int) -> None:
    assert refusal(wheel_of(**{field: wrong}))[0] in {WheelRule.ARCHIVE, WheelRule.SIZE}


@pytest.mark.parametrize("field", ["packed", "size", "offset"])
def test_members_of_zip64_are_refused(field: str) -> None:
    part = Part("acme/a.txt", central={field: 0xFFFFFFFF})
    assert refusal(wheel_of(part if field == "offset" else part.in_both(**{field: 0xFFFFFFFF})))[0] is WheelRule.ARCHIVE


def test_deflated_content_has_to_end_where_it_is_said_to_end() -> None:
    whole = Part("acme/a.txt", b"a" * 1000)
    assert refusal(wheel_of(whole.but(packed=whole.bytes[:-1])))[0] is WheelRule.ARCHIVE
    assert refusal(wheel_of(whole.but(packed=whole.bytes + b"\0")))[0] is WheelRule.ARCHIVE
    assert refusal(wheel_of(whole.but(packed=b"\xff" + whole.bytes)))[0] is WheelRule.ARCHIVE
    assert refusal(wheel_of(whole.but(packed=b"")))[0] is WheelRule.ARCHIVE


def test_content_of_many_chunks_is_read_to_its_end() -> None:
    content = hashlib.shake_256(b"seed").digest(300_000) + bytes(300_000)
    for method in (STORED, 8):
        files = {file.name: file for file in scan(wheel_of(Part("acme/a.bin", content, method=method))).files}
        assert files["acme/a.bin"].sha256 == hashlib.sha256(content).hexdigest()


def test_a_name_that_is_taken_is_refused_with_whose_it_is() -> None:
    asked = []

    def shadowed(name: str, distribution: str) -> str:
        asked.append((name, distribution))
        return "somebody" if name == "acme" else ""

    with pytest.raises(UnsafeWheelError, match="'acme' is the name of a module of somebody") as caught:
        scan(make_wheel(name="acme-cache"), shadowed=shadowed)
    assert (caught.value.evidence["rule"], asked) == (WheelRule.SHADOWING, [("acme", "acme-cache")])


def test_only_what_can_be_imported_has_a_top_level_name() -> None:
    files = dict.fromkeys(["acme/a.py", "docs/index.md", "LICENSE", "acme.libs/lib.so", "speed.cpython-311.so"], "")
    assert scan(make_wheel(files)).top_levels == {"acme", "speed"}


GOOD = make_wheel()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_bytes_come_in_only_this_error_comes_out(data: st.DataObject) -> None:
    """A wheel that was changed anywhere is refused, or unpacks to what RECORD says."""
    changed = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        where = data.draw(st.integers(0, len(changed)))
        kind = data.draw(st.sampled_from(["put", "insert", "cut", "repeat"]))
        piece = data.draw(st.binary(min_size=1, max_size=8))
        if kind == "put":
            changed[where : where + len(piece)] = piece
        elif kind == "insert":
            changed[where:where] = piece
        elif kind == "cut":
            del changed[where : where + len(piece)]
        else:
            changed[where:where] = changed[where : where + 100]
    try:
        wheel = scan(bytes(changed))
    except UnsafeWheelError:
        return
    assert {file.name for file in wheel.files} == {file.name for file in scan(GOOD).files}


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=2000), st.sampled_from(["RECORD", "WHEEL", "METADATA"]))
def test_whatever_its_metadata_says_only_this_error_comes_out(content: bytes, name: str) -> None:
    parts = wheel_parts(SAMPLE, "acme", "1.0")
    if name != "RECORD":
        parts = [part.but(content=content) if part.name.endswith(name) else part for part in parts]
    record = record_part(parts, FOLDER)
    if name == "RECORD":
        record = record.but(content=record.content[: len(content)] + content)
    faults = wheel_faults(io.BytesIO(write_archive([*parts, record])))
    assert {fault.evidence["rule"] for fault in faults} <= {WheelRule.RECORD}
