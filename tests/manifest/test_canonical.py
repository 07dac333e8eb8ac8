"""The text that is signed: all of the document but its signatures, in one way of writing it."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneiric_core.manifest import get_canonical_manifest_for_signing

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
documents = st.dictionaries(st.text(), values, max_size=5)
SIGNATURES = {"signature": "x", "signature_algorithm": "ed25519", "signatures": [{"signature": "y"}]}


def test_it_is_sorted_dense_and_ascii() -> None:
    document = {"z": 1.50, "é": "\U0001f600", "a": {"b": [1e16, None, True]}} | SIGNATURES
    assert get_canonical_manifest_for_signing(document) == (
        '{"a":{"b":[1e+16,null,true]},"z":1.5,"\\u00e9":"\\ud83d\\ude00"}'
    )


@given(documents)
def test_it_says_all_of_the_document_and_nothing_of_the_signatures(document: dict[str, Any]) -> None:
    text = get_canonical_manifest_for_signing(document | SIGNATURES)
    assert json.loads(text) == {name: value for name, value in document.items() if name not in SIGNATURES}
    assert text.isascii()


@given(documents, st.randoms())
def test_it_does_not_depend_on_the_order_of_fields(document: dict[str, Any], random: Any) -> None:
    names = list(document)
    random.shuffle(names)
    shuffled = {name: document[name] for name in names}
    assert get_canonical_manifest_for_signing(shuffled) == get_canonical_manifest_for_signing(document)


def test_signature_fields_deeper_in_the_document_are_signed() -> None:
    assert "inner" in get_canonical_manifest_for_signing({"entries": [{"signature": "inner"}]})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_json_cannot_say_is_not_signed(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        get_canonical_manifest_for_signing({"a": value})
