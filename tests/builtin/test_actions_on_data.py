"""The actions that compute: the same payload gives the same result, and nothing is changed."""

import base64
import bz2
import copy
import gzip
import hashlib
import json
import lzma
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from oneiric_core.builtin.actions.compression_encode import CompressionEncode, CompressionEncodeSettings
from oneiric_core.builtin.actions.data_sanitize import DataSanitize, DataSanitizeSettings
from oneiric_core.builtin.actions.data_transform import DataTransform, DataTransformSettings
from oneiric_core.builtin.actions.hash_digest import HashDigest
from oneiric_core.builtin.actions.serialization import (
    SerializationDecode,
    SerializationDecodeSettings,
    SerializationEncode,
)
from oneiric_core.builtin.actions.validation_schema import ValidationSchema
from oneiric_core.builtin.workflows.pipeline import Pipeline
from oneiric_core.errors import ManifestError

Open = Callable[..., Awaitable[Any]]


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


async def test_text_bytes_and_data_have_their_digests(opened: Open) -> None:
    action = await opened(HashDigest)
    sha256 = hashlib.sha256
    assert (await action.execute({"text": "é"}))["digest"] == sha256("é".encode()).hexdigest()
    assert (await action.execute({"data": b64(b"\x00\xff")}))["digest"] == sha256(b"\x00\xff").hexdigest()
    shuffled = [{"b": 1, "a": [None, True]}, {"a": [None, True], "b": 1}]
    digests = {(await action.execute({"value": value}))["digest"] for value in shuffled}
    assert digests == {sha256(b'{"a":[null,true],"b":1}').hexdigest()}
    result = await action.execute({"text": "", "algorithm": "blake2b", "encoding": "base64"})
    assert result == {
        "algorithm": "blake2b",
        "encoding": "base64",
        "digest": b64(hashlib.blake2b().digest()),
        "bytes": 0,
    }


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"text": 1},
        {"text": "a", "data": "YQ=="},
        {"data": "YQ"},
        {"data": "YQ==\n"},
        {"data": "Y Q="},
        {"text": "a", "algorithm": "md5"},
        {"text": "a", "more": 1},
        7,
        None,
    ],
    ids=repr,
)
async def test_a_payload_of_another_form_is_refused(opened: Open, payload: Any) -> None:
    action = await opened(HashDigest)
    with pytest.raises(ValueError, match=r"\w+"):
        await action.execute(payload)


@pytest.mark.parametrize(
    ("algorithm", "expand"),
    [("zlib", zlib.decompress), ("gzip", gzip.decompress), ("bz2", bz2.decompress), ("lzma", lzma.decompress)],
)
async def test_what_is_compressed_can_be_taken_out_by_others_and_by_itself(
    opened: Open, algorithm: str, expand: Callable[[bytes], bytes]
) -> None:
    action, content = await opened(CompressionEncode), b"again and again " * 99
    made = await action.execute({"data": b64(content), "algorithm": algorithm})
    assert expand(base64.b64decode(made["data"])) == content
    assert made["bytes_out"] < made["bytes_in"] == len(content)
    again = await action.execute({"mode": "decompress", "algorithm": algorithm, "data": made["data"]})
    assert base64.b64decode(again["data"]) == content
    assert made == await action.execute({"data": b64(content), "algorithm": algorithm})


@pytest.mark.parametrize("algorithm", ["zlib", "gzip", "bz2", "lzma"])
async def test_what_was_cut_damaged_or_is_a_bomb_is_refused(opened: Open, algorithm: str) -> None:
    small = await opened(CompressionEncode, settings=CompressionEncodeSettings(max_bytes=1000))
    whole = await opened(CompressionEncode)
    made = base64.b64decode((await whole.execute({"text": "x" * 900, "algorithm": algorithm}))["data"])
    bomb = (await whole.execute({"text": "x" * 1_000_000, "algorithm": algorithm}))["data"]
    ask = {"mode": "decompress", "algorithm": algorithm}
    assert (await small.execute({**ask, "data": b64(made)}))["bytes_out"] == 900
    for data, told in (
        (b64(made[:-1]), "not all the bytes"),
        (b64(b"\xff" * 20), "nothing that"),
        (bomb, "more than the 1000 bytes"),
    ):
        with pytest.raises(ValueError, match=told):
            await small.execute({**ask, "data": data})
    with pytest.raises(ValueError, match="more than the 1000 bytes"):
        await small.execute({"text": "x" * 1001})


@given(st.recursive(st.none() | st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | st.text("aé\n\"'-: #"), st.lists))
def test_what_is_encoded_is_decoded_to_the_same(value: Any) -> None:
    import asyncio  # noqa: PLC0415 - the others run on the test's own loop

    async def around(form: str) -> Any:
        encode, decode = SerializationEncode(), SerializationDecode()
        await encode.init()
        await decode.init()
        text = (await encode.execute({"value": {"v": value}, "format": form}))["text"]
        return (await decode.execute({"text": text, "format": form}))["data"]

    assert asyncio.run(around("json")) == {"v": value}
    try:
        found = asyncio.run(around("yaml"))
    except ManifestError as error:
        assert "quote it" in str(error).lower() or "YAML" in str(error)  # noqa: PT017 - what readers disagree on
    else:
        assert found == {"v": value}


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("json", '{"a": NaN}'),
        ("json", '{"a": 1, "a": 2}'),
        ("json", "[" * 100_000),
        ("yaml", "a: !!python/object:os.system x"),
        ("yaml", "a: &x [*x]"),
        ("json", "a: 1"),
    ],
)
async def test_hostile_or_foreign_text_is_refused(opened: Open, form: str, text: str) -> None:
    decode = await opened(SerializationDecode, settings=SerializationDecodeSettings(format=form, max_bytes=200_000))
    with pytest.raises(ManifestError):
        await decode.execute({"text": text})


async def test_a_text_over_the_limit_is_refused_and_nan_is_not_written(opened: Open) -> None:
    decode = await opened(SerializationDecode, settings=SerializationDecodeSettings(max_bytes=10))
    with pytest.raises(ManifestError):
        await decode.execute({"text": '{"a": "0123456789"}'})
    with pytest.raises(ValueError, match="JSON"):
        await (await opened(SerializationEncode)).execute({"value": float("nan")})


async def test_a_record_is_picked_dropped_renamed_and_filled_in_this_order(opened: Open) -> None:
    settings = DataTransformSettings(exclude_fields=["c"], rename_fields={"a": "x"}, defaults={"d": 0, "x": 9})
    action = await opened(DataTransform, settings=settings)
    payload = {"data": {"a": 1, "b": 2, "c": 3}, "include_fields": ["a", "c"]}
    before = copy.deepcopy(payload)
    assert await action.execute(payload) == {"data": {"x": 1, "d": 0}, "renamed": ["a"], "filled": ["d"]}
    assert payload == before
    with pytest.raises(ValueError, match="two fields would be called 'x'"):
        await action.execute({"data": {"a": 1, "x": 2}})
    assert (await action.execute({"data": {}, "defaults": {}}))["data"] == {}


async def test_what_others_must_not_see_is_masked_or_left_out_at_any_depth(opened: Open) -> None:
    action = await opened(DataSanitize)
    payload = {"data": {"Password": 1, "ok": [{"token": "t", "drop": 2}], "drop": 3}, "drop_fields": ["DROP"]}
    before = copy.deepcopy(payload)
    assert await action.execute(payload) == {
        "data": {"Password": "***", "ok": [{"token": "***"}]},
        "removed": 2,
        "masked": 2,
    }
    assert payload == before
    exact = await opened(DataSanitize, settings=DataSanitizeSettings(case_sensitive=True, allow_fields=["Password"]))
    assert (await exact.execute({"data": {"Password": 1, "ok": 2}})) == {
        "data": {"Password": 1},
        "removed": 1,
        "masked": 0,
    }


async def test_a_record_that_breaks_the_rules_is_told_all_that_is_wrong(opened: Open) -> None:
    action = await opened(ValidationSchema)
    rules = [
        {"name": "n", "type": "int"},
        {"name": "f", "type": "float"},
        {"name": "b", "type": "bool"},
        {"name": "o", "type": "dict", "required": False},
        {"name": "z", "allow_null": True},
        {"name": "any", "type": "any"},
    ]
    good = {"n": 1, "f": 1, "b": True, "z": None, "any": [1]}
    assert await action.execute({"data": good, "fields": rules, "allow_extra": False}) == {
        "valid": True,
        "fields": 5,
        "errors": [],
    }
    bad = {"n": True, "f": "1", "b": None, "o": [], "any": 1, "extra": 1}
    told = (await action.execute({"data": bad, "fields": rules, "allow_extra": False}))["errors"]
    assert told == [
        "n is bool, not int",
        "f is str, not float",
        "b is null",
        "o is list, not dict",
        "z is missing",
        "extra is not expected",
    ]


async def test_a_pipeline_stops_at_the_first_record_that_is_not_valid(opened: Open) -> None:
    pipeline = await opened(Pipeline)
    steps = [
        {"use": "data.transform", "options": {"rename_fields": {"a": "b"}}},
        {"use": "validation.schema", "options": {"fields": [{"name": "b"}]}},
        {"use": "data.sanitize", "options": {"mask_fields": ["b"]}},
    ]
    done = await pipeline.execute({"data": {"a": "x"}, "steps": steps})
    assert done == {"data": {"b": "***"}, "completed": 3, "errors": []}
    stopped = await pipeline.execute({"data": {"a": 1}, "steps": steps})
    assert stopped == {"data": {"b": 1}, "completed": 1, "errors": ["b is int, not str"]}
    assert json.dumps(stopped)
    with pytest.raises(ValidationError):
        await pipeline.execute({"data": {}, "steps": [{"use": "data.transform", "options": {"typo": 1}}]})
    with pytest.raises(ValidationError):
        await pipeline.execute({"data": {}, "steps": [{"use": "http.fetch"}]})
