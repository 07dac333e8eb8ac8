"""Requirement sets: which checks count, frozen by the name of a year and a number."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final

from oneiric_core import ConformanceError

__all__ = ["LATEST", "RequirementSet", "requirement_set"]

LATEST: Final = "2026.1"
_FOLDER: Final = Path(__file__).parent / "requirements"


@dataclass(frozen=True, slots=True)
class RequirementSet:
    """The checks that count.

    :param sha256: of the file that lists them, in hexadecimal; two reports with the same one were asked the same.
    """

    id: str
    checks: frozenset[str]
    sha256: str

    def to_json(self) -> dict[str, str]:
        return {"id": self.id, "sha256": self.sha256}


@cache
def requirement_set(id: str = LATEST) -> RequirementSet:
    """The set of that name.

    :raises ConformanceError: if there is none.
    """
    known = {path.stem: path for path in sorted(_FOLDER.glob("*.toml"))}
    if id not in known:
        near = get_close_matches(id, known, n=1)
        raise ConformanceError(
            f"there is no requirement set {id!r}",
            fix=f"Did you mean {near[0]}?" if near else f"Choose one of {', '.join(known)}",
            requirements=id,
        )
    data = known[id].read_bytes()
    listed: Mapping[str, Any] = tomllib.loads(data.decode("utf-8"))
    names = [name for area in listed["checks"].values() for name in area]
    return RequirementSet(listed["id"], frozenset(names), hashlib.sha256(data).hexdigest())
