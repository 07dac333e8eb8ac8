"""JSON documents: what two readers could understand differently is refused, with its place."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneiric_core.errors import ManifestError
from oneiric_core.manifest import JSON, Limits, parse_document

SAFE = 2**53 - 1

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-SAFE, SAFE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=20,
)


def parse(text: str, limits: Limits | None = None) -> dict[str, Any]:
    return parse_document(text.encode("utf-8"), JSON, limits or Limits())


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), json_values), st.booleans())
def test_whatever_json_can_say_is_read_as_it_was_written(document: dict[str, Any], escape: bool) -> None:
    assert parse(json.dumps(document, ensure_ascii=escape, indent=1)) == document


@pytest.mark.parametrize(
    ("text", "what", "line", "column"),
    [
        ('{"a": 1,\n "b": 2,\n "a": 3}', "'a' stands twice", 3, 2),
        ('{"a": 1, "\\u0061": 3}', "'a' stands twice", 1, 10),
        ('{"x": {"a": [{"a": 1}, {"k": 0, "k"\n:1}]}}', "'k' stands twice", 1, 33),
        ('{"a": "k", "k": 1, "z": {"k" : "k"}, "k": 1}', "'k' stands twice", 1, 38),
        ('{"k": 1, "a": {"b": 2}, "k": 3}', "'k' stands twice", 1, 25),
        ('{"k": 1, "a": [2], "k": 3}', "'k' stands twice", 1, 20),
        ('{"\\u0062": 1, "a": 1, "a": 2}', "'a' stands twice", 1, 23),
        ('{"a": NaN}', "NaN is not JSON", 1, 7),
        ('\n{"a": NaN}', "NaN is not JSON", 2, 7),
        ("\n?", "not JSON", 2, 1),
        ('{"NaN": "NaN",\n"a": [NaN]}', "NaN is not JSON", 2, 7),
        ('{"a": -Infinity}', "-Infinity is not JSON", 1, 7),
        ('{"a": Infinityx', "Infinity is not JSON", 1, 7),
        ('{"a": 9007199254740991, "b": 9007199254740992}', "beyond ±(2^53-1)", 1, 30),
        ('{"a": 9007199254740992.5, "b": 9007199254740992}', "beyond ±(2^53-1)", 1, 32),
        ('{"a": -9007199254740992}', "beyond ±(2^53-1)", 1, 7),
        ('{"a": ' + "9" * 10_000 + "}", "beyond ±(2^53-1)", 1, 7),
        ('{"a": 1e400}', "beyond what a float holds", 1, 7),
        ('{"a": "\\ud800"}', "half of a surrogate pair", 1, 8),
        ('{"a": "\\uD800"}', "half of a surrogate pair", 1, 8),
        ('{"a": "\\uDC00\\ud800"}', "half of a surrogate pair", 1, 8),
        ('{"a": "\\\\ud83d \\ud83d\\ude00 \\ud83dx"}', "half of a surrogate pair", 1, 29),
        ('{"a" 1}', "not JSON", 1, 6),
        ('{"a": 1} {}', "not JSON", 1, 10),
        ('{"a": "line\nbreak"}', "not JSON", 1, 12),
        ('{"a": "nul\0"}', "not JSON", 1, 11),
        ('{"a": 01}', "not JSON", 1, 8),
        ("", "not JSON", 1, 1),
        ('{"a": "open', "not JSON", 1, 7),
        ('{"a": "open\\', "not JSON", 1, 7),
        ("[1]", "list, not a mapping", 1, 1),
        ('"text"', "str, not a mapping", 1, 1),
        ("null", "NoneType, not a mapping", 1, 1),
    ],
)
def test_what_readers_disagree_on_is_refused_with_its_place(text: str, what: str, line: int, column: int) -> None:
    with pytest.raises(ManifestError) as refused:
        parse(text)
    assert what in str(refused.value)
    assert (refused.value.evidence["line"], refused.value.evidence["column"]) == (line, column)


def test_the_greatest_safe_integers_are_read() -> None:
    assert parse(f'{{"a": {SAFE}, "b": -{SAFE}}}') == {"a": SAFE, "b": -SAFE}


def test_whole_surrogate_pairs_and_escaped_backslashes_are_read() -> None:
    assert parse('{"a": "\\ud83d\\ude00", "b": "\\\\ud800"}') == {"a": "\U0001f600", "b": "\\ud800"}


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [
        (b'\xef\xbb\xbf{"a": 1}', 1, 1),
        ('{"a": 1}'.encode("utf-16"), 1, 1),
        (b'{"a":\n "\xff"}', 2, 3),
        (b'{"a": "\xed\xa0\x80"}', 1, 8),
    ],
)
def test_only_utf8_without_a_byte_order_mark_is_read(data: bytes, line: int, column: int) -> None:
    with pytest.raises(ManifestError) as refused:
        parse_document(data, JSON)
    assert (refused.value.evidence["line"], refused.value.evidence["column"]) == (line, column)


def test_nesting_is_read_up_to_its_limit_and_not_beyond() -> None:
    def nested(depth: int) -> str:
        return '{"a":' + "[" * (depth - 1) + "]" * (depth - 1) + "}"

    assert parse(nested(64))
    with pytest.raises(ManifestError, match="deeper than 64 levels, line 1 column 69"):
        parse(nested(65))
    assert parse(nested(65), Limits(max_depth=65))


@pytest.mark.parametrize(
    "text", ["[" * 1_000_000, '{"a":' * 1_000_000, '["]' * 300_000, "[}" * 500_000, "]" * 1_000_000]
)
def test_however_deep_it_nests_it_is_refused_without_recursion(text: str) -> None:
    with pytest.raises(ManifestError):
        parse(text, Limits(max_nodes=10_000_000))


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ('{"a": [[], [[]]]}', 13),
        ('{"a": [{}, {"b": []}]}', 18),
        ('{"a": {"b": [], "c": {"d": {}}}}', 28),
        ('{"a": [], "b": {}, "c": [[[]]]}', 27),
    ],
)
def test_what_was_closed_no_longer_counts_where_it_nests_too_deep(text: str, column: int) -> None:
    with pytest.raises(ManifestError, match=f"deeper than 3 levels, line 1 column {column}"):
        parse(text, Limits(max_depth=3))


@pytest.mark.parametrize("text", ['"\\""', '"\\\\"', '"["', '"]"', '"\\"]"', '""', '"{}"'])
def test_text_around_them_does_not_hide_how_deep_brackets_nest(text: str) -> None:
    with pytest.raises(ManifestError, match="deeper than 64 levels"):
        parse(f'{{"a": [{text}, {"[" * 63}{"]" * 63}, {text}]}}')
    assert parse(f'{{"a": [{text}, {"[" * 62}{"]" * 62}, {text}]}}')


def test_brackets_inside_text_do_not_count_as_nesting() -> None:
    text = "[{" * 200 + '\\"'
    assert parse(json.dumps({"a": text})) == {"a": text}


def test_bytes_and_values_are_bounded() -> None:
    with pytest.raises(ManifestError, match="has 8 bytes, more than the 7 allowed"):
        parse_document(b'{"a": 1}', JSON, Limits(max_bytes=7))
    with pytest.raises(ManifestError, match="more than the 5 allowed"):
        parse('{"a": [1, 2, 3]}', Limits(max_nodes=5))
    assert parse('{"a": [1, 2, ",:[{"]}', Limits(max_nodes=6))
