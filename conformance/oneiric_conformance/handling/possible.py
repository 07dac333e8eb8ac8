"""Whether the kit can make payloads of what a component declares: that it cannot says nothing about the component."""

from dataclasses import replace
from typing import Final

from hypothesis.errors import HypothesisException
from jsonschema.exceptions import SchemaError

from oneiric_conformance.handling.examples import by_itself, for_all
from oneiric_conformance.handling.payloads import payloads_of, schemas_of
from oneiric_conformance.judging.findings import described
from oneiric_conformance.profile import Profile
from oneiric_conformance.subject import Subject
from oneiric_core import Domain

__all__ = ["why_no_payloads"]

_FEW: Final = 12
_TAKING: Final = {Domain.TASK, Domain.ACTION, Domain.WORKFLOW, Domain.EVENT}


def why_no_payloads(subject: Subject, profile: Profile) -> str:
    """One sentence; empty if there are payloads, or none are needed.

    What is no schema at all is for a rule to refuse; but a pattern may be one, though not in Python.
    """
    if subject.payloads or subject.domain not in _TAKING or not schemas_of(subject):
        return ""
    try:
        with by_itself():
            strategy, _ = payloads_of(subject)
            few = replace(profile, examples=_FEW)
            for_all(strategy, lambda _: None, profile=few, name=f"possible {subject.id}")
    except SchemaError as error:
        return _sentence(subject, f" ({error.message})") if error.validator == "format" else ""
    except HypothesisException:
        return _sentence(subject, "")
    except Exception as error:  # noqa: BLE001 - a schema may ask for anything, and the kit knows only some of it
        return _sentence(subject, f" ({described(error)})")
    return ""


def _sentence(subject: Subject, why: str) -> str:
    return (
        f"the kit can make no payload of the payload_schema{why}; name payloads in "
        f"[tool.oneiric.conformance.components.'{subject.id}'], or see whether the schema allows any"
    )
