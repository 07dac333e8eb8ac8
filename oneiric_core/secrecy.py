"""What must not be shown: people give a secret itself where its path or the name of a variable is asked for.

``--private-key "$(cat key.pem)"`` is quickly typed, and a message that repeats it puts the key into the log of a build.
So what was given in such a place is only shown if it looks like what was asked for.
"""

import base64
import re
from typing import Final

__all__ = ["could_be_path", "could_be_variable", "without_keys"]

_LONGEST_PATH: Final = 1024
_LONGEST_PART: Final = 255
"""Of a path, between two slashes, on any usual file system."""
_SHORTEST_KEY: Final = 32
"""Bytes; what of a key or a token can be guessed is shorter."""
_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
"""As POSIX writes them. A lower-case word may well be a password."""
_PEM: Final = "-----"
_HEXADECIMAL: Final = re.compile(r"(?:[0-9a-fA-F]{2})+")
_KEY: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"  # PEM
    r"|(?<![A-Za-z0-9+/=])(?:MC4CAQAwBQYDK2VwBCIEI|MI[GHI])[A-Za-z0-9+/\s]{32,}={0,2}"  # what stands in it
    r"|(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{43}=(?![A-Za-z0-9+/=])",  # 32 bytes in base64
    re.DOTALL,
)


def could_be_path(text: str) -> bool:
    """May ``text`` be shown as the path of a file? Not if it may be a key: in PEM, in base64, in hexadecimal digits."""
    parts = re.split(r"[/\\]", text)
    return (
        0 < len(text) <= _LONGEST_PATH
        and max(map(len, parts)) <= _LONGEST_PART
        and text.isprintable()
        and _PEM not in text
        and not any(map(_is_encoded, (text, parts[-1])))
    )


def could_be_variable(text: str) -> bool:
    """May ``text`` be shown as the name of an environment variable? Only upper-case letters, digits and underscores."""
    return _VARIABLE.fullmatch(text) is not None


def without_keys(text: str) -> str:
    """``text`` with a mark in the place of each private key that it seems to have in it."""
    return _KEY.sub("[not shown: it may be a private key]", text)


def _is_encoded(text: str) -> bool:
    """Does it stand for as many bytes as a key has?"""
    if _HEXADECIMAL.fullmatch(text):
        return len(text) >= 2 * _SHORTEST_KEY
    digits = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        decoded = base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except ValueError:  # binascii.Error, and the plain one where the text is not ASCII
        return False
    words = not text.endswith("=") and (text.islower() or not any(map(str.isdigit, text)))  # as folders are called
    return len(decoded) >= _SHORTEST_KEY and not words
