"""The package's components as a publisher offers them: manifest entries, documents, and signatures over them.

Written from the specification and not with the code under judgement, so that an error of ours in reading a manifest
cannot hide behind the same error in writing it.
"""

import base64
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final, TypeAlias

import yaml

from oneiric_conformance.handling.graphs import unrunnable
from oneiric_conformance.subject import Subject
from oneiric_core import Domain
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
    "fit_part",
    "has_import_path",
    "has_plain_names",
    "is_plain_name",
    "offered",
    "published",
    "sign",
    "unfit_for_json",
]

JSON: Final = "application/json"
YAML: Final = "application/yaml"
SOURCE: Final = "https://publisher.invalid/manifest"
LARGEST_INTEGER: Final = 2**53 - 1

Document: TypeAlias = dict[str, Any]

_IMPORT_PATH: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(\s*:\s*[A-Za-z_]\w*|\.[A-Za-z_]\w*)", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,255}")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
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
_PLACED: Final = frozenset({"domain", "key", "provider", "metadata"})
_FIELDS: Final[Mapping[str, str]] = {name: name for name in (*_TOP_LEVEL, *_TOP_LEVEL_TOO)} | _RENAMED


def has_import_path(subject: Subject) -> bool:
    """Whether a manifest can name the factory: by ``package.module:attribute`` or ``package.module.attribute``."""
    return isinstance(subject.factory, str) and _IMPORT_PATH.fullmatch(subject.factory.strip()) is not None


def has_plain_names(subject: Subject) -> bool:
    """Whether domain, key and provider are such that a manifest can hold them."""
    return subject.domain in set(Domain) and is_plain_name(subject.key) and is_plain_name(subject.provider)


def is_plain_name(name: object) -> bool:
    """Letters, digits, "_", "-" and single dots, up to 255 of them."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None and ".." not in name and name != "."


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


def published(entry: Mapping[str, Any]) -> Document:
    """What a candidate says that was made of ``entry``: its fields under the names of a declaration's metadata."""
    names = {field: name for name, field in _FIELDS.items()}
    free = dict(entry.get("metadata", {}))
    said = {names.get(field, field): value for field, value in entry.items() if field not in _PLACED}
    if "capabilities" in entry:
        listed = entry["capabilities"]
        said["capabilities"] = [item["name"] if isinstance(item, Mapping) else item for item in listed]
    return {**free, **said}


def fit_part(entry: Mapping[str, Any]) -> Document:
    """The entry without the fields, and items of its metadata, that JSON cannot hold."""
    fit = {name: value for name, value in entry.items() if name == "metadata" or not unfit_for_json({name: value})}
    if "metadata" in fit:
        free = fit["metadata"].items()
        fit["metadata"] = {name: value for name, value in free if not unfit_for_json({name: value})}
    return fit


def offered(subjects: Iterable[Subject]) -> list[Document]:
    """Entries for judging a runtime: the package's names and metadata, whatever else is wrong with its declarations.

    A factory that a manifest cannot name is replaced by one that is never called, and a graph that none can hold is
    left out; where no component can be named at all there is one entry of the kit's own.
    """
    sound = [subject for subject in subjects if not subject.error and has_plain_names(subject)]
    once = {subject.id: subject for subject in sound}
    return [_identity(subject) for subject in once.values()] or [_identity(Subject("task", "conformance", "kit"))]


def _identity(subject: Subject) -> Document:
    return fit_part(
        {
            "domain": subject.domain,
            "key": subject.key,
            "provider": subject.provider,
            "factory": subject.factory if has_import_path(subject) else "conformance.never_called:factory",
            "metadata": _registrable(subject),
        }
    )


def _registrable(subject: Subject) -> Document:
    dag = subject.metadata.get("dag")
    broken = subject.domain == Domain.WORKFLOW and dag is not None and unrunnable(dag)
    return {name: value for name, value in subject.metadata.items() if not (broken and name == "dag")}


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
    """The document as UTF-8 JSON; tuples become arrays."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8")


def as_yaml(document: Mapping[str, Any], *, flow: bool | None = False) -> bytes:
    """The document as UTF-8 YAML without anchors.

    :param flow: True for braces and brackets throughout, False for blocks, None for a mixture.
    """
    plain = json.loads(as_json(document))
    options: dict[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": 10**6}
    return str(yaml.dump(plain, Dumper=_Dumper, default_flow_style=flow, **options)).encode("utf-8")


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')


class _Dumper(yaml.SafeDumper):
    """Writes every text in double quotes, so that no reader takes one for a number, a date or a truth value."""

    yaml_representers: ClassVar[dict[Any, Any]] = {**yaml.SafeDumper.yaml_representers, str: _quoted}

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def unfit_for_json(value: Any, place: str = "") -> str:
    """Where and why a value is not plain JSON data (RFC 8259, I-JSON numbers); empty if it is. Tuples pass as arrays.

    :param place: the dotted path of ``value``, as the beginning of the answer.
    """
    where = place or "it"
    if isinstance(value, Mapping):
        return _first(
            _unfit_key(key, where) or unfit_for_json(value[key], f"{place}.{key}".lstrip(".")) for key in value
        )
    if isinstance(value, list | tuple):
        return _first(unfit_for_json(item, f"{place}[{at}]") for at, item in enumerate(value))
    if isinstance(value, str):
        return f"{where} holds a lone surrogate" if _SURROGATE.search(value) else ""
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        return f"{where} is {value}, an integer beyond 2^53 - 1"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{where} is {value}, which JSON cannot write"
    plain = value is None or isinstance(value, int | float)
    return "" if plain else f"{where} is a {type(value).__name__}, which JSON cannot write"


def _unfit_key(key: Any, place: str) -> str:
    if not isinstance(key, str):
        return f"{place} has the key {key!r}, which is not a string"
    return f"{place} has a key that holds a lone surrogate" if _SURROGATE.search(key) else ""


def _first(found: Iterable[str]) -> str:
    return next(filter(None, found), "")
