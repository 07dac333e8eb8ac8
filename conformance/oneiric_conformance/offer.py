"""The package's components as a publisher offers them: manifest entries, documents, and signatures over them.

Written from the specification and not with the code under judgement, so that an error of ours in reading a manifest
cannot hide behind the same error in writing it.
"""

import base64
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

import yaml

from oneiric_conformance.subject import Subject
from oneiric_core.testing import PUBLISHER, KeyPair

__all__ = [
    "JSON",
    "SOURCE",
    "YAML",
    "Document",
    "as_json",
    "as_yaml",
    "canonical",
    "document_of",
    "entry_of",
    "has_import_path",
    "offered",
    "sign",
    "unfit_for_json",
]

JSON: Final = "application/json"
YAML: Final = "application/yaml"
SOURCE: Final = "https://publisher.invalid/manifest"
LARGEST_INTEGER: Final = 2**53 - 1

Document: TypeAlias = dict[str, Any]

_IMPORT_PATH: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*\s*[:.]\s*[^\W\d]\w*(\.[^\W\d]\w*)*")
_TOP_LEVEL: Final = ("version", "owner", "requires_secrets", "settings_model", "side_effect_free", "timeout_seconds")
_TOP_LEVEL_TOO: Final = ("retry_policy", "requires", "conflicts_with", "python_version", "os_platform", "license")
_RENAMED: Final = {
    "topics": "event_topics",
    "max_concurrency": "event_max_concurrency",
    "filters": "event_filters",
    "event_priority": "event_priority",
    "fanout_policy": "event_fanout_policy",
    "dag": "dag",
    "documentation_url": "documentation_url",
}
_FIELDS: Final[Mapping[str, str]] = {name: name for name in (*_TOP_LEVEL, *_TOP_LEVEL_TOO)} | _RENAMED


def has_import_path(subject: Subject) -> bool:
    """Whether a manifest can name the factory: by ``package.module:attribute`` or ``package.module.attribute``."""
    return isinstance(subject.factory, str) and _IMPORT_PATH.fullmatch(subject.factory.strip()) is not None


def entry_of(subject: Subject) -> Document:
    """The manifest entry that offers a component; whatever has no field of its own stands under ``metadata``."""
    declared = dict(subject.metadata)
    model = subject.settings_model
    if isinstance(model, type):
        declared["settings_model"] = f"{model.__module__}:{model.__qualname__}"
    capabilities = _capabilities(declared.pop("capabilities", None), declared.pop("capability_descriptors", None))
    fields: Document = {
        "domain": subject.domain,
        "key": subject.key,
        "provider": subject.provider,
        "factory": subject.factory,
        "priority": subject.priority,
        "stack_level": subject.stack_level,
        "capabilities": capabilities or None,
        **{_FIELDS[name]: value for name, value in declared.items() if name in _FIELDS},
        "metadata": {name: value for name, value in declared.items() if name not in _FIELDS} or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _capabilities(names: Any, descriptors: Any) -> list[Any]:
    described = list(descriptors) if isinstance(descriptors, list | tuple) else []
    taken = [item.get("name") for item in described if isinstance(item, Mapping)]
    listed = [names] if isinstance(names, str) else list(names or ())
    return [item for item in listed if item not in taken] + described


def offered(subjects: Iterable[Subject]) -> list[Document]:
    """The entries of all components that a manifest can name and a document can hold."""
    entries = [entry_of(subject) for subject in subjects if not subject.error and has_import_path(subject)]
    return [entry for entry in entries if not unfit_for_json(entry)]


def document_of(entries: Iterable[Mapping[str, Any]], **fields: Any) -> Document:
    """An unsigned manifest; ``x-note`` is a field that no version of the format knows."""
    return {
        "schema_version": 2,
        "source": SOURCE,
        "sequence_number": 1,
        "signed_at": "2026-01-01T00:00:00+00:00",
        "expires_at": "2999-01-01T00:00:00+00:00",
        "x-note": {"kept": ["and", "signed"]},
        "entries": [dict(entry) for entry in entries],
        **fields,
    }


def canonical(document: Mapping[str, Any]) -> bytes:
    """What a signature in the flat form covers: sorted keys, no blanks, ASCII, the signature's own fields left out."""
    covered = {
        name: value
        for name, value in document.items()
        if name not in {"signature", "signature_algorithm", "signatures"}
    }
    return json.dumps(covered, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def sign(document: Mapping[str, Any], *signers: KeyPair) -> Document:
    """The document signed: one key fills ``signature``, several ``signatures``; without any the publisher signs."""
    message = canonical(document)
    made = [base64.b64encode(pair.sign(message)).decode("ascii") for pair in signers or (PUBLISHER,)]
    if len(made) == 1:
        return {**document, "signature": made[0], "signature_algorithm": "ed25519"}
    parts = [
        {"signature": text, "algorithm": "ed25519", "key_id": pair.name}
        for text, pair in zip(made, signers, strict=True)
    ]
    return {**document, "signatures": parts}


def as_json(document: Mapping[str, Any]) -> bytes:
    """The document as UTF-8 JSON."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2).encode("utf-8")


def as_yaml(document: Mapping[str, Any], *, flow: bool | None = None) -> bytes:
    """The document as UTF-8 YAML without anchors.

    :param flow: True for braces and brackets throughout, False for blocks, None for a mixture.
    """
    text = yaml.dump(
        dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=flow, width=10**6
    )
    return str(text).encode("utf-8")


class _Dumper(yaml.SafeDumper):
    """Writes every text in double quotes, so that no reader takes one for a number, a date or a truth value."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


_Dumper.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


def unfit_for_json(value: Any, place: str = "") -> str:
    """Where and why a value is not plain JSON data (RFC 8259, I-JSON numbers); empty if it is.

    :param place: the dotted path of ``value``, as the beginning of the answer.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            if type(key) is not str:
                return f"{place or 'the top'} has the key {key!r}, which is not a string"
            if found := unfit_for_json(key, f"a key in {place}") or unfit_for_json(item, f"{place}.{key}".lstrip(".")):
                return found
        return ""
    if type(value) is list:
        return next(filter(None, (unfit_for_json(item, f"{place}[{at}]") for at, item in enumerate(value))), "")
    return _unfit_scalar(value, place or "the top")


def _unfit_scalar(value: Any, place: str) -> str:
    if value is None or type(value) is bool:
        return ""
    if type(value) is str:
        return f"{place} holds a lone surrogate" if re.search("[\ud800-\udfff]", value) else ""
    if type(value) is int:
        return "" if abs(value) <= LARGEST_INTEGER else f"{place} is {value}, which is beyond 2^53 - 1"
    if type(value) is float:
        return "" if math.isfinite(value) else f"{place} is {value}, which JSON cannot write"
    return f"{place} is a {type(value).__name__}, which JSON cannot write"
