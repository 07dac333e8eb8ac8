"""Text that a JSON Schema describes: from fixed alphabets, by its format, by its pattern."""

import base64
import re
from collections.abc import Mapping
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

__all__ = ["ALPHABET", "TEXT", "string", "text_of"]

ALPHABET: Final = "abcXYZ019 _-./\\:~é日\U0001f600"
"""What text is made of, so that it does not depend on the Unicode tables of the Python at hand."""


def text_of(alphabet: str, least: int = 0, most: int = 8) -> SearchStrategy[str]:
    """Text of ``least`` to ``most`` of these characters.

    ``st.text`` would go through all of Unicode first, which takes half a second in every process.
    """
    return st.lists(st.sampled_from(alphabet), min_size=least, max_size=most).map("".join)


TEXT: Final = text_of(ALPHABET)
"""Short text."""

_FORMATS: Final[Mapping[str, tuple[str, ...]]] = {
    "date": ("2026-01-31", "2024-02-29", "1970-01-01"),
    "date-time": ("2026-01-31T12:00:00Z", "2024-02-29T23:59:59.999+01:00"),
    "duration": ("PT1H30M", "P3D", "P2W"),
    "time": ("12:00:00Z", "23:59:59+01:00"),
    "email": ("someone@example.org", "a+b@sub.example.org"),
    "hostname": ("example.org", "localhost"),
    "ipv4": ("127.0.0.1", "192.0.2.7"),
    "ipv6": ("::1", "2001:db8::7"),
    "uri": ("https://example.org/a?b=c", "urn:example:a"),
    "uuid": ("00000000-0000-4000-8000-000000000000", "123e4567-e89b-42d3-a456-426614174000"),
}
_PLAIN: Final = ("abc", "XYZ", "019", "abc019-_")
"""Alphabets of which one fits where a schema says what a text must not be."""

_UNFIT: Final = re.compile(r"[^\w.+@:/?=&%-]", re.ASCII)
"""What no text of a known format has, and an open pattern lets in."""


def string(schema: Mapping[str, Any]) -> SearchStrategy[str]:
    """Text for the keywords of strings, those that are there taken together."""
    least = schema.get("minLength", 0)
    most = min(schema.get("maxLength", least + 8), least + 8)
    known = _FORMATS.get(schema.get("format", ""), ())
    if "pattern" in schema:
        pattern = schema["pattern"]
        fitting = [text for text in known if re.search(pattern, text)]
        return st.sampled_from(fitting) if fitting else _matching(schema, pattern, least)
    if known:
        return st.sampled_from(known)
    if schema.get("contentEncoding") == "base64":
        return st.binary(max_size=12).map(lambda data: base64.b64encode(data).decode("ascii"))
    if "not" in schema:
        return st.one_of([text_of(alphabet, least, most) for alphabet in (*_PLAIN, ALPHABET)])
    return text_of(ALPHABET, least, most)


def _matching(schema: Mapping[str, Any], pattern: str, least: int) -> SearchStrategy[str]:
    """Text that matches, and is made longer where it is too short; what stays so is dropped by who validates it."""
    matches = re.compile(pattern).search
    found = st.from_regex(pattern, alphabet=st.characters(codec="ascii"))

    def fitted(text: str) -> str:
        if text.endswith("\n") and matches(text[:-1]):
            text = text[:-1]  # which only Python takes for the end
        if schema.get("format") in _FORMATS:
            text = _UNFIT.sub("", text)
        if schema.get("format") == "email" and (domain := matches(text)) and domain[0].startswith("@"):
            text = f"someone{domain[0]}"
        return _lengthened(text, least, matches) if len(text) < least else text

    return found.map(fitted).filter(matches)


def _lengthened(text: str, least: int, matches: Any) -> str:
    """One of its characters as often as it takes, if it still matches then."""
    for at in reversed(range(len(text))):
        longer = text[:at] + text[at] * (least - len(text)) + text[at:]
        if matches(longer):
            return longer
    return text
