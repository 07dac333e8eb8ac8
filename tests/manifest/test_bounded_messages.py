"""Whatever a stranger writes, an error about it can be printed: what it quotes is cut."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from oneiric_core.errors import OneiricError
from oneiric_core.manifest import JSON, YAML, Limits, RemoteManifest, media_type_of, parse_document
from oneiric_core.manifest.applicability import Environment, why_not_here
from oneiric_core.manifest.text import cut
from oneiric_core.manifest.yaml_reader import read_yaml
from oneiric_core.testing import certificate_statement, key_pair
from oneiric_core.trust import PublicKey, Signature, TrustPolicy
from oneiric_core.trust.certificate import Certificate

MOST = 1000
LONG = "x" * 1_000_000
KEY = PublicKey(key_pair("bounded messages").public)
V1: dict[str, Any] = {"domain": "adapter", "key": "k", "provider": "p", "factory": "a:b"}


def of_yaml(text: str) -> Callable[[], object]:
    return lambda: parse_document(text.encode("utf-8"), YAML)


def of_json(text: str) -> Callable[[], object]:
    return lambda: parse_document(text.encode("utf-8"), JSON)


def of_entry(**fields: object) -> Callable[[], object]:
    return lambda: RemoteManifest.from_document({"entries": [V1 | fields]})


def graph(*nodes: tuple[str, str]) -> Callable[[], object]:
    return of_entry(dag={"nodes": [{"id": name, "task": "t", "depends_on": [needs]} for name, needs in nodes]})


def certificate(subjects: Mapping[str, str]) -> Certificate:
    listed = [{"name": name, "digest": {"sha256": digest}} for name, digest in subjects.items()]
    return Certificate.from_statement(certificate_statement("a" * 64) | {"subject": listed})


CASES: Mapping[str, Callable[[], object]] = {
    "anchor": of_yaml(f"a: &{LONG} 1"),
    "alias": of_yaml(f"a: *{LONG}"),
    "tag": of_yaml(f"a: !{LONG} 1"),
    "verbatim tag": of_yaml(f"a: !<{LONG}> 1"),
    "tag of a handle that is not there": of_yaml(f"a: !{LONG}!b 1"),
    "tag of a handle, read by PyYAML's own parser": lambda: read_yaml(
        f"a: !{LONG}!b 1", Limits(), parser=yaml.SafeLoader
    ),
    "directive": of_yaml(f"%{LONG} 1\n---\na: 1"),
    "key that stands twice in YAML": of_yaml(f"{{? {LONG} : 1, ? {LONG} : 2}}"),
    "key that is no text": of_yaml(f"? [{LONG}]\n: 1"),
    "plain scalar": of_yaml(f"a: {'1' * 1_000_000}"),
    "key that stands twice in JSON": of_json(f'{{"{LONG}": 1, "{LONG}": 2}}'),
    "number": of_json(f'{{"a": {"1" * 1_000_000}}}'),
    "name of a file": lambda: media_type_of(LONG),
    "media type": lambda: parse_document(b"{}", LONG),
    "graph that is a circle": graph(*((str(number), str((number + 1) % 10_000)) for number in range(10_000))),
    "node with a long name": graph((LONG, LONG)),
    "nodes without an end": graph((LONG, "no such" + LONG)),
    "two entries of one name": lambda: RemoteManifest.from_document({"entries": [V1 | {"key": LONG}] * 2}),
    "requirement": of_entry(requires=["x; " + "a" * 990]),
    "requirement that is too long": of_entry(requires=[LONG]),
    "license": of_entry(license="y" * 1000),
    "factory": of_entry(factory=LONG),
    "source": lambda: RemoteManifest.from_document({"source": LONG}),
    "moment": lambda: RemoteManifest.from_document({"signed_at": LONG}),
    "algorithm": lambda: TrustPolicy([KEY], unsafe_allow_published_keys=True).check_signatures(
        b"", [Signature("", algorithm=LONG)]
    ),
    "subjects of a certificate": lambda: certificate(dict.fromkeys(map(str, range(10_000)), "b")).check_subject("c"),
    "digest of a subject": lambda: certificate({"a": LONG}).check_subject(LONG + "y"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_an_error_quotes_is_cut(case: str) -> None:
    with pytest.raises(OneiricError) as refused:
        CASES[case]()
    assert len(str(refused.value)) <= MOST


def test_a_reason_to_skip_an_entry_is_cut_as_well() -> None:
    entry = RemoteManifest.from_document({"entries": [V1 | {"os_platform": [LONG, LONG]}]}).entries[0]
    reason = why_not_here(entry, Environment("3.11.4", "linux", {}.get))
    assert reason.startswith("it runs on xxx")
    assert len(reason) <= MOST


@pytest.mark.parametrize("form", ["a: &{} 1", "a: *{}", "a: !{} 1"])
def test_what_is_short_is_quoted_as_it_is(form: str) -> None:
    with pytest.raises(OneiricError, match="short-name is refused"):
        of_yaml(form.format("short-name"))()


def test_a_short_circle_is_told_in_full() -> None:
    with pytest.raises(OneiricError, match="in a circle: a -> b -> a"):
        graph(("a", "b"), ("b", "a"))()


@given(st.text(), st.integers(5, 100))
def test_a_text_that_was_cut_has_its_beginning_and_its_end(text: str, most: int) -> None:
    short = cut(text, most)
    assert len(short) <= most
    if len(text) <= most:
        assert short == text
    else:
        beginning, _, end = short.partition("...") if "..." not in text else (text[:1], "", text[-1:])
        assert text.startswith(beginning)
        assert text.endswith(end)
