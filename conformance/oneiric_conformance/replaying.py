"""One example of one check as a word for the command line: written by a failing run, read back with suspicion.

What stands in the word comes from a report, a log or a stranger: it is bounded, checked part by part, and never
evaluated. It holds numbers and names; what is done with them is the check's business.
"""

import base64
import binascii
import hashlib
import json
import re
import zlib
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

from oneiric_conformance.judging.route import Place
from oneiric_conformance.profile import PROFILES
from oneiric_core import ConformanceError

__all__ = ["LONGEST", "Replay"]

LONGEST: Final = 16_384
"""Characters that a word has at most; an example that needs more has none."""

_UNPACKED: Final = 1 << 20
_FORM: Final = re.compile(r"1\.([A-Za-z0-9_-]+)", re.ASCII)
_SUM: Final = 6
_TYPES: Final = (str, str, str, str, str, int, int, int, str)
_GENERATED: Final = -1
_CHECK: Final = re.compile(r"[A-Z]+-[0-9]+", re.ASCII)
_SUBJECT: Final = re.compile(r"[^'\s]{1,300}")


@dataclass(frozen=True, slots=True)
class Replay:
    """An example, and all that decides what it is.

    :param seed: what generation started from; the samples that some checks begin with depend on it.
    """

    check: str
    subject: str
    profile: str
    seed: int
    place: Place

    def encoded(self) -> str:
        """The word; empty if nobody knows what was chosen, or if it would be too long for a command line."""
        place = self.place
        if place.index is None and not place.choices:
            return ""
        index = _GENERATED if place.index is None else place.index
        parts = [*_versions(), self.check, self.subject, self.profile, self.seed, place.series, index, place.choices]
        content = json.dumps(parts, separators=(",", ":")).encode()
        word = base64.urlsafe_b64encode(_sum(content) + content).decode().rstrip("=")
        return f"1.{word}" if len(word) + 2 <= LONGEST else ""

    @classmethod
    def decoded(cls, word: str) -> "Replay":
        """The inverse of :meth:`encoded`.

        :raises ConformanceError: it is no such word, was cut or changed, or was written with other versions, with which
            it would mean another example.
        """
        kit, hypothesis, check, subject, profile, seed, series, index, choices = _parts(word)
        if not _CHECK.fullmatch(check) or not _SUBJECT.fullmatch(subject) or not subject.isprintable():
            raise _no_replay("it names no check")
        again = f"Run the whole check: pytest --oneiric-conformance -k '{check} and {subject}'"
        for name, then, now in zip(("oneiric-core", "hypothesis"), (kit, hypothesis), _versions(), strict=True):
            if then != now:
                raise ConformanceError(
                    f"the example was found with {name} {then}, and this is {now}, where it would be another one",
                    fix=f"Install {name}=={then}, or leave the replay out. {again}",
                    then=then,
                    now=now,
                )
        generated = index == _GENERATED
        if profile not in PROFILES or series < 1 or index < _GENERATED or generated is not bool(choices):
            raise _no_replay("it names no example")
        if generated:
            _refuse_no_choices(choices)
        return cls(check, subject, profile, seed, Place(series, None if generated else index, choices))


def _versions() -> tuple[str, str]:
    return version("oneiric-core"), version("hypothesis")


def _parts(word: str) -> Any:
    if len(word) > LONGEST:
        raise _no_replay(f"it is longer than {LONGEST} characters")
    found = _FORM.fullmatch(word)
    if found is None:
        raise _no_replay("it does not look like one")
    try:
        raw = base64.urlsafe_b64decode(found[1] + "=" * (-len(found[1]) % 4))
    except binascii.Error as error:
        raise _no_replay("it was cut or changed") from error
    content = raw[_SUM:]
    if _sum(content) != raw[:_SUM]:
        raise _no_replay("it was cut or changed")
    try:
        parts: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _no_replay("it was cut or changed") from error
    if not isinstance(parts, list) or [type(part) for part in parts] != [*_TYPES]:
        raise _no_replay("it was cut or changed")
    return parts


def _refuse_no_choices(choices: str) -> None:
    from hypothesis.database import choices_from_bytes  # noqa: PLC0415 - only a replay of a generated example needs it

    try:
        packed = base64.b64decode(choices, validate=True)
    except binascii.Error as error:
        raise _no_replay("its choices are none") from error
    content = packed[1:]
    if packed[:1] == b"\1":
        unpacking = zlib.decompressobj()
        try:
            content = unpacking.decompress(content, _UNPACKED)
        except zlib.error as error:
            raise _no_replay("its choices are none") from error
        if not unpacking.eof:
            raise _no_replay("its choices are cut, or too many")
    if packed[:1] not in {b"\0", b"\1"} or choices_from_bytes(content) is None:
        raise _no_replay("its choices are none")


def _sum(content: bytes) -> bytes:
    """Tells a word that was cut or mistyped; it keeps nobody from making one."""
    return hashlib.sha256(content).digest()[:_SUM]


def _no_replay(why: str) -> ConformanceError:
    return ConformanceError(
        f"this is no example to replay: {why}",
        fix="Copy the whole replay line of the failure card, up to the id of the check",
    )
