"""What is written reads back as the same, and of a document that people wrote only what has to change is changed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneiric_core.errors import ManifestError
from oneiric_core.manifest import JSON, YAML, parse_document
from oneiric_core.publish import render_document
from oneiric_core.publish.yaml_edit import edit_yaml

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "no",
        "1:30",
        "017",
        "0o17",
        "1_000",
        "2026-01-01",
        "~",
        "",
        "=",
        "<<",
        "- x",
        "a: b",
        "#",
        "1e3",
        ".5",
        "\x85",
        "\ufeff",
    ]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=10,
)
documents = st.dictionaries(text, values, max_size=4)


@settings(deadline=None)
@given(documents, st.sampled_from([JSON, YAML]))
def test_whatever_json_can_say_reads_back_as_the_same(document: dict[str, Any], media_type: str) -> None:
    assert parse_document(render_document(document, media_type), media_type) == document


@pytest.mark.parametrize("media_type", [JSON, YAML])
@pytest.mark.parametrize("wrong", [{1: 2}, {"a": (1, 2)}, {"a": float("nan")}, {"a": 2**60}, {"a": "\ud800"}])
def test_what_does_not_read_back_is_not_written(wrong: dict[str, Any], media_type: str) -> None:
    with pytest.raises(ManifestError):
        render_document(wrong, media_type)


WRITTEN = """\
# Whose it is
source: acme   # and no one else's
sequence_number: 1

signatures:
  - signature: "aa"   # first
    algorithm: ed25519
# What there is
entries:
  # The best of them
  - domain: adapter
    key: 'cache'
"""
ENTRIES = [{"domain": "adapter", "key": "cache"}]


def test_comments_blank_lines_and_quotes_stay() -> None:
    wanted = {"source": "acme", "sequence_number": 2, "signed_at": "now", "signature": "bb", "entries": ENTRIES}
    assert (
        edit_yaml(WRITTEN, wanted)
        == """\
# Whose it is
source: acme   # and no one else's
sequence_number: 2

signed_at: now
signature: bb
# What there is
entries:
  # The best of them
  - domain: adapter
    key: 'cache'
"""
    )


@pytest.mark.parametrize(
    "laid_out",
    [
        "entries: [{domain: adapter, key: cache}]\nsource: acme",
        "entries:\n- domain: adapter\n  key: cache\n",
        "\n\n# above\nentries:\n- {domain: adapter, key: cache}  # beside\n# below\n",
        '"source": "acme"\r\n"entries":\r\n- domain: adapter\r\n  key: |-\r\n    cache\r\n',
        "source: >\n  folded\n  text\n\nentries:\n- domain: adapter\n  key: cache",
        "---\nsource: acme\nentries:\n- domain: adapter\n  key: cache\n...\n",
        'source: acme\nentries:\n  - domain: adapter\n    key: cache\nexpires_at: "x"',
    ],
)
def test_wherever_fields_stand_they_are_changed(laid_out: str) -> None:
    wanted = {"source": "other", "signature": "cc", "signatures": [{"a": "b"}], "entries": ENTRIES}
    edited = edit_yaml(laid_out, wanted)
    assert edited is not None
    assert parse_document(edited.encode(), YAML) == wanted
    assert "# above" not in laid_out or ("# above" in edited and "# beside" in edited and "# below" in edited)


@pytest.mark.parametrize(
    "other", ["{source: acme, entries: []}", "  source: acme\n  entries: []\n", "? source\n: acme\n"]
)
def test_a_layout_that_cannot_be_edited_is_left_to_others(other: str) -> None:
    assert edit_yaml(other, {"source": "other", "entries": []}) is None


@settings(deadline=None)
@given(documents, documents)
def test_what_is_edited_means_what_was_asked_for(before: dict[str, Any], after: dict[str, Any]) -> None:
    written = render_document(before, YAML).decode()
    if before and (edited := edit_yaml(written, after)) is not None:
        assert parse_document(edited.encode(), YAML) == after
