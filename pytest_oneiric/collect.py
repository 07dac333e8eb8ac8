"""How the conformance suite becomes pytest's own tree: a file, below it a module per component, below that its checks.

The tree hangs from a file of the author's repository, so that ids are short, can be pasted back, and survive hooks
that ask for a path relative to the root. Everything half-private of pytest that this needs is in this module.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from _pytest._code.code import ExceptionInfo, TerminalRepr

    from oneiric_conformance.judging.session import Planned
    from oneiric_conformance.registry import Check

__all__ = ["AnchorFile", "CheckItem", "NotPassed", "add_to_arguments", "shortened"]

MARK: Final = "oneiric_conformance"
_SHOWN: Final = 4000
"""Characters of what a component printed or logged in one check: it is called hundreds of times there."""


class NotPassed(Exception):  # noqa: N818 - it carries a verdict, not an error of ours
    """Ends an item whose check did not pass; its text is all that the author is shown."""


def shortened(text: str) -> str:
    """The beginning and the end of what was captured."""
    left_out = len(text) - _SHOWN
    if left_out <= 0:
        return text
    half = _SHOWN // 2
    return f"{text[:half]}\n... {left_out} characters left out ...\n{text[-half:]}"


def add_to_arguments(config: pytest.Config, anchor: Path) -> None:
    """Make pytest collect the anchor, unless an argument names it or a directory above it already."""
    base = config.invocation_params.dir
    named = [(base / str(argument).partition("::")[0]).resolve() for argument in config.args]
    if not any(path == anchor or path in anchor.parents for path in named):
        config.args.append(str(anchor))


class CheckItem(pytest.Function):
    """One check of one subject."""

    def repr_failure(self, excinfo: "ExceptionInfo[BaseException]", style: Any = None) -> "str | TerminalRepr":
        del style  # pytest.Item declares it and pytest.Function does not take it
        if isinstance(excinfo.value, NotPassed):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name


class SubjectModule(pytest.Module):
    """One component, or the package as a whole. A ``Module``, because hosts may have module-scoped fixtures."""

    planned: "tuple[tuple[Planned, Check], ...]"
    judge: "Callable[[Planned, pytest.Item], None]"

    def _getobj(self) -> ModuleType:
        return ModuleType(self.name.replace("/", "_"))

    def collect(self) -> Iterator[CheckItem]:
        for planned, check in self.planned:
            yield self._item(planned, check)

    def _item(self, planned: "Planned", check: "Check") -> CheckItem:
        def body() -> None:
            self.judge(planned, item)

        item: CheckItem = CheckItem.from_parent(self, name=check.id, callobj=body)
        item.extra_keyword_matches.update(_keywords(planned, check))
        item.user_properties.extend(_properties(planned, check).items())
        item.add_marker(getattr(pytest.mark, MARK))
        return item


def _keywords(planned: "Planned", check: "Check") -> set[str]:
    """What ``-k`` may name, besides the id: the check's function, its area and level, the subject and its domain."""
    return {check.name, check.area, check.level, check.judges, planned.subject, planned.subject.partition("/")[0]}


def _properties(planned: "Planned", check: "Check") -> Mapping[str, Any]:
    """What JUnit shows of an item; set while collecting, so that it is there on every worker."""
    return {"rule": check.id, "component": planned.subject, "level": check.level}


class AnchorFile(pytest.File):
    """The file the suite hangs from."""

    plan: "Mapping[str, tuple[tuple[Planned, Check], ...]]"
    judge: "Callable[[Planned, pytest.Item], None]"

    def collect(self) -> Iterator[SubjectModule]:
        for subject, planned in self.plan.items():
            node: SubjectModule = SubjectModule.from_parent(
                self, path=self.path, name=subject, nodeid=f"{self.nodeid}::{subject}"
            )
            node.planned, node.judge = planned, self.judge
            yield node
