"""What a YAML scalar without quotes means, where all readers agree; where they do not, it has to be quoted.

The published package signs what PyYAML makes of a document, which is YAML 1.1 with its ``no``, ``1:30`` and ``017``.
Other tools read YAML 1.2. What either takes for something else than we do is refused, so that all sign the same.
"""

import math
import re
from typing import Final, TypeAlias

from oneiric_core.manifest.text import MAX_SAFE_INTEGER

__all__ = ["Scalar", "meaning_of"]

Scalar: TypeAlias = str | int | float | bool | None

_CASES: Final = {"null": None, "true": True, "false": False}
_WORDS: Final[dict[str, Scalar]] = {
    "": None,
    "~": None,
    **{form: value for word, value in _CASES.items() for form in (word, word.capitalize(), word.upper())},
}
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*+)")
_FLOAT: Final = re.compile(r"-?(?:0|[1-9][0-9]*+)\.[0-9]++(?:[eE][-+][0-9]++)?")
_SUSPECT_STARTS: Final = frozenset("+-.0123456789nNoOyY=<")
_AMBIGUOUS: Final = re.compile(
    r"""
      (?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)                            # booleans of YAML 1.1
    | = | <<                                                                   # its value and merge keys
    | [-+]?0[box][0-9a-fA-F_]+                                                 # other bases, of 1.1 and 1.2
    | [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?                         # base 60
    | [-+]?(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?        # numbers of 1.1, 1.2 and JSON
    | [-+]?\.(?:inf|Inf|INF) | \.(?:nan|NaN|NAN)
    | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}                                           # dates and times
      (?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)?
    """,
    re.VERBOSE,
)
_SAFE_DIGITS: Final = len(str(MAX_SAFE_INTEGER)) + 1  # and a sign


def meaning_of(text: str) -> Scalar:
    """The value of the plain scalar ``text``.

    :raises ValueError: it has several, or one that JSON cannot say; the message says which of the two.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _SUSPECT_STARTS:
        return text
    if _INTEGER.fullmatch(text):
        if len(text) > _SAFE_DIGITS or abs(int(text)) > MAX_SAFE_INTEGER:
            raise ValueError("is an integer beyond ±(2^53-1)")
        return int(text)
    if _FLOAT.fullmatch(text):
        if not math.isfinite(number := float(text)):
            raise ValueError("is a number beyond what a float holds")
        return number
    if _AMBIGUOUS.fullmatch(text):
        raise ValueError("is read differently by different YAML readers")
    return text
