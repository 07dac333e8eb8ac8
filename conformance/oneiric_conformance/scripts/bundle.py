"""Functions and all that they stand on, gathered from the kit's own modules into one text that needs none of them."""

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["bundle"]

_OURS: Final = "oneiric_conformance."


class _Module(NamedTuple):
    """A module's source, its definitions and its imports, each by the name it gives."""

    text: str
    definitions: dict[str, ast.stmt]
    imports: dict[str, ast.stmt]


def bundle(*names: tuple[str, str]) -> str:
    """The imports, then the definitions, each after those it uses.

    :param names: each as the dotted name of a module of the kit, and a name that is defined there.
    :raises ValueError: two modules define one name in two ways, so that they cannot be put together.
    """
    gathering = _Gathering()
    for module, name in names:
        gathering.add(module, name)
    return "\n\n\n".join(["\n".join(sorted(gathering.imports)), *gathering.definitions.values()])


class _Gathering:
    def __init__(self) -> None:
        self.imports: set[str] = set()
        self.definitions: dict[str, str] = {}
        self._homes: dict[str, str] = {}

    def add(self, module: str, name: str) -> None:
        read = _read(module)
        if name in read.imports:
            self._follow(read.imports[name], name)
        elif name in read.definitions and self._homes.get(name) != module:
            if name in self._homes:
                raise ValueError(f"{name} is defined by {self._homes[name]} and by {module}. Rename one.")
            self._homes[name] = module
            node = read.definitions[name]
            for used in _used(node):
                self.add(module, used)
            self.definitions[name] = _text(read.text, node)

    def _follow(self, node: ast.stmt, name: str) -> None:
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(_OURS):
            self.add(str(node.module), name)
        elif isinstance(node, ast.ImportFrom):
            self.imports.add(f"from {node.module} import {name}")
        else:
            self.imports.add(f"import {name}")


@cache
def _read(module: str) -> _Module:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ValueError(f"there is no module {module}. Name one of the kit's.")
    text = Path(spec.origin).read_text(encoding="utf-8")
    read = _Module(text, {}, {})
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            read.imports.update((alias.asname or alias.name, node) for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            read.definitions[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            read.definitions.update((target.id, node) for target in targets if isinstance(target, ast.Name))
    return read


def _used(node: ast.stmt) -> list[str]:
    """The names in it, in the order of the source, those in annotations as well."""
    return list(dict.fromkeys(each.id for each in ast.walk(node) if isinstance(each, ast.Name)))


def _text(source: str, node: ast.stmt) -> str:
    """As it stands in the source, with its decorators, and without what is there for a linter."""
    decorators = getattr(node, "decorator_list", [])
    lines = source.splitlines()[min([node.lineno, *(each.lineno for each in decorators)]) - 1 : node.end_lineno]
    return "\n".join(line.partition("  # noqa")[0] for line in lines)
