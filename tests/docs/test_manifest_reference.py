"""What the documentation says about manifests: the schema, the tables of fields, and both samples."""

import copy
import json
import runpy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from oneiric_core import Resolver
from oneiric_core.domains import DOMAINS, Domain
from oneiric_core.errors import ManifestError, SignatureError, UntrustedKeyError
from oneiric_core.manifest import YAML, RemoteManifest, parse_document
from oneiric_core.manifest.schema import VERSION_1_FIELDS, manifest_schema
from oneiric_core.remote.sync import sync_remote_manifest
from oneiric_core.testing import key_pair
from oneiric_core.trust import PublicKey, TrustPolicy, UnsafeAcceptUnsigned, verify_manifest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PUBLISH = runpy.run_path(str(ROOT / "tests" / "docs" / "publish.py"))
V1 = (ROOT / "docs" / "sample_remote_manifest.yaml").read_bytes()
V2 = (ROOT / "docs" / "sample_remote_manifest_v2.yaml").read_bytes()
NOW = datetime(2026, 6, 1, tzinfo=UTC)
SCHEMA = Draft202012Validator(manifest_schema())
SAMPLE_KEY = PublicKey(key_pair("sample").public, "sample")
BELIEVING = TrustPolicy([SAMPLE_KEY], unsafe_allow_published_keys=True)
ACTIONS = {
    "http.fetch", "compression.encode", "hash.digest", "serialization.encode", "serialization.decode",
    "data.transform", "data.sanitize", "validation.schema", "event.dispatch", "task.schedule", "workflow.notify",
    "debug.console",
}  # fmt: skip


def accepted(document: dict[str, Any]) -> bool:
    try:
        RemoteManifest.from_document(document)
    except ManifestError:
        return False
    return True


@pytest.mark.parametrize("path", PUBLISH["rendered"](), ids=lambda path: path.name)
def test_what_is_made_from_the_code_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == PUBLISH["rendered"]()[path], "run: python tests/docs/publish.py"


def test_the_schema_is_one_of_2020_12_and_says_what_everything_means() -> None:
    schema = manifest_schema()
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"]
    fields = [field for shape in PUBLISH["shapes"]().values() for field in shape.get("properties", {}).values()]
    assert len(fields) > 70
    assert all(field["description"] for field in fields)
    assert not any("\n" in shape["description"] for shape in PUBLISH["shapes"]().values())


@pytest.mark.parametrize("data", [V1, V2], ids=["v1", "v2"])
def test_the_samples_fit_the_schema_and_the_models(data: bytes) -> None:
    document = parse_document(data, YAML)
    assert not [error.message for error in SCHEMA.iter_errors(document)]
    assert accepted(document)
    assert data.startswith(b"# yaml-language-server: $schema=reference/manifest.schema.json\n")


def test_the_first_sample_has_five_domains_and_twelve_actions_in_the_words_of_version_1() -> None:
    document = parse_document(V1, YAML)
    entries = document["entries"]
    assert {*document, *(field for entry in entries for field in entry)} <= VERSION_1_FIELDS
    assert {entry["key"] for entry in entries if entry["domain"] == Domain.ACTION} == ACTIONS
    assert sorted(entry["domain"] for entry in entries if entry["domain"] != Domain.ACTION) == sorted(
        {*DOMAINS} - {Domain.ACTION}
    )


def test_the_second_sample_has_every_field_there_is() -> None:
    manifest = RemoteManifest.from_document(parse_document(V2, YAML))
    written: dict[str, set[str]] = {}

    def visit(shape: Any) -> None:
        if isinstance(shape, list):
            for item in shape:
                visit(item)
        elif hasattr(shape, "model_fields_set"):
            written.setdefault(type(shape).__name__, set()).update(shape.model_fields_set)
            for name in shape.model_fields_set:
                visit(getattr(shape, name))

    visit(manifest)
    models = {name: shape for name, shape in PUBLISH["shapes"]().items() if "properties" in shape}
    assert written == {
        name: {field for field, said in shape["properties"].items() if not said.get("deprecated")}
        for name, shape in models.items()
    }


def test_the_second_sample_is_signed_by_a_key_that_no_policy_takes_for_real() -> None:
    verified = verify_manifest(V2, YAML, BELIEVING, now=NOW)
    assert verified.signers == (SAMPLE_KEY.fingerprint,)
    with pytest.raises(UntrustedKeyError, match="the test key 'sample' is published"):
        TrustPolicy([SAMPLE_KEY])
    with pytest.raises(SignatureError):
        verify_manifest(V2.replace(b"sequence_number: 41", b"sequence_number: 42"), YAML, BELIEVING, now=NOW)


@pytest.mark.parametrize(
    ("data", "policy", "count"), [(V1, UnsafeAcceptUnsigned(), 17), (V2, BELIEVING, 7)], ids=["v1", "v2"]
)
async def test_the_samples_can_be_applied(data: bytes, policy: Any, count: int) -> None:
    report = await sync_remote_manifest(Resolver(), (data, YAML), trust=policy)
    assert (report.registered, dict(report.skipped)) == (count, {})


def wrong_values() -> Iterator[Any]:
    for shape, fields in PUBLISH["WRONG"].items():
        for name, value in fields.items():
            yield pytest.param(shape, name, value, id=f"{shape}.{name}")


PLACES: dict[str, tuple[str | int, ...]] = {
    "RemoteManifest": (),
    "RemoteManifestEntry": ("entries", 0),
    "ManifestSignature": ("signatures", 0),
    "CapabilityDescriptor": ("entries", 0, "capabilities", 1),
    "SecurityProfile": ("entries", 0, "capabilities", 1, "security"),
    "RetryPolicy": ("entries", 0, "retry_policy"),
    "EventFilter": ("entries", 4, "event_filters", 0),
    "Dag": ("entries", 5, "dag"),
    "DagNode": ("entries", 5, "dag", "nodes", 1),
    "CertificateReference": ("entries", 0, "certificate"),
}
"""Where each shape stands in the second sample."""

BEYOND_A_SCHEMA = {
    ("RemoteManifestEntry", "requires"),
    ("RemoteManifestEntry", "license"),
    ("RemoteManifestEntry", "dag"),
}
"""What only the reader can tell: the grammars of others, and what is said in two places."""


@pytest.mark.parametrize(("shape", "name", "value"), [*wrong_values()])
def test_what_the_tables_call_refused_is_refused_by_the_models_and_the_schema(
    shape: str, name: str, value: object
) -> None:
    document = parse_document(V2, YAML)
    place = document
    for step in PLACES[shape]:
        place = place[step]  # type: ignore[index] - the table above knows the way
    if name == "exists":
        place.pop("any_of")
    place[name] = value
    with pytest.raises(ManifestError) as caught:
        RemoteManifest.from_document(document)
    assert name in str(caught.value.evidence["field"])
    assert SCHEMA.is_valid(document) == ((shape, name) in BEYOND_A_SCHEMA)


def test_the_table_of_wrong_values_leaves_no_field_out() -> None:
    anything = {"EventFilter": {"equals"}, "DagNode": {"payload"}}
    for shape, fields in PUBLISH["WRONG"].items():
        properties = PUBLISH["shapes"]()[shape]["properties"]
        names = {name for name, field in properties.items() if not field.get("deprecated")}
        assert names == {*fields} | anything.get(shape, set())


HOSTILE: dict[str, dict[str, Any]] = {
    "a path in a key": {"key": "../../etc/passwd"},
    "a key with a line break": {"key": "cache\n"},
    "a provider of dots": {"provider": "..."},
    "a factory with a call": {"factory": "os:system('true')"},
    "a factory with a line break": {"factory": "acme.cache:Cache\n"},
    "a digest with a line break": {"sha256": "ab" * 32 + "\n"},
    "a digest that is too long": {"sha256": "ab" * 33},
    "two conditions": {"event_filters": [{"path": "a", "exists": True, "equals": 1}]},
    "a former name": {"retry_policy": {"max_attempts": "many"}},
    "a node without a task": {"dag": {"nodes": [{"id": "a"}]}},
    "a requirement too long to read": {"requires": ["a" * 1001]},
    "an unnamed domain": {"domain": None},
}


@pytest.mark.parametrize("changes", HOSTILE.values(), ids=HOSTILE)
def test_hostile_entries_fit_neither(changes: dict[str, Any]) -> None:
    document = {"entries": [parse_document(V1, YAML)["entries"][0] | changes]}
    assert not accepted(document)
    assert not SCHEMA.is_valid(document)


words = st.sampled_from(
    ["", "a", "a.b", "a.b:c", "1.0", ">=3.11", "MIT", "2026-01-31", "no", "ab" * 32, "a\n", "é", ".."]
)
moments = st.datetimes(timezones=st.none() | st.timezones().filter(lambda zone: zone.key == "UTC"))
anything = st.recursive(
    words
    | st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.floats(-2, 3)
    | moments.map(lambda moment: moment.isoformat(sep="T")),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=4,
)


def places_in(value: Any, path: tuple[str | int, ...] = ()) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in items:
        yield (*path, step)
        yield from places_in(inner, (*path, step))


PATHS = sorted(places_in(parse_document(V2, YAML)), key=str)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
@given(st.lists(st.tuples(st.sampled_from(PATHS), anything), min_size=1, max_size=2))
def test_the_schema_never_refuses_what_the_models_accept(changes: list[tuple[tuple[str | int, ...], Any]]) -> None:
    document = copy.deepcopy(parse_document(V2, YAML))
    for path, value in changes:
        place: Any = document
        try:
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = value
        except (KeyError, TypeError, IndexError):  # the former change took the place away
            continue
    if accepted(document):
        assert not [error.message for error in SCHEMA.iter_errors(document)]


@given(st.datetimes(), st.sampled_from(["auto", "minutes", "microseconds"]), st.sampled_from("T _"), st.booleans())
def test_the_schema_takes_every_way_to_write_a_moment(moment: datetime, spec: str, sep: str, basic: bool) -> None:
    text = moment.isoformat(sep=sep, timespec=spec)
    text = text.replace("-", "").replace(":", "") if basic else text
    year, week, day = moment.isocalendar()
    for written in (text, f"{year:04}-W{week:02}-{day}", f"{year:04}W{week:02}{day}"):
        document = {"expires_at": written}
        assert SCHEMA.is_valid(document) or not accepted(document)


def test_the_schema_is_json_that_any_reader_reads() -> None:
    text = (ROOT / "docs" / "reference" / "manifest.schema.json").read_text(encoding="utf-8")
    assert json.loads(text) == manifest_schema()
    assert verify_manifest(V2, YAML, BELIEVING, now=NOW + timedelta(days=365)).document["sequence_number"] == 41
