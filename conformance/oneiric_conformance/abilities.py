"""What a runtime may have no counterpart of: it says so before anything runs, and rules about it do not apply.

::

    class TheirRuntime:
        lacks = {"rotation": "its trusted keys are a list that never changes"}

A rule that does not apply for such a reason is no pass: a run in which there was one reaches no level.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from oneiric_core import ConformanceError

__all__ = ["LACKING", "NOTHING", "Ability", "lacks_of"]

LACKING: Final = "the runtime has no "
"""How the reason begins why a rule does not apply that is about what the runtime lacks."""
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class Ability(StrEnum):
    """The acts of a runtime that it may be without.

    ``rotation``: signed roots that take over from each other. ``kit-factories``: manifests whose factories lie below
    ``oneiric_conformance``. ``artifact-code``: code that is run from the artifact which brought it.
    """

    ROTATION = "rotation"
    KIT_FACTORIES = "kit-factories"
    ARTIFACT_CODE = "artifact-code"


def lacks_of(factory: Callable[..., Any]) -> Mapping[str, str]:
    """What the runtime that ``factory`` makes declares to lack, by name, each with the reason.

    :raises ConformanceError: it names what nobody may lack, or gives no reason.
    """
    declared = getattr(factory, "lacks", NOTHING)
    if not isinstance(declared, Mapping):
        raise ConformanceError(
            f"the runtime's lacks is a {type(declared).__name__}", fix="Make it a mapping of names to reasons"
        )
    for name, reason in declared.items():
        if name not in set(Ability):
            raise ConformanceError(
                f"the runtime says that it lacks {name!r}, without which there is nothing to judge",
                fix=f"It may lack {', '.join(Ability)}",
                lacks=name,
            )
        if not isinstance(reason, str) or not reason.strip():
            raise ConformanceError(f"the runtime says that it lacks {name}, and not why", fix="Say why", lacks=name)
    return MappingProxyType({str(name): reason for name, reason in declared.items()})
