"""Changing a few fields of a YAML document that people wrote, and nothing else of it.

Only the fields at the top are touched, and only where they stand in block style at the margin. Everything between
them, comments and blank lines and the entries, stays as it was written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from oneiric_core.errors import ManifestError
from oneiric_core.manifest import YAML, Limits, parse_document
from oneiric_core.manifest.yaml_reader import FAST
from oneiric_core.publish.render import to_yaml

__all__ = ["edit_yaml"]

_ENTRIES: Final = "entries"
_BLOCK_TEXT: Final = ("|", ">")


@dataclass(frozen=True, slots=True)
class _Field:
    """A field at the top: where its name begins, and where the last of its value ends; offsets in characters."""

    name: str
    start: int
    end: int


def edit_yaml(text: str, document: Mapping[str, Any]) -> str | None:
    """``text`` with its fields made those of ``document``; None where it is not laid out so that this can be done.

    :param text: a YAML manifest that can be read.
    :param document: what it has to say afterwards; its ``entries`` are those it has.
    """
    fields = _fields_of(text)
    if fields is None:
        return None
    before = parse_document(text.encode("utf-8"), YAML, _limits(text))
    pieces: list[str] = []
    place, added = 0, [name for name in document if name not in before]
    last = max((field for field in fields if field.name != _ENTRIES), key=lambda field: field.end, default=None)
    if last is None:
        pieces += [text[: fields[0].start], *(to_yaml({name: document[name]}) for name in added)]
        place = fields[0].start
    for field in fields:
        line_end = _end_of_line(text, field.end)
        if field.name not in document:
            pieces.append(text[place : field.start])
            place = line_end
        elif document[field.name] != before[field.name]:
            pieces += [text[place : field.start], to_yaml({field.name: document[field.name]}).rstrip("\n")]
            place = field.end
        if field is last:
            pieces.append(text[place:line_end])
            place = line_end
            pieces += ["" if text[:line_end].endswith("\n") else "\n"]
            pieces += [to_yaml({name: document[name]}) for name in added]
    edited = "".join(pieces) + text[place:]
    return edited if _means(edited, document) else None


def _fields_of(text: str) -> list[_Field] | None:
    """The fields at the top in their order; None unless all of them stand at the margin."""
    top: Any = yaml.compose(text, Loader=FAST)
    if top.flow_style or any(name.start_mark.column for name, _ in top.value):
        return None
    return [_Field(name.value, name.start_mark.index, _end_of(value, text)) for name, value in top.value]


def _end_of(node: Any, text: str) -> int:
    """Where what is written of a value ends. A block only ends where the next thing begins, so ask its last part."""
    while isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end = int(node.end_mark.index)
    block_text = isinstance(node, yaml.ScalarNode) and node.style in _BLOCK_TEXT
    return len(text[:end].rstrip()) if block_text else end


def _end_of_line(text: str, offset: int) -> int:
    """Where the next line begins."""
    newline = text.find("\n", offset)
    return len(text) if newline < 0 else newline + 1


def _means(text: str, document: Mapping[str, Any]) -> bool:
    try:
        return parse_document(text.encode("utf-8"), YAML, _limits(text)) == document
    except ManifestError:
        return False


def _limits(text: str) -> Limits:
    size = len(text.encode("utf-8"))
    return Limits(max_bytes=size, max_nodes=size)
