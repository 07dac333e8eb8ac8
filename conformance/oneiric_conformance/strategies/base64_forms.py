"""Spellings of base64 text that a lax decoder takes for the strict one (RFC 4648, sections 3.1 to 3.5)."""

import base64
from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, composite

__all__ = ["Spelling", "lax_spellings", "nasty_spellings"]

_IGNORED: Final = " \n\r\t\x00!.-_=\u00a0"
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@dataclass(frozen=True, slots=True)
class Spelling:
    """Text that is not the base64 of anything, though some decoders think so.

    :param told: what is wrong with it, as the end of "base64 with …".
    """

    told: str
    text: str


def nasty_spellings(raw: bytes) -> list[Spelling]:
    """The spellings that decoders in use accept; ``raw`` is 64 bytes, so that its text ends in ``==``."""
    strict = base64.b64encode(raw).decode("ascii")
    tries = [
        Spelling("a line break at its end", f"{strict}\n"),
        Spelling("a line break in its middle", f"{strict[:40]}\n{strict[40:]}"),
        Spelling("a blank at its beginning", f" {strict}"),
        Spelling("no padding", strict.rstrip("=")),
        Spelling("half its padding", strict[:-1]),
        Spelling("more padding than needed", f"{strict}=="),
        Spelling("unused bits set", strict[:-3] + _ALPHABET[_ALPHABET.index(strict[-3]) | 1] + "=="),
        Spelling("the URL-safe alphabet", base64.urlsafe_b64encode(raw).decode("ascii")),
        Spelling("characters outside the alphabet", f"{strict[:10]}!!!!{strict[10:]}"),
        Spelling("something after its padding", f"{strict}AAAA"),
        Spelling("a zero byte at its end", f"{strict}\x00"),
        Spelling("hexadecimal digits instead", raw.hex()),
        Spelling("the 63 first bytes only", base64.b64encode(raw[:-1]).decode("ascii")),
        Spelling("a 65th byte", base64.b64encode(raw + b"\0").decode("ascii")),
        Spelling("itself encoded once more", base64.b64encode(strict.encode()).decode("ascii")),
    ]
    return [spelling for spelling in tries if spelling.text != strict]


@composite
def lax_spellings(draw: DrawFn, raw: bytes) -> Spelling:
    """The strict text with a character put in somewhere that lax decoders skip."""
    strict = base64.b64encode(raw).decode("ascii")
    at = draw(st.integers(0, len(strict)))
    # st.text would go through all of Unicode first, which takes half a second in every process
    more = "".join(draw(st.lists(st.sampled_from(_IGNORED), min_size=1, max_size=3)))
    return Spelling(f"{more!r} at position {at}", strict[:at] + more + strict[at:])
