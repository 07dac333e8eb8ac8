"""What a wheel says of itself is read strictly, and refused by the rule for it."""

import io
import os
from collections.abc import Callable

import pytest

from oneiric_core.artifacts.wheel import wheel_faults
from oneiric_core.artifacts.wheel_rules import WheelRule
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


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda content: b'"unfinished' + content, "cannot be read"),
        (lambda content: b"\xff" + content, "is not UTF-8"),
        (first_line(lambda line: line[:2]), "not one of three columns"),
        (first_line(lambda line: [*line, b""]), "not one of three columns"),
        (lambda content: content + content, "not the only one"),
        (first_line(lambda line: [*line[:2], b"many"]), "has a size in RECORD that is no number: 'many'"),
        (first_line(lambda line: [*line[:2], b"-1"]), "has a size in RECORD that is no number: '-1'"),
        (first_line(lambda line: [*line[:2], b"9" * 20]), "has a size in RECORD that is no number"),
        (first_line(lambda line: [line[0], b"sha256=AAAA", line[2]]), "has no SHA-256 in RECORD"),
        (first_line(lambda line: [line[0], line[1] + b"=", line[2]]), "has no SHA-256 in RECORD"),
        (first_line(lambda line: [line[0], b"sha256=\xc3\xa4", line[2]]), "has no SHA-256 in RECORD"),
        (first_line(lambda line: [line[0], b"md5=AAAA", line[2]]), "has no SHA-256 in RECORD"),
        (first_line(lambda line: [line[0], b"", line[2]]), "has no SHA-256 in RECORD"),
        (lambda content: b"\n".join(content.splitlines()[1:]), "is not in RECORD"),
        (lambda content: b"\n".join(content.splitlines()[:-1]), "is not in RECORD"),
        (lambda content: content + b"ghost.py,,\n", "has no SHA-256 in RECORD"),
    ],
)
def test_a_record_that_can_be_read_in_two_ways_is_refused(change: Callable[[bytes], bytes], what: str) -> None:
    [fault] = faults_of(with_record(change))
    assert what in fault.what
    assert fault.evidence["rule"] == WheelRule.RECORD


@pytest.mark.parametrize(
    "content",
    [
        b"Metadata-Version: 2.1\nName: acme\nVersion: latest\n",
        b"Metadata-Version: 2.1\nName: acme\nVersion: " + b"9" * 5000 + b"\n",
        b"Metadata-Version: 2.1\nName: acme\n",
        b"Metadata-Version: 2.1\nVersion: 1.0\n",
        b"Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n",
    ],
)
def test_metadata_of_another_distribution_is_refused(content: bytes) -> None:
    [fault] = faults_of(with_metadata(content))
    assert "is of another distribution than METADATA says" in fault.what
    assert fault.evidence["rule"] == WheelRule.RECORD


def test_metadata_is_read_up_to_a_megabyte_and_no_further() -> None:
    text = b"Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n\n" + os.urandom(1 << 20).hex().encode("ascii")
    assert faults_of(with_metadata(text[: 1 << 20])) == []
    [fault] = faults_of(with_metadata(text[: (1 << 20) + 1]))
    assert fault.evidence["rule"] == WheelRule.SIZE
    assert fault.evidence["member"] == f"{FOLDER}/METADATA"
