"""Bytes in JSON: as a text, which stands for its UTF-8, or in base64."""

import base64
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from oneiric_core.builtin.base import Payload

__all__ = ["Base64", "DataContent", "TextContent", "bytes_of"]

# What ends it is written out: a dollar sign would let some readers accept a line break after it, too.
_PATTERN = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?(?![\s\S])"


def _is_base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError(f"it is no base64: {error}") from error
    return text


Base64 = Annotated[
    str,
    AfterValidator(_is_base64),
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "pattern": _PATTERN}),
]
"""RFC 4648, section 4, with padding; on one line."""


class TextContent(Payload):
    """A text, which is taken as its UTF-8."""

    text: str = Field(examples=["a text", "another one"])


class DataContent(Payload):
    """Bytes, in base64."""

    data: Base64


def bytes_of(content: TextContent | DataContent) -> bytes:
    """The bytes it stands for.

    :raises ValueError: ``text`` has lone surrogates.
    """
    return content.text.encode("utf-8") if isinstance(content, TextContent) else base64.b64decode(content.data)
