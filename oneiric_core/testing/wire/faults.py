"""The ways in which a server can be wrong on the wire."""

from enum import StrEnum
from typing import Final

__all__ = ["AMOUNTS", "HALVED", "WireFault"]


class WireFault(StrEnum):
    """Each way in which :class:`~oneiric_core.testing.Broken` can be wrong. Nothing else about it is.

    Where the text says *half*, ``at`` gives another number of bytes of the body; where it says *amount*, ``amount``
    gives another one than the default in :data:`AMOUNTS`.
    """

    # It takes its time.
    SILENT = "takes the request and never says a word"
    STALLED_HEAD = "stops in the middle of the headers and keeps the connection"
    STALLED_BODY = "stops after half of the body and keeps the connection"
    DRIP = "sends the body an amount of bytes at a time, with a pause before each"
    # It ends too early, or not.
    CLOSED = "closes without a word"
    RESET = "resets without a word"
    CUT_HEAD = "closes in the middle of the headers"
    SHORT = "closes after half of the body it promised"
    RESET_BODY = "resets after half of the body it promised"
    LONG = "sends an amount of bytes more than it promised"
    ENDLESS = "sends the body again and again, without an end"
    STALE = "says that the connection may be kept, and closes it after the answer"
    # Its chunks are none.
    CUT_CHUNKS = "closes after half of the body, without a last chunk"
    BROKEN_CHUNKS = "sends half of the body, and then a chunk whose size is no number"
    HUGE_CHUNK = "sends half of the body, and then a chunk said to have 2**64 + 1 bytes"
    NEGATIVE_CHUNK = "sends a chunk with a negative size"
    # Its head contradicts itself or the protocol.
    GARBAGE = "sends an amount of bytes that are no HTTP"
    OTHER_PROTOCOL = "greets as an SSH server"
    BAD_STATUS = "sends a status that is no number"
    NO_HEAD = "sends the body alone, as HTTP/0.9 did"
    TWO_LENGTHS = "sends two Content-Length that differ"
    NEGATIVE_LENGTH = "sends a negative Content-Length"
    WORDY_LENGTH = "sends a Content-Length that is no number"
    LENGTH_AND_CHUNKS = "sends both Content-Length and Transfer-Encoding"
    UNKNOWN_TRANSFER = "names a Transfer-Encoding that does not exist"
    HUGE_HEADER = "sends one header with an amount of bytes"
    MANY_HEADERS = "sends an amount of headers"
    NUL_HEADER = "sends a header with a NUL in it"
    NAMELESS_HEADER = "sends a header line without a colon"
    EARLY_ANSWERS = "sends an amount of informational answers (103) before the real one"
    # Its content is not what it says.
    WRONG_ENCODING = "says that the body is gzip, which it is not"
    UNKNOWN_ENCODING = "names a Content-Encoding that does not exist"
    UNASKED_GZIP = "compresses the body, whatever the client accepts"
    CUT_GZIP = "compresses the body and leaves out the last half of the stream, with a true length"
    GZIP_BOMB = "sends zeros that unpack to an amount of bytes"
    CHANGED = "sends as many bytes as the body has, one bit of them changed"
    EMPTY = "sends no bytes, and says so"
    NO_CONTENT = "answers 204"
    # It gives another part.
    UNASKED_PART = "answers 206 with the first half, whatever was asked"
    OTHER_PART = "answers 206 with the first half and says that it is the last"
    # It sends the client elsewhere.
    LOOP = "redirects to the same place"
    FOREVER = "redirects to another place each time"
    NOWHERE = "redirects without saying where"


AMOUNTS: Final = {
    WireFault.DRIP: 1,
    WireFault.LONG: 16,
    WireFault.GARBAGE: 512,
    WireFault.HUGE_HEADER: 1 << 20,
    WireFault.MANY_HEADERS: 10_000,
    WireFault.EARLY_ANSWERS: 200,
    WireFault.GZIP_BOMB: 16 << 20,
}
"""The faults that have an amount, and how much it is unless a script says otherwise."""

HALVED: Final = frozenset(kind for kind in WireFault if "half" in kind.value)
"""The faults that strike after half of the body, or elsewhere in it."""
