"""Strict JSON: what two readers could understand differently is refused (I-JSON, RFC 7493, and bounds).

The text is bounded first, by passes that keep no stack, so that the C parser never recurses deeper than the limit. Its
hooks then refuse values; only after a refusal is the text read again, token by token, to say where it stands.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]  # reads a string where json.loads would look around
from typing import Any, Final, NoReturn

from oneiric_core.errors import ManifestError
from oneiric_core.manifest.limits import Limits
from oneiric_core.manifest.text import MAX_SAFE_INTEGER, refuse, shown

__all__ = ["read_json"]

# Always matches at a quote, closed or not: a search that fails there would make the scan quadratic.
_STRING: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'
_STRINGS: Final = re.compile(_STRING, re.DOTALL)
_NOT_MARKS: Final = re.compile(r"[^\[{,:]++")
_ESCAPED: Final = re.compile(r"\\.", re.DOTALL)
_SHORT_STRINGS: Final = re.compile(rb'"[^"]*+"?')
_NEITHER_BRACKETS_NOR_QUOTES: Final = bytes(byte for byte in range(256) if byte not in b'[]{}"')
_BRACES_TO_BRACKETS: Final = bytes.maketrans(b"{}", b"[]")
_TOKENS: Final = re.compile(rf"(?P<string>{_STRING})|(?P<mark>[{{}}\[\],:])|(?P<word>[^\s\"{{}}\[\],:]++)", re.DOTALL)
_ESCAPES: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|-?Infinity|NaN")
_KEYS_AND_BRACKETS: Final = re.compile(
    rf"(?P<key>{_STRING})[ \t\n\r]*+:|{_STRING}|(?P<opening>[{{\[])|(?P<closing>[\]}}])", re.DOTALL
)
_SAFE_DIGITS: Final = len(str(MAX_SAFE_INTEGER)) + 1  # and a sign


class _RefusedError(Exception):
    """A hook met a value that is refused: a word as written, or a key that its object has twice."""

    def __init__(self, what: str, fix: str, *, word: str = "", key: str = "") -> None:
        super().__init__(what)
        self.what, self.fix, self.word, self.key = what, fix, word, key


def read_json(text: str, limits: Limits) -> Any:
    """The value ``text`` stands for.

    :raises ManifestError: not JSON, or JSON with duplicate keys, NaN or infinities, lone surrogates, integers beyond
        ±(2^53-1), or beyond ``limits``.
    """
    _bound(text, limits)
    _refuse_lone_surrogates(text)
    try:
        return json.loads(
            text, object_pairs_hook=_pairs, parse_int=_integer, parse_float=_float, parse_constant=_constant
        )
    except json.JSONDecodeError as error:
        raise refuse(f"the document is not JSON: {error.msg}", text, error.pos, fix="Correct it there") from error
    except _RefusedError as refused:
        offsets = _offsets_of_word(text, refused.word) if refused.word else _offsets_of_duplicate(text, refused.key)
        raise refuse(refused.what, text, next(offsets, len(text)), fix=refused.fix) from None


def _bound(text: str, limits: Limits) -> None:
    opening = text.count("[") + text.count("{")  # those inside of strings included: mostly that settles it
    if opening + text.count(",") + text.count(":") >= limits.max_nodes:
        _refuse_too_many(text, limits)
    if opening > limits.max_depth:
        brackets = _brackets(text)
        for _ in range(limits.max_depth):
            brackets = brackets.replace(b"[]", b"")
        if brackets and (offset := _too_deep(text, limits.max_depth)) is not None:
            raise refuse(f"the document nests deeper than {limits.max_depth} levels", text, offset, fix="Flatten it")


def _refuse_too_many(text: str, limits: Limits) -> None:
    nodes = len(_NOT_MARKS.sub("", _STRINGS.sub("", text))) + 1
    if nodes > limits.max_nodes:
        raise ManifestError(
            f"the document has about {nodes} values, more than the {limits.max_nodes} allowed",
            fix="Split it, or raise Limits.max_nodes where it is read",
            nodes=nodes,
        )


def _brackets(text: str) -> bytes:
    """The brackets outside of strings, braces as brackets.

    Quotes next to each other go first: without them the same brackets stand inside of strings as before.
    """
    if "\\" in text:
        text = _ESCAPED.sub("", text)
    marks = text.encode("utf-8").translate(_BRACES_TO_BRACKETS, _NEITHER_BRACKETS_NOR_QUOTES).replace(b'""', b"")
    return _SHORT_STRINGS.sub(b"", marks)


def _too_deep(text: str, limit: int) -> int | None:
    """The offset at which ``limit`` is passed, or None: brackets that do not match are the parser's business."""
    depth = 0
    for token in _TOKENS.finditer(text):
        if token["mark"] in ("[", "{"):
            depth += 1
            if depth > limit:
                return token.start()
        elif token["mark"] in ("]", "}"):
            depth -= 1
    return None


def _refuse_lone_surrogates(text: str) -> None:
    if "\\" not in text or ("\\ud" not in text and "\\uD" not in text):
        return
    for escape in _ESCAPES.finditer(text):
        if escape["lone"]:
            raise refuse(
                f"the document has half of a surrogate pair, {escape['lone']}",
                text,
                escape.start(),
                fix="Write the whole character",
            )


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        key = _first_repeated(pairs)
        raise _RefusedError(f"the key {shown(key)} stands twice in one object", "Remove one of the two", key=key)
    return mapping


def _first_repeated(pairs: Iterable[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return name
        seen.add(name)
    raise LookupError  # the caller knows that there is one


def _integer(digits: str) -> int:
    if len(digits) > _SAFE_DIGITS or abs(int(digits)) > MAX_SAFE_INTEGER:
        raise _RefusedError(f"the integer {shown(digits)} is beyond ±(2^53-1)", "Write it as a string", word=digits)
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _RefusedError(f"the number {shown(digits)} is beyond what a float holds", "Make it finite", word=digits)
    return value


def _constant(word: str) -> NoReturn:
    raise _RefusedError(f"{word} is not JSON", "Use null or a finite number", word=word)


def _offsets_of_word(text: str, word: str) -> Iterator[int]:
    for token in _TOKENS.finditer(text):
        if token["word"] and (number := _NUMBER.match(token["word"])) and number[0] == word:
            yield token.start()


def _offsets_of_duplicate(text: str, key: str) -> Iterator[int]:
    """Where ``key`` stands in an object that has it already. The text up to there is known to be JSON."""
    seen: list[bool] = []
    plain = f'"{key}"'
    for found in _KEYS_AND_BRACKETS.finditer(text):
        if found.lastgroup == "key":
            string = found["key"]
            if string == plain or ("\\" in string and scanstring(string, 1)[0] == key):
                if seen[-1]:
                    yield found.start()
                seen[-1] = True
        elif found.lastgroup == "opening":
            seen.append(False)
        elif found.lastgroup == "closing":
            seen.pop()
