"""Write what the documentation has from the code: ``python tests/docs/publish.py``. A test tells when it is due.

The schema, the tables of fields, and the signatures of the sample.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from oneiric_conformance import report_schema
from oneiric_core.manifest import SIGNATURE_FIELDS, YAML, parse_document
from oneiric_core.manifest.schema import VERSION_1_FIELDS, manifest_schema
from oneiric_core.testing import key_pair
from oneiric_core.trust import sign_manifest

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"
SCHEMA: Final = DOCS / "reference" / "manifest.schema.json"
SAMPLE: Final = DOCS / "sample_remote_manifest_v2.yaml"
REPORT_SCHEMA: Final = DOCS / "reference" / "report.schema.json"
PAGE: Final = DOCS / "reference" / "manifest.md"

WRONG: Final[dict[str, dict[str, object]]] = {
    "RemoteManifest": {
        "source": "",
        "schema_version": 0,
        "sequence_number": -1,
        "signed_at": "yesterday",
        "expires_at": 1780000000,
        "entries": {},
        "signature": 5,
        "signature_algorithm": None,
        "signatures": "c2lnbmVk",
    },
    "RemoteManifestEntry": {
        "domain": "plugin",
        "key": "../cache",
        "provider": "",
        "factory": "acme/cache.py",
        "uri": ["a", "b"],
        "sha256": "abc",
        "stack_level": "3",
        "priority": 1.5,
        "version": 1.0,
        "metadata": [],
        "length": -1,
        "capabilities": [{"description": "no name"}],
        "owner": {"team": "storage"},
        "requires_secrets": "yes",
        "settings_model": 1,
        "side_effect_free": 1,
        "timeout_seconds": 0,
        "retry_policy": {"attempts": 0},
        "requires": ["redis >= "],
        "conflicts_with": "redis",
        "python_version": "3.11",
        "os_platform": "linux",
        "license": "BSD",
        "documentation_url": 5,
        "event_topics": "orders",
        "event_max_concurrency": 0,
        "event_filters": [{"path": "payload.a"}],
        "event_priority": "high",
        "event_fanout_policy": "all",
        "dag": {"nodes": [{"id": "a", "task": "t", "depends_on": ["b"]}]},
        "certificate": {"uri": "https://acme.example/c.json"},
    },
    "ManifestSignature": {"signature": None, "algorithm": 1, "key_id": 7},
    "CapabilityDescriptor": {
        "name": "",
        "description": 1,
        "event_types": "expired",
        "payload_schema": 5,
        "schema_format": [],
        "security": "internal",
        "metadata": None,
    },
    "SecurityProfile": {
        "classification": 3,
        "auth_required": None,
        "scopes": "read",
        "encryption": True,
        "signature_required": "no",
        "audience": {},
        "notes": [],
    },
    "RetryPolicy": {
        "attempts": 1.5,
        "base_delay": -1,
        "max_delay": "2s",
        "jitter": "some",
        "backoff_multiplier": 0.5,
    },
    "EventFilter": {"path": "", "any_of": "AT", "exists": "no"},
    "Dag": {"nodes": None},
    "DagNode": {"id": "", "task": None, "depends_on": "first", "retry_policy": 3},
    "CertificateReference": {"uri": "", "sha256": "abc"},
}
"""For each field a value that refuses the whole manifest; nothing is wrong where one is missing."""


def shapes() -> dict[str, dict[str, Any]]:
    """The schema of each shape by the name of its model."""
    schema = manifest_schema()
    return {"RemoteManifest": schema} | schema["$defs"]


def rendered() -> dict[Path, str]:
    """What each file should hold."""
    page = PAGE.read_text(encoding="utf-8")
    for shape in WRONG:
        table = "\n".join(_table(shape))
        page = re.sub(
            rf"(<!-- fields of {shape} -->\n).*?(<!-- end -->)",
            lambda found, table=table: f"{found[1]}\n{table}\n\n{found[2]}",
            page,
            flags=re.DOTALL,
        )
    return {
        SCHEMA: json.dumps(manifest_schema(), indent=2, ensure_ascii=False) + "\n",
        REPORT_SCHEMA: json.dumps(report_schema(), indent=2, ensure_ascii=False) + "\n",
        PAGE: page,
        SAMPLE: _signed(SAMPLE.read_text(encoding="utf-8")),
    }


def _table(shape: str) -> Iterator[str]:
    versions = shape.startswith("RemoteManifest")
    yield f"| field | type |{' since |' if versions else ''} meaning | refused, for example |"
    yield f"|---|---|---|---|{'---|' if versions else ''}"
    schema = shapes()[shape]
    for name, field in schema["properties"].items():
        if field.get("deprecated"):
            continue
        since = f" {1 if name in VERSION_1_FIELDS else 2} |" if versions else ""
        needed = "**" if name in schema.get("required", ()) else ""
        wrong = f"`{json.dumps(WRONG[shape][name])}`" if name in WRONG[shape] else "nothing is"
        meaning = field["description"].removesuffix(" Since version 2.")
        yield f"| {needed}`{name}`{needed} | {_type(field)} |{since} {meaning} | {wrong} |"


def _type(field: dict[str, Any]) -> str:
    if options := field.get("anyOf", field.get("oneOf")):
        return " or ".join(_type(option) for option in options if option.get("type") != "null")
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})" if name in WRONG else _type(shapes()[name])
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    names = {"string": "text", "object": "mapping", "boolean": "boolean", "integer": "integer", "number": "number"}
    bounds = {"minimum": "≥", "exclusiveMinimum": ">"}
    said = [f" {sign} {field[bound]:g}" for bound, sign in bounds.items() if bound in field]
    return names.get(field.get("type", ""), "anything") + "".join(said)


def _signed(text: str) -> str:
    document = parse_document(text.encode("utf-8"), YAML)
    unsigned = {name: value for name, value in document.items() if name not in SIGNATURE_FIELDS}
    signature = sign_manifest(unsigned, key_pair("sample").private)["signature"]
    return re.sub(r"^((?:  - )?signature: ).*$", rf'\g<1>"{signature}"', text, flags=re.MULTILINE)


if __name__ == "__main__":
    for path, content in rendered().items():
        path.write_text(content, encoding="utf-8")
        sys.stdout.write(f"{path}\n")
