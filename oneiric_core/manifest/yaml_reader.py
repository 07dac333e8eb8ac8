"""Strict YAML: the document model of JSON in another syntax.

Built from PyYAML's event stream with a stack of our own. Its C loader crashes the process at 100,000 levels of nesting
and its Python loader runs out of stack at 500; the events come one by one, and we stop at the first that is refused.
"""

from typing import Any, Final, Protocol

import yaml

from oneiric_core.errors import ManifestError
from oneiric_core.manifest.limits import Limits
from oneiric_core.manifest.plain_scalars import Scalar, meaning_of
from oneiric_core.manifest.text import cut, refuse, shown

__all__ = ["read_yaml"]

FAST: Final[type[Any]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The event source: the C one where PyYAML was built with it."""

_BREAKS: Final = ("\n", "\r", "\x85", "\u2028", "\u2029")
"""What begins a new line for the C parser, which compares each ``%TAG`` with all before it ere it gives an event."""

_NO_KEY: Final = object()


class _Mark(Protocol):
    """Where an event began; the C parser's class and the Python one's have no common base."""

    line: int
    column: int


def read_yaml(text: str, limits: Limits, *, parser: type[Any] = FAST) -> Any:
    """The value ``text`` stands for.

    :param parser: the PyYAML loader that gives the events.
    :raises ManifestError: not YAML; or YAML with tags, anchors, aliases, merge keys, directives, several documents,
        duplicate or non-string keys, scalars that have to be quoted; or beyond ``limits``.
    """
    if (offset := text.find("\ufeff")) >= 0:
        raise refuse(
            "a byte order mark stands in the document, which some readers skip",
            text,
            offset,
            fix='Write it as "\\uFEFF"',
        )
    _refuse_directives(text)
    builder = _Builder(limits)
    try:
        for event in yaml.parse(text, Loader=parser):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise _refused(
            f"the document is not YAML: {cut(str(error.problem), 200)}", error.problem_mark, "Correct it there"
        ) from error
    except yaml.YAMLError as error:
        reason = cut(str(error).splitlines()[0], 200)
        raise _refused(f"the document is not YAML: {reason}", None, "Write plain text") from error
    return builder.result


class _Builder:
    """Takes events one by one; the stack holds the open containers, and for mappings the key whose value is next."""

    def __init__(self, limits: Limits) -> None:
        self.result: Any = None
        self._limits = limits
        self._stack: list[list[Any] | dict[str, Any]] = []
        self._keys: list[Any] = []
        self._nodes = 0
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._refuse_decorated(event)
            self._put(self._scalar(event), event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._refuse_decorated(event)
            self._open({} if isinstance(event, yaml.MappingStartEvent) else [], event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._stack.pop()
            self._keys.pop()
        elif isinstance(event, yaml.AliasEvent):
            raise _refused(
                f"the alias *{cut(str(event.anchor))} is refused", event.start_mark, "Write out what it stands for"
            )
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise _refused("a second document begins", event.start_mark, "Keep one document in a file")

    def _refuse_decorated(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        self._nodes += 1
        if self._nodes > self._limits.max_nodes:
            raise _refused(
                f"the document has more values than the {self._limits.max_nodes} allowed",
                event.start_mark,
                "Split it, or raise Limits.max_nodes where it is read",
            )
        if event.anchor is not None:
            raise _refused(f"the anchor &{cut(event.anchor)} is refused", event.start_mark, "Remove it")
        if event.tag is not None:
            raise _refused(f"the tag {cut(event.tag)} is refused", event.start_mark, "Remove it")

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        text: str = event.value
        if event.implicit[0]:
            try:
                return meaning_of(text)
            except ValueError as error:
                raise _refused(f"the value {shown(text)} {error}", event.start_mark, "Quote it") from error
        if not text.isascii():
            _refuse_lone_surrogates(text, event)
        return text

    def _open(self, container: list[Any] | dict[str, Any], event: yaml.Event) -> None:
        self._put(container, event)
        self._stack.append(container)
        self._keys.append(_NO_KEY)
        if len(self._stack) > self._limits.max_depth:
            raise _refused(
                f"the document nests deeper than {self._limits.max_depth} levels", event.start_mark, "Flatten it"
            )

    def _put(self, value: Any, event: yaml.Event) -> None:
        if not self._stack:
            self.result = value
            return
        container = self._stack[-1]
        if isinstance(container, list):
            container.append(value)
        elif self._keys[-1] is _NO_KEY:
            if not isinstance(value, str):
                raise _refused(f"the key {shown(value)} is not text", event.start_mark, "Quote it")
            if value in container:
                raise _refused(
                    f"the key {shown(value)} stands twice in one mapping", event.start_mark, "Remove one of the two"
                )
            self._keys[-1] = value
        else:
            container[self._keys[-1]] = value
            self._keys[-1] = _NO_KEY


def _refuse_directives(text: str) -> None:
    ends = [] if text.startswith("%") else [text.find(f"{end}%") for end in _BREAKS]
    found = [offset + 1 for offset in ends if offset >= 0]
    if text.startswith("%") or found:
        what = "a line begins with %, as a directive does"
        raise refuse(
            what, text, min(found, default=0), fix="Remove it; within text, write it in quotes and on one line"
        )


def _refuse_lone_surrogates(text: str, event: yaml.ScalarEvent) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _refused(
            "the text has half of a surrogate pair", event.start_mark, "Write the whole character"
        ) from error


def _refused(what: str, mark: _Mark | None, fix: str) -> ManifestError:
    if mark is None:
        return ManifestError(what, fix=fix)
    line, column = mark.line + 1, mark.column + 1
    return ManifestError(f"{what}, line {line} column {column}", fix=fix, line=line, column=column)
