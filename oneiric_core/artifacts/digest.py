"""SHA-256 as it is written in manifests, and computed while bytes pass by."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from io import BufferedReader
from typing import Final

from oneiric_core.errors import ArtifactTooLargeError, DigestMismatchError

__all__ = ["check_syntax", "chunks_of", "digest_of", "verified_chunks"]

CHUNK: Final = 1 << 20
_HEX: Final = re.compile(r"[0-9a-f]{64}")


def check_syntax(sha256: str | None) -> str:
    """The digest itself, if it is one: 64 lower-case hexadecimal digits.

    :raises DigestMismatchError: it is written in any other way.
    """
    if not sha256 or not _HEX.fullmatch(sha256):
        raise DigestMismatchError(
            f"SHA256 mismatch: {sha256!r} is no SHA-256 digest",
            fix="Write it as 64 lower-case hexadecimal digits",
            sha256=sha256,
        )
    return sha256


def chunks_of(file: BufferedReader) -> Iterator[bytes]:
    """What is left of a file, a megabyte at a time, so that memory stays flat."""
    while chunk := file.read(CHUNK):
        yield chunk


def digest_of(file: BufferedReader) -> str:
    """SHA-256 of what is left of a file, in lower-case hexadecimal."""
    return hashlib.file_digest(file, "sha256").hexdigest()


def verified_chunks(chunks: Iterable[bytes], sha256: str, *, length: int | None, limit: int) -> Iterator[bytes]:
    """Pass ``chunks`` on and raise at the end unless they were the promised ones.

    Whoever writes them somewhere must not show the result to anybody before this has ended.

    :param length: the declared number of bytes; reading stops as soon as there are more.
    :param limit: the greatest number of bytes allowed where no length is declared.
    :raises ArtifactTooLargeError: there are more bytes than declared or allowed.
    :raises DigestMismatchError: they are others, or fewer than declared.
    """
    digest, total = hashlib.sha256(), 0
    most = limit if length is None else min(length, limit)
    for chunk in chunks:
        total += len(chunk)
        if total > most:
            raise ArtifactTooLargeError(
                f"artifact {sha256} has more than the {most} bytes {'allowed' if most == limit else 'declared'}",
                fix="Ask the publisher for a manifest with the right length and digest, or allow more",
                sha256=sha256,
                limit=most,
            )
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != sha256 or length not in {None, total}:
        raise DigestMismatchError(
            f"SHA256 mismatch: {total} bytes with digest {digest.hexdigest()}, expected "
            f"{'any number' if length is None else length} with {sha256}",
            fix="Fetch the file the manifest was made for, or ask the publisher for a new manifest",
            sha256=sha256,
            found=digest.hexdigest(),
            length=total,
        )
