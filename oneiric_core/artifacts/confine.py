"""The one door where text from outside may become a path.

A text is judged as every reader might read it: as it stands, percent-decoded until nothing is left to decode, and each
of these after NFKC without invisible characters. In every reading it has to be a relative path of plain names on POSIX
and on Windows alike, whatever system this runs on:

- no ``.`` or ``..``, no empty name, hence nothing absolute and no UNC path;
- ``/`` is the only separator, and only where it is written as such: no backslash, no encoded or look-alike separator;
- no colon: drives, drive-relative names, alternate data streams and URLs all need one;
- no control characters, surrogates or bytes that are not UTF-8 (which is what overlong forms are);
- no reserved device name, with or without extension; no trailing dot or space;
- no name over 255 bytes, no path over 4096.

So every accepted text has one spelling, and means one path. It is a rule about names only: whoever opens the path must
not follow links on the way.
"""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn

from oneiric_core.errors import PathTraversalError

__all__ = ["confine", "sanitize_filename"]

NAME_BYTES: Final = 255
PATH_BYTES: Final = 4096
SHOWN: Final = 100

# Slashes and backslashes that NFKC leaves alone: fraction, division, big solidus; set minus, operators, big reverse.
_LOOK_ALIKES: Final = frozenset("\u2044\u2215\u29f8\u2216\u29f5\u29f9")
# Control characters, surrogates, line and paragraph separators.
_FORBIDDEN: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_ESCAPES: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+|%u([0-9A-Fa-f]{4})")
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file; superscript digits are plain ones after NFKC.
_DEVICES: Final = re.compile(r"(?:CON|PRN|AUX|NUL|CLOCK\$|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9])", re.IGNORECASE)
_UNSAFE: Final = re.compile(r"[^\w.+-]")


def confine(root: Path, text: str) -> Path:
    """The path that ``text`` names below ``root``.

    :param text: a relative path with ``/`` between its names.
    :raises PathTraversalError: some system or reader would take it for a path elsewhere, or for none at all.
    """
    if len(text.encode("utf-8", "surrogatepass")) > PATH_BYTES:
        _refuse(text, f"is longer than {PATH_BYTES} bytes")
    for reading in _readings(text):
        _judge(text, reading)
    return root.joinpath(*text.split("/"))


def sanitize_filename(text: str) -> str:
    """A single safe name that resembles ``text``; sanitising it again changes nothing.

    Different texts may give the same name. The result passes :func:`confine`.
    """
    name = _UNSAFE.sub("_", _plain(text)).strip(".")
    if _is_device(name):
        name = f"_{name}"
    name = name.encode("utf-8")[:NAME_BYTES].decode("utf-8", "ignore").rstrip(".")
    return name or "_"


def _readings(text: str) -> Iterator[str]:
    """The text, and what percent-decoding makes of it, again and again. Each round is shorter than the one before."""
    reading: str = text
    previous: str | None = None
    while reading != previous:
        yield reading
        try:
            reading, previous = _ESCAPES.sub(_unescape, reading), reading
        except UnicodeDecodeError:
            _refuse(text, "decodes to bytes that are not UTF-8")


def _unescape(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], base=16))
    return bytes.fromhex(match[0].replace("%", "")).decode("utf-8")


def _plain(text: str) -> str:
    """The text without invisible characters and after NFKC, which makes plain letters of styled ones."""
    return unicodedata.normalize("NFKC", "".join(char for char in text if unicodedata.category(char) != "Cf"))


def _judge(text: str, reading: str) -> None:
    plain = _plain(reading)
    if any(unicodedata.category(char) in _FORBIDDEN for char in plain):
        _refuse(text, "holds control characters or surrogates")
    if "\\" in plain or not _LOOK_ALIKES.isdisjoint(reading) or plain.count("/") != text.count("/"):
        _refuse(text, "holds a separator other than a plain /")
    if ":" in plain:
        _refuse(text, "holds a colon, as drives, streams and URLs do")
    if plain.startswith("/"):
        _refuse(text, "is absolute")
    for name in plain.split("/"):
        _judge_name(text, name)
    if any(len(name.encode("utf-8")) > NAME_BYTES for name in reading.split("/")):
        _refuse(text, f"holds a name of more than {NAME_BYTES} bytes")


def _judge_name(text: str, name: str) -> None:
    if name in {"", ".", ".."}:
        _refuse(text, f"holds the name {name!r}, which stands for another directory")
    if name.endswith((".", " ")):
        _refuse(text, f"holds {name!r}: Windows drops the trailing dot or space")
    if _is_device(name):
        _refuse(text, f"holds {name!r}, a device on Windows")


def _is_device(name: str) -> bool:
    return _DEVICES.fullmatch(name.partition(".")[0].rstrip(" ")) is not None


def _refuse(text: str, rule: str) -> NoReturn:
    raise PathTraversalError(
        f"Path traversal: {text[:SHOWN]!r} {rule}",
        fix="Use a relative path of plain names with / between them",
        text=text,
        rule=rule,
    )
