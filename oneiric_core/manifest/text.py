"""From bytes to text, and from an offset to a line and a column; shared by the readers."""

import reprlib

from oneiric_core.errors import ManifestError
from oneiric_core.manifest.limits import Limits

__all__ = ["MAX_SAFE_INTEGER", "cut", "decode", "refuse", "shown"]

MAX_SAFE_INTEGER = 2**53 - 1
"""Beyond it JSON readers disagree (RFC 8259 §6)."""


def decode(data: bytes, limits: Limits) -> str:
    """The text of ``data``: UTF-8 without a byte order mark.

    :raises ManifestError: too many bytes, a byte order mark, or not UTF-8.
    """
    if len(data) > limits.max_bytes:
        raise ManifestError(
            f"the document has {len(data)} bytes, more than the {limits.max_bytes} allowed",
            fix="Split it, or raise Limits.max_bytes where it is read",
            size=len(data),
            max_bytes=limits.max_bytes,
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ManifestError(
            f"the document is not UTF-8: byte 0x{data[error.start]:02x} at offset {error.start}, line {line}",
            fix="Save it as UTF-8",
            line=line,
            column=error.start - data.rfind(b"\n", 0, error.start),
        ) from error
    if text.startswith("\ufeff"):
        raise ManifestError(
            "the document begins with a byte order mark", fix="Save it as UTF-8 without one", line=1, column=1
        )
    return text


def refuse(what: str, text: str, offset: int, *, fix: str) -> ManifestError:
    """The error for what stands at ``offset`` (in characters) of ``text``."""
    line = text.count("\n", 0, offset) + 1
    column = offset - text.rfind("\n", 0, offset)
    return ManifestError(f"{what}, line {line} column {column}", fix=fix, line=line, column=column)


def cut(text: str, most: int = 60) -> str:
    """``text`` for a message: without its middle where it has more than ``most`` characters."""
    if len(text) <= most:
        return text
    end = (most - 3) // 2
    return f"{text[:end]}...{text[-end:]}"


def shown(value: object) -> str:
    """``value`` for a message: as Python writes it, cut where it is long."""
    return _SHORT.repr(value)


_SHORT = reprlib.Repr()
_SHORT.maxlevel = 2
_SHORT.maxdict = _SHORT.maxlist = 3
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 60
