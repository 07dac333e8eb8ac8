"""Digests are written in one way, and bytes are counted while they pass."""

import hashlib
from collections.abc import Iterator

import pytest

from oneiric_core.artifacts.digest import check_syntax, verified_chunks
from oneiric_core.errors import ArtifactTooLargeError, DigestMismatchError

CONTENT = b"some bytes"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize(
    "text",
    [None, "", SHA256[:-1], SHA256 + "0", SHA256.upper(), f"sha256:{SHA256}", SHA256 + "\n", "g" * 64, "../" + SHA256],
)
def test_only_64_lower_case_digits_are_a_digest(text: str | None) -> None:
    with pytest.raises(DigestMismatchError, match=r"^SHA256 mismatch: .*64 lower-case"):
        check_syntax(text)
    assert check_syntax(SHA256) == SHA256


def test_the_promised_bytes_pass_unchanged() -> None:
    assert list(verified_chunks([b"some", b" bytes"], SHA256, length=10, limit=100)) == [b"some", b" bytes"]


def test_other_bytes_of_the_right_length_are_refused() -> None:
    with pytest.raises(DigestMismatchError, match=r"^SHA256 mismatch: 10 bytes"):
        list(verified_chunks([b"some bites"], SHA256, length=10, limit=100))


def test_the_right_bytes_under_a_wrong_length_are_refused() -> None:
    with pytest.raises(DigestMismatchError, match="expected 11"):
        list(verified_chunks([CONTENT], SHA256, length=11, limit=100))


@pytest.mark.parametrize(("length", "limit", "said"), [(3, 100, "declared"), (None, 3, "allowed"), (50, 3, "allowed")])
def test_reading_stops_at_the_first_byte_too_many(length: int | None, limit: int, said: str) -> None:
    """An endless source must not be read to its end."""
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x"

    with pytest.raises(ArtifactTooLargeError, match=f"3 bytes {said}"):
        list(verified_chunks(endless(), SHA256, length=length, limit=limit))
    assert read == 4


def test_a_refusal_says_what_was_found_and_what_to_do() -> None:
    with pytest.raises(DigestMismatchError) as caught:
        check_syntax("x")
    assert (
        str(caught.value) == "SHA256 mismatch: 'x' is no SHA-256 digest. Write it as 64 lower-case hexadecimal digits."
    )
    assert dict(caught.value.evidence) == {"sha256": "x"}
    other = hashlib.sha256(b"other").hexdigest()
    for length, expected in ((None, "any number"), (5, "5")):
        with pytest.raises(DigestMismatchError) as caught:
            list(verified_chunks([b"other"], SHA256, length=length, limit=100))
        assert str(caught.value) == (
            f"SHA256 mismatch: 5 bytes with digest {other}, expected {expected} with {SHA256}. "
            "Fetch the file the manifest was made for, or ask the publisher for a new manifest."
        )
        assert dict(caught.value.evidence) == {"sha256": SHA256, "found": other, "length": 5}
    with pytest.raises(ArtifactTooLargeError) as too_large:
        list(verified_chunks([CONTENT], SHA256, length=3, limit=100))
    assert str(too_large.value) == (
        f"artifact {SHA256} has more than the 3 bytes declared. "
        "Ask the publisher for a manifest with the right length and digest, or allow more."
    )
    assert dict(too_large.value.evidence) == {"sha256": SHA256, "limit": 3}
