"""What a wheel says of itself is read strictly, and refused by the rule for it."""

import io
import os
import sys
from collections import Counter
from collections.abc import Callable

import pytest

from oneiric_core.artifacts.wheel import scan_wheel, wheel_faults
from oneiric_core.artifacts.wheel_metadata import Recorded, parse_record
from oneiric_core.artifacts.wheel_rules import WheelLimits, WheelRule
from oneiric_core.errors import UnsafeWheelError
from oneiric_core.testing.archives import Part, write_archive
from oneiric_core.testing.wheels import SAMPLE, record_part, wheel_parts

FOLDER = "acme-1.0.dist-info"


def faults_of(parts: list[Part]) -> list[UnsafeWheelError]:
    return wheel_faults(io.BytesIO(write_archive(parts)))


def with_record(change: Callable[[bytes], bytes]) -> list[Part]:
    parts = wheel_parts(SAMPLE, "acme", "1.0")
    record = record_part(parts, FOLDER)
    return [*parts, record.but(content=change(record.content))]


def with_metadata(content: bytes) -> list[Part]:
    parts = [
        part.but(content=content) if part.name.endswith("/METADATA") else part
        for part in wheel_parts(SAMPLE, "acme", "1.0")
    ]
    return [*parts, record_part(parts, FOLDER)]


def first_line(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[bytes], bytes]:
    def changed(content: bytes) -> bytes:
        line, _, rest = content.partition(b"\n")
        return b",".join(change(line.rstrip(b"\r").split(b","))) + b"\n" + rest

    return changed


INIT, RECORD = "acme/__init__.py", f"{FOLDER}/RECORD"
COLUMNS = "has a line in RECORD that is not the only one, or not one of three columns"
NO_SHA = "has no SHA-256 in RECORD, in URL-safe base64 without padding, but "


def noncanonical(line: list[bytes]) -> list[bytes]:
    """The same 32 bytes, with the two bits set that belong to none of them."""
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet[alphabet.index(line[1][-1:]) | 3 :][:1]
    return [line[0], line[1][:-1] + last, line[2]]


@pytest.mark.parametrize(
    ("change", "member", "what"),
    [
        (lambda content: b'"unfinished' + content, RECORD, "cannot be read (unexpected end of data)"),
        (lambda content: b"\xff" + content, RECORD, "is not UTF-8"),
        (first_line(lambda line: line[:2]), INIT, COLUMNS),
        (first_line(lambda line: [*line, b""]), INIT, COLUMNS),
        (lambda content: content + content, INIT, COLUMNS),
        (first_line(lambda line: [*line[:2], b"many"]), INIT, "has a size in RECORD that is no number: 'many'"),
        (first_line(lambda line: [*line[:2], b"-1"]), INIT, "has a size in RECORD that is no number: '-1'"),
        (
            first_line(lambda line: [*line[:2], b"9" * 30]),
            INIT,
            f"has a size in RECORD that is no number: '{'9' * 20}'",
        ),
        (first_line(lambda line: [line[0], b"sha256=AAAA", line[2]]), INIT, f"{NO_SHA}'sha256=AAAA'"),
        (first_line(lambda line: [line[0], b"sha256=" + b"A" * 39, line[2]]), INIT, f"{NO_SHA}'sha256={'A' * 39}'"),
        (first_line(lambda line: [line[0], b"sha256=" + b"A" * 90, line[2]]), INIT, f"{NO_SHA}'sha256={'A' * 53}'"),
        (first_line(lambda line: [line[0], b"sha256=\xc3\xa4", line[2]]), INIT, f"{NO_SHA}'sha256=ä'"),
        (first_line(lambda line: [line[0], b"md5=AAAA", line[2]]), INIT, f"{NO_SHA}'md5=AAAA'"),
        (first_line(lambda line: [line[0], b"", line[2]]), INIT, f"{NO_SHA}''"),
        (lambda content: b"\n".join(content.splitlines()[1:]), INIT, "is not in RECORD"),
        (lambda content: b"\n".join(content.splitlines()[:-1]), RECORD, "is not in RECORD"),
        (lambda content: content + b"ghost.py,,\n", "ghost.py", f"{NO_SHA}''"),
        (
            lambda content: content + b"ghost.py," + content.split(b",")[1] + b",\n",
            "ghost.py",
            "is in RECORD and nowhere else",
        ),
    ],
)
def test_a_record_that_can_be_read_in_two_ways_is_refused(
    change: Callable[[bytes], bytes], member: str, what: str
) -> None:
    [fault] = faults_of(with_record(change))
    assert fault.what == f"unsafe wheel (record): {member!r} {what}"
    assert (fault.evidence["rule"], fault.evidence["member"]) == (WheelRule.RECORD, member)


@pytest.mark.parametrize("change", [noncanonical, lambda line: [line[0], line[1] + b"=", line[2]]])
def test_a_digest_has_one_spelling(change: Callable[[list[bytes]], list[bytes]]) -> None:
    [fault] = faults_of(with_record(first_line(change)))
    assert NO_SHA in fault.what


def test_a_line_of_a_record_is_judged_before_the_next_one_is_read() -> None:
    [fault] = faults_of(with_record(first_line(lambda line: [*line[:2], b"many", b'\n"unfinished'])))
    assert fault.evidence["member"] == INIT


def test_a_record_has_no_more_lines_than_a_wheel_may_have_members() -> None:
    parts = with_record(lambda content: b"\n" + content + b"ghost.py," + content.split(b",")[1] + b",\n\n")
    wheel = io.BytesIO(write_archive(parts))
    [fault] = wheel_faults(wheel, WheelLimits(members=len(parts)))
    assert fault.what == f"unsafe wheel (size): {RECORD!r} has more than {len(parts)} lines"
    assert (fault.evidence["rule"], fault.evidence["member"]) == (WheelRule.SIZE, RECORD)
    [fault] = wheel_faults(wheel, WheelLimits(members=len(parts) + 1))
    assert fault.evidence["member"] == "ghost.py"
    assert scan_wheel(io.BytesIO(write_archive(with_record(bytes))), WheelLimits(members=len(parts)))


def test_a_record_need_not_say_anything_of_itself() -> None:
    assert parse_record(b"RECORD,,\n", "RECORD") == {"RECORD": Recorded("", None)}
    assert parse_record(b"RECORD,,12\n", "RECORD") == {"RECORD": Recorded("", 12)}


def test_lines_may_end_in_any_way_and_names_keep_theirs() -> None:
    digest = b"sha256=" + b"A" * 43
    for end in (b"\n", b"\r\n", b"\r"):
        content = end.join([b'"a\r\nb",' + digest + b",1", b"c," + digest + b",", b""])
        assert [*parse_record(content, "RECORD")] == ["a\r\nb", "c"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"Metadata-Version: 2.1\nName: acme\nVersion: latest\n", "'acme' 'latest'"),
        (b"Metadata-Version: 2.1\nName: acme\nVersion: " + b"9" * 5000 + b"\n", f"'acme' '{'9' * 5000}'"),
        (b"Metadata-Version: 2.1\nName: acme\n", "'acme' ''"),
        (b"Metadata-Version: 2.1\nVersion: 1.0\n", "'' '1.0'"),
        (b"Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n", "'evil' '1.0'"),
    ],
)
def test_metadata_of_another_distribution_is_refused(content: bytes, said: str) -> None:
    [fault] = faults_of(with_metadata(content))
    assert fault.what == f"unsafe wheel (record): '{FOLDER}' is of another distribution than METADATA says ({said})"
    assert fault.evidence["rule"] == WheelRule.RECORD


def test_metadata_is_read_up_to_a_megabyte_and_no_further() -> None:
    text = b"Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n\n" + os.urandom(1 << 20).hex().encode("ascii")
    assert faults_of(with_metadata(text[: 1 << 20])) == []
    [fault] = faults_of(with_metadata(text[: (1 << 20) + 1]))
    assert fault.evidence["rule"] == WheelRule.SIZE
    assert fault.what == f"unsafe wheel (size): '{FOLDER}/METADATA' has more than 1048576 bytes"
    assert fault.fix == "Build the wheel anew with a current build backend"


SAYS = b"Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n"


@pytest.mark.parametrize(
    "content",
    [
        SAYS + b"".join(b"Requires-Dist: acme-%d ; extra == 'all'\n" % number for number in range(20_000)),
        b"Summary: caf\xe9\x0c\xe2\x80\xa8\r\n\tNAME: folded\r\n" + SAYS.upper().replace(b"\n", b"\r\n"),
        SAYS + b"\nName: evil\nVersion: 2.0\n",
        SAYS + b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (part, part) for part in range(2000)),
    ],
    ids=["many requirements", "other lines", "a body", "a body in parts"],
)
def test_of_metadata_only_name_and_version_are_read(content: bytes) -> None:
    assert faults_of(with_metadata(content)) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (SAYS + b"name: acme\n", "'' '1.0'"),
        (SAYS + b" 1\n", "'acme' ''"),
        (b"\n" + SAYS, "'' ''"),
        (b"Metadata Version: 2.1\n" + SAYS, "'' ''"),
        (b"Name: acm\xe9\nVersion: 1.0\n", r"'acm\\xe9' '1.0'"),
    ],
    ids=["twice", "folded", "nothing but a body", "no field", "no UTF-8"],
)
def test_a_name_and_a_version_are_said_once_where_every_reader_finds_them(content: bytes, said: str) -> None:
    [fault] = faults_of(with_metadata(content))
    assert fault.what == f"unsafe wheel (record): '{FOLDER}' is of another distribution than METADATA says ({said})"


def test_reading_metadata_costs_no_more_for_a_name_where_there_are_many() -> None:
    """The parser for mail compares each with all others: 100 KB of them took it 48 seconds."""

    def calls(count: int) -> int:
        wheel = io.BytesIO(write_archive(with_metadata(SAYS + b"".join(b"X-%d:\n" % name for name in range(count)))))
        entered = Counter[str]()
        sys.setprofile(lambda _frame, event, _argument: entered.update([event]))
        try:
            scan_wheel(wheel)
        finally:
            sys.setprofile(None)
        return entered.total()

    none, some, many = (calls(count) for count in (0, 300, 600))
    assert many - some < 2 * (some - none)


def test_metadata_in_a_vendored_directory_is_somebody_elses() -> None:
    parts = [*wheel_parts(SAMPLE, "acme", "1.0"), Part("acme/vendored/other-2.0.dist-info/METADATA", b"Name: other\n")]
    assert faults_of([*parts, record_part(parts, FOLDER)]) == []


def renamed(directory: str, version: str = "1.0") -> list[Part]:
    """The sample, with its metadata in another directory and of another version."""
    metadata = f"Metadata-Version: 2.1\nName: acme\nVersion: {version}\n".encode()
    parts = [
        part.but(name=part.name.replace(FOLDER, directory), content=metadata)
        if part.name.endswith("/METADATA")
        else part.but(name=part.name.replace(FOLDER, directory))
        for part in wheel_parts(SAMPLE, "acme", "1.0")
    ]
    return [*parts, record_part(parts, directory)]


def test_a_dash_in_a_version_is_an_underscore_in_the_name_of_its_directory() -> None:
    """As the binary distribution format has it escaped; ``1.0-1`` is another spelling of ``1.0.post1`` (PEP 440)."""
    assert faults_of(renamed("acme-1.0_1.dist-info", "1.0.post1")) == []
    assert faults_of(renamed("acme-1.0_1.dist-info", "1.0")) != []


def without(name: str) -> list[Part]:
    parts = [part for part in wheel_parts(SAMPLE, "acme", "1.0") if not part.name.endswith(name)]
    return [*parts, record_part(parts, FOLDER)]


ONE = "unsafe wheel (record): has to have one directory of metadata (.dist-info), and there is "


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        (
            [Part("acme/__init__.py")],
            f"{ONE}none",
        ),
        (
            [*renamed(FOLDER), Part("other-1.0.dist-info/METADATA", b"")],
            f"{ONE}acme-1.0.dist-info, other-1.0.dist-info",
        ),
        (without("/METADATA"), f"unsafe wheel (record): '{FOLDER}/METADATA' is missing"),
        (without("/WHEEL"), f"unsafe wheel (record): '{FOLDER}/WHEEL' is missing"),
        (renamed(FOLDER)[:-1], f"unsafe wheel (record): '{FOLDER}/RECORD' is missing"),
    ],
    ids=["none", "two", "no METADATA", "no WHEEL", "no RECORD"],
)
def test_metadata_that_is_not_there_once_is_told(parts: list[Part], what: str) -> None:
    fault = faults_of(parts)[0]
    assert (fault.what, fault.fix) == (what, "Build the wheel anew with a current build backend")


def tagged(content: bytes) -> io.BytesIO:
    parts = [
        part.but(content=content) if part.name.endswith("/WHEEL") else part
        for part in wheel_parts(SAMPLE, "acme", "1.0")
    ]
    return io.BytesIO(write_archive([*parts, record_part(parts, FOLDER)]))


def test_any_version_1_of_the_format_will_do_and_tags_may_be_missing() -> None:
    assert scan_wheel(tagged(b"Wheel-Version: 1.0.3\n")).tags == frozenset()
    assert scan_wheel(tagged(b"wheel-version:1\nTag: py3-none-any\nTag: cp311-abi3-linux\n")).tags == {
        "py3-none-any",
        "cp311-abi3-linux",
    }


@pytest.mark.parametrize("content", [b"", b"Wheel-Version: 2.0\n", b"Wheel-Version: 1.0\nWheel-Version: 1.0\n"])
def test_another_version_of_the_format_is_refused(content: bytes) -> None:
    [fault] = wheel_faults(tagged(content))
    what = "does not say that it is of version 1 of the format"
    assert fault.what == f"unsafe wheel (record): '{FOLDER}/WHEEL' {what}"
